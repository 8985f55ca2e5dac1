// SPDX-License-Identifier: Apache-2.0
// The product of a direct backward CTA with a batch tile of 4 (direct_backward_four.cuh), in two
// ways to exchange what it needs (gpu::sends_partials says which). Both have two buffers, and leave
// the slots' gradients in shared memory for the warps that store them.
#pragma once

#include "cuda/fused/operand.cuh"
#include "gpu/fused/geometry.hpp"

namespace flashrnn::cuda {

// A warp multiplies the gradients of its own units' slots, which it has in registers, by all
// columns of their rows of R, and sends each warp the partial gradients of that one's units: no
// load stands between the cell and the product, and with three gates or four it is less than all
// warps' gradients.
//
// The gradients of a pair of units (row, q) become an operand of mma.sync by a transposition of
// 8 x 8 numbers, which brings the even units of a sequence to one column and the odd ones to the
// one beside it. So the product's two columns of a sequence add up to the sum, in the lane that
// owns the sequence's pair.
template <int D>
struct PartialsProduct {
  static constexpr bool kSendsPartials = true;
  static constexpr int kWarps = D / 16, kGates = Cell::kRecurrents;
  static constexpr int kRowBytes = gpu::direct_row_bytes(D, true),
                       kGateBytes = gpu::kBlockSequences * kRowBytes;
  // Of a step: [receiving warp][sending warp, the next one first][lane] pairs.
  static constexpr int kSenders = kWarps - 1, kOfWarpBytes = kSenders * 256,
                       kPartialBytes = kWarps * kOfWarpBytes, kExchangeBytes = 2 * kPartialBytes;

  u32 w[kWarps][kGates][4];   // to the next warp's units first, to its own last
  u32 mask[2];                // of the numbers of even units, and of odd ones
  u32 send[kWarps], partial;  // places of what goes to the others and of what comes
  uint2 part[kWarps];
  float own[2];  // this warp's partial gradients of its own units

  static __device__ __forceinline__ u32 gradient_place(int unit, int sequence) {
    return sequence * kRowBytes + unit * 2;
  }

  // A lane's column has even units or odd ones; those past the head must not bring a NaN into the
  // product (heads end with whole pieces, way.cuh).
  __device__ __forceinline__ void start(const View& r, int head, int units, int warp, int lane,
                                        u32 exchange, u32) {
    const int q = lane % 4, row = lane / 4;
    partial = exchange + warp * kOfWarpBytes + lane * 8;
#pragma unroll
    for (int t = 0; t < kSenders; ++t)
      send[t] = exchange + (warp + 1 + t) % kWarps * kOfWarpBytes + t * 256 + lane * 8;
    const u32 is_there = warp * 16 + 4 * q < units ? ~0u : 0;
    mask[0] = row % 2 == 0 ? is_there : 0, mask[1] = row % 2 == 0 ? 0 : is_there;
    own[0] = own[1] = 0.0f;
    keep(partial);
    read_weights(r, head, units, [&](const auto& rows) {
#pragma unroll
      for (int t = 0; t < kWarps; ++t) {
        const int in = (warp + 1 + t) % kWarps * 16 + 2 * row;
#pragma unroll
        for (int g = 0; g < kGates; ++g) {
#pragma unroll
          for (int odd = 0; odd < 2; ++odd) {
            const uint2 v = rows.template column_pairs<2>(g, warp * 16 + 4 * q + odd, in);
            w[t][g][2 * odd] = v.x, w[t][g][2 * odd + 1] = v.y;
          }
        }
      }
    });
  }

