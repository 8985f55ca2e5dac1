// SPDX-License-Identifier: Apache-2.0
// What the cell saves of a pair of units for backward: 16-bit numbers, those of the first unit
// before those of the second, so that a thread that has one unit writes what it has.
#pragma once

#include "cuda/fused/number.cuh"
#include "gpu/fused/cell.hpp"

namespace flashrnn::cuda {

using gpu::Cell;

inline constexpr int kSavedPairBytes = 4 * Cell::kSaved, kSavedUnitBytes = 2 * Cell::kSaved;
static_assert(Cell::kSaved == 1 || Cell::kSaved % 2 == 0);

// Words from and to shared memory, of a pair or a unit.
template <int Words>
__device__ __forceinline__ void take_words(u32 at, u32 (&word)[Words]) {
  if constexpr (Words == 4) {
    const uint4 v = lds128(at);
    word[0] = v.x, word[1] = v.y, word[2] = v.z, word[3] = v.w;
  } else if constexpr (Words == 2) {
    const uint2 v = lds64(at);
    word[0] = v.x, word[1] = v.y;
  } else {
    static_assert(Words == 1);
    word[0] = lds32(at);
  }
}
template <int Words>
__device__ __forceinline__ void stage_words(u32 at, const u32 (&word)[Words]) {
  if constexpr (Words == 4) {
    sts128(at, word[0], word[1], word[2], word[3]);
  } else if constexpr (Words == 2) {
    sts64(at, word[0], word[1]);
  } else {
    static_assert(Words == 1);
    sts32(at, word[0]);
  }
}

struct SavedPair {
  u32 word[Cell::kSaved];

  __device__ __forceinline__ void set(const typename Cell::Saved& first,
                                      const typename Cell::Saved& second) {
    const auto number = [&](int i) {
      return i < Cell::kSaved ? first.v[i] : second.v[i - Cell::kSaved];
    };
#pragma unroll
    for (int k = 0; k < Cell::kSaved; ++k) word[k] = pack(number(2 * k), number(2 * k + 1));
  }
  __device__ __forceinline__ typename Cell::Saved of_unit(int unit) const {
    typename Cell::Saved s;
#pragma unroll
    for (int k = 0; k < Cell::kSaved; ++k) {
      const int i = unit * Cell::kSaved + k;
      s.v[k] = i % 2 == 0 ? low_of(word[i / 2]) : high_of(word[i / 2]);
    }
    return s;
  }
  __device__ __forceinline__ void take(u32 at) { take_words(at, word); }
  __device__ __forceinline__ void stage(u32 at) const { stage_words(at, word); }
  __device__ __forceinline__ void store(char* to) const {
    if constexpr (Cell::kSaved == 4) {
      *reinterpret_cast<uint4*>(to) = uint4{word[0], word[1], word[2], word[3]};
    } else if constexpr (Cell::kSaved == 2) {
      *reinterpret_cast<uint2*>(to) = uint2{word[0], word[1]};
    } else {
      *reinterpret_cast<u32*>(to) = word[0];
    }
  }
};

// One unit's, to its half of the pair's.
template <int Saved>
__device__ __forceinline__ void stage_saved_unit(u32 at, const float (&saved)[Saved]) {
  if constexpr (Saved == 1) {
    sts16(at, static_cast<unsigned short>(pack(saved[0], 0.0f)));
  } else {
    u32 word[Saved / 2];
#pragma unroll
    for (int k = 0; k < Saved / 2; ++k) word[k] = pack(saved[2 * k], saved[2 * k + 1]);
    stage_words(at, word);
  }
}

}  // namespace flashrnn::cuda
