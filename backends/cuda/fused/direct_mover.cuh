// SPDX-License-Identifier: Apache-2.0
// The three warps that move tensors of a direct forward CTA with a batch tile of 4
// (direct_forward_four.cuh), in step with the others, whose barriers they meet: inputs come kAhead
// - 1 steps ahead, h is written from the buffer in which the product reads it, what backward needs
// leaves a chunk of steps at a time. A step is shorter than one warp would take for all of it.
#pragma once

#include "cuda/fused/operand.cuh"
#include "cuda/fused/saved_chunks.cuh"
#include "cuda/fused/way.cuh"
#include "gpu/fused/geometry.hpp"

namespace flashrnn::cuda {

// Of a step, by the computing warps and these, from places of their own in the program.
template <int Warps>
__device__ __forceinline__ void all_warps_meet() {
  meeting_point();
  barrier_sync_apart<Warps * 32>(1);
  meeting_point();
}

template <int D, int Warps, int Chunk, Way TheWay>
struct DirectMover {
  static constexpr bool IsAsked = TheWay != Way::kPlain, IsLong = TheWay == Way::kLong;
  static constexpr int kColumns = gpu::kBlockSequences, kInputs = Cell::kInputs, kWarps = Warps,
                       kAllWarps = Warps + gpu::direct_movers(D, false);
  // A row is an input gate of a sequence, or its h, in pieces of 16 bytes.
  static constexpr int kPieces = D / 8, kOfKind = kColumns * kPieces, kOfLane = (kOfKind + 31) / 32;
  static constexpr int kRowBytes = gpu::direct_row_bytes(D, D / Warps == 16),
                       kKindBytes = kColumns * kRowBytes, kStepBytes = kInputs * kKindBytes,
                       kAhead = gpu::kFourRowSteps;
  // h as the product reads it: a head of 16 units is one mma deep, others a multiple of two.
  static constexpr bool kIsShallow = D == 16;
  static constexpr int kBufferBytes = (D + 31) / 32 * kOperandBytes;
  static __device__ __forceinline__ u32 place_of_h(int u, int column) {
    return kIsShallow ? 2 * column * 32 + u * 2 : operand_word(u & ~1, 2 * column) + u % 2 * 2;
  }
  static constexpr int kChunks = gpu::kFourSavedChunks;
  using Chunks = SavedChunks<D, kColumns, Chunk, kChunks>;

  const gpu::ForwardParams& p;
  const Chunks& chunks;
  int lane, n, b0;
  // This lane's pieces: whether they are there, their places in the rows of step 0 and in the
  // buffers of h, those fetched and stored last: a pointer that goes on after its use waits until
  // the use has read it.
  bool has[kOfLane];
  u32 row_place[kOfLane], h_place[kOfLane];
  const char* from[kOfLane];
  char* to[kOfLane];
  Index wx_step, h_step, gate_step;  // bytes
  SourceWords<1> sources[kOfLane];
  bool was_still[kOfLane];

