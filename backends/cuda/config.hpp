// SPDX-License-Identifier: Apache-2.0
// Between the solver's KernelConfig and the fused kernels' configurations.
#pragma once

#include <string>

#include "backend/backend.hpp"
#include "cuda/facts.hpp"
#include "gpu/fused_config.hpp"

namespace flashrnn::cuda {

// What backends/cuda/fused/kernel.cu can be compiled to: architectures from this one on.
inline constexpr int kLeastFusedCapability = 80;

// The model's `kernel`.
enum class KernelKind : int64_t {
  kGeneral = 0,
  kFused = 1,
  kAlternating = 2  // products by cuBLAS
};
KernelKind kind_of(const KernelConfig& config);
inline bool is_fused(const KernelConfig& config) { return kind_of(config) == KernelKind::kFused; }
gpu::FusedConfig fused_config(const Problem& problem, const KernelConfig& config, bool is_backward);

// Fused kernels of any configuration can be had: there is a run-time compiler, and what to compile.
bool can_compile();

// Whether an alternating kernel may be the fastest of a problem: only then is cuBLAS looked for,
// which takes long to load.
bool may_alternate(const DeviceFacts& facts, const Problem& problem, bool compiles);

// The facts that cuda.constrint takes.
NamedValues model_parameters(const DeviceFacts& facts, const Problem& problem, bool compiles,
                             bool has_blas);

// Text that completes the model: which fused kernels the library carries, where there is no
// run-time compiler to make others.
std::string availability_rules(const DeviceFacts& facts, bool compiles);

// Throws Error (invalid argument) where a model of the user's gives what the kernels cannot be run
// with.
void check_config(const DeviceFacts& facts, const Problem& problem, const KernelConfig& config);

}  // namespace flashrnn::cuda
