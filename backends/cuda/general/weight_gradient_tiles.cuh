// SPDX-License-Identifier: Apache-2.0
// Tiles of the weight gradients' operands in shared memory, and how they get there. A tile has one
// row a step and holds, of the slot gradients, the units of all slots of a head stacked side by
// side (each slot padded to whole 16-byte chunks), and of h before the step the units of the head.
// Both are read along the steps, so neither is transposed in memory.
#pragma once

#include <type_traits>

#include "cuda/fused/ptx.cuh"
#include "cuda/general/elements.cuh"
#include "cuda/general/weight_gradients.hpp"

namespace flashrnn::cuda {

// Byte offsets of a tile of kDepth steps x kUnits units; rows of 16-bit elements are swizzled for
// ldmatrix, rows of float32 padded, so that neither meets bank conflicts.
template <int kBytes_, int kUnits_, int kDepth_>
struct StepTile {
  static constexpr int kBytes = kBytes_;
  static constexpr int kUnits = kUnits_;
  static constexpr int kDepth = kDepth_;
  static constexpr int kPerChunk = 16 / kBytes;
  static constexpr int kChunks = kUnits / kPerChunk;
  static constexpr int kPitch = kBytes == 4 ? kUnits * 4 + 32 : kUnits * 2;
  static constexpr int kSize = kDepth * kPitch;

  static __device__ __forceinline__ int at(int row, int chunk) {
    if constexpr (kBytes == 4) return row * kPitch + chunk * 16;
    const int swizzle = kChunks >= 8 ? row & 7 : row >> 1 & 3;
    return row * kPitch + (chunk ^ swizzle) * 16;
  }
};

// Copies 16 bytes of which `valid` are read and the rest becomes zero.
__device__ __forceinline__ void copy_chunk(unsigned to, const void* from, int valid) {
  asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;" ::"r"(to), "l"(from),
               "r"(valid)
               : "memory");
}
__device__ __forceinline__ void commit_copies() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}
template <int kLeft>
__device__ __forceinline__ void wait_for_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kLeft) : "memory");
}

// The blocks of steps that one CTA takes: `depth` steps of one sequence each, the last of a
// sequence filled up with zeros. In the order in which backward leaves them, the last steps of all
// sequences first; past the last block `step` is negative.
struct StepBlock {
  int b, step;

  __device__ StepBlock(Index block, int batch, int blocks_of_sequence, int depth)
      : b(static_cast<int>(block % batch)),
        step((blocks_of_sequence - 1 - static_cast<int>(block / batch)) * depth) {}

  __device__ __forceinline__ void advance(int batch, int depth) {
    if (++b < batch) return;
    b = 0;
    step -= depth;
  }
};

// By one thread, until the slots' gradients of the heads of a tile are in memory from `step` on.
__device__ __forceinline__ void wait_for_progress(const WeightGradientTask& task, int head,
                                                  int step) {
  const int blocks = gpu::progress_blocks(task.shape.time);
  const int heads = min(task.tile_heads, task.shape.heads - head);
  for (int k = 0; k < heads; ++k) {
    const unsigned* const count =
        task.progress + Index(head + k) * blocks + step / gpu::kProgressSteps;
    while (acquire(count) + 1 != task.tellers) __nanosleep(200);  // from all bits set on
  }
}

// A thread's part of every tile of slot gradients: one chunk of every kRowsAtOnce-th row.
template <typename Tile>
struct GradientLoader {
  static constexpr int kRowsAtOnce = kWeightGradientThreads / Tile::kChunks;
  const char* base;
  Index batch_stride, time_stride;  // in bytes
  int valid, row, chunk;

  __device__ GradientLoader(const WeightGradientTask& task, int head, int first_unit) {
    chunk = threadIdx.x % Tile::kChunks;
    row = threadIdx.x / Tile::kChunks;
    int stacked = first_unit + chunk * Tile::kPerChunk;
    if (task.tile_heads > 1) {
      const int rows = task.slots * task.padded_units, of_tile = stacked / rows;
      const bool exists = of_tile < min(task.tile_heads, task.shape.heads - head);
      head += exists ? of_tile : 0;
      stacked = exists ? stacked - of_tile * rows : rows;
    }
    const int slot = min(stacked / task.padded_units, task.slots - 1);
    const int u = stacked - slot * task.padded_units;
    const View& view = task.slot_gradient[slot];
    valid = max(0, min(16, (task.shape.units - u) * Tile::kBytes));
    base = static_cast<const char*>(view.data) +
           (head * view.stride[2] + (valid > 0 ? u : 0)) * Tile::kBytes;
    batch_stride = view.stride[0] * Tile::kBytes;
    time_stride = view.stride[1] * Tile::kBytes;
  }

