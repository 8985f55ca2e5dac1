// SPDX-License-Identifier: Apache-2.0
// The short ways (way.cuh) through direct_backward.cuh with batch tiles of 8 and more: the same
// product and cell. Iteration i is step T - 1 - i.
//
// What forward saved comes by bulk copies, a chunk of steps at a time (saved_chunks.cuh); d_h (and
// h) row by row, by the warp that reads them. The slots' gradients are written from the buffers in
// which the product reads them.
#pragma once

#include "cuda/fused/direct_backward_pairs.cuh"
#include "cuda/fused/rows.cuh"
#include "cuda/fused/saved_chunks.cuh"

namespace flashrnn::cuda {

template <int D, int Columns, int Chunk, bool IsAsked>
struct DirectBackwardShort {
  using Pairs = DirectBackwardPairs<Columns, IsAsked>;
  static constexpr int Tiles = Pairs::Tile::kTiles, kPairs = Pairs::kPairs,
                       kOfTile = Pairs::Tile::kOfTile;
  static constexpr int kWarps = D / 16, kThreads = kWarps * 32;
  static constexpr int kDepth = (D + 31) / 32;
  static constexpr int kGates = Cell::kRecurrents;
  static constexpr int kGateBytes = kDepth * kOperandBytes, kTileBytes = kGates * kGateBytes,
                       kBufferBytes = Tiles * kTileBytes;
  static constexpr int kAhead = gpu::kRowSteps;
  static constexpr int kKinds = Cell::kReadsH ? 2 : 1;  // rows of d_h, and of h one step before
  static constexpr int kRowsBytes = kKinds * kOfTile * kWarpRowBytes,
                       kStepBytes = kWarps * Tiles * kRowsBytes;
  using Pieces = LanePieces<kKinds>;
  using OutPieces = LanePieces<kGates>;
  using Chunks = SavedChunks<D, Columns, Chunk, 2, kThreads>;

  const BackwardParams& p;
  Pairs pairs;
  Chunks chunks;
  int warp, lane;
  u32 piece, word, out_piece;  // what this lane copies to and reads from the rows of step 0, and
                               // takes from the operands
  u32 a[kGates][kDepth][2][4];
  typename Pairs::Weighed weighed;
  // Fetched and stored last: a pointer that goes on after its use waits until the use has read it.
  const char* from[Tiles];
  char* to[Tiles][OutPieces::kOfLane];
  Index from_step, to_step[OutPieces::kOfLane];
  bool has_to[Tiles], has_from;  // the last warp's second piece may be past the head

  // The rows of a step; h is that of the step before, which step 0 lacks.
  __device__ __forceinline__ void fetch(int step, u32 slot) {
    const bool is_there =
        has_from && (Cell::kReadsH && Pieces::kind(lane, 0) != 0 ? step > 0 : step >= 0);
#pragma unroll
    for (int c = 0; c < Tiles; ++c) {
      from[c] += from_step;
      keep(from[c]);
      copy_async_if(is_there, piece + slot + c * kRowsBytes, from[c]);
    }
  }

  // Step s of chunk c, whose rows are in `slot`.
  __device__ __forceinline__ void read(int c, int s, u32 slot) {
    if (s == 0) chunks.wait(c);
    const bool is_first = c * Chunk + s == p.shape.time - 1;
#pragma unroll
    for (int j = 0; j < kPairs; ++j) {
      pairs.saved[j].take(chunks.value_place(c, pairs.number) +
                          Chunks::further_value(Chunk - 1 - s, j));
#pragma unroll
      for (int k = 0; k < Cell::kKept; ++k) {
        pairs.old[j][k].take(chunks.kept_place(c, pairs.number) +
                             Chunks::further_kept(Chunk - 1 - s, k, j));
        if (is_first && !IsAsked) pairs.old[j][k] = pairs.first[j][k];
      }
      const u32 rows = word + slot + j / 2 * kRowsBytes + j % 2 * 4 * kWarpRowBytes;
      pairs.d_h[j] = lds32(rows);
      if constexpr (Cell::kReadsH)
        pairs.h[j] =
            is_first && !IsAsked ? pairs.first_h[j] : lds32(rows + kOfTile * kWarpRowBytes);
    }
  }

