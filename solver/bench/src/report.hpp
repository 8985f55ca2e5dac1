// What a run found, and the three ways in which it is told: a table, JSON, a plot.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "outcome.hpp"
#include "peer.hpp"

namespace bench {

struct Measurement {
  std::string solver;
  Task task = Task::kList;
  Outcome outcome;
};

struct CaseReport {
  std::string name;
  std::string group;
  double cartesian = 0;  // size of the space without its rules
  int variables = 0;
  int constraints = 0;
  std::optional<std::uint64_t> expected;  // published or otherwise known number of solutions
  std::vector<Measurement> measurements;

  const Outcome* Find(const std::string& solver, Task task) const;
};

struct Report {
  std::string date;
  std::string cpu;
  std::string commit;
  std::string compiler;
  double limit_s = 0;
  double load = 0;  // processes that wanted to run when the bench began, its own not counted
  std::string clock = "wall-clock time";
  std::vector<std::pair<std::string, std::string>> solvers;  // name and version, in order
  std::vector<CaseReport> cases;
};

std::string ToJson(const Report& report);
Report ReportFromJson(const std::string& text);

// Of everything that both have measured, the report keeps the best: the fastest run, warm and cold,
// or the longest wait for what did not end.
void KeepBest(const Report& later, Report* report);

// The same report with processor times in place of wall-clock times: what to compare where other
// work ran on the machine. Every solver here runs on one thread.
Report WithProcessorTime(Report report);

// One table a task, cases down and solvers across.
std::string Table(const Report& report);

// ConstrINT's targets, one a line with what was found and whether it was met.
std::string HoldAgainstTargets(const Report& report);

// "1.23 ms"; of an outcome also "> 20 s", "not installed" and the like.
std::string Duration(double seconds);
std::string Cell(const Outcome& outcome);

// Time against space size, one panel for the tuning spaces and one for the wide domains.
std::string Plot(const Report& report);

}  // namespace bench
