// SPDX-License-Identifier: Apache-2.0
// What a device holds at once of a configuration, as far as that can be told before it is compiled.
#pragma once

#include "cuda/facts.hpp"
#include "gpu/fused_config.hpp"

namespace flashrnn::cuda {

// How many groups are resident at once, and batch tiles of 8 that an SM then has at once.
struct Residency {
  double groups, tiles;
};
Residency residency(const DeviceFacts& facts, const gpu::FusedConfig& config, double groups);

}  // namespace flashrnn::cuda
