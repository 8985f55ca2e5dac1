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

// ---- shared memory ----
__device__ __forceinline__ void stage_kept(u32 at, const float (&v)[2]) {
  if constexpr (kKeptIsHalf) {
    sts32(at, pack_kept(v[0], v[1]));
  } else {
    sts64(at, __float_as_uint(v[0]), __float_as_uint(v[1]));
  }
}
__device__ __forceinline__ void take_kept(u32 at, float (&v)[2]) {
  if constexpr (kKeptIsHalf) {
    const u32 pair = lds32(at);
    v[0] = low_of(pair), v[1] = high_of(pair);
  } else {
    const uint2 pair = lds64(at);
    v[0] = __uint_as_float(pair.x), v[1] = __uint_as_float(pair.y);
  }
}

// ---- saved memory ----
__device__ __forceinline__ void store_kept(char* to, const float (&v)[2]) {
  if constexpr (kKeptIsHalf) {
    *reinterpret_cast<u32*>(to) = pack_kept(v[0], v[1]);
  } else {
    *reinterpret_cast<float2*>(to) = float2{v[0], v[1]};
  }
}
__device__ __forceinline__ void load_kept(const char* from, float (&v)[2]) {
  if constexpr (kKeptIsHalf) {
    const u32 pair = *reinterpret_cast<const u32*>(from);
    v[0] = low_of(pair), v[1] = high_of(pair);
  } else {
    const float2 pair = *reinterpret_cast<const float2*>(from);
    v[0] = pair.x, v[1] = pair.y;
  }
}
__device__ __forceinline__ void fetch_kept(u32 shared, const char* from) {
  copy_async<kKeptIsHalf ? 4 : 8>(shared, from);
}

}  // namespace flashrnn::cuda
