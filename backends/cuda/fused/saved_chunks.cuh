// SPDX-License-Identifier: Apache-2.0
// Saved memory of a CTA that has a whole head, between shared and global memory by copies of a
// chunk of steps (block_copy.cuh): there the steps follow one another, so a chunk is one copy of
// the values and one of each kept state, for each block of sequences. Two chunks are in shared
// memory, or, where steps are short, as many as `Buffers` says.
#pragma once

#include "cuda/fused/block_copy.cuh"
#include "cuda/fused/kept_pair.cuh"
#include "cuda/fused/saved_pair.cuh"
#include "cuda/fused/saved_place.cuh"

namespace flashrnn::cuda {

// Loading: the threads that load.
template <int D, int Columns, int Chunk, int Buffers = 2, int Loading = D * 2>
struct SavedChunks {
  static constexpr int kBlocks = Columns / gpu::kBlockSequences;
  static constexpr int kPairs = D / 16 * gpu::kBlockPairs;  // of a step and a block's sequences
  static constexpr int kKept = Cell::kKept;
  static constexpr int kValueBytes = kPairs * kSavedPairBytes, kKeptBytes = kPairs * kKeptPairBytes;
  // [blocks][steps] values, then [kept states][blocks][steps].
  static constexpr int kKeptAt = kBlocks * Chunk * kValueBytes,
                       kBytes = kKeptAt + kKept * kBlocks * Chunk * kKeptBytes;

  u32 base, barriers;
  char* values;  // of step 0
  char* kept;
  Index block_pairs, all_pairs;
  int blocks, time;

  __device__ __forceinline__ void set_up(const gpu::Shape& shape, void* saved, const Place& at,
                                         u32 shared) {
    base = shared;
    barriers = shared + Buffers * kBytes;
    const SavedPlace place(shape, at, 0);
    values = static_cast<char*>(saved) + place.pair * kSavedPairBytes;
    kept = static_cast<char*>(saved) + place.value_bytes + place.pair * kKeptPairBytes;
    block_pairs = place.block_pairs;
    all_pairs = place.all_pairs;
    blocks = blocks_of_tile<Columns>(shape, at.b0);
    time = shape.time;
  }

  // Where a thread's pair stands in chunk c (its number is the thread's), and from there in block j
  // at step s.
  __device__ __forceinline__ u32 value_place(int c, u32 pair) const {
    return base + c % Buffers * kBytes + pair * kSavedPairBytes;
  }
  __device__ __forceinline__ u32 kept_place(int c, u32 pair) const {
    return base + c % Buffers * kBytes + kKeptAt + pair * kKeptPairBytes;
  }
  static __device__ constexpr u32 further_value(int s, int j) {
    return (j * Chunk + s) * kValueBytes;
  }
  static __device__ constexpr u32 further_kept(int s, int k, int j) {
    return ((k * kBlocks + j) * Chunk + s) * kKeptBytes;
  }

  // Forward: the first `count` steps of chunk c go to global memory. By a team's threads that take
  // part.
  template <int Team>
  __device__ __forceinline__ void store(int c, int count, int thread) const {
    order_before_copies();
    const Index first = Index(c) * Chunk;
    const u32 from = base + c % Buffers * kBytes;
    // Not unrolled, here and below: it is done once a chunk, and a step's instructions fit the
    // cache.
#pragma unroll 1
    for (int j = 0; j < blocks; ++j) {
      store_block<Team>(values + j * block_pairs * kSavedPairBytes + first * kValueBytes,
                        from + j * Chunk * kValueBytes, count * kValueBytes, thread);
      for (int k = 0; k < kKept; ++k) {
        store_block<Team>(
            kept + (k * all_pairs + j * block_pairs) * kKeptPairBytes + first * kKeptBytes,
            from + kKeptAt + (k * kBlocks + j) * Chunk * kKeptBytes, count * kKeptBytes, thread);
      }
    }
    end_stores();
  }

