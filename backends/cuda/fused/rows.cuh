// SPDX-License-Identifier: Apache-2.0
// Rows of 16 units (32 bytes) that a warp brings from tensors to shared memory, or takes from
// there, in pieces of 16 bytes: a lane moves a piece for what would be eight loads of its own
// elements.
#pragma once

#include "cuda/fused/number.cuh"

namespace flashrnn::cuda {

inline constexpr int kWarpRowBytes = 32;

// Where row (kind, column) of a tile of 8 stands: even columns before odd ones, so that lanes (row
// of pairs, q) that read column 2 q + j meet no bank twice.
__device__ constexpr int row_place(int kind, int column) {
  return kind * 8 + column % 2 * 4 + column / 2;
}

// The pieces of Kinds x 8 rows that one lane copies: piece = lane + 32 k, row = piece / 2.
template <int Kinds>
struct LanePieces {
  static constexpr int kOfKind = 16, kPieces = Kinds * kOfKind, kOfLane = (kPieces + 31) / 32;
  // From a piece of a lane to its next one.
  static constexpr int kNextKind = 32 / kOfKind, kNextPlace = 16 * kWarpRowBytes;

  static __device__ bool has(int lane, int k) {
    return kPieces % 32 == 0 || lane + 32 * k < kPieces;
  }
  static __device__ int kind(int lane, int k) { return (lane + 32 * k) / kOfKind; }
  static __device__ int column(int lane) { return lane / 2 % 8; }
  static __device__ int place(int lane) {
    return row_place(kind(lane, 0), column(lane)) * kWarpRowBytes + lane % 2 * 16;
  }
};

}  // namespace flashrnn::cuda
