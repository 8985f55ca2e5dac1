// SPDX-License-Identifier: Apache-2.0
// How a backward CTA tells what follows it (the product that gives R's gradients) how far its
// slots' gradients are in memory, a block of steps at a time, so that it need not wait for the
// last.
#pragma once

#include "cuda/fused/number.cuh"
#include "gpu/fused_config.hpp"
#include "gpu/params.hpp"

namespace flashrnn::cuda {

// A word of shared memory by which a warp that must not wait has another one of its CTA tell: the
// first block of which all is stored.
struct BlocksLeft {
  u32 at;  // 0 (there is no other warp): it tells itself

  __device__ __forceinline__ bool is_asked() const { return at != 0; }
  __device__ __forceinline__ void init(int time) const {
    if (is_asked()) sts32(at, gpu::progress_blocks(time));
  }
  __device__ __forceinline__ void set(int block, int lane) const {
    __syncwarp();
    if (lane == 0) release_in_cta(at, block);
  }
  __device__ __forceinline__ int get() const { return static_cast<int>(acquire_in_cta(at)); }
};

struct Progress {
  unsigned* blocks;  // of the head; nullptr: nobody asks

  __device__ __forceinline__ Progress(const gpu::BackwardParams& p, int head)
      : blocks(p.progress == nullptr
                   ? nullptr
                   : p.progress + Index(head) * gpu::progress_blocks(p.shape.time)) {}

  // By one thread, after what it stored, or has met others after they did (PTX ISA, "Causality
  // Order": release patterns are cumulative).
  __device__ __forceinline__ void tell(int block, int tellers = 1) const {
    add_and_release(blocks + block, tellers);
  }
  // By one thread for another that sets `left`.
  __device__ __forceinline__ void tell_each(const BlocksLeft& left, int time) const {
    if (blocks == nullptr) return;
    for (int block = gpu::progress_blocks(time) - 1; block >= 0; --block) {
      while (left.get() > block) __nanosleep(200);
      tell(block);
    }
  }
  // By a warp, all of whose stores of steps from `step` on, `count` of them, are before this.
  __device__ __forceinline__ void stored(int step, int count, int lane) const {
    const int block = gpu::progress_blocks(step);
    if (block * gpu::kProgressSteps < step + count) tell_by_warp(block, lane);
  }
  __device__ __forceinline__ void tell_by_warp(int block, int lane) const {
    __syncwarp();
    if (lane == 0 && blocks != nullptr) tell(block);
  }
  // By one thread, after it has met the CTA's others behind their last stores.
  __device__ __forceinline__ void tell_all(int time, int tellers) const {
    if (blocks == nullptr) return;
    for (int block = 0; block * gpu::kProgressSteps < time; ++block) tell(block, tellers);
  }
};

}  // namespace flashrnn::cuda
