// SPDX-License-Identifier: Apache-2.0
// Blocks of memory between global and shared memory, beside the program: from Hopper on by bulk
// copies, which one thread starts, before it by all of a team's threads. Addresses and sizes are
// multiples of 16 bytes.
#pragma once

#include "cuda/fused/ptx.cuh"

namespace flashrnn::cuda {

// Whether a thread of a team has a part in its copies: those that have not must not call them.
__device__ __forceinline__ bool takes_part(int thread) { return !kHasBulkCopies || thread == 0; }

template <int Team>
__device__ __forceinline__ void load_block(u32 shared, const char* global, int bytes, u32 bar,
                                           int thread) {
  if constexpr (kHasBulkCopies) {
    bulk_load(shared, global, bytes, bar);
  } else {
    for (int at = thread * 16; at < bytes; at += Team * 16)
      copy_async<16>(shared + at, global + at);
  }
}
// Brings a block into L2, where there are bulk copies.
__device__ __forceinline__ void prefetch_block(const char* global, int bytes) {
  if constexpr (kHasBulkCopies) bulk_prefetch(global, bytes);
}
// Around the loads that a barrier tells of: their bytes before, the thread's arrival after.
__device__ __forceinline__ void begin_loads(u32 bar, u32 bytes) {
  if constexpr (kHasBulkCopies) mbarrier_expect(bar, bytes);
}
__device__ __forceinline__ void end_loads(u32 bar) {
  if constexpr (!kHasBulkCopies) mbarrier_arrive_on_copies(bar);
}

template <int Team>
__device__ __forceinline__ void store_block(char* global, u32 shared, int bytes, int thread) {
  if constexpr (kHasBulkCopies) {
    bulk_store(global, shared, bytes);
  } else {
    for (int at = thread * 16; at < bytes; at += Team * 16) {
      const uint4 v = lds128(shared + at);
      stg128(global + at, v.x, v.y, v.z, v.w);
    }
  }
}
// Before copies from or to shared memory: what was written there comes before them.
__device__ __forceinline__ void order_before_copies() {
  if constexpr (kHasBulkCopies) fence_for_bulk();
}
// After stores: a group ends; and until all groups but the last `Pending` ones have read their
// shared memory, or all are through.
__device__ __forceinline__ void end_stores() {
  if constexpr (kHasBulkCopies) bulk_commit();
}
template <int Pending = 0>
__device__ __forceinline__ void wait_stores_read() {
  if constexpr (kHasBulkCopies) bulk_wait_read<Pending>();
}
__device__ __forceinline__ void wait_stores() {
  if constexpr (kHasBulkCopies) bulk_wait_all();
}

}  // namespace flashrnn::cuda
