// SPDX-License-Identifier: Apache-2.0
// How the CTAs of a (head, batch tile) exchange h, and the warps of a CTA partial sums.
#pragma once

#include "cuda/fused/number.cuh"
#include "gpu/fused/geometry.hpp"

namespace flashrnn::cuda {

inline constexpr u32 kEmptyWord = 0xffffffffu;

__device__ __forceinline__ bool is_any_empty(u32 largest) {
  return __any_sync(0xffffffffu, largest == kEmptyWord);
}
__device__ __forceinline__ u32 largest_of(const uint4& v) {
  return max(max(v.x, v.y), max(v.z, v.w));
}

// Buffers of h, each [D / 32][8 sequences][32 units] for every tile: in the shared memory of each
// CTA of a cluster (kCluster) or in global memory for all CTAs (kGlobal). Step i has number i %
// kExchangeBuffers.
template <int Family, int D, int Tiles, int Ranks, int Units>
struct HExchange {
  static constexpr bool kInCluster = Family == gpu::kCluster;
  static constexpr int kBuffers = gpu::kExchangeBuffers;
  static constexpr int kOperandWords = 128, kTileWords = D / 32 * kOperandWords,
                       kWords = Tiles * kTileWords;
  static constexpr int kSharedBytes = kInCluster ? kBuffers * kWords * 4 : 0;

  u32 shared;   // this CTA's buffers
  u32* global;  // the group's
  int rank;
  u32 peer[kInCluster ? Ranks : 1];  // this thread's word in each CTA's first buffer
  u32* own;

  __device__ __forceinline__ void set_up(void* exchange, int group, u32 shared_, int rank_) {
    shared = shared_;
    rank = rank_;
    global = static_cast<u32*>(exchange) + static_cast<long long>(group) * (kBuffers * kWords);
  }
  // The word at which the buffer of step i begins.
  static __device__ __forceinline__ u32 first_of(int i) { return i % kBuffers * kWords; }

  // Global buffers were emptied before the launch.
  __device__ __forceinline__ void clear_all(int threads) const {
    if constexpr (kInCluster) {
      for (int i = threadIdx.x; i < kBuffers * kWords; i += threads)
        sts32(shared + 4 * i, kEmptyWord);
    }
  }
  __device__ __forceinline__ void sync_group() const {
    __syncthreads();
    if constexpr (kInCluster) cluster_sync();
  }
  // No CTA leaves before its words have been read by the others.
  __device__ __forceinline__ void leave_group() const {
    if constexpr (kInCluster) cluster_sync_diverged();
  }

  static __device__ __forceinline__ int word_of(int pair, int column) {
    return column / 8 * kTileWords + pair / 16 * kOperandWords + column % 8 * 16 + pair % 16;
  }

  // The owner of a pair of units of a sequence publishes the first h.
  __device__ __forceinline__ void open(int pair, int column, u32 first, int) {
    const int word = word_of(pair, column);
    if constexpr (kInCluster) {
#pragma unroll
      for (int i = 0; i < Ranks; ++i) peer[i] = map_to_rank(shared + 4 * word, (i + rank) % Ranks);
    } else {
      own = global + word;
    }
    targets(0).publish(0, first);
  }
  // This thread's word in the buffer of a step, wherever it is to go.
  struct Targets {
    u32 peer[kInCluster ? Ranks : 1];
    u32* own;

    // To the buffer `ahead` steps on.
    __device__ __forceinline__ void publish(int ahead, u32 word) const {
      if constexpr (kInCluster) {
#pragma unroll
        for (int i = 0; i < Ranks; ++i) store_cluster(peer[i] + ahead * (4 * kWords), word);
      } else {
        store_relaxed(own + ahead * kWords, word);
      }
    }
  };
  __device__ __forceinline__ Targets targets(int i) const {
    Targets t;
    const u32 first = first_of(i);
    if constexpr (kInCluster) {
#pragma unroll
      for (int r = 0; r < Ranks; ++r) t.peer[r] = peer[r] + 4 * first;
    } else {
      t.own = own + first;
    }
    return t;
  }

  // A CTA that is through with step i has read its own copy of the buffer of step i; that all
  // others have read theirs of the group's buffer it knows of step i - 1, since their h of step i
  // went into its sums.
  static constexpr int kClearLag = kInCluster ? 0 : 1;
  // Empties the buffer of step i: of a cluster the CTA's own, of global memory the CTA's own units.
  // `index` of `threads` that share the work.
  __device__ __forceinline__ void clear(int i, int index, int threads) const {
    if (i < 0) return;
    if constexpr (kInCluster) {
      for (int w = index; w < kWords / 4; w += threads) {
        sts128(shared + (first_of(i) + w * 4) * 4, kEmptyWord, kEmptyWord, kEmptyWord, kEmptyWord);
      }
    } else {
      for (int w = index; w < Tiles * 8 * (Units / 8); w += threads) {
        const int column = w / (Units / 8), pair = rank * (Units / 2) + w % (Units / 8) * 4;
        store_relaxed128(global + first_of(i) + word_of(pair, column), kEmptyWord, kEmptyWord,
                         kEmptyWord, kEmptyWord);
      }
    }
  }
  __device__ __forceinline__ void clear_fence() const {
    if constexpr (!kInCluster) fence_gpu();
  }

