// SPDX-License-Identifier: Apache-2.0
// One line of the results: who did what how fast. Tables, JSON and plots are made of these.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "peak.hpp"
#include "timing.hpp"
#include "work.hpp"

namespace flashrnn::bench {

struct Row {
  std::string id;   // of the case, unique within a run; a peer's rows carry its case's
  std::string who;  // "flashrnn", or the peer's name
  Problem problem;
  Call call = Call::kForward;
  int threads = 1;
  std::string problem_text;  // what was really run
  std::string backend, kernel, config;
  std::string failure;  // why there are no figures; "" where there are
  std::string note;     // what a reader must know to compare fairly
  Timing timing;
  double flops = 0;  // of one call, as this implementation has to do them
  double bytes = 0;
  double predicted_us = 0;
  double floor_us = 0;  // 0: not known
  // If exchange, product and element-wise work of all sequences did not overlap; 0: not known.
  double floor_in_turn_us = 0;
  double peak_gflops = 0;  // of the FMA unit of the accumulation's type, on as many threads
  double unit_gflops = 0;  // of the fastest unit for the operands' dtype
  std::string unit;
  std::optional<double> error;  // the largest relative error against the oracle

  bool ok() const { return failure.empty(); }
  // By the clock and the statistic that the run was told to trust.
  double ms() const {
    const double wall = use_best ? timing.ms_best : timing.ms;
    return use_cpu_clock ? std::min(use_best ? timing.cpu_ms_best : timing.cpu_ms, wall) : wall;
  }
  bool use_cpu_clock = false;
  bool use_best = false;
  double gflops() const { return ms() > 0 ? 1e-6 * flops / ms() : 0; }
  // At the floor; 0: not known.
  double floor_gflops() const { return floor_us > 0 ? 1e-3 * flops / floor_us : 0; }
  double gbs() const { return ms() > 0 ? 1e-6 * bytes / ms() : 0; }
  double percent() const { return peak_gflops > 0 ? 100 * gflops() / peak_gflops : 0; }
  // Other processes took part of the core: the wall clock is not to be trusted.
  bool disturbed() const {
    // Another backend's rows are timed by its own events, and use no core while they run.
    if (!backend.empty() && backend != "cpu") return false;
    // Several threads may wait for each other asleep, so that a little less CPU time proves
    // nothing.
    return timing.cpu_ms < (threads == 1 ? 0.95 : 0.85 * threads) * timing.ms;
  }
  bool is_trustworthy() const { return use_cpu_clock || !disturbed(); }
};

// Something that the project promises, and the rows that show it.
struct Claim {
  enum class Kind { kPercentOfPeak, kSpeedRatio };
  std::string text;
  Kind kind = Kind::kPercentOfPeak;
  std::string id, who = "flashrnn";
  std::string base_id, base_who;  // of a ratio
  double target = 0;
  std::string condition;  // why the claim does not hold here; "" where it does
};

// How far a claim is from what can be had at all.
struct Standing {
  double gflops = 0;         // as measured
  double needed_gflops = 0;  // to meet the claim
  double floor_gflops = 0;   // at the floor, which nothing passes

  bool is_beyond() const { return needed_gflops > floor_gflops; }
};

struct Verdict {
  Claim claim;
  std::optional<double> measured;
  std::optional<Standing> standing;  // where the row's floor is known
  std::string reason;                // why it was not measured, or why the figure decides nothing
  bool met() const { return measured && reason.empty() && *measured >= claim.target; }
};

std::vector<Verdict> judge(const std::vector<Claim>& claims, const std::vector<Row>& rows);

const Row* find_row(const std::vector<Row>& rows, const std::string& id, const std::string& who);

struct PeerStatus {
  std::string name, version;
  std::string missing;  // why it did not run; "" where it did
};

struct Report {
  std::string date, library_version, git_commit, compiler, cpu_model, backend_name;
  std::string driver;  // of the device; "" where it has none, or none that is known
  int cores = 0;
  std::string clock, statistic;
  std::vector<Peaks> peaks;
  std::vector<PeerStatus> peers;
  std::vector<Row> rows;
  std::vector<Verdict> verdicts;
};

}  // namespace flashrnn::bench
