// SPDX-License-Identifier: Apache-2.0
// The product of one step in float32 FMAs: each thread takes four rows, all columns, and every
// slices-th depth, and leaves its sums in `partial`, to be added in the order of the slices.
#pragma once

#include "cuda/general/tile.cuh"

namespace flashrnn::cuda {

template <int C>
struct Sums {
  float v[C][4] = {};

  __device__ __forceinline__ void add(float4 w, const float (&x)[C]) {
#pragma unroll
    for (int c = 0; c < C; ++c) {
      v[c][0] = fmaf(w.x, x[c], v[c][0]);
      v[c][1] = fmaf(w.y, x[c], v[c][1]);
      v[c][2] = fmaf(w.z, x[c], v[c][2]);
      v[c][3] = fmaf(w.w, x[c], v[c][3]);
    }
  }

  __device__ __forceinline__ void store(float* partial, int slice, int rows, int quad) const {
#pragma unroll
    for (int c = 0; c < C; ++c) {
      *reinterpret_cast<float4*>(partial + (slice * C + c) * rows + 4 * quad) =
          make_float4(v[c][0], v[c][1], v[c][2], v[c][3]);
    }
  }
};

// The operand's columns at one depth. A plain load: from the workspace other CTAs' writes were made
// visible by the barrier.
template <int C>
__device__ __forceinline__ void load_operand(float (&x)[C], const float* at) {
  if constexpr (C % 4 == 0) {
#pragma unroll
    for (int c = 0; c < C; c += 4) {
      const float4 four = *reinterpret_cast<const float4*>(at + c);
      x[c] = four.x;
      x[c + 1] = four.y;
      x[c + 2] = four.z;
      x[c + 3] = four.w;
    }
  } else {
#pragma unroll
    for (int c = 0; c < C; c += 2) {
      const float2 two = *reinterpret_cast<const float2*>(at + c);
      x[c] = two.x;
      x[c + 1] = two.y;
    }
  }
}

// Weights in the workspace do not change while a kernel runs.
template <bool kReadOnly>
__device__ __forceinline__ float4 load_weights(const float* at) {
  const float4* four = reinterpret_cast<const float4*>(at);
  if constexpr (kReadOnly) return __ldg(four);
  return *four;
}

// weights: this rank's rows at depth 0, `pitch` floats from one depth to the next.
template <int C, bool kReadOnly>
__device__ __forceinline__ void multiply(const GeneralPlan& plan, const ProductShape& product,
                                         const float* weights, int pitch, const float* operand,
                                         float* partial) {
  constexpr int kBatch = kReadOnly ? 3 : 2;  // loads in flight: the workspace is further away
  const int slice = threadIdx.x / plan.quad_threads;
  if (slice >= plan.slices) return;
  const int count = (product.depth - slice + plan.slices - 1) / plan.slices;
  const int operand_step = plan.slices * C;
  const Index weights_step = Index(plan.slices) * pitch;
#pragma unroll 1
  for (int quad = threadIdx.x % plan.quad_threads; 4 * quad < product.rows;
       quad += plan.quad_threads) {
    Sums<C> sums;
    const float* w = weights + Index(slice) * pitch + 4 * quad;
    const float* x = operand + slice * C;
    float4 next[kBatch];
    int left = count;
    if (left >= kBatch) {
#pragma unroll
      for (int j = 0; j < kBatch; ++j) {
        next[j] = load_weights<kReadOnly>(w + j * weights_step);
      }
    }
#pragma unroll 1
    while (left >= kBatch) {
      float4 now[kBatch];
      w += kBatch * weights_step;
      left -= kBatch;
#pragma unroll
      for (int j = 0; j < kBatch; ++j) {
        now[j] = next[j];
        if (left >= kBatch) next[j] = load_weights<kReadOnly>(w + j * weights_step);
      }
#pragma unroll
      for (int j = 0; j < kBatch; ++j) {
        float columns[C];
        load_operand<C>(columns, x);
        sums.add(now[j], columns);
        x += operand_step;
      }
    }
#pragma unroll 1
    for (; left > 0; --left) {
      float columns[C];
      load_operand<C>(columns, x);
      sums.add(load_weights<kReadOnly>(w), columns);
      w += weights_step;
      x += operand_step;
    }
    sums.store(partial, slice, product.rows, quad);
  }
}

// A thread's weights in registers; zero past the depth.
struct ResidentWeights {
  float4 v[kResidentDepth];

