// SPDX-License-Identifier: Apache-2.0
// A fused kernel that is ready to be launched, in as many waves as its groups need.
//
// CTAs that wait for each other must all be resident. Within a cluster the hardware sees to that.
// Where they exchange through L2 (kGlobal), a wave has no more groups than the empty device holds,
// and is launched cooperatively: the device starts such a grid only when all of it fits beside what
// already runs.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cuda/facts.hpp"
#include "cuda/modules/module_cache.hpp"
#include "gpu/fused_config.hpp"
#include "gpu/params.hpp"

namespace flashrnn::cuda {

class FusedLaunch {
 public:
  // Loads the kernel and asks how much of it is resident. Throws Error (infeasible) where not even
  // one group is. The device must be the current one.
  FusedLaunch(const DeviceFacts& facts, const gpu::FusedConfig& config, const gpu::Shape& shape);

  int64_t exchange_bytes() const { return exchange_bytes_; }
  int groups() const { return groups_; }
  int groups_of_wave() const { return groups_of_wave_; }
  const FusedModule& module() const { return module_; }
  const gpu::FusedConfig& config() const { return config_; }

  // params.exchange has exchange_bytes(). first_group is set here.
  void forward(gpu::ForwardParams params, cudaStream_t stream) const { launch(params, stream); }
  void backward(gpu::BackwardParams params, cudaStream_t stream) const { launch(params, stream); }

 private:
  template <typename Params>
  void launch(Params& params, cudaStream_t stream) const;

  gpu::FusedConfig config_;
  FusedModule module_;
  int groups_ = 0;
  int groups_of_wave_ = 0;
  int64_t exchange_bytes_ = 0;
};

}  // namespace flashrnn::cuda
