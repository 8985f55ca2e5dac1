// SPDX-License-Identifier: Apache-2.0
// The machine's instructions that C++ has no words for, one function each. Shared memory is
// addressed by 32-bit numbers.
#pragma once

namespace flashrnn::cuda {

using u32 = unsigned int;

// Bulk copies, and barriers that count their bytes or let a warp sleep, came with Hopper.
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
inline constexpr bool kHasBulkCopies = true;
#else
inline constexpr bool kHasBulkCopies = false;
#endif

__device__ __forceinline__ u32 shared_address(const void* p) {
  return static_cast<u32>(__cvta_generic_to_shared(p));
}

// ---- words to the compiler ----
// The value is kept as it is in a register, not made again from what it came from.
template <typename T>
__device__ __forceinline__ void keep(T*& v) {
  asm volatile("" : "+l"(v));
}
__device__ __forceinline__ void keep(long long& v) { asm volatile("" : "+l"(v)); }
__device__ __forceinline__ void keep(u32& v) { asm volatile("" : "+r"(v)); }
// Nothing that needs the value is begun before this.
__device__ __forceinline__ void keep(float& v) { asm volatile("" : "+f"(v)); }

// The assembler moves next to nothing across: it would end the thread if `never` were 0xffffffff.
__device__ __forceinline__ void fence_schedule(u32 never) {
  asm volatile("{\n.reg .pred p;\nsetp.eq.u32 p, %0, 0xffffffff;\n@p exit;\n}" ::"r"(never)
               : "memory");
}

// ---- shared memory ----
__device__ __forceinline__ u32 lds32(u32 a) {
  u32 v;
  asm volatile("ld.volatile.shared.u32 %0, [%1];" : "=r"(v) : "r"(a));
  return v;
}
__device__ __forceinline__ uint2 lds64(u32 a) {
  uint2 v;
  asm volatile("ld.volatile.shared.v2.u32 {%0, %1}, [%2];" : "=r"(v.x), "=r"(v.y) : "r"(a));
  return v;
}
__device__ __forceinline__ uint4 lds128(u32 a) {
  uint4 v;
  asm volatile("ld.volatile.shared.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
               : "r"(a));
  return v;
}
__device__ __forceinline__ u32 lds16(u32 a) {
  unsigned short v;
  asm volatile("ld.volatile.shared.u16 %0, [%1];" : "=h"(v) : "r"(a));
  return v;
}
__device__ __forceinline__ void sts16(u32 a, unsigned short v) {
  asm volatile("st.volatile.shared.u16 [%0], %1;" ::"r"(a), "h"(v));
}
__device__ __forceinline__ void sts32(u32 a, u32 v) {
  asm volatile("st.volatile.shared.u32 [%0], %1;" ::"r"(a), "r"(v));
}
__device__ __forceinline__ void sts64(u32 a, u32 x, u32 y) {
  asm volatile("st.volatile.shared.v2.u32 [%0], {%1, %2};" ::"r"(a), "r"(x), "r"(y));
}
__device__ __forceinline__ void sts128(u32 a, u32 x, u32 y, u32 z, u32 w) {
  asm volatile("st.volatile.shared.v4.u32 [%0], {%1, %2, %3, %4};" ::"r"(a), "r"(x), "r"(y), "r"(z),
               "r"(w));
}

// ---- a warp ----
// The number of this thread's warp, which the compiler knows to be the same for all of its lanes.
__device__ __forceinline__ int warp_number() {
  return __shfl_sync(0xffffffffu, static_cast<int>(threadIdx.x) / 32, 0);
}
// Four warps that go on with fewer registers, and those that get them.
template <int Registers>
__device__ __forceinline__ void give_registers() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(Registers));
}
template <int Registers>
__device__ __forceinline__ void take_registers() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(Registers));
}
__device__ __forceinline__ u32 clock_now() {
  u32 v;
  asm volatile("mov.u32 %0, %%clock;" : "=r"(v));
  return v;
}
// Where warps or CTAs meet, by a barrier or without one. In a build for tests
// (FLASHRNN_FUSED_DELAYS) the warp waits here, mostly for a moment, now and then for longer than a
// step takes. By whole warps.
__device__ __forceinline__ void meeting_point() {
#ifdef FLASHRNN_FUSED_DELAYS
  u32 x = (clock_now() + blockIdx.x * 977 + threadIdx.x / 32 * 131) * 0x9e3779b9u;
  x = (x ^ x >> 15) * 0x85ebca6bu;
  x ^= x >> 13;
  const u32 start = clock_now(), clocks = x % 16 == 0 ? x >> 8 & 8191 : x >> 8 & 127;
  while (clock_now() - start < clocks) {
  }
  __syncwarp();
#endif
}
// From the lane whose number differs by the bit Lane.
template <int Lane>
__device__ __forceinline__ u32 of_neighbour(u32 v) {
  return __shfl_xor_sync(0xffffffffu, v, Lane);
}
// Bytes of a (0 to 3) and b (4 to 7), lowest digit first.
__device__ __forceinline__ u32 bytes_of(u32 a, u32 b, u32 selector) {
  u32 v;
  asm("prmt.b32 %0, %1, %2, %3;" : "=r"(v) : "r"(a), "r"(b), "r"(selector));
  return v;
}