  // The gradients of the later step's slots, from the buffer of operands at `at`.
  __device__ __forceinline__ void store(u32 at) {
    uint4 v[Tiles][OutPieces::kOfLane];
#pragma unroll
    for (int c = 0; c < Tiles; ++c) {
#pragma unroll
      for (int k = 0; k < OutPieces::kOfLane; ++k)
        v[c][k] = lds128(out_piece + at + c * kTileBytes + k * OutPieces::kNextKind * kGateBytes);
    }
#pragma unroll
    for (int c = 0; c < Tiles; ++c) {
#pragma unroll
      for (int k = 0; k < OutPieces::kOfLane; ++k) {
        to[c][k] += to_step[k];
        keep(to[c][k]);
        if (has_to[c] && OutPieces::has(lane, k))
          stg128(to[c][k], v[c][k].x, v[c][k].y, v[c][k].z, v[c][k].w);
      }
    }
  }

  __device__ __forceinline__ void aim(u32 buffer) {
    const Index t = p.shape.is_reverse ? 0 : p.shape.time - 1, sign = pairs.sign();
    const int n = pairs.n, b0 = pairs.b0;
    const View& in = Pieces::kind(lane, 0) == 0 ? p.d_h : p.h;
    from_step = -2 * sign * in.stride[1];
    const bool has_units = warp * 16 + lane % 2 * 8 < p.shape.units;
    has_from = has_units && in.data != nullptr && Pieces::has(lane, 0);
#pragma unroll
    for (int c = 0; c < Tiles; ++c) {
      const int b = min(b0 + c * 8 + Pieces::column(lane), p.shape.batch - 1);
      from[c] = static_cast<const char*>(in.data) +
                2 * (b * in.stride[0] + (t + (1 - Pieces::kind(lane, 0)) * sign) * in.stride[1] +
                     n * in.stride[2] + warp * 16 + lane % 2 * 8);
      has_to[c] = has_units && b0 + c * 8 + OutPieces::column(lane) < p.shape.batch;
#pragma unroll
      for (int k = 0; k < OutPieces::kOfLane; ++k) {
        const int gate = min(OutPieces::kind(lane, k), kGates - 1);
        const View* out = &p.slot_gradient[Pairs::slot_of_gate(0)];
#pragma unroll
        for (int g = 1; g < kGates; ++g) {
          if (gate == g) out = &p.slot_gradient[Pairs::slot_of_gate(g)];
        }
        to_step[k] = -2 * sign * out->stride[1];
        to[c][k] =
            static_cast<char*>(out->data) + 2 * (b * out->stride[0] + (t + sign) * out->stride[1] +
                                                 n * out->stride[2] + warp * 16 + lane % 2 * 8);
      }
    }
    out_piece = buffer + min(OutPieces::kind(lane, 0), kGates - 1) * kGateBytes +
                operand_word(warp * 16 + lane % 2 * 8, OutPieces::column(lane));
    keep(piece), keep(out_piece), keep(from_step);
  }

  static __device__ __forceinline__ float sum_of(const float (&sum)[kGates][Tiles][4], int tile,
                                                 int k) {
    if constexpr (kGates == 4)
      return (sum[0][tile][k] + sum[1][tile][k]) + (sum[2][tile][k] + sum[3][tile][k]);
    float all = sum[0][tile][k];
#pragma unroll
    for (int g = 1; g < kGates; ++g) all += sum[g][tile][k];
    return all;
  }
  __device__ __forceinline__ void receive(const float (&sum)[kGates][Tiles][4]) {
    pairs.receive([&](int j, int e) { return sum_of(sum, j / 2, 2 * e + j % 2); });
  }

