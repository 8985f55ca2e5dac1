// SPDX-License-Identifier: Apache-2.0
// The least that a fused kernel of a family could take: exchange as measured apart, the product at
// the tensor cores' rate, the pointwise part at that of the special functions; or the tensors' way
// through memory where that is more. Tiles that an SM has at once hide each other's exchange, or,
// in turn, do not.
#pragma once

#include "backend/backend.hpp"
#include "cuda/facts.hpp"
#include "plan/kernel_config.hpp"
#include "plan/problem.hpp"

namespace flashrnn::cuda {

// Nothing for the general kernel.
Floors floors_of(const DeviceFacts& facts, const Problem& problem, const KernelConfig& config);

}  // namespace flashrnn::cuda
