// SPDX-License-Identifier: Apache-2.0
// Fused kernels loaded into this process, one a device and configuration, for as long as the
// process lives.
#pragma once

#include <cuda_runtime_api.h>

#include <string>

#include "cuda/facts.hpp"
#include "gpu/fused_config.hpp"

namespace flashrnn::cuda {

struct FusedModule {
  cudaKernel_t kernel = nullptr;
  std::string origin;
  int registers = 0;
  int local_bytes = 0;
};

// Loads the kernel on first use and sets its shared memory and cluster attributes on the device.
// Threads that ask for the same one wait for the first; a failure is thrown to all of them and
// tried again by the next.
FusedModule load_fused(const DeviceFacts& facts, const gpu::FusedConfig& config);

// The folder of the disk cache, for people.
std::string cache_state();

}  // namespace flashrnn::cuda
