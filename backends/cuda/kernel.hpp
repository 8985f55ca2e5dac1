// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "backend/backend.hpp"
#include "cuda/facts.hpp"

namespace flashrnn::cuda {

// The device must be the current one.
std::shared_ptr<const Kernel> make_kernel(const DeviceFacts& facts, const Problem& problem,
                                          const KernelConfig& config);

}  // namespace flashrnn::cuda
