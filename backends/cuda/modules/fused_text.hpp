// SPDX-License-Identifier: Apache-2.0
// A fused kernel's configuration as text: the name in logs and cache keys, and the options that it
// is compiled with. fused_grid.cmake passes the same at build time.
#pragma once

#include <string>
#include <vector>

#include "gpu/fused_config.hpp"

namespace flashrnn::cuda {

// "lstm bfloat16 forward cluster d64 c8 u16 w2 m1"
std::string fused_name(const gpu::FusedConfig& config);

// "-DFLASHRNN_FUSED_CELL=lstm", ...
std::vector<std::string> fused_options(const gpu::FusedConfig& config);

// Whether FLASHRNN_CUDA_DELAYS asks for kernels that wait at random where warps and CTAs meet, as
// tests of their ordering do. Such kernels are compiled at run time.
bool wants_delays();

// The entry point.
const char* fused_entry(const gpu::FusedConfig& config);

}  // namespace flashrnn::cuda
