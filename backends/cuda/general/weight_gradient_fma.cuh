// SPDX-License-Identifier: Apache-2.0
// A tile's product in float32 FMAs: 16 x 16 threads, eight rows of two groups of four each.
#pragma once

#include "cuda/general/weight_gradient_tiles.cuh"

namespace flashrnn::cuda {

template <int kColumns>
struct FmaProduct {
  static constexpr int kRows = kWeightGradientRows;
  static constexpr int kDepth = 16;
  static constexpr int kStages = 4;
  static constexpr int kCtasOfSm = kColumns == 128 ? 1 : 2;  // for want of registers
  using Gradients = StepTile<4, kWeightGradientRows, kDepth>;
  using States = StepTile<4, kColumns, kDepth>;
  static constexpr int kThreadRows = 8;
  static constexpr int kThreadColumns = kColumns / 16;
  static constexpr int kWidth = kThreadColumns < 4 ? kThreadColumns : 4;  // of one load

  float sum[kThreadRows][kThreadColumns] = {};
  float bias = 0.0f;  // of row threadIdx.x
  int x, y;

  __device__ FmaProduct() : x(threadIdx.x % 16), y(threadIdx.x / 16) {}

  static __device__ __forceinline__ int row_of(int y, int i) { return i / 4 * 64 + y * 4 + i % 4; }
  static __device__ __forceinline__ int column_of(int x, int j) {
    return j / kWidth * 64 + x * kWidth + j % kWidth;
  }

  __device__ __forceinline__ void publish() {}
  template <int kLeft>
  __device__ __forceinline__ void finish() {}
  __device__ __forceinline__ void begin(const char* gradients, const char* states, bool with_bias) {
#pragma unroll
    for (int k = 0; k < kDepth; ++k) {
      float a[kThreadRows], b[kThreadColumns];
#pragma unroll
      for (int i = 0; i < kThreadRows; i += 4) {
        const float4 four =
            *reinterpret_cast<const float4*>(gradients + k * Gradients::kPitch + row_of(y, i) * 4);
        a[i] = four.x;
        a[i + 1] = four.y;
        a[i + 2] = four.z;
        a[i + 3] = four.w;
      }
#pragma unroll
      for (int j = 0; j < kThreadColumns; j += kWidth) {
        const char* const at = states + k * States::kPitch + column_of(x, j) * 4;
        if constexpr (kWidth == 4) {
          const float4 four = *reinterpret_cast<const float4*>(at);
          b[j] = four.x;
          b[j + 1] = four.y;
          b[j + 2] = four.z;
          b[j + 3] = four.w;
        } else {
          const float2 two = *reinterpret_cast<const float2*>(at);
          b[j] = two.x;
          b[j + 1] = two.y;
        }
      }
#pragma unroll
      for (int i = 0; i < kThreadRows; ++i) {
#pragma unroll
        for (int j = 0; j < kThreadColumns; ++j) sum[i][j] = fmaf(a[i], b[j], sum[i][j]);
      }
    }
    if (!with_bias || threadIdx.x >= kWeightGradientRows) return;
#pragma unroll
    for (int k = 0; k < kDepth; ++k) {
      bias += *reinterpret_cast<const float*>(gradients + k * Gradients::kPitch + threadIdx.x * 4);
    }
  }

  template <typename F>
  __device__ __forceinline__ void for_each(F f) const {
#pragma unroll
    for (int i = 0; i < kThreadRows; ++i) {
#pragma unroll
      for (int j = 0; j < kThreadColumns; j += 2) {
        f(row_of(y, i), column_of(x, j), sum[i][j], sum[i][j + 1]);
      }
    }
  }

  template <typename F>
  __device__ __forceinline__ void for_each_bias(F f) const {
    if (threadIdx.x < kWeightGradientRows) f(int(threadIdx.x), bias);
  }
};

}  // namespace flashrnn::cuda
