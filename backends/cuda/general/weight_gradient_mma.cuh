// SPDX-License-Identifier: Apache-2.0
// A tile's product on tensor cores: bfloat16 and float16 by m16n8k16, float32 as TF32 by m16n8k8,
// sums in float32. Eight warps; each has 32 columns and so many rows that there are as many warps
// across as m16 tiles in a warp: warp i of a row of warps also sums the bias of the i-th of them.
#pragma once

#include "cuda/general/weight_gradient_tiles.cuh"

namespace flashrnn::cuda {

// Accumulators and where they stand, whatever the operands are.
template <int kColumns>
struct MmaTile {
  static constexpr int kRows = kWeightGradientRows;
  static constexpr int kWarpsAcross = kColumns / 32;
  static constexpr int kWarpsDown = kWeightGradientThreads / 32 / kWarpsAcross;
  static constexpr int kRowTiles = kWeightGradientRows / kWarpsDown / 16;
  static constexpr int kColumnTiles = 4;
  static_assert(kRowTiles == kWarpsAcross);

  float sum[kRowTiles][kColumnTiles][4] = {};
  int lane, first_row, first_column, bias_tile;

  __device__ MmaTile() {
    const int warp = threadIdx.x / 32;
    lane = threadIdx.x % 32;
    first_row = warp / kWarpsAcross * kRowTiles * 16;
    first_column = warp % kWarpsAcross * 32;
    bias_tile = warp % kWarpsAcross;
  }

  // f(row, column, value, value of the next column)
  template <typename F>
  __device__ __forceinline__ void for_each(F f) const {
#pragma unroll
    for (int i = 0; i < kRowTiles; ++i) {
#pragma unroll
      for (int j = 0; j < kColumnTiles; ++j) {
        const int row = first_row + i * 16 + lane / 4;
        const int column = first_column + j * 8 + lane % 4 * 2;
        f(row, column, sum[i][j][0], sum[i][j][1]);
        f(row + 8, column, sum[i][j][2], sum[i][j][3]);
      }
    }
  }
};

__device__ __forceinline__ void load_matrices(unsigned (&r)[4], unsigned at) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(at)
               : "memory");
}

template <bool kIsHalf>
__device__ __forceinline__ void mma16(float (&d)[4], const unsigned (&a)[4], unsigned b0,
                                      unsigned b1) {
  if constexpr (kIsHalf) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
        "{%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  } else {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "
        "{%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
  }
}

template <int kColumns, bool kIsHalf>
struct Mma16Product : MmaTile<kColumns> {
  static constexpr int kDepth = 32;
  static constexpr int kStages = 4;
  static constexpr int kCtasOfSm = 2;
  using Base = MmaTile<kColumns>;
  using Gradients = StepTile<2, kWeightGradientRows, kDepth>;
  using States = StepTile<2, kColumns, kDepth>;
  static constexpr unsigned kOnes = kIsHalf ? 0x3c003c00u : 0x3f803f80u;

  float bias[4] = {};

  __device__ __forceinline__ void publish() {}
  template <int kLeft>
  __device__ __forceinline__ void finish() {}
  __device__ __forceinline__ void begin(const char* gradients, const char* states, bool with_bias) {
    const unsigned a_tile = static_cast<unsigned>(__cvta_generic_to_shared(gradients));
    const unsigned b_tile = static_cast<unsigned>(__cvta_generic_to_shared(states));
    const int lane = Base::lane;
#pragma unroll
    for (int k = 0; k < kDepth; k += 16) {
      unsigned a[Base::kRowTiles][4];
      unsigned b[Base::kColumnTiles / 2][4];
#pragma unroll
      for (int i = 0; i < Base::kRowTiles; ++i) {
        load_matrices(a[i],
                      a_tile + Gradients::at(k + (lane & 7) + (lane >> 4) * 8,
                                             (Base::first_row + i * 16) / 8 + (lane >> 3 & 1)));
      }
#pragma unroll
      for (int j = 0; j < Base::kColumnTiles / 2; ++j) {
        load_matrices(b[j], b_tile + States::at(k + (lane & 7) + (lane >> 3 & 1) * 8,
                                                (Base::first_column + j * 16) / 8 + (lane >> 4)));
      }
#pragma unroll
      for (int i = 0; i < Base::kRowTiles; ++i) {
#pragma unroll
        for (int j = 0; j < Base::kColumnTiles; ++j) {
          mma16<kIsHalf>(Base::sum[i][j], a[i], b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]);
        }
      }
      if (with_bias) {
        // Read again: an index at run time would put the fragments into local memory.
        unsigned chosen[4];
        load_matrices(chosen, a_tile + Gradients::at(k + (lane & 7) + (lane >> 4) * 8,
                                                     (Base::first_row + Base::bias_tile * 16) / 8 +
                                                         (lane >> 3 & 1)));
        mma16<kIsHalf>(bias, chosen, kOnes, kOnes);
      }
    }
  }

  // f(row, value), once a row.
  template <typename F>
  __device__ __forceinline__ void for_each_bias(F f) const {
    if (Base::lane % 4 != 0) return;
    const int row = Base::first_row + Base::bias_tile * 16 + Base::lane / 4;
    f(row, bias[0]);
    f(row + 8, bias[2]);
  }
};

