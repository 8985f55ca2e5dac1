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

// d += a b, 64 x kColumns x 16, both operands along the steps.
#define FLASHRNN_WGMMA_64(type)                                                                \
  asm volatile("wgmma.mma_async.sync.aligned.m64n64k16.f32." type "." type                     \
               " {"                                                                            \
               "%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,"                        \
               "%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31"               \
               "}, %32, %33, 1, 1, 1, 1, 1;"                                                   \
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]),       \
                 "+f"(d[6]), "+f"(d[7]), "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]),     \
                 "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]), "+f"(d[16]), "+f"(d[17]), \
                 "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), \
                 "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]), "+f"(d[29]), \
                 "+f"(d[30]), "+f"(d[31])                                                      \
               : "l"(a), "l"(b))
#define FLASHRNN_WGMMA_128(type)                                                               \
  asm volatile("wgmma.mma_async.sync.aligned.m64n128k16.f32." type "." type                    \
               " {"                                                                            \
               "%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,"                        \
               "%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31,"              \
               "%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47,"              \
               "%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63"               \
               "}, %64, %65, 1, 1, 1, 1, 1;"                                                   \
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]),       \
                 "+f"(d[6]), "+f"(d[7]), "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]),     \
                 "+f"(d[12]), "+f"(d[13]), "+f"(d[14]), "+f"(d[15]), "+f"(d[16]), "+f"(d[17]), \
                 "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), \
                 "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]), "+f"(d[29]), \
                 "+f"(d[30]), "+f"(d[31]), "+f"(d[32]), "+f"(d[33]), "+f"(d[34]), "+f"(d[35]), \
                 "+f"(d[36]), "+f"(d[37]), "+f"(d[38]), "+f"(d[39]), "+f"(d[40]), "+f"(d[41]), \
                 "+f"(d[42]), "+f"(d[43]), "+f"(d[44]), "+f"(d[45]), "+f"(d[46]), "+f"(d[47]), \
                 "+f"(d[48]), "+f"(d[49]), "+f"(d[50]), "+f"(d[51]), "+f"(d[52]), "+f"(d[53]), \
                 "+f"(d[54]), "+f"(d[55]), "+f"(d[56]), "+f"(d[57]), "+f"(d[58]), "+f"(d[59]), \
                 "+f"(d[60]), "+f"(d[61]), "+f"(d[62]), "+f"(d[63])                            \
               : "l"(a), "l"(b))
template <int kColumns, bool kIsHalf>
__device__ __forceinline__ void warpgroup_multiply(float (&d)[kColumns / 2], unsigned long long a,
                                                   unsigned long long b) {
#if FLASHRNN_DEVICE_HAS_WARPGROUPS
  if constexpr (kColumns == 128 && kIsHalf) {
    FLASHRNN_WGMMA_128("f16");
  } else if constexpr (kColumns == 128) {
    FLASHRNN_WGMMA_128("bf16");
  } else if constexpr (kIsHalf) {
    FLASHRNN_WGMMA_64("f16");
  } else {
    FLASHRNN_WGMMA_64("bf16");
  }
#endif
}
#undef FLASHRNN_WGMMA_64
#undef FLASHRNN_WGMMA_128

template <int kRows_, int kColumns, bool kIsHalf>
struct WarpgroupProduct {
  static constexpr int kRows = kRows_, kRowBlocks = kRows / 128;
  static constexpr int kDepth = 64;
  static constexpr int kStages = kRows == 256 ? 4 : 3;
  static constexpr int kCtasOfSm = kRows == 256 ? 1 : 2;
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
