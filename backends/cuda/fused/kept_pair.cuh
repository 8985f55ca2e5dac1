// SPDX-License-Identifier: Apache-2.0
// A kept state of a pair of units as it is saved for backward: a pair of the problem's dtype or of
// float32, as cells.def says. What goes from step to step is float32 in either case.
#pragma once

#include "cuda/fused/number.cuh"
#include "gpu/fused/cell.hpp"

namespace flashrnn::cuda {

inline constexpr bool kKeptIsHalf = gpu::Cell::kKeptBits == 16;
inline constexpr int kKeptPairBytes = gpu::Cell::kKeptBits / 4;

// A number as it is to be rounded: one beyond float16's largest stays finite, since backward
// multiplies it by zeros. NaN stays NaN.
__device__ __forceinline__ float kept_number(float v) {
  if constexpr (kKeptIsHalf && !kIsBfloat16) {
    constexpr float kLargest = 65504.0f;
    asm("min.NaN.f32 %0, %0, %1;" : "+f"(v) : "f"(kLargest));
    asm("max.NaN.f32 %0, %0, %1;" : "+f"(v) : "f"(-kLargest));
  }
  return v;
}
__device__ __forceinline__ u32 pack_kept(float low, float high) {
  return pack(kept_number(low), kept_number(high));
}

// Both have a unit's number by its index, and go from and to shared memory (take, stage), from and
// to saved memory (load, store), and from there to shared memory (fetch).
template <bool IsHalf>
struct KeptPairOf;

// Unpacked where it is used: half as many registers wait for that.
template <>
struct KeptPairOf<true> {
  u32 word;

  static __device__ __forceinline__ KeptPairOf of(float first, float second) {
    return {pack_kept(first, second)};
  }
  __device__ __forceinline__ float operator[](int unit) const {
    return unit == 0 ? low_of(word) : high_of(word);
  }
  __device__ __forceinline__ void take(u32 at) { word = lds32(at); }
  __device__ __forceinline__ void stage(u32 at) const { sts32(at, word); }
  __device__ __forceinline__ void load(const char* from) {
    word = *reinterpret_cast<const u32*>(from);
  }
  __device__ __forceinline__ void store(char* to) const { *reinterpret_cast<u32*>(to) = word; }
  static __device__ __forceinline__ void fetch(u32 shared, const char* from) {
    copy_async<4>(shared, from);
  }
};

template <>
struct KeptPairOf<false> {
  float v[2];

  static __device__ __forceinline__ KeptPairOf of(float first, float second) {
    return {{first, second}};
  }
  __device__ __forceinline__ float operator[](int unit) const { return v[unit]; }
  __device__ __forceinline__ void take(u32 at) {
    const uint2 words = lds64(at);
    v[0] = __uint_as_float(words.x), v[1] = __uint_as_float(words.y);
  }
  __device__ __forceinline__ void stage(u32 at) const {
    sts64(at, __float_as_uint(v[0]), __float_as_uint(v[1]));
  }
  __device__ __forceinline__ void load(const char* from) {
    const float2 both = *reinterpret_cast<const float2*>(from);
    v[0] = both.x, v[1] = both.y;
  }
  __device__ __forceinline__ void store(char* to) const {
    *reinterpret_cast<float2*>(to) = float2{v[0], v[1]};
  }
  static __device__ __forceinline__ void fetch(u32 shared, const char* from) {
    copy_async<8>(shared, from);
  }
};

using KeptPair = KeptPairOf<kKeptIsHalf>;

}  // namespace flashrnn::cuda
