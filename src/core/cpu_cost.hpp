// SPDX-License-Identifier: Apache-2.0
// What a configuration of the CPU backend is expected to take. It ranks; it does not promise.
#pragma once

#include "plan/kernel_config.hpp"
#include "plan/problem.hpp"

namespace flashrnn {

// Microseconds of forward, and backward where the mode has one.
double predict_cpu_microseconds(const Problem& problem, const KernelConfig& config);

}  // namespace flashrnn
