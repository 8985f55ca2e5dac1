// SPDX-License-Identifier: Apache-2.0
// The vector kernel of the CPU backend.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "backend/backend.hpp"
#include "core/simd/product_kind.hpp"
#include "plan/kernel_config.hpp"
#include "plan/problem.hpp"

namespace flashrnn::simd {

// An instruction set that the kernels were compiled for and this machine has, the least first.
struct InstructionSet {
  int64_t target;  // Highway's
  const char* name;
  int64_t lanes_f32;
  int64_t lanes_f64;
};

const std::vector<InstructionSet>& instruction_sets();

}  // namespace flashrnn::simd

namespace flashrnn {

std::shared_ptr<const Kernel> make_simd_kernel(const Problem& problem, const KernelConfig& config);

}  // namespace flashrnn