  __device__ __forceinline__ void load(const GeneralPlan& plan, const ProductShape& product,
                                       const float* weights, int pitch) {
    const int slice = threadIdx.x / plan.quad_threads;
    const int quad = threadIdx.x % plan.quad_threads;
    const bool exists = slice < plan.slices && 4 * quad < product.rows;
#pragma unroll
    for (int j = 0; j < kResidentDepth; ++j) {
      const int k = slice + j * plan.slices;
      v[j] = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
      if (exists && k < product.depth) {
        v[j] = load_weights<true>(weights + Index(k) * pitch + 4 * quad);
      }
    }
  }

  template <int C>
  __device__ __forceinline__ void multiply(const GeneralPlan& plan, const ProductShape& product,
                                           const float* operand, float* partial) const {
    const int slice = threadIdx.x / plan.quad_threads;
    const int quad = threadIdx.x % plan.quad_threads;
    if (slice >= plan.slices || 4 * quad >= product.rows) return;
    Sums<C> sums;
#pragma unroll
    for (int j = 0; j < kResidentDepth; ++j) {
      const int k = slice + j * plan.slices;
      if (k < product.depth) {
        float columns[C];
        load_operand<C>(columns, operand + k * C);
        sums.add(v[j], columns);
      }
    }
    sums.store(partial, slice, product.rows, quad);
  }
};

// R of this CTA, wherever it stays, and the product with it.
template <int C>
struct Weights {
  // Two columns leave registers for weights; eight make the most of weights that are read again
  // every step.
  static constexpr bool kMayReside = C == 2;
  static constexpr bool kMayStream = C == 8;

  const float* packed;  // of this rank, in the workspace
  float* shared;        // the CTA's shared memory
  ResidentWeights resident;

  __device__ __forceinline__ void load(const GeneralPlan& plan, const ProductShape& product,
                                       const TileLayout& layout) {
    if constexpr (kMayReside) {
      if (plan.weights_home == kRegisters) resident.load(plan, product, packed, product.pitch);
    }
    if (plan.weights_home != kSharedMemory) return;
    const int quads = product.rows / 4;
    float4* const to = reinterpret_cast<float4*>(shared + layout.weights);
    for (Index i = threadIdx.x; i < Index(product.depth) * quads; i += blockDim.x) {
      to[i] = load_weights<true>(packed + i / quads * product.pitch + i % quads * 4);
    }
  }

  // Leaves in memory.partial the product with memory.operand(parity).
  __device__ __forceinline__ void multiply_by(const GeneralPlan& plan, const ProductShape& product,
                                              const TileLayout& layout, const TileMemory& memory,
                                              int parity) const {
    if constexpr (kMayStream) {
      if (plan.weights_home == kWorkspace) {
        multiply<C, true>(plan, product, packed, product.pitch, memory.operand(parity),
                          memory.partial);
        return;
      }
    }
    // Not through `memory`: the compiler must see that these lie in shared memory.
    const float* const operand = shared + parity * (layout.operand_floats / 2);
    float* const partial = shared + layout.partial;
    if constexpr (kMayReside) {
      if (plan.weights_home == kRegisters) {
        resident.template multiply<C>(plan, product, operand, partial);
        return;
      }
    }
    multiply<C, false>(plan, product, shared + layout.weights, product.rows, operand, partial);
  }
};

// The sum over the slices of one row and column.
__device__ __forceinline__ float sum_of_slices(const float* partial, int slices, int stride) {
  float sum = 0.0f;
#pragma unroll 4
  for (int s = 0; s < slices; ++s) sum += partial[s * stride];
  return sum;
}

}  // namespace flashrnn::cuda
