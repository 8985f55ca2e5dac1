// SPDX-License-Identifier: Apache-2.0
// The product of the weight gradients: each CTA sums one tile of dR over one slice of the steps.
// `Product` is how: weight_gradient_fma.cuh, weight_gradient_mma.cuh, weight_gradient_wgmma.cuh.
#pragma once

#include "cuda/general/grid_launch.cuh"
#include "cuda/general/weight_gradient_tiles.cuh"

namespace flashrnn::cuda {

template <typename Product>
inline constexpr int kBytesOfStage = Product::Gradients::kSize + Product::States::kSize;

// Which tile of which head, or of which heads from that one on, over which slice of the steps, a
// CTA has. Tiles of one head and slice run side by side: they read the same steps.
template <typename Product>
struct WeightGradientPlace {
  int first_row, first_column, head, slice;

  __device__ WeightGradientPlace(const WeightGradientTask& task, int index) {
    first_column = index % task.column_tiles * Product::States::kUnits;
    index /= task.column_tiles;
    first_row = index % task.row_tiles * Product::kRows;
    index /= task.row_tiles;
    head = index % task.head_tiles * task.tile_heads;
    slice = index / task.head_tiles;
  }
  __device__ bool with_bias() const { return first_column == 0; }

  __device__ __forceinline__ void store(const WeightGradientTask& task,
                                        const Product& product) const {
    const int rows = task.slots * task.padded_units,
              heads = min(task.tile_heads, task.shape.heads - head);
    const Index first = (Index(slice) * task.shape.heads + head) * rows;
    product.for_each([&](int tile_row, int column, float v0, float v1) {
      const int row = first_row + tile_row;
      if (row >= heads * rows) return;
      // Of the products of several heads' rows and columns those of the same head are dR.
      const int unit = first_column + column - (heads > 1 ? row / rows * task.padded_units : 0);
      if (unit < 0 || unit >= task.column_pitch) return;
      *reinterpret_cast<float2*>(task.partial + (first + row) * task.column_pitch + unit) =
          make_float2(v0, v1);
    });
    if (!with_bias()) return;
    product.for_each_bias([&](int row, float value) {
      if (first_row + row < heads * rows) task.partial_bias[first + first_row + row] = value;
    });
  }
};

template <typename Product>
__global__ void __launch_bounds__(kWeightGradientThreads, Product::kCtasOfSm)
    weight_gradient_product(const __grid_constant__ WeightGradientTask task) {
  using Gradients = typename Product::Gradients;
  using States = typename Product::States;
  constexpr int kStages = Product::kStages;
  constexpr int kStageBytes = kBytesOfStage<Product>;
  // Swizzled tiles begin where their pattern does.
  extern __shared__ __align__(1024) char stages[];
  const unsigned stages_address = static_cast<unsigned>(__cvta_generic_to_shared(stages));

  const WeightGradientPlace<Product> place(task, blockIdx.x);
  const int blocks_of_sequence = (task.shape.time + Product::kDepth - 1) / Product::kDepth;
  const Index first_block = task.first_block[place.slice];
  const int count = static_cast<int>(task.first_block[place.slice + 1] - first_block);
  let_next_grid_start();

  Product product;
  if (count > 0) {
    const GradientLoader<Gradients> gradients(task, place.head, place.first_row);
    StateLoader<States> states(task, place.head, place.first_column);
    StepBlock block(first_block, task.shape.batch, blocks_of_sequence, Product::kDepth);
    if (task.progress != nullptr) {
      const StepBlock last(first_block + count - 1, task.shape.batch, blocks_of_sequence,
                           Product::kDepth);
      if (threadIdx.x == 0) wait_for_progress(task, place.head, last.step);
      __syncthreads();
    }
    states.prepare(task, block);
    const auto load = [&](int stage) {
      const int at = stage * kStageBytes;
      gradients.load(task, block, stages_address + at);
      states.load(task, block, stages_address + at + Gradients::kSize,
                  stages + at + Gradients::kSize);
      block.advance(task.shape.batch, Product::kDepth);
      states.prepare(task, block);
    };
#pragma unroll
    for (int i = 0; i < kStages - 1; ++i) {
      if (i < count) load(i);
      commit_copies();
    }
    int stage = 0;
    int free_stage = kStages - 1;
#pragma unroll 1
    for (int i = 0; i < count; ++i) {
      wait_for_copies<kStages - 2>();
      product.publish();
      __syncthreads();
      const char* const now = stages + stage * kStageBytes;
      product.begin(now, now + Gradients::kSize, place.with_bias());
      if (i + kStages - 1 < count) load(free_stage);
      commit_copies();
      product.template finish<0>();
      free_stage = stage;
      stage = stage + 1 == kStages ? 0 : stage + 1;
    }
  }
  place.store(task, product);
  if (place.slice == task.slices - 1) wait_for_former_grid();
}

// `kernel` with `bytes` of shared memory, beside the grid before it where it waits for its
// progress.
template <typename... Arguments>
cudaError_t launch_product_grid(void (*kernel)(Arguments...), const WeightGradientTask& task,
                                int threads, int bytes, cudaStream_t stream,
                                const Arguments&... arguments) {
  const cudaError_t error =
      cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
  if (error != cudaSuccess) return error;
  const unsigned ctas =
      unsigned(task.row_tiles) * task.column_tiles * task.head_tiles * task.slices;
  return launch_grid(kernel, task.progress != nullptr, ctas, threads, bytes, stream, arguments...);
}

template <typename Product>
cudaError_t launch_product(const WeightGradientTask& task, cudaStream_t stream) {
  return launch_product_grid(&weight_gradient_product<Product>, task, kWeightGradientThreads,
                             Product::kStages * kBytesOfStage<Product>, stream, task);
}

}  // namespace flashrnn::cuda