  __device__ __forceinline__ int sequence(int k) const {
    return b0 + (lane + 32 * k) / kPieces * gpu::sequence_step(kColumns);
  }
  __device__ __forceinline__ void start(u32 rows, u32 h_buffer) {
    const Index sign = p.shape.is_reverse ? -1 : 1, t = p.shape.is_reverse ? p.shape.time - 1 : 0;
    wx_step = 2 * sign * p.wx.stride[1];
    h_step = 2 * sign * p.h.stride[1];
    gate_step = 2 * p.wx.stride[2];
#pragma unroll
    for (int k = 0; k < kOfLane; ++k) {
      const int piece = min(lane + 32 * k, kOfKind - 1), column = piece / kPieces,
                u = piece % kPieces * 8, b = sequence(k);
      has[k] = lane + 32 * k < kOfKind && u < p.shape.units && b < p.shape.batch;
      row_place[k] = rows + column * kRowBytes + u * 2;
      h_place[k] = h_buffer + place_of_h(u, column);
      from[k] = static_cast<const char*>(p.wx.data) +
                2 * (b * p.wx.stride[0] + (t - sign) * p.wx.stride[1] + n * p.wx.stride[3] + u);
      to[k] = static_cast<char*>(p.h.data) +
              2 * (b * p.h.stride[0] + (t - 2 * sign) * p.h.stride[1] + n * p.h.stride[2] + u);
      was_still[k] = false;
      if constexpr (IsAsked) sources[k].open(p, b, 0);
    }
  }
  // No branch that lanes take apart.
  __device__ __forceinline__ void fetch(int i) {
    const bool is_there = i < p.shape.time;
    const u32 slot = i % kAhead * kStepBytes;
#pragma unroll
    for (int k = 0; k < kOfLane; ++k) {
      from[k] += wx_step;
      keep(from[k]);
#pragma unroll
      for (int g = 0; g < kInputs; ++g)
        copy_async_if(has[k] && is_there, row_place[k] + slot + g * kKindBytes,
                      from[k] + g * gate_step);
    }
    copy_commit();
  }
  // h of step i - 1, out of the buffer that step i reads: zeros of a sequence that stood still, and
  // nothing where step i starts anew, since then the buffer has what it starts from.
  __device__ __forceinline__ void store_h(int i) {
    uint4 v[kOfLane];
    bool is_here[kOfLane];
#pragma unroll
    for (int k = 0; k < kOfLane; ++k) {
      is_here[k] = has[k] && i > 0 && p.h.data != nullptr;
      if constexpr (IsAsked) {
        if (SourceWords<1>::is_first_of_word(i)) sources[k].turn(p, sequence(k), i);
        is_here[k] &= !sources[k].is(gpu::kInitialStates, i);
      }
      v[k] = lds128(h_place[k] + i % 2 * kBufferBytes);
      to[k] += h_step;
      keep(to[k]);
    }
#pragma unroll
    for (int k = 0; k < kOfLane; ++k) {
      if constexpr (IsAsked) {
        if (was_still[k]) v[k] = uint4{0, 0, 0, 0};
        was_still[k] = sources[k].is(gpu::kNoStep, i);
      }
      if (is_here[k]) stg128(to[k], v[k].x, v[k].y, v[k].z, v[k].w);
    }
  }

  // ---- three warps: inputs, h, and what backward needs ----
  // After the barrier of step i its inputs and those of step i + 1 may be read, and those of step
  // i - 1 have been.
  __device__ __forceinline__ void move_inputs(u32 rows, u32 h_buffer) {
    if constexpr (!IsLong) {
      start(rows, h_buffer);
      for (int i = 0; i < kAhead - 1; ++i) fetch(i);
      copy_wait<kAhead - 3>();
    }
    meet();
    for (int i = 0; i < p.shape.time; ++i) {
      meet();
      if constexpr (!IsLong) {
        fetch(i + kAhead - 1);
        copy_wait<kAhead - 3>();
      }
    }
    meet();
    meet();
  }
  __device__ __forceinline__ void move_h(u32 rows, u32 h_buffer) {
    if constexpr (!IsLong) start(rows, h_buffer);
    meet();
    for (int i = 0; i <= p.shape.time; ++i) {
      meet();
      if constexpr (!IsLong) store_h(i);
    }
    meet();
  }
  // What the cell of step j gave is in shared memory after the barrier of step j + 2; a chunk's
  // buffer has been read before that of the second step of the chunk that is written there next.
  __device__ __forceinline__ void move_saved() {
    const int time = p.shape.time;
    const bool saves = p.saved != nullptr && takes_part(lane);
    meet();
    for (int c = 0; c * Chunk <= time; ++c) {
      meet();
      if (saves) wait_stores_read<kChunks - 2>();
#pragma unroll
      for (int s = 1; s < Chunk; ++s) {
        if (c * Chunk + s > time) break;
        meet();
        if (s == 1 && saves && c > 0) chunks.template store<32>(c - 1, Chunk, lane);
      }
    }
    meet();
    if (saves && time > 0) {
      const int c = (time - 1) / Chunk;
      chunks.template store<32>(c, (time - 1) % Chunk + 1, lane);
      wait_stores();
    }
  }
  static __device__ __forceinline__ void meet() {
    __syncwarp();
    all_warps_meet<kAllWarps>();
  }
};

}  // namespace flashrnn::cuda
