// SPDX-License-Identifier: Apache-2.0
// The last guard between a constraint model and the kernels.
#pragma once

#include "plan/kernel_config.hpp"
#include "plan/problem.hpp"

namespace flashrnn {

// Throws Error (invalid argument) for values that the CPU's kernels cannot be run with.
void check_cpu_config(const Problem& problem, const KernelConfig& config);

}  // namespace flashrnn
