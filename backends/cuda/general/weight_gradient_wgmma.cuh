// SPDX-License-Identifier: Apache-2.0
// A tile's product by Hopper's warpgroup instructions, which read both operands from shared memory:
// two warpgroups, of every 128 rows 64 each. The operands lie there as they come, a row a step,
// which wgmma calls M- and N-major (PTX ISA, "Asynchronous Warpgroup Level Matrix Multiply-
// Accumulate Instructions", shared memory matrix layout): blocks of 64 units, a step's 128 bytes of
// a block swizzled by the step's number modulo 8.
#pragma once

#include "cuda/general/weight_gradient_mma.cuh"

namespace flashrnn::cuda {

// Byte offsets of a tile of kDepth steps x kUnits 16-bit units.
template <int kUnits_, int kDepth_>
struct WarpgroupTile {
  static constexpr int kBytes = 2;
  static constexpr int kUnits = kUnits_;
  static constexpr int kDepth = kDepth_;
  static constexpr int kPerChunk = 8;
  static constexpr int kChunks = kUnits / kPerChunk;
  static constexpr int kBlock = kDepth * 128;  // of 64 units
  static constexpr int kSize = kUnits / 64 * kBlock;

  static __device__ __forceinline__ int at(int row, int chunk) {
    return chunk / 8 * kBlock + row * 128 + (chunk % 8 ^ row % 8) * 16;
  }

  // The matrix descriptor of the units from 64 * `block` on and the steps from `step` on, a
  // multiple of 8: start, distance of blocks, distance of 8 steps (all in 16 bytes), swizzle of 128
  // bytes.
  static __device__ __forceinline__ unsigned long long descriptor(unsigned tile, int block,
                                                                  int step) {
    const unsigned start = tile + block * kBlock + step * 128;
    return (start >> 4 & 0x3fffu) | static_cast<unsigned long long>(kBlock >> 4) << 16 |
           static_cast<unsigned long long>(1024 >> 4) << 32 | 1ull << 62;
  }
};

// Only there where the compilation is for sm_90a; the host launches nothing else.
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define FLASHRNN_DEVICE_HAS_WARPGROUPS 1
#define FLASHRNN_WARPGROUP(text) asm volatile(text ::: "memory")
#else
#define FLASHRNN_DEVICE_HAS_WARPGROUPS 0
#define FLASHRNN_WARPGROUP(text)
#endif

__device__ __forceinline__ void warpgroup_arrive() {
  FLASHRNN_WARPGROUP("wgmma.fence.sync.aligned;");
}
__device__ __forceinline__ void warpgroup_commit() {
  FLASHRNN_WARPGROUP("wgmma.commit_group.sync.aligned;");
}
// All but the last kLeft groups are at their end.
template <int kLeft>
__device__ __forceinline__ void warpgroup_wait() {
  static_assert(kLeft == 0 || kLeft == 1);
  if constexpr (kLeft == 0) {
    FLASHRNN_WARPGROUP("wgmma.wait_group.sync.aligned 0;");
  } else {
    FLASHRNN_WARPGROUP("wgmma.wait_group.sync.aligned 1;");
  }
}
// What copies of this thread wrote is seen by the warpgroup instructions after a barrier.
__device__ __forceinline__ void publish_to_warpgroups() {
  FLASHRNN_WARPGROUP("fence.proxy.async.shared::cta;");
}

// d += a b, 64 x kColumns x 16, both operands along the steps; sums by 32 a thread.
// clang-format off
#define FLASHRNN_SUMS_0 \
  "%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15," \
  "%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31"
#define FLASHRNN_SUMS_1 \
  ",%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47," \
  "%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63"
#define FLASHRNN_SUMS_2 \
  ",%64,%65,%66,%67,%68,%69,%70,%71,%72,%73,%74,%75,%76,%77,%78,%79," \
  "%80,%81,%82,%83,%84,%85,%86,%87,%88,%89,%90,%91,%92,%93,%94,%95"
#define FLASHRNN_SUMS_3 \
  ",%96,%97,%98,%99,%100,%101,%102,%103,%104,%105,%106,%107,%108,%109,%110,%111," \
  "%112,%113,%114,%115,%116,%117,%118,%119,%120,%121,%122,%123,%124,%125,%126,%127"
#define FLASHRNN_SUM_4(i) "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3])
#define FLASHRNN_SUM_16(i) \
  FLASHRNN_SUM_4(i), FLASHRNN_SUM_4(i + 4), FLASHRNN_SUM_4(i + 8), FLASHRNN_SUM_4(i + 12)
#define FLASHRNN_SUM_32(i) FLASHRNN_SUM_16(i), FLASHRNN_SUM_16(i + 16)
#define FLASHRNN_WGMMA_OF(type, columns, sums, operands, ...) \
  asm volatile("wgmma.mma_async.sync.aligned.m64n" #columns "k16.f32." type "." type " {" sums "}, " \
               operands ", 1, 1, 1, 1, 1;" : __VA_ARGS__ : "l"(a), "l"(b))
#define FLASHRNN_WGMMA(...) \
  if constexpr (kIsHalf) { \
    FLASHRNN_WGMMA_OF("f16", __VA_ARGS__); \
  } else { \
    FLASHRNN_WGMMA_OF("bf16", __VA_ARGS__); \
  }
#define FLASHRNN_WGMMA_64 FLASHRNN_WGMMA(64, FLASHRNN_SUMS_0, "%32, %33", FLASHRNN_SUM_32(0))
#define FLASHRNN_WGMMA_128 \
  FLASHRNN_WGMMA(128, FLASHRNN_SUMS_0 FLASHRNN_SUMS_1, "%64, %65", \
                 FLASHRNN_SUM_32(0), FLASHRNN_SUM_32(32))
#define FLASHRNN_WGMMA_192 \
  FLASHRNN_WGMMA(192, FLASHRNN_SUMS_0 FLASHRNN_SUMS_1 FLASHRNN_SUMS_2, "%96, %97", \
                 FLASHRNN_SUM_32(0), FLASHRNN_SUM_32(32), FLASHRNN_SUM_32(64))
#define FLASHRNN_WGMMA_256 \
  FLASHRNN_WGMMA(256, FLASHRNN_SUMS_0 FLASHRNN_SUMS_1 FLASHRNN_SUMS_2 FLASHRNN_SUMS_3, \
                 "%128, %129", \
                 FLASHRNN_SUM_32(0), FLASHRNN_SUM_32(32), FLASHRNN_SUM_32(64), FLASHRNN_SUM_32(96))
// clang-format on
template <int kColumns, bool kIsHalf>
__device__ __forceinline__ void warpgroup_multiply(float (&d)[kColumns / 2], unsigned long long a,
                                                   unsigned long long b) {
#if FLASHRNN_DEVICE_HAS_WARPGROUPS
  static_assert(kColumns % 64 == 0 && kColumns <= 256);
  if constexpr (kColumns == 64) {
    FLASHRNN_WGMMA_64;
  } else if constexpr (kColumns == 128) {
    FLASHRNN_WGMMA_128;
  } else if constexpr (kColumns == 192) {
    FLASHRNN_WGMMA_192;
  } else {
    FLASHRNN_WGMMA_256;
  }
#endif
}
#undef FLASHRNN_SUMS_0
#undef FLASHRNN_SUMS_1
#undef FLASHRNN_SUMS_2
#undef FLASHRNN_SUMS_3
#undef FLASHRNN_SUM_4
#undef FLASHRNN_SUM_16
#undef FLASHRNN_SUM_32
#undef FLASHRNN_WGMMA
#undef FLASHRNN_WGMMA_OF
#undef FLASHRNN_WGMMA_64
#undef FLASHRNN_WGMMA_128
#undef FLASHRNN_WGMMA_192
#undef FLASHRNN_WGMMA_256

template <int kRows_, int kColumns, bool kIsHalf>
struct WarpgroupProduct {
  static constexpr int kRows = kRows_, kRowBlocks = kRows / 128;
  static constexpr int kDepth = 64;
  static constexpr int kCtasOfSm = kRows * kColumns > 128 * 128 || kRows == 256 ? 1 : 2;
  static constexpr int kStages = kCtasOfSm == 1 && kRows + kColumns <= 384 ? 4 : 3;
  using Gradients = WarpgroupTile<kRows, kDepth>;
  using States = WarpgroupTile<kColumns, kDepth>;
  static_assert(kWeightGradientThreads == 2 * 128 && kRows % 128 == 0);