// Lane (row, q) of a warp has the numbers 2 q and 2 q + 1 of row `row`; it gets those of column
// `row` in the rows 2 q and 2 q + 1.
__device__ __forceinline__ u32 transpose(u32 pair) {
  u32 v;
  asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(v) : "r"(pair));
  return v;
}

// ---- global memory, in the order of the program ----
__device__ __forceinline__ void stg32(void* p, u32 v) {
  asm volatile("st.global.u32 [%0], %1;" ::"l"(p), "r"(v));
}
__device__ __forceinline__ void stg128(void* p, u32 x, u32 y, u32 z, u32 w) {
  asm volatile("st.global.v4.u32 [%0], {%1, %2, %3, %4};" ::"l"(p), "r"(x), "r"(y), "r"(z), "r"(w));
}

// What the kernel does not write, in the order of the program; zeros where it is not wanted.
__device__ __forceinline__ void load_constant_if(bool is_wanted, const void* p, u32& v) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.u32 p, %2, 0;\nmov.u32 %0, 0;\n@p ld.global.nc.u32 %0, [%1];\n}"
      : "=&r"(v)
      : "l"(p), "r"(u32(is_wanted)));
}
__device__ __forceinline__ void load_constant_if(bool is_wanted, const void* p, uint2& v) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.u32 p, %3, 0;\nmov.u32 %0, 0;\nmov.u32 %1, 0;\n"
      "@p ld.global.nc.v2.u32 {%0, %1}, [%2];\n}"
      : "=&r"(v.x), "=&r"(v.y)
      : "l"(p), "r"(u32(is_wanted)));
}
__device__ __forceinline__ void load_constant_if(bool is_wanted, const void* p, uint4& v) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.u32 p, %5, 0;\nmov.u32 %0, 0;\nmov.u32 %1, 0;\n"
      "mov.u32 %2, 0;\nmov.u32 %3, 0;\n@p ld.global.nc.v4.u32 {%0, %1, %2, %3}, [%4];\n}"
      : "=&r"(v.x), "=&r"(v.y), "=&r"(v.z), "=&r"(v.w)
      : "l"(p), "r"(u32(is_wanted)));
}

// ---- copies that run beside the program ----
template <int Bytes>
__device__ __forceinline__ void copy_async(u32 shared, const void* global) {
  if constexpr (Bytes == 16) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared), "l"(global));
  } else {
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2;" ::"r"(shared), "l"(global),
                 "n"(Bytes));
  }
}
// Sixteen bytes, or nothing, without a branch.
__device__ __forceinline__ void copy_async_if(bool is_wanted, u32 shared, const void* global) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.u32 p, %2, 0;\n@p cp.async.cg.shared.global [%0], [%1], "
      "16;\n}" ::"r"(shared),
      "l"(global), "r"(u32(is_wanted)));
}
__device__ __forceinline__ void copy_commit() { asm volatile("cp.async.commit_group;"); }
template <int Pending>
__device__ __forceinline__ void copy_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(Pending));
}

