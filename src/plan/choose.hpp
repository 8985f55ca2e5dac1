// SPDX-License-Identifier: Apache-2.0
// From a problem and a device to one configuration: the device's constraint model says what is
// legal, its cost model what is best.
#pragma once

#include <string>
#include <vector>

#include "backend/backend.hpp"
#include "plan/kernel_config.hpp"
#include "plan/problem.hpp"

namespace flashrnn {

struct Choice {
  KernelConfig config;
  double predicted_microseconds = 0;
  int64_t legal = 0;  // how many configurations the model admits
  std::string model;  // the model's text as it was solved
  std::string model_source;
  NamedValues parameters;
  NamedValues statistics;  // of the solver
};

// Throws Error (infeasible) with the clashing constraints where nothing is legal, and Error
// (invalid argument) where the forced part of the configuration names something that the model does
// not have.
Choice choose(const Device& device, const Problem& problem);

struct RankedConfig {
  KernelConfig config;
  double predicted_microseconds;
};

// Every legal configuration, the best predicted first (ties in the order of the values).
std::vector<RankedConfig> legal_configs(const Device& device, const Problem& problem);

}  // namespace flashrnn
