// SPDX-License-Identifier: Apache-2.0
#include "cuda/modules/embedded.hpp"

#include <iterator>

// Declarations of the symbols in fused_images.c, then the tables.
#include "cuda_fused_grid.inc"
#include "cuda_fused_sources.inc"

namespace flashrnn::cuda {

std::span<const EmbeddedKernel> embedded_kernels() {
  // The last entry stands for an empty grid and is no kernel.
  return {kEmbeddedKernels, std::size(kEmbeddedKernels) - 1};
}

const EmbeddedKernel* find_embedded(const gpu::FusedConfig& config, std::string_view architecture) {
  for (const EmbeddedKernel& kernel : embedded_kernels()) {
    if (kernel.config == config && kernel.architecture == architecture) return &kernel;
  }
  return nullptr;
}

std::vector<gpu::FusedConfig> embedded_configs(std::string_view architecture) {
  std::vector<gpu::FusedConfig> configs;
  for (const EmbeddedKernel& kernel : embedded_kernels()) {
    if (kernel.architecture == architecture) configs.push_back(kernel.config);
  }
  return configs;
}

std::span<const EmbeddedSource> embedded_sources() {
  return {kEmbeddedSources, std::size(kEmbeddedSources) - 1};
}

const char* embedded_sources_digest() { return kEmbeddedSourcesDigest; }

}  // namespace flashrnn::cuda
