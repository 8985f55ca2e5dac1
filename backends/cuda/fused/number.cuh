// SPDX-License-Identifier: Apache-2.0
// The 16-bit numbers of this compilation (FLASHRNN_FUSED_DTYPE), pairs of them, their matrix
// product, and elements of tensors of any dtype.
#pragma once

#include "cuda/fused/ptx.cuh"
#include "gpu/params.hpp"

namespace flashrnn::cuda {

using gpu::Index;
using gpu::View;

inline constexpr bool kIsBfloat16 = FLASHRNN_FUSED_DTYPE == gpu::kBfloat16;

__device__ __forceinline__ float from_bfloat16(u32 bits) { return __uint_as_float(bits << 16); }
__device__ __forceinline__ float from_float16(u32 bits) {
  float f;
  asm("cvt.f32.f16 %0, %1;" : "=f"(f) : "h"(static_cast<unsigned short>(bits)));
  return f;
}
// The results are canonical: a NaN becomes 0x7fff, so no word of two numbers is ever 0xffffffff.
__device__ __forceinline__ u32 pack_bfloat16(float low, float high) {
  u32 r;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
  return r;
}
__device__ __forceinline__ u32 pack_float16(float low, float high) {
  u32 r;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
  return r;
}

// Pairs of the problem's dtype: the low half is the unit of even number.
__device__ __forceinline__ u32 pack(float low, float high) {
  return kIsBfloat16 ? pack_bfloat16(low, high) : pack_float16(low, high);
}
__device__ __forceinline__ float low_of(u32 pair) {
  return kIsBfloat16 ? __uint_as_float(pair << 16) : from_float16(pair & 0xffffu);
}
__device__ __forceinline__ float high_of(u32 pair) {
  return kIsBfloat16 ? __uint_as_float(pair & 0xffff0000u) : from_float16(pair >> 16);
}

// c += a b, 16 x 8 x 16.
__device__ __forceinline__ void multiply_add(float (&c)[4], const u32 (&a)[4], u32 b0, u32 b1) {
  if constexpr (kIsBfloat16) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "
        "{%8,%9}, {%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  } else {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
        "{%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  }
}

// ---- elements of tensors of any dtype: for what is done once, or rarely ----
__device__ __forceinline__ float load_any(const void* data, int dtype, Index at) {
  if (dtype == gpu::kFloat32) return static_cast<const float*>(data)[at];
  const u32 bits = static_cast<const unsigned short*>(data)[at];
  return dtype == gpu::kBfloat16 ? from_bfloat16(bits) : from_float16(bits);
}
__device__ __forceinline__ void store_any(void* data, int dtype, Index at, float value) {
  if (dtype == gpu::kFloat32) {
    static_cast<float*>(data)[at] = value;
  } else {
    const u32 bits =
        dtype == gpu::kBfloat16 ? pack_bfloat16(value, 0.0f) : pack_float16(value, 0.0f);
    static_cast<unsigned short*>(data)[at] = static_cast<unsigned short>(bits);
  }
}

// Element (state k, sequence b, head n, unit u) of a tensor [S, B, N, D].
__device__ __forceinline__ Index state_index(const View& v, int k, int b, int n, int u) {
  return k * v.stride[0] + b * v.stride[1] + n * v.stride[2] + u * v.stride[3];
}
__device__ __forceinline__ float load_state(const View& v, int k, int b, int n, int u) {
  return v.data != nullptr ? load_any(v.data, v.dtype, state_index(v, k, b, n, u)) : 0.0f;
}
__device__ __forceinline__ void store_state(const View& v, int k, int b, int n, int u,
                                            float value) {
  store_any(v.data, v.dtype, state_index(v, k, b, n, u), value);
}

// Whether neighbouring units of a tensor stand in one aligned 32-bit word; `axes` counts its axes,
// the unit's last.
template <int Axes>
__device__ __forceinline__ bool has_pairs(const View& v, int units) {
  Index odd = units & 1;
#pragma unroll
  for (int k = 0; k < Axes - 1; ++k) odd |= v.stride[k] & 1;
  return v.stride[Axes - 1] == 1 && odd == 0 &&
         (reinterpret_cast<unsigned long long>(v.data) & 3) == 0;
}

}  // namespace flashrnn::cuda
