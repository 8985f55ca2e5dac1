// SPDX-License-Identifier: Apache-2.0
// The warps that move tensors of a direct backward CTA with a batch tile of 4
// (direct_backward_four.cuh), in step with the others, as in forward (direct_mover.cuh): three of
// them, or two where heads are small.
#pragma once

#include "cuda/fused/direct_mover.cuh"
#include "cuda/fused/progress.cuh"

namespace flashrnn::cuda {

template <int D, int Chunk, typename Product>
struct DirectBackwardMover {
  static constexpr int kColumns = gpu::kBlockSequences, kGates = Cell::kRecurrents,
                       kMovers = gpu::direct_movers(D, true), kAllWarps = D / 16 + kMovers;
  static constexpr int kKinds = Cell::kReadsH ? 2 : 1;  // rows of d_h, and of h one step before
  static constexpr int kPieces = D / 8, kOfKind = kColumns * kPieces, kOfLane = (kOfKind + 31) / 32;
  static constexpr int kRowBytes = gpu::direct_row_bytes(D, true),
                       kKindBytes = kColumns * kRowBytes, kStepBytes = kKinds * kKindBytes,
                       kAhead = gpu::kFourRowSteps;
  static constexpr int kGateBytes = Product::kGateBytes, kBufferBytes = kGates * kGateBytes;
  static constexpr int kChunks = gpu::kFourSavedChunks;
  using Chunks = SavedChunks<D, kColumns, Chunk, kChunks, 32>;

  const gpu::BackwardParams& p;
  const Chunks& chunks;
  BlocksLeft untold;
  int lane, n, b0;

  __device__ __forceinline__ Index sign() const { return p.shape.is_reverse ? -1 : 1; }
  // This lane's piece k of a row: its sequence, its first unit, and whether it is there.
  __device__ __forceinline__ int sequence(int k) const {
    return b0 + min(lane + 32 * k, kOfKind - 1) / kPieces * gpu::sequence_step(kColumns);
  }
  __device__ __forceinline__ int unit(int k) const {
    return min(lane + 32 * k, kOfKind - 1) % kPieces * 8;
  }
  __device__ __forceinline__ bool has(int k) const {
    return lane + 32 * k < kOfKind && unit(k) < p.shape.units && sequence(k) < p.shape.batch;
  }
  // Of the last step plus `later`.
  __device__ __forceinline__ char* piece_of(const View& v, int k, int later) const {
    const Index t = (p.shape.is_reverse ? 0 : p.shape.time - 1) + later * sign();
    return static_cast<char*>(v.data) +
           2 * (sequence(k) * v.stride[0] + t * v.stride[1] + n * v.stride[2] + unit(k));
  }
  // Iterations that rows are read sooner. Then all meet once before the first one, too.
  static constexpr int kSooner = Product::kSendsPartials ? 2 : 0;
  __device__ __forceinline__ void meet_first() const {
    if constexpr (kSooner > 0) meet();
  }
  __device__ __forceinline__ void meet() const {
    __syncwarp();
    all_warps_meet<kAllWarps>();
  }
  // Computing warps store the gradients of a slot without a product: once more, behind the last.
  static constexpr bool kMeetsLast = Cell::kSlots > Cell::kRecurrents;
  __device__ __forceinline__ void meet_last() const {
    if constexpr (kMeetsLast) meet();
  }

  // With what forward saved, too, or without. A chunk's buffer of that has been read when the first
  // iteration of the next chunk begins.
  template <bool WithSaved>
  __device__ __forceinline__ void move_inputs(u32 rows) const {
    const char* from[kKinds][kOfLane];
    bool is_there[kKinds][kOfLane];
    Index step[kKinds];
    u32 place[kOfLane];
#pragma unroll
    for (int k = 0; k < kOfLane; ++k) {
      place[k] = rows + (sequence(k) - b0) / gpu::sequence_step(kColumns) * kRowBytes + unit(k) * 2;
#pragma unroll
      for (int m = 0; m < kKinds; ++m) {
        const View& v = m == 0 ? p.d_h : p.h;
        step[m] = -2 * sign() * v.stride[1];
        from[m][k] = piece_of(v, k, 1 - m);
        is_there[m][k] = has(k) && v.data != nullptr;
      }
    }
    // What iteration i is about; h before step 0 is not in the tensor.
    const auto fetch = [&](int i) {
      const int left = p.shape.time - 1 - i;
#pragma unroll
      for (int m = 0; m < kKinds; ++m) {
#pragma unroll
        for (int k = 0; k < kOfLane; ++k) {
          from[m][k] += step[m];
          keep(from[m][k]);
          copy_async_if(is_there[m][k] && left >= m,
                        place[k] + i % kAhead * kStepBytes + m * kKindBytes, from[m][k]);
        }
      }
      copy_commit();
    };
    if constexpr (WithSaved) load_first_chunks();
    for (int i = 0; i < kAhead - 1; ++i) fetch(i);
    if constexpr (kSooner > 0) copy_wait<kAhead - 1 - kSooner>();
    meet_first();
    copy_wait<kAhead - 2 - kSooner>();
    for (int i = 0; i < p.shape.time; ++i) {
      meet();
      fetch(i + kAhead - 1);
      copy_wait<kAhead - 2 - kSooner>();
      if constexpr (WithSaved) load_next_chunk(i);
    }
    meet();
    meet_last();
  }

