// SPDX-License-Identifier: Apache-2.0
// How long a configuration would take; ranking, not measurement.
#pragma once

#include "cuda/facts.hpp"
#include "gpu/fused_config.hpp"
#include "plan/kernel_config.hpp"
#include "plan/problem.hpp"

namespace flashrnn::cuda {

// Microseconds of forward and backward, or of forward alone in inference.
double predict_microseconds(const DeviceFacts& facts, const Problem& problem,
                            const KernelConfig& config);

// Of a fused kernel, without the gradients of R.
double predict_fused_microseconds(const DeviceFacts& facts, const Problem& problem,
                                  const gpu::FusedConfig& config);

// Bytes that the tensors of one direction take through memory, and the memory's rate in bytes a
// nanosecond.
double tensor_bytes(const Problem& problem, bool is_backward);
double memory_rate(const DeviceFacts& facts);

// Of h of a tile of the tensor cores, in 16 bits.
double kilobytes_of_tile(const gpu::FusedConfig& config);

}  // namespace flashrnn::cuda
