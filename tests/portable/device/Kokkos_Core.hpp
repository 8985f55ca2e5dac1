// SPDX-License-Identifier: Apache-2.0
// As much of Kokkos as the portable algorithm uses, in CUDA: a team is a block. With it the
// algorithm can be compiled as device code where no Kokkos for CUDA is at hand; what the real one
// does beyond that is not tested.
#pragma once

#include <cstddef>
#include <cstdint>

#define KOKKOS_INLINE_FUNCTION __host__ __device__ inline

namespace Kokkos {

template <typename Space>
struct TeamPolicy {
  struct member_type {
    __host__ __device__ int league_rank() const { return index(0); }
    __host__ __device__ int league_size() const { return index(1); }
    __host__ __device__ int rank() const { return index(2); }
    __host__ __device__ int size() const { return index(3); }
    __host__ __device__ void team_barrier() const {
#if defined(__CUDA_ARCH__)
      __syncthreads();
#endif
    }
    __host__ __device__ int index(int of) const {
#if defined(__CUDA_ARCH__)
      const unsigned all[] = {blockIdx.x, gridDim.x, threadIdx.x, blockDim.x};
      return static_cast<int>(all[of]);
#else
      return of % 2;  // one team of one
#endif
    }
  };
};

template <typename Member>
struct TeamRange {
  const Member& team;
  int64_t count;
};

template <typename Member>
__host__ __device__ TeamRange<Member> TeamThreadRange(const Member& team, int64_t count) {
  return {team, count};
}

template <typename Member, typename Body>
__host__ __device__ void parallel_for(const TeamRange<Member>& range, const Body& body) {
  for (int64_t i = range.team.rank(); i < range.count; i += range.team.size()) body(i);
}

}  // namespace Kokkos