  // The gradients of the later step's slots.
  __device__ __forceinline__ void move_gradients(u32 buffer) const {
    char* to[kGates][kOfLane];
    Index step[kGates];
    u32 place[kOfLane];
#pragma unroll
    for (int k = 0; k < kOfLane; ++k) {
      place[k] = buffer + Product::gradient_place(
                              unit(k), (sequence(k) - b0) / gpu::sequence_step(kColumns));
#pragma unroll
      for (int s = 0; s < Cell::kSlots; ++s) {
        const int g = Cell::recurrent_of_slot(s);
        if (g < 0) continue;
        step[g] = -2 * sign() * p.slot_gradient[s].stride[1];
        to[g][k] = piece_of(p.slot_gradient[s], k, 1);
      }
    }
    // Iteration i, of step T - i.
    const auto move = [&](int i) {
#pragma unroll
      for (int k = 0; k < kOfLane; ++k) {
        uint4 v[kGates];
#pragma unroll
        for (int g = 0; g < kGates; ++g)
          v[g] = lds128(place[k] + (i + 1) % 2 * kBufferBytes + g * kGateBytes);
#pragma unroll
        for (int g = 0; g < kGates; ++g) {
          to[g][k] += step[g];
          keep(to[g][k]);
          if (has(k)) stg128(to[g][k], v[g].x, v[g].y, v[g].z, v[g].w);
        }
      }
    };
    meet_first();
    int block = gpu::progress_blocks(p.shape.time), next = 0;
    for (int i = 0; i <= p.shape.time; ++i) {
      meet();
      if (i == next) {
        if (i > 0) tell(block);
        --block;
        next = p.shape.time - block * gpu::kProgressSteps + 1;
        if (i == 0) continue;
      }
      move(i);
    }
    meet_last();
    tell(0);
  }
  __device__ __forceinline__ void tell(int block) const {
    if (untold.is_asked()) {
      untold.set(block, lane);
    } else {
      Progress(p, n).tell_by_warp(block, lane);
    }
  }

  __device__ __forceinline__ void move_saved() const {
    load_first_chunks();
    meet_first();
    for (int i = 0; i <= p.shape.time; ++i) {
      meet();
      load_next_chunk(i);
    }
    meet_last();
  }
  __device__ __forceinline__ void load_first_chunks() const {
    if (!Chunks::loads(lane)) return;
    for (int c = 0; c < kChunks; ++c) chunks.load(c, lane);
  }
  // After the barrier of iteration i. In two parts, one iteration after the other, where it would
  // hold up the others.
  static constexpr bool kIsInParts = kSooner > 0 && D > 16;
  __device__ __forceinline__ void load_next_chunk(int i) const {
    if (!Chunks::loads(lane) || i < Chunk) return;
    const int c = i / Chunk - 1 + kChunks;
    if constexpr (kIsInParts) {
      if (i % Chunk == 0) chunks.template load<true, false>(c, lane);
      if (i % Chunk == 1) chunks.template load<false, true>(c, lane);
    } else {
      if (i % Chunk == 0) chunks.load(c, lane);
    }
  }

  // Number `number` of these warps.
  __device__ __forceinline__ void move(int number, u32 rows, u32 buffer) const {
    if (number == 0) {
      move_inputs<(kMovers < 3)>(rows);
    } else if (number == 1) {
      move_gradients(buffer);
    } else if constexpr (kMovers == 3) {
      move_saved();
    }
  }
};

}  // namespace flashrnn::cuda
