// SPDX-License-Identifier: Apache-2.0
// Measures every legal configuration of a problem, to see whether the plan's cost model picks well.
#pragma once

#include <functional>
#include <vector>

#include "runner.hpp"

namespace flashrnn::bench {

// Of a configuration, what a call runs: names of the other direction say nothing of it.
std::string what_runs(const std::string& config, Call call);

struct TunedConfig {
  Row row;
  double predicted_us = 0;
  int predicted_rank = 0;  // 1 is the model's choice
};

struct TunedProblem {
  std::string id;
  std::vector<TunedConfig> configs;  // the fastest first
};

// The fastest first. Of configurations that differ only in the direction that the call does not
// run, the best predicted one stands for all. most limits how many are measured: the best
// predicted, and an even choice of the rest.
TunedProblem tune(const Device& device, const Case& one, const RunOptions& options, size_t most,
                  const std::function<void(size_t, size_t)>& progress);

}  // namespace flashrnn::bench
