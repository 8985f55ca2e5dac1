// SPDX-License-Identifier: Apache-2.0
// Forward with one CTA a (head, batch tile of 8 and more; of 4: direct_forward_four.cuh). A warp
// owns 16 units: it holds their rows of R for all
// gates as the A operands of mma.sync, so the sums of an element's gates meet in one thread, which
// updates the element in its registers. What the warps exchange is h, through two buffers in shared
// memory and one barrier a step.
//
// Row g of an A tile is unit 2 g, row g + 8 unit 2 g + 1, so that a thread's two rows are
// neighbours in memory.
#pragma once

#include "cuda/fused/forward_pair.cuh"
#include "cuda/fused/operand.cuh"
#include "gpu/fused/geometry.hpp"

namespace flashrnn::cuda {

inline constexpr int kRingSteps = gpu::kRingSteps;

template <int D, int Columns>
__device__ __forceinline__ void direct_forward(const ForwardParams& p, unsigned char* shared) {
  static_assert(Columns % 8 == 0);
  using Tile = DirectTile<Columns>;
  constexpr int Tiles = Tile::kTiles, kPairs = Tile::kPairs;
  constexpr int kWarps = D / 16, kThreads = kWarps * 32;
  constexpr int kDepth = (D + 31) / 32;  // B operands of 32 units
  constexpr int kGates = Cell::kRecurrents;
  const u32 h_buffer = shared_address(shared);
  const u32 ring = h_buffer + 2 * Tiles * kDepth * kOperandBytes;
  if (threadIdx.x >= kThreads) return;
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, q = lane % 4, row = lane / 4;
  const int group = p.first_group + blockIdx.x, n = group % p.shape.heads,
            b0 = gpu::first_sequence(group / p.shape.heads, Columns);
  const int u = warp * 16 + 2 * row;
  const ForwardFacts facts(p);

  for (u32 i = threadIdx.x; i < 2 * Tiles * kDepth * kOperandBytes / 4; i += kThreads)
    sts32(h_buffer + 4 * i, 0);

  u32 a[kGates][kDepth][2][4];
  load_all_rows(p.r, n, u, u + 1, q * 8, p.shape.units, a);
  PairBias bias;
  bias.load(p, n, u);

  ForwardPair pair[kPairs];
  u32 slot[kPairs];
#pragma unroll
  for (int j = 0; j < kPairs; ++j) {
    pair[j].start(p, b0 + Tile::sequence(j, q), n, u);
    slot[j] = ring + (j * kThreads + threadIdx.x) * ForwardPair::kRingBytes;
#pragma unroll
    for (int s = 0; s < kRingSteps; ++s) {
#pragma unroll
      for (int w = 0; w < ForwardPair::kRingBytes; w += 4)
        sts32(slot[j] + s * kPairs * kThreads * ForwardPair::kRingBytes + w, 0);
    }
  }
#pragma unroll
  for (int s = 0; s < kRingSteps; ++s) {
    if (s < p.shape.time) {
#pragma unroll
      for (int j = 0; j < kPairs; ++j)
        pair[j].fetch(p, facts, slot[j] + s * kPairs * kThreads * ForwardPair::kRingBytes);
    }
    copy_commit();
  }
  warps_meet<kWarps>();
  const u32 own = h_buffer + operand_word(u, 2 * q);
#pragma unroll
  for (int j = 0; j < kPairs; ++j) {
    sts32(own + j / 2 * kDepth * kOperandBytes + j % 2 * kColumnBytes,
          pack(pair[j].state[0][0], pair[j].state[0][1]));
  }
  const u32 operand = h_buffer + operand_lane(lane);

  for (int i0 = 0; i0 < p.shape.time; i0 += kRingSteps) {
#pragma unroll
    for (int s = 0; s < kRingSteps; ++s) {
      const int i = i0 + s;
      if (i >= p.shape.time) break;
      const u32 slot_offset = s * kPairs * kThreads * ForwardPair::kRingBytes;
      const u32 now = (s & 1) * Tiles * kDepth * kOperandBytes,
                next = ((s + 1) & 1) * Tiles * kDepth * kOperandBytes;
      copy_wait<kRingSteps - 1>();
      float g[kPairs][Cell::kSlots][2];
      float sum[kGates][Tiles][4];
#pragma unroll
      for (int j = 0; j < kPairs; ++j) {
        u32 x[4];
        pair[j].read(p, i, slot[j] + slot_offset, x);
        slot_inputs(x, bias, g[j]);
#pragma unroll
        for (int k = 0; k < Cell::kSlots; ++k) {
          const int gate = Cell::recurrent_of_slot(k);
          if (gate < 0) continue;
          sum[gate][j / 2][j % 2] = g[j][k][0];
          sum[gate][j / 2][2 + j % 2] = g[j][k][1];
        }
      }
      warps_meet<kWarps>();
      uint4 b[Tiles][kDepth];
#pragma unroll
      for (int c = 0; c < Tiles; ++c) {
#pragma unroll
        for (int d = 0; d < kDepth; ++d)
          b[c][d] = lds128(operand + now + (c * kDepth + d) * kOperandBytes);
      }
      multiply_all(sum, a, b);
      // While the product is under way: what the last step gave, and the inputs of a later one.
#pragma unroll
      for (int j = 0; j < kPairs; ++j) {
        if (i > 0) pair[j].store(p, facts, i - 1);
        if (i + kRingSteps < p.shape.time) pair[j].fetch(p, facts, slot[j] + slot_offset);
        pair[j].restart(p);
      }
      copy_commit();
#pragma unroll
      for (int j = 0; j < kPairs; ++j) {
#pragma unroll
        for (int k = 0; k < Cell::kSlots; ++k) {
          const int gate = Cell::recurrent_of_slot(k);
          if (gate < 0) continue;
          g[j][k][0] = sum[gate][j / 2][j % 2];
          g[j][k][1] = sum[gate][j / 2][2 + j % 2];
        }
        const u32 word = pair[j].advance(p, g[j]);
        sts32(own + next + j / 2 * kDepth * kOperandBytes + j % 2 * kColumnBytes, word);
      }
    }
  }
#pragma unroll
  for (int j = 0; j < kPairs; ++j) {
    if (p.shape.time > 0) pair[j].store(p, facts, p.shape.time - 1);
    pair[j].finish(p);
  }
}

}  // namespace flashrnn::cuda
