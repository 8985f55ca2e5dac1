// SPDX-License-Identifier: Apache-2.0
// The warp that moves a CTA's tensors between global memory and the stages (gpu/fused/stage.hpp),
// so that those which compute have no address but that of a stage.
//
// Barriers, by chunk c of steps: `ready` (its inputs are there), `done` (every updating warp has
// read its inputs and written its outputs), `free` (its outputs have left their stage).
#pragma once

#include "cuda/fused/block_copy.cuh"
#include "cuda/fused/number.cuh"
#include "gpu/fused/stage.hpp"

namespace flashrnn::cuda {

inline constexpr gpu::CellCounts kCounts = gpu::cell_counts(FLASHRNN_FUSED_CELL_ID);

using gpu::kStages;

// Shared memory of the stages, as all warps of a CTA see it.
template <int Chunk, int InputBytes, int OutputBytes>
struct Stages {
  static constexpr int kChunk = Chunk, kInputBytes = InputBytes, kOutputBytes = OutputBytes;
  u32 inputs, outputs, barriers;

  __device__ void set_up(u32 base) {
    inputs = base;
    outputs = base + kStages * Chunk * InputBytes;
    barriers = outputs + kStages * Chunk * OutputBytes;
  }
  // Of the first step of a chunk; the others follow one another.
  __device__ u32 input(int c) const { return inputs + c % kStages * (Chunk * InputBytes); }
  __device__ u32 output(int c) const { return outputs + c % kStages * (Chunk * OutputBytes); }
  __device__ u32 ready(int c) const { return barriers + c % kStages * 8; }
  __device__ u32 done(int c) const { return barriers + (kStages + c % kStages) * 8; }
  __device__ u32 free(int c) const { return barriers + (2 * kStages + c % kStages) * 8; }

  // By all of the CTA's threads, before its barrier: zeros where nothing will be fetched to, or
  // updated.
  __device__ void clear(int threads) const {
    for (int i = threadIdx.x * 16; i < kStages * Chunk * (InputBytes + OutputBytes);
         i += threads * 16)
      sts128(inputs + i, 0, 0, 0, 0);
    order_before_copies();
  }

  // By one thread, before a barrier of the CTA. Where inputs of backward come by bulk copies, one
  // more arrival announces their bytes.
  __device__ void init(int computing_warps, bool is_backward) const {
    for (int c = 0; c < kStages; ++c) {
      mbarrier_init(ready(c), is_backward && kHasBulkCopies ? 33 : 32);
      mbarrier_init(done(c), computing_warps);
      mbarrier_init(free(c), 1);
    }
    mbarrier_init_fence();
  }