  __device__ __forceinline__ void load(const WeightGradientTask& task, const StepBlock& block,
                                       unsigned tile) const {
    const char* const sequence = base + block.b * batch_stride;
#pragma unroll
    for (int i = 0; i < Tile::kDepth / kRowsAtOnce; ++i) {
      const int r = row + i * kRowsAtOnce;
      const int step = block.step + r;
      const int t = task.shape.is_reverse ? task.shape.time - 1 - step : step;
      const bool exists = step < task.shape.time;
      copy_chunk(tile + Tile::at(r, chunk), exists ? sequence + t * time_stride : base,
                 exists ? valid : 0);
    }
  }
};

// The same of h before each step: of the step before, of the initial states or nothing.
template <typename Tile>
struct StateLoader {
  static constexpr int kRowsAtOnce = kWeightGradientThreads / Tile::kChunks;
  static constexpr int kRows = (Tile::kDepth + kRowsAtOnce - 1) / kRowsAtOnce;
  const char* base;          // of h
  const char* initial_base;  // of the rounded initial states
  int valid, row, chunk, u, head;
  int sources[kRows];  // of the block that is loaded next

  __device__ StateLoader(const WeightGradientTask& task, int head_, int first_unit) {
    chunk = threadIdx.x % Tile::kChunks;
    row = threadIdx.x / Tile::kChunks;
    head = head_;
    u = first_unit + chunk * Tile::kPerChunk;
    if (task.tile_heads > 1) {
      const int of_tile = u / task.padded_units;
      const bool exists = of_tile < min(task.tile_heads, task.shape.heads - head);
      head += exists ? of_tile : 0;
      u = exists ? u - of_tile * task.padded_units : task.padded_units;
    }
    valid = max(0, min(16, (task.shape.units - u) * Tile::kBytes));
    if (valid == 0) u = 0;
    base = static_cast<const char*>(task.h.data) +
           (head * task.h.stride[2] + u * task.h.stride[3]) * Tile::kBytes;
    initial_base = static_cast<const char*>(task.initial) +
                   (Index(head) * task.padded_units + u) * Tile::kBytes;
  }

  // Reads the sources of a block, well before it is loaded.
  __device__ __forceinline__ void prepare(const WeightGradientTask& task, const StepBlock& block) {
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      const int step = block.step + row + i * kRowsAtOnce;
      sources[i] = step == 0 ? gpu::kInitialStates : gpu::kPreviousStep;
      if (step >= task.shape.time) {
        sources[i] = gpu::kNoStep;
      } else if (task.sources != nullptr && block.step >= 0) {
        sources[i] = task.sources[block.b * task.source_stride + step];
      }
    }
  }

  __device__ __forceinline__ void load(const WeightGradientTask& task, const StepBlock& block,
                                       unsigned tile, char* tile_pointer) const {
    const Index batch_offset = block.b * task.h.stride[0];
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
      const int r = row + i * kRowsAtOnce;
      if (r >= Tile::kDepth) break;
      const int step = block.step + r - 1;
      const int t = task.shape.is_reverse ? task.shape.time - 1 - step : step;
      const char* from = base;
      int bytes = 0;
      if (sources[i] == gpu::kPreviousStep) {
        from = base + (batch_offset + t * task.h.stride[1]) * Tile::kBytes;
        bytes = valid;
        if (!task.h_has_chunks) {
          gather(task, from, tile_pointer + Tile::at(r, chunk));
          continue;
        }
      } else if (sources[i] == gpu::kInitialStates && task.initial != nullptr) {
        from = initial_base + Index(block.b) * task.shape.heads * task.padded_units * Tile::kBytes;
        bytes = valid;
      }
      copy_chunk(tile + Tile::at(r, chunk), from, bytes);
    }
  }

  // A chunk of an h whose rows are not packed or not aligned.
  __device__ __forceinline__ void gather(const WeightGradientTask& task, const char* from,
                                         char* to) const {
    using Raw = std::conditional_t<Tile::kBytes == 4, float, unsigned short>;
#pragma unroll
    for (int j = 0; j < Tile::kPerChunk; ++j) {
      Raw value(0);
      if (j * Tile::kBytes < valid) {
        value = *reinterpret_cast<const Raw*>(from + j * task.h.stride[3] * Tile::kBytes);
      }
      reinterpret_cast<Raw*>(to)[j] = value;
    }
  }
};

}  // namespace flashrnn::cuda
