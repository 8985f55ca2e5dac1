// SPDX-License-Identifier: Apache-2.0
// The machine code of a fused kernel, from the first place that has it: the library itself, the
// disk cache, the run-time compiler. Knows nothing of the CUDA runtime, so it works without a
// device.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gpu/fused_config.hpp"

namespace flashrnn::cuda {

struct FusedImage {
  std::shared_ptr<const void> data;
  size_t size = 0;
  const char* origin = "";  // "embedded", "disk cache", "compiled"
};

// Throws Error (unsupported) with the reason where no place has it.
FusedImage find_image(const gpu::FusedConfig& config, const std::string& architecture);

// What the disk cache knows an image by.
std::string image_key(const gpu::FusedConfig& config, const std::string& architecture);

}  // namespace flashrnn::cuda