  // After the warps have met; `which` of the buffers.
  __device__ __forceinline__ void take(int which) {
#pragma unroll
    for (int k = 0; k < kSenders; ++k) part[k] = lds64(partial + which * kPartialBytes + k * 256);
  }
  __device__ __forceinline__ void sum(float (&through)[2]) const {
    through[0] = own[0], through[1] = own[1];
    if constexpr (kSenders > 0) {
      float others[2] = {__uint_as_float(part[0].x), __uint_as_float(part[0].y)};
#pragma unroll
      for (int k = 1; k < kSenders; ++k)
        others[0] += __uint_as_float(part[k].x), others[1] += __uint_as_float(part[k].y);
      through[0] += others[0], through[1] += others[1];
    }
  }
  __device__ __forceinline__ void give(const u32 (&gradient)[kGates], u32 gradients, int which) {
#pragma unroll
    for (int g = 0; g < kGates; ++g) sts32(gradients + g * kGateBytes, gradient[g]);
    float sum[kWarps][1][4];
    clear(sum);
    u32 b[kGates][2];
#pragma unroll
    for (int g = 0; g < kGates; ++g) {
      const u32 x = transpose(gradient[g]);
      b[g][0] = x & mask[0], b[g][1] = x & mask[1];
    }
#pragma unroll
    for (int g = 0; g < kGates; ++g) {
#pragma unroll
      for (int t = 0; t < kWarps; ++t) multiply_add(sum[t][0], w[t][g], b[g][0], b[g][1]);
    }
#pragma unroll
    for (int t = 0; t < kSenders; ++t) {
      sts64(send[t] + which * kPartialBytes, __float_as_uint(sum[t][0][0] + sum[t][0][1]),
            __float_as_uint(sum[t][0][2] + sum[t][0][3]));
    }
    own[0] = sum[kSenders][0][0] + sum[kSenders][0][1];
    own[1] = sum[kSenders][0][2] + sum[kSenders][0][3];
  }
};

// A warp multiplies all slots' gradients, which lie in shared memory as operands with every second
// column empty, by the columns of R of its own units.
template <int D>
struct GradientsProduct {
  static constexpr bool kSendsPartials = false;
  static constexpr int kWarps = D / 16, kGates = Cell::kRecurrents, kDepth = (D + 31) / 32;
  static constexpr int kGateBytes = kDepth * kOperandBytes, kBufferBytes = kGates * kGateBytes,
                       kExchangeBytes = 0;

  u32 a[kGates][kDepth][2][4];
  u32 operand, mask;
  float product[kGates][1][4];

  static __device__ __forceinline__ u32 gradient_place(int unit, int sequence) {
    return operand_word(unit, 2 * sequence);
  }
  __device__ __forceinline__ void start(const View& r, int head, int units, int warp, int lane, u32,
                                        u32 gradients) {
    const int u = warp * 16 + lane / 4 * 2;
    operand = gradients + operand_lane(lane);
    mask = u < units ? ~0u : 0;
    keep(operand);
    load_all_columns(r, head, lane % 4 * 8, u, units, a);
  }
  __device__ __forceinline__ void take(int which) {
    clear(product);
    // The buffer that was written a step ago.
    multiply_each(product, a, operand + (which + 1) % 2 * kBufferBytes);
  }
  __device__ __forceinline__ void sum(float (&through)[2]) const {
#pragma unroll
    for (int e = 0; e < 2; ++e) {
      if constexpr (kGates == 4) {
        through[e] = (product[0][0][2 * e] + product[1][0][2 * e]) +
                     (product[2][0][2 * e] + product[3][0][2 * e]);
      } else {
        through[e] = product[0][0][2 * e];
#pragma unroll
        for (int g = 1; g < kGates; ++g) through[e] += product[g][0][2 * e];
      }
    }
  }
  __device__ __forceinline__ void give(const u32 (&gradient)[kGates], u32 gradients, int) {
#pragma unroll
    for (int g = 0; g < kGates; ++g) sts32(gradients + g * kGateBytes, gradient[g] & mask);
  }
};

template <int D, bool SendsPartials>
struct DirectBackwardProduct : GradientsProduct<D> {};
template <int D>
struct DirectBackwardProduct<D, true> : PartialsProduct<D> {};

}  // namespace flashrnn::cuda
