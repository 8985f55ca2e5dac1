// SPDX-License-Identifier: Apache-2.0
// Loads and stores of tensor elements. Sequences have the problem's dtype, which kernels know as
// Float32 or, with the conversion chosen at run time, as Bits16; weights and states have any dtype.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "gpu/params.hpp"

namespace flashrnn::cuda {

using gpu::Index;
using gpu::View;

__device__ __forceinline__ float from_bits16(unsigned short bits, bool is_half) {
  return is_half ? __half2float(__ushort_as_half(bits)) : __uint_as_float(unsigned(bits) << 16);
}

__device__ __forceinline__ unsigned short to_bits16(float value, bool is_half) {
  return is_half ? __half_as_ushort(__float2half_rn(value))
                 : __bfloat16_as_ushort(__float2bfloat16_rn(value));
}

// A raw element is loaded early and converted where it is used, so that the load's latency is
// hidden.
struct Float32 {
  using Raw = float;
  static constexpr int kBytes = 4;
  static __device__ __forceinline__ float value(Raw raw, bool) { return raw; }
  static __device__ __forceinline__ Raw raw(float value, bool) { return value; }
};

struct Bits16 {
  using Raw = unsigned short;
  static constexpr int kBytes = 2;
  static __device__ __forceinline__ float value(Raw raw, bool is_half) {
    return from_bits16(raw, is_half);
  }
  static __device__ __forceinline__ Raw raw(float value, bool is_half) {
    return to_bits16(value, is_half);
  }
};

template <typename Element>
__device__ __forceinline__ float rounded(float value, bool is_half) {
  return Element::value(Element::raw(value, is_half), is_half);
}

__device__ __forceinline__ float load_any(const View& view, Index index) {
  if (view.dtype == gpu::kFloat32) return static_cast<const float*>(view.data)[index];
  return from_bits16(static_cast<const unsigned short*>(view.data)[index],
                     view.dtype == gpu::kFloat16);
}

__device__ __forceinline__ void store_any(const View& view, Index index, float value) {
  if (view.dtype == gpu::kFloat32) {
    static_cast<float*>(view.data)[index] = value;
  } else {
    static_cast<unsigned short*>(view.data)[index] = to_bits16(value, view.dtype == gpu::kFloat16);
  }
}

__device__ __forceinline__ float rounded_to(int dtype, float value) {
  if (dtype == gpu::kFloat32) return value;
  return rounded<Bits16>(value, dtype == gpu::kFloat16);
}

// Element of a view [S, B, N, D], zero where it is absent.
__device__ __forceinline__ float state_at(const View& view, int k, Index b, int n, int u) {
  if (view.data == nullptr) return 0.0f;
  return load_any(
      view, k * view.stride[0] + b * view.stride[1] + n * view.stride[2] + u * view.stride[3]);
}

__device__ __forceinline__ float clamped(float value, float limit) {
  return value > limit ? limit : (value < -limit ? -limit : value);
}

}  // namespace flashrnn::cuda