  // Forward with a warp of its own for the stores. Barriers, two of each: `done`, every computing
  // warp has written its part of the chunk; `free`, the chunk has left.
  __device__ u32 done(int c) const { return barriers + c % 2 * 8; }
  __device__ u32 free(int c) const { return barriers + 16 + c % 2 * 8; }
  __device__ __forceinline__ void init_stores(int computing_warps) const {
    static_assert(Buffers == 2);
    for (int c = 0; c < 2; ++c) {
      mbarrier_init(done(c), computing_warps);
      mbarrier_init(free(c), 1);
    }
    mbarrier_init_fence();
  }
  __device__ __forceinline__ void wait_free(int c) const {
    if (c >= 2) mbarrier_wait(free(c), (c / 2 - 1) & 1);
  }
  // By all lanes of a warp.
  __device__ __forceinline__ void tell_done(int c) const {
    meeting_point();
    __syncwarp();
    if (threadIdx.x % 32 == 0) mbarrier_arrive(done(c));
  }
  // By the lanes of that warp that take part.
  __device__ __forceinline__ void store_all(int lane) const {
    for (int c = 0; c * Chunk < time; ++c) {
      mbarrier_wait(done(c), c / 2 & 1);
      wait_stores_read();
      if constexpr (!kHasBulkCopies) __syncwarp();
      if (c > 0 && lane == 0) mbarrier_arrive(free(c - 1));
      store<32>(c, min(Chunk, time - c * Chunk), lane);
    }
    wait_stores();
  }

  // Backward, whose chunk c is the steps down from T - 1 - c Chunk, the last of them last: a
  // barrier tells that it is there. The team that loads are the CTA's threads; bulk copies are
  // started by the first thread of each warp, a block's each, so that none is held up for long.
  static constexpr int kTeam = Loading, kWarps = D / 16,
                       kLoaders = kBlocks < kWarps ? kBlocks : kWarps;
  static __device__ __forceinline__ bool loads(int thread) {
    if constexpr (!kHasBulkCopies) return true;
    return kLoaders == 1 ? thread == 0 : thread % 32 == 0 && thread < 32 * kLoaders;
  }
  __device__ __forceinline__ void init_loads() const {
    constexpr int kArrivals = kHasBulkCopies ? kLoaders : kTeam;
    for (int c = 0; c < Buffers; ++c) mbarrier_init(barriers + c * 8, kArrivals);
    mbarrier_init_fence();
  }
  __device__ __forceinline__ void wait(int c) const {
    mbarrier_wait(barriers + c % Buffers * 8, c / Buffers & 1);
  }
  // Kept states are those of the step before; in two parts, the values first. By the threads that
  // load.
  template <bool WithValues = true, bool WithKept = true>
  __device__ __forceinline__ void load(int c, int thread) const {
    const int last = time - 1 - c * Chunk, count = min(Chunk, last + 1), before = min(Chunk, last);
    if (count <= 0) return;
    const u32 to = base + c % Buffers * kBytes, bar = barriers + c % Buffers * 8;
    constexpr int step = kHasBulkCopies ? kLoaders : 1;
    const int first = step == 1 ? 0 : thread / 32,
              mine = step == 1 ? blocks : max(0, blocks - first + step - 1) / step;
    if constexpr (WithValues)
      begin_loads(bar, mine * (count * kValueBytes + before * kKept * kKeptBytes));
#pragma unroll 1
    for (int j = first; j < blocks; j += step) {
      if constexpr (WithValues) {
        load_block<kTeam>(
            to + (j * Chunk + Chunk - count) * kValueBytes,
            values + j * block_pairs * kSavedPairBytes + Index(last - count + 1) * kValueBytes,
            count * kValueBytes, bar, thread);
      }
      for (int k = 0; WithKept && k < kKept && before > 0; ++k) {
        load_block<kTeam>(to + kKeptAt + ((k * kBlocks + j) * Chunk + Chunk - before) * kKeptBytes,
                          kept + (k * all_pairs + j * block_pairs) * kKeptPairBytes +
                              Index(last - before) * kKeptBytes,
                          before * kKeptBytes, bar, thread);
      }
    }
    if constexpr (WithKept) end_loads(bar);
  }
};

}  // namespace flashrnn::cuda
