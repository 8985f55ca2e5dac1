// SPDX-License-Identifier: Apache-2.0
// The portable algorithm as a kernel of the CPU backend: any cell, dtype, shape and option, at no
// great speed.
#pragma once

#include <memory>

#include "backend/backend.hpp"
#include "plan/kernel_config.hpp"
#include "plan/problem.hpp"

namespace flashrnn {

std::shared_ptr<const Kernel> make_portable_kernel(const Problem& problem,
                                                   const KernelConfig& config);

}  // namespace flashrnn
