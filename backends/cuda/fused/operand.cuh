// SPDX-License-Identifier: Apache-2.0
// The layout of a B operand (16-bit numbers of 32 units x 8 sequences) in shared memory, and of the
// A operands that go with it.
//
// The order of the depth is free as long as both operands have the same. Here lane (q, column)
// reads the 8 units from 8 q on of its column as one 16-byte load: words x, y are its operands of
// the first mma (depth 16), z, w those of the second. A column has 64 bytes; every second one is
// followed by 32 bytes of padding, so that neither that load nor the store of words (unit pair,
// column) by lanes (row, q) meets a bank twice.
#pragma once

#include "cuda/fused/number.cuh"
#include "cuda/fused/weights.cuh"
#include "gpu/fused/cell.hpp"
#include "gpu/fused/geometry.hpp"
#include "gpu/saved_layout.hpp"

namespace flashrnn::cuda {

// The sequences of a direct CTA whose threads have pairs of units: tiles of 8, one a column; or 4
// in every second column of one tile, so that each thread has one pair to update instead of two. A
// thread's pair j has the sequence `sequence(j, q)` after the CTA's first.
template <int Columns>
struct DirectTile {
  static constexpr int kTiles = (Columns + 7) / 8, kPairs = Columns / 4;
  static constexpr int kOfTile = Columns < 8 ? Columns : 8;
  static_assert(Columns == 4 || Columns % 8 == 0);

  static __device__ constexpr int sequence(int j, int q) { return j / 2 * 8 + 2 * q + j % 2; }
};

// Of a direct CTA's warps; one alone needs no barrier.
template <int Warps>
__device__ __forceinline__ void warps_meet() {
  meeting_point();
  if constexpr (Warps == 1) {
    __syncwarp();
  } else {
    barrier_sync<Warps * 32>(1);
  }
  meeting_point();
}

using gpu::kOperandBytes;
inline constexpr int kColumnBytes = 64;  // from an even column to the next

// Byte of the pair of units u, u + 1 of a column, in consecutive operands of 32 units.
__device__ __forceinline__ u32 operand_word(int u, int column) {
  return u / 32 * kOperandBytes + column * kColumnBytes + column / 2 * 32 + u % 32 * 2;
}
__device__ __forceinline__ u32 operand_lane(int lane) {
  const int column = lane / 4;
  return column * kColumnBytes + column / 2 * 32 + lane % 4 * 16;
}

// The A operands (two mma) of the rows of R of unit u and of unit v, of a gate each, and the 32
// units of the depth of which this lane has those from in0 on. Without a gate (-1) v's are zeros.
template <typename Rows>
__device__ __forceinline__ void load_two_rows(const Rows& r, int gate_u, int u, int gate_v, int v,
                                              int in0, u32 (&a)[2][4]) {
  const uint4 x = r.octet(gate_u, u, in0);
  uint4 y = {0, 0, 0, 0};
  if (gate_v >= 0) y = r.octet(gate_v, v, in0);
  a[0][0] = x.x, a[0][1] = y.x, a[0][2] = x.y, a[0][3] = y.y;
  a[1][0] = x.z, a[1][1] = y.z, a[1][2] = x.w, a[1][3] = y.w;
}

// Likewise of the rows u and v of a gate's R and the 32 units of the depth of which
// this lane has those from in0 on.
template <typename Rows>
__device__ __forceinline__ void load_rows(const Rows& r, int gate, int u, int v, int in0,
                                          u32 (&a)[2][4]) {
  load_two_rows(r, gate, u, gate, v, in0, a);
}

// Likewise of one unit's rows of two gates, of which the second may not be there, and the depth
// from in0 on. IsShallow: the depth is 16 units, of which lane q has those from 4 q on in the first
// mma.
template <bool IsShallow, typename Rows>
__device__ __forceinline__ void load_gates(const Rows& r, int gate, int u, int in0, int q,
                                           u32 (&a)[2][4]) {
#pragma unroll
  for (int k = 0; k < 2; ++k) {
    uint4 v = {0, 0, 0, 0};
    if (gate + k < gpu::Cell::kRecurrents) {
      v = r.octet(gate + k, u, in0 + q / (1 + IsShallow) * 8);
      if (IsShallow && q % 2 != 0) v.x = v.z, v.y = v.w;
    }
    a[0][k] = v.x, a[0][2 + k] = v.y, a[1][k] = v.z, a[1][2 + k] = v.w;
  }
}

// Likewise of the transposed R: rows are the units `in` and `in` + 1 of h, the depth is the units
// from out0 on of the gate.
template <typename Rows>
__device__ __forceinline__ void load_columns(const Rows& r, int gate, int out0, int in,
                                             u32 (&a)[2][4]) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
#pragma unroll
    for (int j = 0; j < 2; ++j) {
      const uint2 v = r.column_pairs(gate, out0 + half * 4 + j * 2, in);
      a[half][2 * j] = v.x, a[half][2 * j + 1] = v.y;
    }
  }
}

