// SPDX-License-Identifier: Apache-2.0
// Measures every legal configuration of a problem, to see whether the plan's cost model picks well.
#pragma once

#include <functional>
#include <vector>

#include "runner.hpp"

namespace flashrnn::bench {

struct TunedConfig {
  Row row;
  double predicted_us = 0;
  int predicted_rank = 0;  // 1 is the model's choice
};

// The fastest first. most limits how many are measured: the best predicted, and an even choice of
// the rest.
std::vector<TunedConfig> tune(const Device& device, const Case& one, const RunOptions& options,
                              size_t most, const std::function<void(size_t, size_t)>& progress);

}  // namespace flashrnn::bench
