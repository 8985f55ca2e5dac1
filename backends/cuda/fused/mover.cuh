// SPDX-License-Identifier: Apache-2.0
// The warp that moves a CTA's tensors between global memory and the stages (gpu/fused/stage.hpp), so that those which compute
// have no address but that of a stage.
//
// Barriers, by step i: `ready` (inputs of step i are in stage i % kInputStages), `done` (every computing warp has written its
// outputs of step i and read its inputs up to those of step i + LookAhead), `free` (the outputs of step i have left their stage).
#pragma once

#include "cuda/fused/number.cuh"
#include "gpu/fused/stage.hpp"

namespace flashrnn::cuda {

using gpu::kInputStages;
using gpu::kOutputStages;

// Shared memory of the stages, as all warps of a CTA see it.
struct Stages {
  u32 inputs, outputs, barriers;
  int input_bytes, output_bytes;

  __device__ constexpr Stages(u32 base, int input_bytes_, int output_bytes_)
      : inputs(base),
        outputs(base + kInputStages * input_bytes_),
        barriers(outputs + kOutputStages * output_bytes_),
        input_bytes(input_bytes_),
        output_bytes(output_bytes_) {}

  __device__ u32 input(int i) const { return inputs + i % kInputStages * input_bytes; }
  __device__ u32 output(int i) const { return outputs + i % kOutputStages * output_bytes; }
  __device__ u32 ready(int i) const { return barriers + i % kInputStages * 8; }
  __device__ u32 done(int i) const { return barriers + (kInputStages + i % kOutputStages) * 8; }
  __device__ u32 free(int i) const { return barriers + (kInputStages + kOutputStages + i % kOutputStages) * 8; }

  // By one thread, before a barrier of the CTA.
  __device__ void init(int computing_warps) const {
    for (int i = 0; i < kInputStages; ++i) mbarrier_init(ready(i), 1);
    for (int i = 0; i < kOutputStages; ++i) {
      mbarrier_init(done(i), computing_warps);
      mbarrier_init(free(i), 1);
    }
    mbarrier_init_fence();
  }

  __device__ void wait_ready(int i) const { mbarrier_wait(ready(i), i / kInputStages & 1); }
  // Before the outputs of step i are written.
  __device__ void wait_free(int i) const {
    if (i >= kOutputStages) mbarrier_wait(free(i), (i / kOutputStages - 1) & 1);
  }
  // By all lanes of a warp that has written its outputs of step i.
  __device__ void tell_done(int i) const {
    fence_for_bulk();
    __syncwarp();
    if (threadIdx.x % 32 == 0) mbarrier_arrive(done(i));
  }
};

// Rows of tensors, dealt out to the lanes of a warp.
template <int Rows>
struct MovedRows {
  static constexpr int kOfLane = (Rows + 31) / 32;
  char* at[kOfLane];
  Index step[kOfLane];
  u32 place[kOfLane];
  bool is_there[kOfLane];
};

template <gpu::StageShape In, gpu::StageShape Out, int LookAhead>
struct Mover {
  MovedRows<In.rows()> in;
  MovedRows<Out.rows()> out;
  const char* values_in;
  const char* kept_in;
  char* values_out;
  char* kept_out;
  Index values_step, kept_step;    // of the saved memory, from step to step
  Index tile_values, tile_kept;    // from 8 sequences to the next
  Index all_kept;                  // from kept state to kept state
  bool has_saved;

  static constexpr int kTiles = In.columns / 8;
  // What comes from the step before the one at hand, which the first step of all lacks: kept states and, in backward, h.
  static constexpr int kRowsBefore = In.values > 0 ? (In.row_kinds - 1) * In.columns : 0;
  static constexpr int kBeforeBytes = In.kept * In.kept_bytes() + kRowsBefore * In.units * 2;

  __device__ __forceinline__ void fetch(const Stages& stages, int i, bool with_kept, int lane) {
    const u32 stage = stages.input(i), bar = stages.ready(i);
    constexpr int kTileValues = In.value_bytes() / kTiles, kTileKept = In.kept_bytes() / kTiles;
    if (lane == 0) {
      mbarrier_expect(bar, with_kept ? In.moved_bytes() : In.moved_bytes() - kBeforeBytes);
      if constexpr (In.values > 0) {
#pragma unroll
        for (int c = 0; c < kTiles; ++c) bulk_load(stage + c * kTileValues, values_in + c * tile_values, kTileValues, bar);
      }
      if constexpr (In.kept > 0) {
        if (with_kept) {
#pragma unroll
          for (int k = 0; k < In.kept; ++k) {
#pragma unroll
            for (int c = 0; c < kTiles; ++c) {
              bulk_load(stage + In.kept_at() + k * In.kept_bytes() + c * kTileKept, kept_in + k * all_kept + c * tile_kept, kTileKept, bar);
            }
          }
        }
      }
    }
    __syncwarp();
    values_in += values_step;
    kept_in += kept_step;
#pragma unroll
    for (int k = 0; k < in.kOfLane; ++k) {
      const bool is_before = kRowsBefore > 0 && lane + 32 * k >= In.columns;
      if (in.is_there[k] && (with_kept || !is_before)) bulk_load(stage + in.place[k], in.at[k], In.units * 2, bar);
      in.at[k] += in.step[k];
    }
  }

  __device__ __forceinline__ void store(const Stages& stages, int i, int lane) {
    const u32 stage = stages.output(i);
    constexpr int kTileValues = Out.value_bytes() / kTiles, kTileKept = Out.kept_bytes() / kTiles;
    if constexpr (Out.values > 0) {
      if (has_saved && lane == 0) {
#pragma unroll
        for (int c = 0; c < kTiles; ++c) bulk_store(values_out + c * tile_values, stage + c * kTileValues, kTileValues);
#pragma unroll
        for (int k = 0; k < Out.kept; ++k) {
#pragma unroll
          for (int c = 0; c < kTiles; ++c) {
            bulk_store(kept_out + k * all_kept + c * tile_kept, stage + Out.kept_at() + k * Out.kept_bytes() + c * kTileKept, kTileKept);
          }
        }
      }
      values_out += values_step;
      kept_out += kept_step;
    }
#pragma unroll
    for (int k = 0; k < out.kOfLane; ++k) {
      if (out.is_there[k]) bulk_store(out.at[k], stage + out.place[k], Out.units * 2);
      out.at[k] += out.step[k];
    }
    bulk_commit();
  }

  // The whole way through time. `kept_steps`: the inputs of that many steps come with kept states.
  __device__ __forceinline__ void run(const Stages& stages, int time, int kept_steps, int lane) {
    for (int i = 0; i < kInputStages && i < time; ++i) fetch(stages, i, i < kept_steps, lane);
    for (int i = 0; i < time; ++i) {
      mbarrier_wait(stages.done(i), i / kOutputStages & 1);
      store(stages, i, lane);
      // Stage of the inputs that were the last to be read.
      const int next = i + LookAhead + kInputStages;
      if (i == 0) {
#pragma unroll
        for (int ahead = kInputStages; ahead < kInputStages + LookAhead; ++ahead) {
          if (ahead < time) fetch(stages, ahead, ahead < kept_steps, lane);
        }
      }
      if (next < time) fetch(stages, next, next < kept_steps, lane);
      bulk_wait_read<1>();
      __syncwarp();
      if (i > 0 && lane == 0) mbarrier_arrive(stages.free(i - 1));
    }
    asm volatile("cp.async.bulk.wait_group 0;" ::: "memory");
  }
};

}  // namespace flashrnn::cuda
