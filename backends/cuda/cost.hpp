// SPDX-License-Identifier: Apache-2.0
// How long a configuration would take; ranking, not measurement.
#pragma once

#include "cuda/facts.hpp"
#include "plan/kernel_config.hpp"
#include "plan/problem.hpp"

namespace flashrnn::cuda {

// Microseconds of forward and backward, or of forward alone in inference.
double predict_microseconds(const DeviceFacts& facts, const Problem& problem,
                            const KernelConfig& config);

}  // namespace flashrnn::cuda
