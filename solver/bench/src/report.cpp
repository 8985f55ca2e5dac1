#include "report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

namespace bench {
namespace {

constexpr std::array<Task, 5> kTasks = {Task::kFirst, Task::kBest, Task::kList, Task::kVisit,
                                        Task::kCount};

const char* Title(Task task) {
  switch (task) {
    case Task::kFirst:
      return "First solution, or the proof that there is none";
    case Task::kBest:
      return "Best solution by the model's objective, proved";
    case Task::kList:
      return "All solutions, kept in memory";
    case Task::kVisit:
      return "All solutions, each handed over once";
    default:
      return "Number of solutions";
  }
}

Task TaskFromName(const std::string& name) {
  for (const Task task : kTasks) {
    if (name == TaskName(task)) return task;
  }
  return Task::kList;
}

}  // namespace

const Outcome* CaseReport::Find(const std::string& solver, Task task) const {
  for (const Measurement& m : measurements) {
    if (m.solver == solver && m.task == task) return &m.outcome;
  }
  return nullptr;
}

std::string ToJson(const Report& report) {
  using Json = nlohmann::ordered_json;
  Json head = {{"date", report.date},
               {"cpu", report.cpu},
               {"commit", report.commit},
               {"compiler", report.compiler},
               {"limit_seconds", report.limit_s},
               {"load", report.load}};
  for (const auto& [name, version] : report.solvers) head["solvers"][name] = version;
  // One measurement a line: a result is read, and compared with another one, line by line.
  std::string text = head.dump(1);
  text.erase(text.find_last_of('}') - 1);
  text += ",\n \"cases\": [";
  for (std::size_t i = 0; i < report.cases.size(); ++i) {
    const CaseReport& c = report.cases[i];
    Json item = {{"name", c.name},
                 {"group", c.group},
                 {"cartesian", c.cartesian},
                 {"variables", c.variables},
                 {"constraints", c.constraints}};
    if (c.expected) item["expected"] = *c.expected;
    std::string line = item.dump();
    line.pop_back();
    text += fmt::format("{}\n  {}, \"measurements\": [", i == 0 ? "" : ",", line);
    for (std::size_t k = 0; k < c.measurements.size(); ++k) {
      const Measurement& m = c.measurements[k];
      Json one = {{"solver", m.solver}, {"task", TaskName(m.task)}};
      one.update(Json(ToJson(m.outcome)));
      text += fmt::format("{}\n   {}", k == 0 ? "" : ",", one.dump());
    }
    text += "]}";
  }
  return text + "\n ]\n}\n";
}

Report ReportFromJson(const std::string& text) {
  // Ordered: the solvers' order is that of the columns.
  const auto json = nlohmann::ordered_json::parse(text);
  Report report;
  report.date = json.value("date", "");
  report.cpu = json.value("cpu", "");
  report.commit = json.value("commit", "");
  report.compiler = json.value("compiler", "");
  report.limit_s = json.value("limit_seconds", 0.0);
  report.load = json.value("load", 0.0);
  const auto solvers = json.value("solvers", nlohmann::ordered_json::object());
  for (const auto& [name, version] : solvers.items()) {
    report.solvers.emplace_back(name, version.get<std::string>());
  }
  for (const auto& item : json.value("cases", nlohmann::ordered_json::array())) {
    CaseReport c;
    c.name = item.value("name", "");
    c.group = item.value("group", "");
    c.cartesian = item.value("cartesian", 0.0);
    c.variables = item.value("variables", 0);
    c.constraints = item.value("constraints", 0);
    if (item.contains("expected")) c.expected = item["expected"].get<std::uint64_t>();
    for (const auto& m : item.value("measurements", nlohmann::ordered_json::array())) {
      c.measurements.push_back({m.value("solver", ""), TaskFromName(m.value("task", "")),
                                OutcomeFromJson(nlohmann::json(m))});
    }
    report.cases.push_back(std::move(c));
  }
  return report;
}

namespace {

Outcome Better(const Outcome& a, const Outcome& b) {
  if (a.status != b.status || a.status != Status::kOk) {
    if (a.status == Status::kOk) return a;
    if (b.status == Status::kOk) return b;
    return a.cpu_seconds > b.cpu_seconds ? a : b;
  }
  Outcome best = a.cpu_seconds < b.cpu_seconds ? a : b;
  best.seconds = std::min(a.seconds, b.seconds);
  best.cold = std::min(a.cold, b.cold);
  best.cold_cpu = std::min(a.cold_cpu, b.cold_cpu);
  return best;
}

}  // namespace

void KeepBest(const Report& later, Report* report) {
  report->limit_s = std::max(report->limit_s, later.limit_s);
  for (const CaseReport& from : later.cases) {
    for (CaseReport& c : report->cases) {
      if (c.name != from.name) continue;
      // A shipped model may have changed between the runs.
      if (c.variables != from.variables || c.constraints != from.constraints ||
          c.cartesian != from.cartesian) {
        continue;
      }
      for (const Measurement& m : from.measurements) {
        for (Measurement& old : c.measurements) {
          if (old.solver == m.solver && old.task == m.task) {
            old.outcome = Better(old.outcome, m.outcome);
          }
        }
      }
    }
  }
}

Report WithProcessorTime(Report report) {
  report.clock = "processor time";
  for (CaseReport& c : report.cases) {
    for (Measurement& m : c.measurements) {
      m.outcome.seconds = m.outcome.cpu_seconds;
      m.outcome.cold = m.outcome.cold_cpu;
    }
  }
  return report;
}

std::string Duration(double seconds) {
  if (seconds >= 1) return fmt::format("{:.3g} s", seconds);
  if (seconds >= 1e-3) return fmt::format("{:.3g} ms", seconds * 1e3);
  return fmt::format("{:.3g} us", seconds * 1e6);
}

std::string Cell(const Outcome& outcome) {
  switch (outcome.status) {
    case Status::kOk:
      return Duration(outcome.seconds);
    case Status::kTimeout:
      return outcome.seconds > 0 ? "> " + Duration(outcome.seconds) : "timeout";
    case Status::kUnsupported:
      return "cannot";
    case Status::kMissing:
      return "missing";
    default:
      return "error";
  }
}

std::string Table(const Report& report) {
  std::string text;
  for (const Task task : kTasks) {
    std::vector<std::string> solvers;
    for (const auto& [name, version] : report.solvers) {
      const bool any = std::ranges::any_of(
          report.cases, [&](const CaseReport& c) { return c.Find(name, task) != nullptr; });
      if (any) solvers.push_back(name);
    }
    if (solvers.empty()) continue;
    text += fmt::format("\n{} ({})\n{:<26}{:>13}", Title(task), report.clock, "case", "solutions");
    for (const std::string& solver : solvers) text += fmt::format("{:>20}", solver);
    text += '\n';
    for (const CaseReport& c : report.cases) {
      std::string cells;
      std::string solutions = "-";
      bool any = false;
      for (const std::string& solver : solvers) {
        const Outcome* outcome = c.Find(solver, task);
        cells += fmt::format("{:>20}", outcome == nullptr ? "-" : Cell(*outcome));
        any = any || outcome != nullptr;
        if (outcome != nullptr && outcome->status == Status::kOk && solutions == "-") {
          solutions = std::to_string(outcome->count);
        }
      }
      if (any) text += fmt::format("{:<26}{:>13}{}\n", c.name, solutions, cells);
    }
  }
  return text;
}

}  // namespace bench
