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

  // With the counters of progress behind what CTAs exchange.
  int64_t exchange_bytes() const { return exchange_bytes_ + progress_bytes_; }
  int groups() const { return groups_; }
  int groups_of_wave() const { return groups_of_wave_; }
  const FusedModule& module() const { return module_; }
  const gpu::FusedConfig& config() const { return config_; }

  // params.exchange has exchange_bytes(). first_group is set here.
  void forward(gpu::ForwardParams params, cudaStream_t stream) const { launch(params, stream); }
  void backward(gpu::BackwardParams params, cudaStream_t stream) const { launch(params, stream); }

  // Backward, whether a kernel may run beside it; how many launches it is.
  bool can_tell_progress() const { return progress_bytes_ > 0; }
  int launches() const { return (groups_ + groups_of_wave_ - 1) / groups_of_wave_; }
  // Which part of the multiprocessors has no CTA of the last launch.
  double free_share() const { return free_share_; }
  // BackwardParams::progress in exchange memory, and how many of each head count there.
  unsigned* progress(void* exchange) const;
  unsigned tellers() const;

 private:
  template <typename Params>
  void launch(Params& params, cudaStream_t stream) const;

  gpu::FusedConfig config_;
  FusedModule module_;
  int groups_ = 0;
  int groups_of_wave_ = 0;
  int64_t exchange_bytes_ = 0, progress_bytes_ = 0;
  int tiles_ = 0;  // of a head
  double free_share_ = 0;
};

}  // namespace flashrnn::cuda
