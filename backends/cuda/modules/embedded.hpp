// SPDX-License-Identifier: Apache-2.0
// What the build put into the library: fused kernels compiled for a grid of configurations, and the
// device sources for the compiler at run time. The tables are written by cuda.cmake.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "gpu/fused_config.hpp"

namespace flashrnn::cuda {

struct EmbeddedKernel {
  gpu::FusedConfig config;
  const char* architecture;  // "sm_90a"
  const unsigned char* begin;
  const unsigned char* end;
};
std::span<const EmbeddedKernel> embedded_kernels();

// nullptr where the grid lacks it.
const EmbeddedKernel* find_embedded(const gpu::FusedConfig& config, std::string_view architecture);

// The configurations that the library carries for an architecture.
std::vector<gpu::FusedConfig> embedded_configs(std::string_view architecture);

struct EmbeddedSource {
  const char* include_name;  // "gpu/params.hpp"
  const char* text;
};
// The first is the file to compile, the others are what it includes. Empty in a build without fused
// kernels.
std::span<const EmbeddedSource> embedded_sources();

// SHA-256 of all their names and texts.
const char* embedded_sources_digest();

}  // namespace flashrnn::cuda