  __device__ __forceinline__ void step(int c, int s, u32 write, u32 later, u32 own, u32 operand) {
    const int i = c * Chunk + s, step = p.shape.time - 1 - i;
    const u32 slot = i % kAhead * kStepBytes, before = (i + kAhead - 1) % kAhead * kStepBytes;
    copy_wait<kAhead - 2>();
    float sum[kGates][Tiles][4];
    warps_meet<kWarps>();
    clear(sum);
    multiply_each(sum, a, operand + later);  // of zeros in iteration 0
    // All warps have read the chunk before this one.
    if (s == 0 && c > 0 && Chunks::loads(threadIdx.x)) chunks.load(c + 1, threadIdx.x);
    read(c, s, slot);
    if (i > 0) pairs.store_alone();
    if (i > 0) store(later);
    // The rows that were read an iteration ago make room.
    fetch(step - (kAhead - 1), before);
    copy_commit();
    pairs.turn(step);
#pragma unroll
    for (int g = 0; g < kGates; ++g) {
#pragma unroll
      for (int c = 0; c < Tiles; ++c) {
#pragma unroll
        for (int r = 0; r < 4; ++r) keep(sum[g][c][r]);
      }
    }
    if (!IsAsked || i > 0) receive(sum);
    pairs.weigh(step, weighed);  // sooner it would need registers that are not there
    pairs.add_given(weighed);
    pairs.advance(step, weighed, [&](int j, int gate, u32 gradient) {
      // Units past the head must not bring a NaN into the product.
      sts32(own + write + j / 2 * kTileBytes + gate * kGateBytes + j % 2 * kColumnBytes,
            pairs.has_units() ? gradient : 0);
    });
  }

  __device__ __forceinline__ void run(unsigned char* shared) {
    warp = warp_number(), lane = threadIdx.x % 32;
    const int q = lane % 4, row = lane / 4;
    const int group = p.first_group + blockIdx.x;
    pairs.n = group % p.shape.heads, pairs.b0 = gpu::first_sequence(group / p.shape.heads, Columns),
    pairs.q = q, pairs.u = warp * 16 + 2 * row, pairs.number = threadIdx.x;
    const u32 buffer = shared_address(shared), all_rows = buffer + 2 * kBufferBytes;
    chunks.set_up(p.shape, const_cast<void*>(p.saved), Place{pairs.n, pairs.b0, 0},
                  all_rows + kAhead * kStepBytes);
    for (u32 i = threadIdx.x; i < (2 * kBufferBytes + kAhead * kStepBytes) / 4; i += blockDim.x)
      sts32(buffer + 4 * i, 0);
    if (threadIdx.x == 0) chunks.init_loads();
    if constexpr (!kHasBulkCopies || Chunks::kLoaders > 1) __syncthreads();
    if (Chunks::loads(threadIdx.x)) {
      chunks.load(0, threadIdx.x);
      chunks.load(1, threadIdx.x);
    }
    __syncthreads();
    const u32 rows = all_rows + warp * Tiles * kRowsBytes;
    piece = rows + Pieces::place(lane);
    word = rows + q * kWarpRowBytes + row * 4;
    aim(buffer);
#pragma unroll
    for (int s = 0; s < kAhead - 1; ++s) {
      fetch(p.shape.time - 1 - s, s * kStepBytes);
      copy_commit();
    }
    keep(word);
    load_all_columns(p.r, pairs.n, q * 8, pairs.u, p.shape.units, a);
    pairs.start();
    const u32 own = buffer + operand_word(pairs.u, 2 * q), operand = buffer + operand_lane(lane);
    for (int c = 0; c * Chunk < p.shape.time; ++c) {
#pragma unroll
      for (int s = 0; s < Chunk; ++s) {
        if (c * Chunk + s >= p.shape.time) break;
        step(c, s, (s + 1) % 2 * kBufferBytes, s % 2 * kBufferBytes, own, operand);
      }
    }
    // There is a step: others are no problem of a fused kernel (cuda.constrint).
    float sum[kGates][Tiles][4];
    const u32 last = p.shape.time % 2 * kBufferBytes;
    warps_meet<kWarps>();
    clear(sum);
    multiply_each(sum, a, operand + last);
    pairs.store_alone();
    store(last);
    pairs.any_anew = true;
    receive(sum);
    pairs.finish();
  }
};

}  // namespace flashrnn::cuda
