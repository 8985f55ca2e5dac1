// What ConstrINT is meant to reach, held against what was measured.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "report.hpp"

namespace bench {
namespace {

constexpr const char* kSelf = "constrint";

class Targets {
 public:
  explicit Targets(const Report& report) : report_(report) {}

  std::string Run() {
    for (const CaseReport& c : report_.cases) {
      if (c.group == "space") {
        AtMost(c, Task::kFirst, 1e-3);
        NoSlower(c, 2, "hand loops");
        Faster(c, 10, "python-constraint2");
        Faster(c, 10, "gecode");
        CountingFaster(c, 3);
      } else if (c.group == "wide") {
        AtMost(c, Task::kFirst, 1e-3);
        Faster(c, 100, "gecode");
        Faster(c, 100, "z3");
      } else if (c.group == "tiling") {
        AtMost(c, Task::kFirst, 1e-3);
        AtMost(c, Task::kBest, 1e-3);
      } else if (c.group == "plan") {
        AtMost(c, Task::kVisit, 1e-3);
      } else if (c.group == "infeasible") {
        AtMost(c, Task::kFirst, 10e-3);
      }
    }
    return text_ + fmt::format("{} of {} targets met\n", met_, met_ + missed_);
  }

 private:
  struct Time {
    double seconds;
    double cold;
    bool stopped;  // the true time is longer
  };

  std::optional<Time> Find(const CaseReport& c, const char* solver, Task task) const {
    const Outcome* outcome = c.Find(solver, task);
    if (outcome == nullptr) return std::nullopt;
    if (outcome->status == Status::kOk) return Time{outcome->seconds, outcome->cold, false};
    if (outcome->status == Status::kTimeout) {
      return Time{outcome->seconds, outcome->seconds, true};
    }
    return std::nullopt;
  }

  void Tell(const CaseReport& c, const std::string& target, const std::string& found, bool met) {
    text_ += fmt::format("{}  {:<24}{:<48}{}\n", met ? "met   " : "MISSED", c.name, target, found);
    ++(met ? met_ : missed_);
  }

  void AtMost(const CaseReport& c, Task task, double seconds) {
    const auto mine = Find(c, kSelf, task);
    if (!mine) return;
    Tell(c, fmt::format("{} within {}, cold", TaskName(task), Duration(seconds)),
         mine->stopped ? "stopped" : Duration(mine->cold), !mine->stopped && mine->cold <= seconds);
  }

  void NoSlower(const CaseReport& c, double factor, const char* other) {
    const auto mine = Find(c, kSelf, Task::kList);
    const auto theirs = Find(c, other, Task::kList);
    if (!mine || !theirs) return;
    const double ratio = mine->seconds / theirs->seconds;
    Tell(c, fmt::format("list within {:g} times {}", factor, other),
         fmt::format("{:.2f} times", ratio), !mine->stopped && ratio <= factor);
  }

  void Faster(const CaseReport& c, double factor, const char* other) {
    const auto mine = Find(c, kSelf, Task::kList);
    const auto theirs = Find(c, other, Task::kList);
    if (!mine || !theirs) return;
    const double ratio = theirs->seconds / mine->seconds;
    Tell(c, fmt::format("list {:g} times faster than {}", factor, other),
         fmt::format("{}{:.3g} times", theirs->stopped ? "more than " : "", ratio),
         !mine->stopped && ratio >= factor);
  }

  void CountingFaster(const CaseReport& c, double factor) {
    const auto count = Find(c, kSelf, Task::kCount);
    const auto list = Find(c, kSelf, Task::kList);
    if (!count || !list) return;
    const double ratio = list->seconds / count->seconds;
    Tell(c, fmt::format("count {:g} times faster than list", factor),
         fmt::format("{:.3g} times", ratio), !count->stopped && ratio >= factor);
  }

  const Report& report_;
  std::string text_;
  int met_ = 0;
  int missed_ = 0;
};

}  // namespace

std::string HoldAgainstTargets(const Report& report) { return Targets(report).Run(); }

}  // namespace bench