  __device__ void wait_ready(int c) const {
    meeting_point();
    mbarrier_wait(ready(c), c / kStages & 1);
  }
  // Before the outputs of chunk c are written.
  __device__ void wait_free(int c) const {
    if (c >= kStages) mbarrier_wait(free(c), (c / kStages - 1) & 1);
  }
  // By all lanes of a warp that is through with chunk c.
  __device__ void tell_done(int c) const {
    meeting_point();
    __syncwarp();
    if (threadIdx.x % 32 == 0) mbarrier_arrive(done(c));
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

// A row of all of a head's units that a lane brings into L2, in each of so many steps.
struct RowAhead {
  const char* at;
  Index step;
  u32 bytes;
  int steps;

  __device__ __forceinline__ void prefetch(int i) const {
    if (i < steps) prefetch_block(at + i * step, bytes);
  }
};

// PrefetchesInputs: inputs are brought into L2 kAhead steps before they are fetched, rows of a
// whole head by one lane of the group each, since a CTA's own part of a row is less than memory
// gives at once.
template <bool IsBackward, int Units, int Columns, bool PrefetchesInputs>
struct Mover {
  static constexpr gpu::StageShape kIn = gpu::input_stage(kCounts, IsBackward, Units, Columns);
  static constexpr gpu::StageShape kOut = gpu::output_stage(kCounts, IsBackward, Units, Columns);

  using InRows = MovedRows<kIn.rows(), Units>;
  using OutRows = MovedRows<kOut.rows(), Units>;
  InRows in;
  OutRows out;
  RowAhead ahead;
  const char* values_in;
  const char* kept_in;
  char* values_out;
  char* kept_out;
  Index values_step, kept_step;    // of the saved memory, from step to step
  Index block_values, block_kept;  // from a block of sequences to the next
  Index all_kept;                  // from kept state to kept state
  bool has_saved;
  int blocks;  // of sequences, that the batch really has here
  int octets;  // of units that the saved memory really has here, at most Units / 8

  static constexpr int kBlocks = Columns / gpu::kBlockSequences, kOctets = Units / 8;

  // Of the bytes of all units, those of the units that are there.
  __device__ __forceinline__ int there(int bytes) const { return bytes / kOctets * octets; }

  // One step's saved memory to `stage`.
  __device__ __forceinline__ void load(u32 stage, u32 bar, bool with_before, int lane) {
    constexpr int kBlockValues = kIn.value_bytes() / kBlocks,
                  kBlockKept = kIn.kept_bytes() / kBlocks;
    if (takes_part(lane) && octets > 0) {
#pragma unroll
      for (int c = 0; c < kBlocks; ++c)
        if (c < blocks)
          load_block<32>(stage + c * kBlockValues, values_in + c * block_values,
                         there(kBlockValues), bar, lane);
      if (with_before) {
#pragma unroll
        for (int k = 0; k < kIn.kept; ++k) {
#pragma unroll
          for (int c = 0; c < kBlocks; ++c) {
            if (c < blocks)
              load_block<32>(stage + kIn.kept_at() + k * kIn.kept_bytes() + c * kBlockKept,
                             kept_in + k * all_kept + c * block_kept, there(kBlockKept), bar, lane);
          }
        }
      }
    }
    values_in += values_step;
    kept_in += kept_step;
  }

  // Brings into L2 the saved memory `on` steps after that which is fetched next.
  __device__ __forceinline__ void prefetch_saved(int on, bool with_before, int lane) const {
    constexpr int kBlockValues = kIn.value_bytes() / kBlocks,
                  kBlockKept = kIn.kept_bytes() / kBlocks;
    if (!takes_part(lane) || octets <= 0) return;
#pragma unroll
    for (int c = 0; c < kBlocks; ++c) {
      if (c < blocks)
        prefetch_block(values_in + on * values_step + c * block_values, there(kBlockValues));
    }
    if (!with_before) return;
#pragma unroll
    for (int k = 0; k < kIn.kept; ++k) {
#pragma unroll
      for (int c = 0; c < kBlocks; ++c) {
        if (c < blocks)
          prefetch_block(kept_in + on * kept_step + k * all_kept + c * block_kept,
                         there(kBlockKept));
      }
    }
  }

  // One step's inputs to `stage`; `with_before`: with what backward reads of the step before.
  __device__ __forceinline__ void fetch(u32 stage, u32 bar, bool with_before, int lane) {
    if constexpr (kIn.values > 0) load(stage, bar, with_before, lane);
#pragma unroll
    for (int k = 0; k < InRows::kOfLane; ++k) {
      const bool is_before = kIn.values > 0 && InRows::row(lane, k) >= kIn.columns;
      if (in.is_there[k] && (with_before || !is_before))
        copy_async<16>(stage + in.place[k], in.at[k]);
      in.at[k] += in.step[k];
    }
  }

  // One step's saved memory.
  __device__ __forceinline__ void save(u32 stage, int lane) {
    constexpr int kBlockValues = kOut.value_bytes() / kBlocks,
                  kBlockKept = kOut.kept_bytes() / kBlocks;
    if (has_saved && takes_part(lane)) {
#pragma unroll
      for (int c = 0; c < kBlocks; ++c)
        if (c < blocks)
          store_block<32>(values_out + c * block_values, stage + c * kBlockValues,
                          there(kBlockValues), lane);
#pragma unroll
      for (int k = 0; k < kOut.kept; ++k) {
#pragma unroll
        for (int c = 0; c < kBlocks; ++c) {
          if (c < blocks)
            store_block<32>(kept_out + k * all_kept + c * block_kept,
                            stage + kOut.kept_at() + k * kOut.kept_bytes() + c * kBlockKept,
                            there(kBlockKept), lane);
        }
      }
    }
    values_out += values_step;
    kept_out += kept_step;
  }

  // One step's outputs from `stage`.
  __device__ __forceinline__ void store(u32 stage, int lane) {
    if constexpr (kOut.values > 0) save(stage, lane);
    uint4 piece[OutRows::kOfLane];
#pragma unroll
    for (int k = 0; k < OutRows::kOfLane; ++k) piece[k] = lds128(stage + out.place[k]);
#pragma unroll
    for (int k = 0; k < OutRows::kOfLane; ++k) {
      if (out.is_there[k]) stg128(out.at[k], piece[k].x, piece[k].y, piece[k].z, piece[k].w);
      out.at[k] += out.step[k];
    }
  }

  template <typename S>
  __device__ __forceinline__ void fetch_chunk(const S& stages, int c, int time,
                                              int steps_with_before, int lane) {
    const int first = c * S::kChunk, count = min(S::kChunk, time - first);
    if (count <= 0) return;
    const u32 bar = stages.ready(c);
    if constexpr (kIn.values > 0 && kHasBulkCopies) {
      const int before = max(0, min(count, steps_with_before - first));
      if (lane == 0)
        mbarrier_expect(
            bar, blocks * there((count * kIn.value_bytes() + before * kIn.kept * kIn.kept_bytes()) /
                                kBlocks));
      __syncwarp();
    }
#pragma unroll 1
    for (int s = 0; s < count; ++s)
      fetch(stages.input(c) + s * S::kInputBytes, bar, first + s < steps_with_before, lane);
    if constexpr (PrefetchesInputs) {
      constexpr int kAhead = kStages * S::kChunk;
#pragma unroll 1
      for (int i = first + kAhead; i < min(first + kAhead + S::kChunk, time); ++i) {
        ahead.prefetch(i);
        if constexpr (kIn.values > 0)
          prefetch_saved(i - first - count, i < steps_with_before, lane);
      }
    }
    mbarrier_arrive_on_copies(bar);
  }

  // The whole way through time; `after_chunk(c)` is called when all warps are through with chunk c,
  // `after_stores(first, count)` when outputs of so many steps have been stored.
  // The inputs of the first steps_with_before steps come with what backward reads of the step
  // before.
  template <typename S, typename AfterChunk, typename AfterStores>
  __device__ __forceinline__ void run(const S& stages, int time, int steps_with_before, int lane,
                                      const AfterChunk& after_chunk,
                                      const AfterStores& after_stores) {
    for (int c = 0; c < kStages; ++c) fetch_chunk(stages, c, time, steps_with_before, lane);
    const int chunks = (time + S::kChunk - 1) / S::kChunk;
#pragma unroll 1
    for (int c = 0; c < chunks; ++c) {
      mbarrier_wait(stages.done(c), c / kStages & 1);
      meeting_point();
      if constexpr (kOut.values > 0) {
        wait_stores_read();
        if (lane == 0) order_before_copies();
      }
      if (c > 0 && lane == 0) mbarrier_arrive(stages.free(c - 1));
      after_chunk(c);
      fetch_chunk(stages, c + kStages, time, steps_with_before, lane);
      const int count = min(S::kChunk, time - c * S::kChunk);
#pragma unroll 1
      for (int s = 0; s < count; ++s) store(stages.output(c) + s * S::kOutputBytes, lane);
      if constexpr (kOut.values > 0) end_stores();
      after_stores(c * S::kChunk, count);
      __syncwarp();
    }
    if constexpr (kOut.values > 0) wait_stores();
  }
};

}  // namespace flashrnn::cuda