// Of a head's R all operands of 32 units each, of a tile of rows a gate.
template <int Gates, int Depth>
__device__ __forceinline__ void load_all_rows(const View& r, int head, int u, int v, int in0,
                                              int units, u32 (&a)[Gates][Depth][2][4]) {
  read_weights(r, head, units, [&](const auto& rows) {
#pragma unroll
    for (int g = 0; g < Gates; ++g) {
#pragma unroll
      for (int d = 0; d < Depth; ++d) load_rows(rows, g, u, v, d * 32 + in0, a[g][d]);
    }
  });
}
template <int Gates, int Depth>
__device__ __forceinline__ void load_all_columns(const View& r, int head, int out0, int in,
                                                 int units, u32 (&a)[Gates][Depth][2][4]) {
  read_weights(r, head, units, [&](const auto& rows) {
#pragma unroll
    for (int g = 0; g < Gates; ++g) {
#pragma unroll
      for (int d = 0; d < Depth; ++d) load_columns(rows, g, d * 32 + out0, in, a[g][d]);
    }
  });
}

// Of one tile: the products with the operands First to End, as far as `a` has the weights.
template <int First, int End, int Gates, int Held, int Depth>
__device__ __forceinline__ void multiply_held(float (&sum)[Gates][1][4],
                                              const u32 (&a)[Gates][Held][2][4],
                                              const uint4 (&b)[Depth]) {
#pragma unroll
  for (int d = First; d < (End < Held ? End : Held); ++d) {
#pragma unroll
    for (int g = 0; g < Gates; ++g) multiply_add(sum[g][0], a[g][d][0], b[d].x, b[d].y);
#pragma unroll
    for (int g = 0; g < Gates; ++g) multiply_add(sum[g][0], a[g][d][1], b[d].z, b[d].w);
  }
}
// And with the rest, of which this lane's weights lie from `weights` on: [operands][2][gates], 512
// bytes apart.
template <int Held, int Gates, int Depth>
__device__ __forceinline__ void multiply_apart(float (&sum)[Gates][1][4], u32 weights,
                                               const uint4 (&b)[Depth]) {
#pragma unroll
  for (int d = Held; d < Depth; ++d) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
#pragma unroll
      for (int g = 0; g < Gates; ++g) {
        const uint4 w = lds128(weights + (((d - Held) * 2 + half) * Gates + g) * 512);
        const u32 a[4] = {w.x, w.y, w.z, w.w};
        multiply_add(sum[g][0], a, half == 0 ? b[d].x : b[d].z, half == 0 ? b[d].y : b[d].w);
      }
    }
  }
}

// The products of a warp's rows of all gates with the operands of 32 units each, into the sums of
// its tiles of 8 sequences.
template <int Gates, int Depth, int Tiles>
__device__ __forceinline__ void multiply_all(float (&sum)[Gates][Tiles][4],
                                             const u32 (&a)[Gates][Depth][2][4],
                                             const uint4 (&b)[Tiles][Depth]) {
#pragma unroll
  for (int d = 0; d < Depth; ++d) {
#pragma unroll
    for (int g = 0; g < Gates; ++g) {
#pragma unroll
      for (int c = 0; c < Tiles; ++c) multiply_add(sum[g][c], a[g][d][0], b[c][d].x, b[c][d].y);
    }
#pragma unroll
    for (int g = 0; g < Gates; ++g) {
#pragma unroll
      for (int c = 0; c < Tiles; ++c) multiply_add(sum[g][c], a[g][d][1], b[c][d].z, b[c][d].w);
    }
  }
}

// Likewise where each gate has operands of its own, which lie in shared memory as
// [tiles][gates][depth].
template <int Gates, int Depth, int Tiles>
__device__ __forceinline__ void multiply_each(float (&sum)[Gates][Tiles][4],
                                              const u32 (&a)[Gates][Depth][2][4], u32 operands) {
#pragma unroll
  for (int d = 0; d < Depth; ++d) {
    uint4 b[Gates][Tiles];
#pragma unroll
    for (int g = 0; g < Gates; ++g) {
#pragma unroll
      for (int c = 0; c < Tiles; ++c) {
        b[g][c] = lds128(operands + ((c * Gates + g) * Depth + d) * kOperandBytes);
      }
    }
#pragma unroll
    for (int g = 0; g < Gates; ++g) {
#pragma unroll
      for (int c = 0; c < Tiles; ++c) multiply_add(sum[g][c], a[g][d][0], b[g][c].x, b[g][c].y);
    }
#pragma unroll
    for (int g = 0; g < Gates; ++g) {
#pragma unroll
      for (int c = 0; c < Tiles; ++c) multiply_add(sum[g][c], a[g][d][1], b[g][c].z, b[g][c].w);
    }
  }
}

__device__ __forceinline__ void copy(float (&to)[4], const float (&from)[4]) {
#pragma unroll
  for (int j = 0; j < 4; ++j) to[j] = from[j];
}
template <int Gates, int Tiles>
__device__ __forceinline__ void clear(float (&sum)[Gates][Tiles][4]) {
#pragma unroll
  for (int g = 0; g < Gates; ++g) {
#pragma unroll
    for (int c = 0; c < Tiles; ++c)
      sum[g][c][0] = sum[g][c][1] = sum[g][c][2] = sum[g][c][3] = 0.0f;
  }
}

}  // namespace flashrnn::cuda
