// What one measurement gave.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "sink.hpp"

namespace bench {

enum class Status { kOk, kTimeout, kUnsupported, kMissing, kError };

const char* StatusName(Status status);
Status StatusFromName(const std::string& name);

struct Outcome {
  Status status = Status::kOk;
  std::string note;    // why not kOk, in a few words
  double seconds = 0;  // wall clock, the fastest of the runs
  double median = 0;
  double cpu_seconds = 0;  // processor time, the least of the runs
  double cold = 0;         // wall clock of the first run, in a process that did nothing before
  double cold_cpu = 0;     // its processor time
  int runs = 0;
  std::uint64_t count = 0;        // solutions found, also up to a timeout
  std::uint64_t fingerprint = 0;  // zero when the solver does not give rows to this process
  std::optional<std::int64_t> objective;
};

nlohmann::json ToJson(const Outcome& outcome);
Outcome OutcomeFromJson(const nlohmann::json& json);

// One run's answer; times are taken around it.
struct Answer {
  bool complete = true;  // false: stopped by its own time limit
  std::uint64_t count = 0;
  std::uint64_t fingerprint = 0;
  std::optional<std::int64_t> objective;
};

// Runs `solve` until about half a second or 15 runs are spent, at least once.
Outcome Measure(const std::function<Answer()>& solve);

// Runs `task` in a child process, which is killed some seconds after `start_s` and `limit_s`:
// solvers may fail to look at their clocks for minutes inside one propagation, or eat memory.
Outcome RunIsolated(const std::function<Outcome()>& task, double limit_s, double start_s);

}  // namespace bench