  // Waits for the operands from number `first` on, in the buffer `ahead` after the one that begins
  // at word `from`, and takes them.
  template <int Count>
  __device__ __forceinline__ void wait(u32 from, int ahead, int first, int lane,
                                       uint4 (&b)[Tiles][Count]) const {
    const u32 start = from + ahead * kWords + first * kOperandWords, word = start + lane * 4;
    if constexpr (kInCluster) {
      // Many warps that wait with wide loads would starve the others: one word first.
      while (lds32(shared + 4 * start) == kEmptyWord) {
      }
    }
    for (;;) {
      u32 largest = 0;
#pragma unroll
      for (int c = 0; c < Tiles; ++c) {
#pragma unroll
        for (int d = 0; d < Count; ++d) {
          const u32 at = word + c * kTileWords + d * kOperandWords;
          b[c][d] = kInCluster ? lds128(shared + 4 * at) : load_relaxed128(global + at);
        }
      }
#pragma unroll
      for (int c = 0; c < Tiles; ++c) {
#pragma unroll
        for (int d = 0; d < Count; ++d) largest = max(largest, largest_of(b[c][d]));
      }
      if (!is_any_empty(largest)) break;
    }
  }
};

// Partial sums of a CTA's units for one step: [slice of the depth][sequence][even units, odd
// units][gates].
template <int Gates, int Units, int Columns, int Slices>
struct PartialSums {
  static constexpr int kVector = Gates == 3 ? 4 : Gates, kElement = 4 * kVector;
  // Padding against bank conflicts, for both sides, with four gates and 16 units.
  static constexpr int kHalf = Units / 2 * kElement + 16, kColumn = 2 * kHalf + 48,
                       kSlice = Columns * kColumn;
  static constexpr int kBytes = Slices * kSlice;

  // A lane of a multiplying warp has the units 2 row and 2 row + 1 of its block and the sequences 2
  // q and 2 q + 1 of a tile.
  static __device__ __forceinline__ u32 store_place(int slice, int block, int row, int q) {
    return slice * kSlice + 2 * q * kColumn + (block * 8 + row) * kElement;
  }
  static __device__ constexpr int store_step(int tile, int h) {
    return (tile * 8 + h % 2) * kColumn + h / 2 * kHalf;
  }
  static __device__ __forceinline__ void store(u32 at, const float (&v)[Gates]) {
    if constexpr (Gates == 4) {
      sts128(at, __float_as_uint(v[0]), __float_as_uint(v[1]), __float_as_uint(v[2]),
             __float_as_uint(v[3]));
    } else if constexpr (Gates == 3) {
      sts128(at, __float_as_uint(v[0]), __float_as_uint(v[1]), __float_as_uint(v[2]), 0);
    } else if constexpr (Gates == 2) {
      sts64(at, __float_as_uint(v[0]), __float_as_uint(v[1]));
    } else {
      sts32(at, __float_as_uint(v[0]));
    }
  }

  static __device__ __forceinline__ u32 load_place(int pair, int column) {
    return column * kColumn + pair * kElement;
  }
  static __device__ __forceinline__ void load(u32 at, float (&sum)[Gates][2]) {
    float part[Slices][2][4];
#pragma unroll
    for (int k = 0; k < Slices; ++k) {
#pragma unroll
      for (int e = 0; e < 2; ++e) load_element(at + k * kSlice + e * kHalf, part[k][e]);
    }
    // A tree, so that the order does not depend on which warp came first.
#pragma unroll
    for (int step = 1; step < Slices; step *= 2) {
#pragma unroll
      for (int k = 0; k + step < Slices; k += 2 * step) {
#pragma unroll
        for (int e = 0; e < 2; ++e) {
#pragma unroll
          for (int g = 0; g < Gates; ++g) part[k][e][g] += part[k + step][e][g];
        }
      }
    }
#pragma unroll
    for (int g = 0; g < Gates; ++g) sum[g][0] = part[0][0][g], sum[g][1] = part[0][1][g];
  }
  static __device__ __forceinline__ void load_element(u32 at, float (&v)[4]) {
    if constexpr (Gates >= 3) {
      const uint4 x = lds128(at);
      v[0] = __uint_as_float(x.x), v[1] = __uint_as_float(x.y), v[2] = __uint_as_float(x.z),
      v[3] = __uint_as_float(x.w);
    } else if constexpr (Gates == 2) {
      const uint2 x = lds64(at);
      v[0] = __uint_as_float(x.x), v[1] = __uint_as_float(x.y);
    } else {
      v[0] = __uint_as_float(lds32(at));
    }
  }
};

}  // namespace flashrnn::cuda