__device__ __forceinline__ unsigned to_tf32(float value) {
  unsigned bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(value));
  return bits;
}

template <int kColumns>
struct Tf32Product : MmaTile<kColumns> {
  static constexpr int kDepth = 16;
  static constexpr int kStages = 4;
  static constexpr int kCtasOfSm = 2;
  using Base = MmaTile<kColumns>;
  using Gradients = StepTile<4, kWeightGradientRows, kDepth>;
  using States = StepTile<4, kColumns, kDepth>;

  float bias[2] = {};  // rows lane / 4 and that + 8 of this lane's steps, in float32

  __device__ __forceinline__ void publish() {}
  template <int kLeft>
  __device__ __forceinline__ void finish() {}
  __device__ __forceinline__ void begin(const char* gradients, const char* states, bool with_bias) {
    const int group = Base::lane / 4;
    const int within = Base::lane % 4;
    const auto at = [](const char* tile, int pitch, int k, int unit) {
      return *reinterpret_cast<const float*>(tile + k * pitch + unit * 4);
    };
#pragma unroll 1
    for (int k = 0; k < kDepth; k += 8) {
      unsigned b[Base::kColumnTiles][2];
#pragma unroll
      for (int j = 0; j < Base::kColumnTiles; ++j) {
        const int column = Base::first_column + j * 8 + group;
        b[j][0] = to_tf32(at(states, States::kPitch, k + within, column));
        b[j][1] = to_tf32(at(states, States::kPitch, k + within + 4, column));
      }
#pragma unroll
      for (int i = 0; i < Base::kRowTiles; ++i) {
        const int row = Base::first_row + i * 16 + group;
        float a[4];
        a[0] = at(gradients, Gradients::kPitch, k + within, row);
        a[1] = at(gradients, Gradients::kPitch, k + within, row + 8);
        a[2] = at(gradients, Gradients::kPitch, k + within + 4, row);
        a[3] = at(gradients, Gradients::kPitch, k + within + 4, row + 8);
        if (with_bias && i == Base::bias_tile) {
          bias[0] += a[0] + a[2];
          bias[1] += a[1] + a[3];
        }
        const unsigned t[4] = {to_tf32(a[0]), to_tf32(a[1]), to_tf32(a[2]), to_tf32(a[3])};
#pragma unroll
        for (int j = 0; j < Base::kColumnTiles; ++j) {
          float(&d)[4] = Base::sum[i][j];
          asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "
              "{%8,%9}, {%0,%1,%2,%3};"
              : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
              : "r"(t[0]), "r"(t[1]), "r"(t[2]), "r"(t[3]), "r"(b[j][0]), "r"(b[j][1]));
        }
      }
    }
  }

  template <typename F>
  __device__ __forceinline__ void for_each_bias(F f) const {
    float total[2] = {bias[0], bias[1]};
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      total[i] += __shfl_xor_sync(0xffffffffu, total[i], 1);
      total[i] += __shfl_xor_sync(0xffffffffu, total[i], 2);
    }
    if (Base::lane % 4 != 0) return;
    const int row = Base::first_row + Base::bias_tile * 16 + Base::lane / 4;
    f(row, total[0]);
    f(row + 8, total[1]);
  }
};

}  // namespace flashrnn::cuda