// ---- barriers of some of a CTA's threads ----
template <int Threads>
__device__ __forceinline__ void barrier_sync(int id) {
  asm volatile("bar.sync %0, %1;" ::"r"(id), "n"(Threads) : "memory");
}
// Likewise where warps may meet from several places of the program.
template <int Threads>
__device__ __forceinline__ void barrier_sync_apart(int id) {
  asm volatile("barrier.sync %0, %1;" ::"r"(id), "n"(Threads) : "memory");
}
template <int Threads>
__device__ __forceinline__ void barrier_arrive(int id) {
  asm volatile("bar.arrive %0, %1;" ::"r"(id), "n"(Threads) : "memory");
}

// ---- what one thread tells another, with all that it has stored or seen stored before ----
__device__ __forceinline__ void release_in_cta(u32 shared, u32 v) {
  asm volatile("st.release.cta.shared.u32 [%0], %1;" ::"r"(shared), "r"(v) : "memory");
}
__device__ __forceinline__ u32 acquire_in_cta(u32 shared) {
  u32 v;
  asm volatile("ld.acquire.cta.shared.u32 %0, [%1];" : "=r"(v) : "r"(shared) : "memory");
  return v;
}
__device__ __forceinline__ void add_and_release(u32* count, u32 v) {
  asm volatile("red.release.gpu.global.add.u32 [%0], %1;" ::"l"(count), "r"(v) : "memory");
}
__device__ __forceinline__ u32 acquire(const u32* count) {
  u32 v;
  asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(v) : "l"(count) : "memory");
  return v;
}
// What this thread has acquired is seen by the copies that it starts.
__device__ __forceinline__ void order_before_async() {
#if __CUDA_ARCH__ >= 900
  asm volatile("fence.proxy.async;" ::: "memory");
#endif
}

// ---- grids of a stream, of which one starts before the one ahead of it is at its end (CUDA
// Programming Guide, "Programmatic Dependent Launch and Synchronization") ----
// The next grid may start once all CTAs of this one have.
__device__ __forceinline__ void let_next_grid_start() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}
// Until the grid ahead is at its end and what it wrote is in memory.
__device__ __forceinline__ void wait_for_former_grid() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

// ---- clusters ----
__device__ __forceinline__ u32 map_to_rank(u32 shared, u32 rank) {
  u32 a;
  asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(a) : "r"(shared), "r"(rank));
  return a;
}
__device__ __forceinline__ void cluster_sync() {
  asm volatile("barrier.cluster.arrive.aligned;\nbarrier.cluster.wait.aligned;" ::: "memory");
}
__device__ __forceinline__ void cluster_sync_diverged() {
  asm volatile("barrier.cluster.arrive;\nbarrier.cluster.wait;" ::: "memory");
}
__device__ __forceinline__ void store_cluster(u32 a, u32 v) {
  asm volatile("st.relaxed.cluster.shared::cluster.u32 [%0], %1;" ::"r"(a), "r"(v));
}
__device__ __forceinline__ void store_cluster(u32 a, float x, float y) {
  asm volatile("st.relaxed.cluster.shared::cluster.v2.f32 [%0], {%1, %2};" ::"r"(a), "f"(x),
               "f"(y));
}

// ---- mbarriers ----
__device__ __forceinline__ void mbarrier_init(u32 bar, u32 arrivals) {
  asm volatile("mbarrier.init.shared.b64 [%0], %1;" ::"r"(bar), "r"(arrivals) : "memory");
}
__device__ __forceinline__ void mbarrier_init_fence() {
  if constexpr (kHasBulkCopies) asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}
__device__ __forceinline__ void mbarrier_expect(u32 bar, u32 bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared.b64 _, [%0], %1;" ::"r"(bar), "r"(bytes)
               : "memory");
}
__device__ __forceinline__ void mbarrier_wait(u32 bar, u32 parity) {
  if constexpr (kHasBulkCopies) {
    asm volatile(
        "{\n.reg .pred p;\nW_%=: mbarrier.try_wait.parity.shared::cta.b64 p, [%0], %1;\n@!p "
        "bra.uni W_%=;\n}" ::"r"(bar),
        "r"(parity)
        : "memory");
  } else {
    asm volatile(
        "{\n.reg .pred p;\nW_%=: mbarrier.test_wait.parity.shared.b64 p, [%0], %1;\n@!p bra "
        "W_%=;\n}" ::"r"(bar),
        "r"(parity)
        : "memory");
  }
}
// For what other CTAs of the cluster wrote. It empties the first-level cache, which the one above
// does not.
__device__ __forceinline__ void mbarrier_wait_cluster(u32 bar, u32 parity) {
  asm volatile(
      "{\n.reg .pred p;\nW_%=: mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 p, [%0], "
      "%1;\n@!p bra.uni W_%=;\n}" ::"r"(bar),
      "r"(parity)
      : "memory");
}
__device__ __forceinline__ void mbarrier_arrive(u32 bar) {
  asm volatile("mbarrier.arrive.shared.b64 _, [%0];" ::"r"(bar) : "memory");
}
// An arrival of this thread once its copy_async before this are there.
__device__ __forceinline__ void mbarrier_arrive_on_copies(u32 bar) {
  asm volatile("cp.async.mbarrier.arrive.noinc.shared.b64 [%0];" ::"r"(bar) : "memory");
}

