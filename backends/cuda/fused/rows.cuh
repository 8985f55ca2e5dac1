// SPDX-License-Identifier: Apache-2.0
// Rows of 16 units (32 bytes) that a warp brings from tensors to shared memory, or takes from
// there, in pieces of 16 bytes: a lane moves a piece for what would be eight loads of its own
// elements.
#pragma once

#include "cuda/fused/number.cuh"

namespace flashrnn::cuda {

inline constexpr int kWarpRowBytes = 32;

// Where row (kind, column) of a tile's columns stands: of 8, even columns before odd ones, so that
// lanes (row of pairs, q) that read column 2 q + j meet no bank twice; of 4, lane q reads column q.
template <int Columns>
__device__ constexpr int row_place(int kind, int column) {
  return kind * Columns + (Columns == 8 ? column % 2 * 4 + column / 2 : column);
}

// The pieces of Kinds x Columns rows that one lane copies: piece = lane + 32 k, row = piece / 2.
template <int Kinds, int Columns>
struct LanePieces {
  static_assert(Columns == 8 || Columns == 4);
  static constexpr int kOfKind = 2 * Columns, kPieces = Kinds * kOfKind,
                       kOfLane = (kPieces + 31) / 32;
  // From a piece of a lane to its next one.
  static constexpr int kNextKind = 32 / kOfKind, kNextPlace = 16 * kWarpRowBytes;

  static __device__ bool has(int lane, int k) {
    return kPieces % 32 == 0 || lane + 32 * k < kPieces;
  }
  static __device__ int kind(int lane, int k) { return (lane + 32 * k) / kOfKind; }
  static __device__ int column(int lane) { return lane / 2 % Columns; }
  static __device__ int place(int lane) {
    return row_place<Columns>(kind(lane, 0), column(lane)) * kWarpRowBytes + lane % 2 * 16;
  }
};

}  // namespace flashrnn::cuda