  float sum[kRowBlocks][kColumns / 2] = {};
  float bias[kRowBlocks][4] = {};
  int lane = threadIdx.x % 32, warp = threadIdx.x / 32;

  // Between the arrival of the operands' copies and the barrier that tells of them.
  __device__ __forceinline__ void publish() { publish_to_warpgroups(); }

  // A block's products begin; they are at their end after `finish`.
  __device__ __forceinline__ void begin(const char* gradients, const char* states, bool with_bias) {
    const unsigned a = static_cast<unsigned>(__cvta_generic_to_shared(gradients));
    const unsigned b = static_cast<unsigned>(__cvta_generic_to_shared(states));
    warpgroup_arrive();
#pragma unroll
    for (int k = 0; k < kDepth; k += 16) {
#pragma unroll
      for (int r = 0; r < kRowBlocks; ++r) {
        warpgroup_multiply<kColumns, kIsHalf>(sum[r], Gradients::descriptor(a, r * 2 + warp / 4, k),
                                              States::descriptor(b, 0, k));
      }
    }
    warpgroup_commit();
    if (!with_bias) return;
    constexpr unsigned kOnes = kIsHalf ? 0x3c003c00u : 0x3f803f80u;
#pragma unroll 1
    for (int k = 0; k < kDepth; k += 16) {
#pragma unroll
      for (int r = 0; r < kRowBlocks; ++r) {
        unsigned rows[4];  // those of this warp's 16
        load_matrices(rows, a + Gradients::at(k + (lane & 7) + (lane >> 4) * 8,
                                              r * 16 + warp * 2 + (lane >> 3 & 1)));
        mma16<kIsHalf>(bias[r], rows, kOnes, kOnes);
      }
    }
  }

  // All blocks but the last kLeft.
  template <int kLeft>
  __device__ __forceinline__ void finish() {
    warpgroup_wait<kLeft>();
  }

  template <typename F>
  __device__ __forceinline__ void for_each(F f) const {
#pragma unroll
    for (int r = 0; r < kRowBlocks; ++r) {
      const int row = r * 128 + warp * 16 + lane / 4;
#pragma unroll
      for (int i = 0; i < kColumns / 8; ++i) {
        const int column = i * 8 + lane % 4 * 2;
        f(row, column, sum[r][i * 4], sum[r][i * 4 + 1]);
        f(row + 8, column, sum[r][i * 4 + 2], sum[r][i * 4 + 3]);
      }
    }
  }

  template <typename F>
  __device__ __forceinline__ void for_each_bias(F f) const {
    if (lane % 4 != 0) return;
#pragma unroll
    for (int r = 0; r < kRowBlocks; ++r) {
      const int row = r * 128 + warp * 16 + lane / 4;
      f(row, bias[r][0]);
      f(row + 8, bias[r][2]);
    }
  }
};

}  // namespace flashrnn::cuda