// ---- bulk copies: 16-byte aligned, multiples of 16 bytes ----
__device__ __forceinline__ void bulk_load(u32 shared, const void* global, u32 bytes, u32 bar) {
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::
          "r"(shared),
      "l"(global), "r"(bytes), "r"(bar)
      : "memory");
}
// To L2, no further.
__device__ __forceinline__ void bulk_prefetch(const void* global, u32 bytes) {
  asm volatile("cp.async.bulk.prefetch.L2.global [%0], %1;" ::"l"(global), "r"(bytes) : "memory");
}
__device__ __forceinline__ void bulk_store(void* global, u32 shared, u32 bytes) {
  asm volatile("cp.async.bulk.global.shared::cta.bulk_group [%0], [%1], %2;" ::"l"(global),
               "r"(shared), "r"(bytes)
               : "memory");
}
__device__ __forceinline__ void bulk_commit() {
  asm volatile("cp.async.bulk.commit_group;" ::: "memory");
}
// All but the last Pending groups have read their shared memory.
template <int Pending>
__device__ __forceinline__ void bulk_wait_read() {
  asm volatile("cp.async.bulk.wait_group.read %0;" ::"n"(Pending) : "memory");
}
__device__ __forceinline__ void bulk_wait_all() {
  asm volatile("cp.async.bulk.wait_group 0;" ::: "memory");
}
// Stores to shared memory before this come before bulk copies that a barrier orders after it.
__device__ __forceinline__ void fence_for_bulk() {
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

__device__ __forceinline__ void store_async(u32 a, u32 bar, u32 x, u32 y) {
  asm volatile(
      "st.async.shared::cluster.mbarrier::complete_tx::bytes.v2.b32 [%0], {%1, %2}, "
      "[%3];" ::"r"(a),
      "r"(x), "r"(y), "r"(bar)
      : "memory");
}

// ---- words that several CTAs exchange through L2 ----
__device__ __forceinline__ uint4 load_relaxed128(const u32* p) {
  uint4 v;
  asm volatile("ld.relaxed.gpu.global.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
               : "l"(p));
  return v;
}
// Likewise, or the value as it was, without a branch.
__device__ __forceinline__ void load_relaxed128_if(bool is_wanted, const u32* p, uint4& v) {
  asm volatile(
      "{\n.reg .pred p;\nsetp.ne.u32 p, %5, 0;\n@p ld.relaxed.gpu.global.v4.u32 {%0, %1, %2, %3}, "
      "[%4];\n}"
      : "+r"(v.x), "+r"(v.y), "+r"(v.z), "+r"(v.w)
      : "l"(p), "r"(u32(is_wanted)));
}
__device__ __forceinline__ void store_relaxed(u32* p, u32 v) {
  asm volatile("st.relaxed.gpu.global.u32 [%0], %1;" ::"l"(p), "r"(v));
}
__device__ __forceinline__ void store_relaxed64(u32* p, u32 x, u32 y) {
  asm volatile("st.relaxed.gpu.global.v2.u32 [%0], {%1, %2};" ::"l"(p), "r"(x), "r"(y));
}
__device__ __forceinline__ void store_relaxed128(u32* p, u32 x, u32 y, u32 z, u32 w) {
  asm volatile("st.relaxed.gpu.global.v4.u32 [%0], {%1, %2, %3, %4};" ::"l"(p), "r"(x), "r"(y),
               "r"(z), "r"(w));
}
__device__ __forceinline__ void fence_gpu() { asm volatile("fence.acq_rel.gpu;" ::: "memory"); }

}  // namespace flashrnn::cuda
