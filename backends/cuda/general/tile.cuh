// SPDX-License-Identifier: Apache-2.0
// What forward and backward of the general recurrence share: the part of a (head, batch tile) that
// a CTA owns, the memory of it, and how the CTAs of a cluster hand each other the operand of the
// next product.
#pragma once

#include "cuda/general/elements.cuh"
#include "cuda/general/geometry.hpp"

namespace flashrnn::cuda {

// This CTA's share of the work.
struct Share {
  int head, first_column, rank, first_unit;

  __device__ Share(const GeneralPlan& plan, int tiles) {
    const int group = blockIdx.x / plan.ranks;
    rank = blockIdx.x % plan.ranks;
    head = group / tiles;
    first_column = group % tiles * plan.columns;
    first_unit = rank * plan.units;
  }
};

// The pieces of geometry.hpp's TileLayout, in shared memory or in the workspace.
struct TileMemory {
  float* first_operand;  // [2 alternating steps][depth][columns]; one for the whole cluster if it
                         // lies in the workspace
  int operand_size;
  float* partial;  // [slices][columns][rows]
  float* states;   // [arrays][columns * units]

  __device__ TileMemory(const GeneralPlan& plan, const TileLayout& layout, float* shared,
                        void* workspace) {
    if (plan.is_tile_in_shared) {
      first_operand = shared;
      partial = shared + layout.partial;
      states = shared + layout.states;
    } else {
      const int group = blockIdx.x / plan.ranks;
      float* const base =
          reinterpret_cast<float*>(static_cast<char*>(workspace) + plan.packed_bytes) +
          group * layout.group_floats(plan.ranks);
      float* const own =
          base + layout.operand_floats + Index(blockIdx.x % plan.ranks) * layout.own_floats;
      first_operand = base;
      partial = own;
      states = own + layout.partial_floats;
    }
    operand_size = layout.operand_floats / 2;
  }

  __device__ __forceinline__ float* operand(int parity) const {
    return first_operand + (parity == 0 ? 0 : operand_size);
  }
};

// Waits until all threads of the cluster are here and what they wrote for each other is visible.
__device__ __forceinline__ void wait_for_cluster(int ranks) {
#if __CUDA_ARCH__ >= 900
  if (ranks > 1) {
    asm volatile(
        "barrier.cluster.arrive.release.aligned;\n\t"
        "barrier.cluster.wait.acquire.aligned;" ::
            : "memory");
    return;
  }
#endif
  __syncthreads();
}

// Writes a value into the operand of every rank.
__device__ __forceinline__ void publish(const GeneralPlan& plan, float* operand, int index,
                                        float value) {
#if __CUDA_ARCH__ >= 900
  if (plan.ranks > 1 && plan.is_tile_in_shared) {
    const unsigned own = static_cast<unsigned>(__cvta_generic_to_shared(operand + index));
    for (int rank = 0; rank < plan.ranks; ++rank) {
      unsigned remote;
      asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(remote) : "r"(own), "r"(rank));
      asm volatile("st.shared::cluster.f32 [%0], %1;" ::"r"(remote), "f"(value) : "memory");
    }
    return;
  }
#endif
  operand[index] = value;
}

// What sequence b does at a step, in the order of processing.
__device__ __forceinline__ int source_at(const unsigned char* sources, Index stride, int b,
                                         int step) {
  if (sources != nullptr) return sources[b * stride + step];
  return step == 0 ? gpu::kInitialStates : gpu::kPreviousStep;
}

}  // namespace flashrnn::cuda
