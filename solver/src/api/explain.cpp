// Deletion filter: a constraint without which the rest still clashes is not part of the reason.
// Halves are tried first, since most of a model has nothing to do with a clash. What is left of a
// model may be much harder than the whole, so each test has a budget; a constraint whose test ran
// out of it stays, and the set is then not called minimal.
#include "api/explain.hpp"

#include <algorithm>

#include "api/prepare.hpp"

namespace constrint::detail {
namespace {

constexpr std::uint64_t kNodesPerTest = 3000;

enum class Answer : std::uint8_t { clashes, solvable, unknown };

class Filter {
 public:
  Filter(const ModelData& model, Control* control, Statistics* statistics)
      : model_(model),
        control_(*control),
        statistics_(*statistics),
        active_(model.constraints.size(), 1) {}

  Answer test() {
    Prepared p(model_, &active_, false);
    Options budget = control_.options();
    budget.order = Order::fastest;
    if (!whole_ && (budget.max_nodes == 0 || budget.max_nodes > kNodesPerTest)) {
      budget.max_nodes = kNodesPerTest;
    }
    whole_ = false;
    Control control(budget, control_.deadline());
    const One one = solve_one(model_, &p, &control, false);
    statistics_.propagations += p.engine.propagations;
    control_.nodes += control.nodes;
    control_.failures += control.failures;
    if (one.status == Status::limit) return Answer::unknown;
    return one.found ? Answer::solvable : Answer::clashes;
  }

  // Drops as much as it can of [first, last) while the rest clashes.
  void reduce(std::size_t first, std::size_t last) {
    if (first == last) return;
    std::fill(active_.begin() + static_cast<long>(first), active_.begin() + static_cast<long>(last),
              char{0});
    const Answer without = test();
    if (without == Answer::clashes) return;
    std::fill(active_.begin() + static_cast<long>(first), active_.begin() + static_cast<long>(last),
              char{1});
    if (last - first == 1) {
      minimal_ = minimal_ && without == Answer::solvable;
      return;
    }
    const std::size_t middle = first + (last - first) / 2;
    reduce(first, middle);
    reduce(middle, last);
  }
  bool minimal() const { return minimal_; }

  const std::vector<char>& active() const { return active_; }

 private:
  const ModelData& model_;
  Control& control_;
  Statistics& statistics_;
  std::vector<char> active_;
  bool whole_ = true;  // the first test is of the whole model, without the budget
  bool minimal_ = true;
};

}  // namespace

Explanation explain(const ModelData& model, const Options& options) {
  Explanation result;
  Control control(options);
  Filter filter(model, &control, &result.statistics);
  const Answer whole = filter.test();
  if (whole == Answer::clashes) {
    filter.reduce(0, model.constraints.size());
    result.status = filter.minimal() ? Status::infeasible : Status::limit;
    for (std::size_t c = 0; c < model.constraints.size(); ++c) {
      if (filter.active()[c]) result.clash.push_back(model.constraints[c].source);
    }
  } else {
    result.status = whole == Answer::solvable ? Status::solved : Status::limit;
  }
  result.statistics.nodes = control.nodes;
  result.statistics.failures = control.failures;
  result.statistics.solve_microseconds = control.microseconds();
  result.statistics.variables = static_cast<int>(model.variables.size());
  result.statistics.constraints = static_cast<int>(model.constraints.size());
  return result;
}

}  // namespace constrint::detail
