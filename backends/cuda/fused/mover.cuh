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

inline constexpr gpu::CellCounts kCounts = gpu::cell_counts(FLASHRNN_FUSED_CELL_ID);

using gpu::kInputStages;
using gpu::kOutputStages;

// Shared memory of the stages, as all warps of a CTA see it.
struct Stages {
  u32 inputs, outputs, barriers;
  int input_bytes, output_bytes;

  Stages() = default;
  __device__ Stages(u32 base, int input_bytes_, int output_bytes_)
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
  __device__ void init(int computing_warps, bool is_backward) const {
    for (int i = 0; i < kInputStages; ++i) mbarrier_init(ready(i), is_backward ? 33 : 32);
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
    __syncwarp();
    if (threadIdx.x % 32 == 0) mbarrier_arrive(done(i));
  }
};

// Rows of tensors in pieces of 16 bytes, dealt out to the lanes of a warp.
template <int Rows, int Units>
struct MovedRows {
  static constexpr int kOfRow = Units / 8, kPieces = Rows * kOfRow, kOfLane = (kPieces + 31) / 32;
  char* at[kOfLane];
  Index step[kOfLane];
  u32 place[kOfLane];
  bool is_there[kOfLane];

  // Of this lane's piece k: its row, and the first unit of it.
  static __device__ int row(int lane, int k) { return (lane + 32 * k) / kOfRow; }
  static __device__ int unit(int lane, int k) { return (lane + 32 * k) % kOfRow * 8; }
};

template <bool IsBackward, int Units, int Columns, int LookAhead>
struct Mover {
  static constexpr gpu::StageShape kIn = gpu::input_stage(kCounts, IsBackward, Units, Columns);
  static constexpr gpu::StageShape kOut = gpu::output_stage(kCounts, IsBackward, Units, Columns);

  MovedRows<kIn.rows(), Units> in;
  MovedRows<kOut.rows(), Units> out;
  const char* values_in;
  const char* kept_in;
  char* values_out;
  char* kept_out;
  Index values_step, kept_step;    // of the saved memory, from step to step
  Index tile_values, tile_kept;    // from 8 sequences to the next
  Index all_kept;                  // from kept state to kept state
  bool has_saved;

  static constexpr int kUnderWay = kOut.values > 0 ? 2 : 0;  // steps whose bulk stores may still read
  static constexpr int kTiles = kIn.columns / 8;

  __device__ __forceinline__ void fetch(const Stages& stages, int i, bool with_before, int lane) {
    const u32 stage = stages.input(i), bar = stages.ready(i);
    if constexpr (kIn.values > 0) {
      constexpr int kTileValues = kIn.value_bytes() / kTiles, kTileKept = kIn.kept_bytes() / kTiles;
      if (lane == 0) {
        mbarrier_expect(bar, kIn.value_bytes() + (with_before ? kIn.kept * kIn.kept_bytes() : 0));
#pragma unroll
        for (int c = 0; c < kTiles; ++c) bulk_load(stage + c * kTileValues, values_in + c * tile_values, kTileValues, bar);
        if (with_before) {
#pragma unroll
          for (int k = 0; k < kIn.kept; ++k) {
#pragma unroll
            for (int c = 0; c < kTiles; ++c) {
              bulk_load(stage + kIn.kept_at() + k * kIn.kept_bytes() + c * kTileKept, kept_in + k * all_kept + c * tile_kept, kTileKept, bar);
            }
          }
        }
      }
      values_in += values_step;
      kept_in += kept_step;
    }
#pragma unroll
    for (int k = 0; k < in.kOfLane; ++k) {
      const bool is_before = kIn.values > 0 && in.row(lane, k) >= kIn.columns;
      if (in.is_there[k] && (with_before || !is_before)) copy_async<16>(stage + in.place[k], in.at[k]);
      in.at[k] += in.step[k];
    }
    mbarrier_arrive_on_copies(bar);
  }

  __device__ __forceinline__ void store(const Stages& stages, int i, int lane) {
    const u32 stage = stages.output(i);
    constexpr int kTileValues = kOut.value_bytes() / kTiles, kTileKept = kOut.kept_bytes() / kTiles;
    if constexpr (kOut.values > 0) {
      if (has_saved && lane == 0) {
        fence_for_bulk();
#pragma unroll
        for (int c = 0; c < kTiles; ++c) bulk_store(values_out + c * tile_values, stage + c * kTileValues, kTileValues);
#pragma unroll
        for (int k = 0; k < kOut.kept; ++k) {
#pragma unroll
          for (int c = 0; c < kTiles; ++c) {
            bulk_store(kept_out + k * all_kept + c * tile_kept, stage + kOut.kept_at() + k * kOut.kept_bytes() + c * kTileKept, kTileKept);
          }
        }
      }
      values_out += values_step;
      kept_out += kept_step;
    }
    if constexpr (kOut.values > 0) bulk_commit();
    uint4 piece[out.kOfLane];
#pragma unroll
    for (int k = 0; k < out.kOfLane; ++k) piece[k] = lds128(stage + out.place[k]);
#pragma unroll
    for (int k = 0; k < out.kOfLane; ++k) {
      if (out.is_there[k]) stg128(out.at[k], piece[k].x, piece[k].y, piece[k].z, piece[k].w);
      out.at[k] += out.step[k];
    }
  }

  // The whole way through time. `kept_steps`: the inputs of that many steps come with what backward reads of the step before.
  __device__ __forceinline__ void run(const Stages& stages, int time, int kept_steps, int lane) {
    for (int i = 0; i < kInputStages && i < time; ++i) fetch(stages, i, i < kept_steps, lane);
    for (int i = 0; i < time; ++i) {
      mbarrier_wait(stages.done(i), i / kOutputStages & 1);
      store(stages, i, lane);
      // Stage of the inputs that were the last to be read.
      const int next = i + LookAhead + kInputStages;
      if (LookAhead > 0 && i == 0) {
#pragma unroll
        for (int ahead = kInputStages; ahead < kInputStages + LookAhead; ++ahead) {
          if (ahead < time) fetch(stages, ahead, ahead < kept_steps, lane);
        }
      }
      if (next < time) fetch(stages, next, next < kept_steps, lane);
      if constexpr (kOut.values > 0) bulk_wait_read<kUnderWay>();
      __syncwarp();
      if (i >= kUnderWay && lane == 0) mbarrier_arrive(stages.free(i - kUnderWay));
    }
    if constexpr (kOut.values > 0) bulk_wait_all();
  }
};

}  // namespace flashrnn::cuda
