// SPDX-License-Identifier: Apache-2.0
// The product of the weight gradients by warpgroup instructions, its operands fetched by the copy
// engine: one warp does nothing but ask for them, as many blocks of steps ahead as there are
// stages, and two warpgroups multiply. Blocks of steps past a sequence, or before its first step,
// are zeros; where there are initial states, more blocks take the first steps of 64 sequences each.
#include "cuda/fused/ptx.cuh"
#include "cuda/general/weight_gradient_kernel.cuh"
#include "cuda/general/weight_gradient_maps.hpp"
#include "cuda/general/weight_gradient_wgmma.cuh"

namespace flashrnn::cuda {

namespace {

constexpr int kConsumerWarps = kWeightGradientThreads / 32;

// Where the sums want more registers than a launch gives, the warp that fetches is four, of which
// three are idle and all give what they have.
template <typename Product>
inline constexpr bool kTakesRegisters = Product::kRows* Product::States::kUnits > 256 * 128;
template <typename Product>
inline constexpr int kThreads = kWeightGradientThreads + (kTakesRegisters<Product> ? 128 : 32);

// 64 units of a tensor map, from (units, head, time, batch) on.
__device__ __forceinline__ void fetch_box(u32 shared, const CUtensorMap& map, int unit, int head,
                                          int time, int batch, u32 barrier) {
#if FLASHRNN_DEVICE_HAS_WARPGROUPS
  asm volatile(
      "cp.async.bulk.tensor.4d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, "
      "{%2, %3, %4, %5}], [%6];" ::"r"(shared),
      "l"(&map), "r"(unit), "r"(head), "r"(time), "r"(batch), "r"(barrier)
      : "memory");
#endif
}

template <typename Product>
struct MappedProduct {
  using Gradients = typename Product::Gradients;
  using States = typename Product::States;
  static constexpr int kStages = Product::kStages, kStageBytes = kBytesOfStage<Product>;
  static constexpr int kBoxBytes = kMapUnits * kMapSteps * 2;
  static_assert(Product::kDepth == kMapSteps && Gradients::kBlock == kBoxBytes);

  const WeightGradientTask& task;
  const WeightGradientMaps& maps;
  WeightGradientPlace<Product> place;
  u32 stages;
  int blocks_of_sequence, first_block, count;

  // Blocks but for those of first steps.
  __device__ int of_steps() const { return blocks_of_sequence * task.shape.batch; }
  __device__ u32 full(int stage) const { return stages + kStages * kStageBytes + stage * 8; }
  __device__ u32 empty(int stage) const { return full(kStages + stage); }

  // Backward leaves the last steps of all sequences first.
  __device__ __forceinline__ int time_block(int block) const {
    const int later = block / task.shape.batch;
    return task.shape.is_reverse ? later : blocks_of_sequence - 1 - later;
  }
  // By one thread, before it fetches what backward has just written, which other engines read.
  __device__ __forceinline__ void wait_for_gradients() const {
    const int last = min(first_block + count, of_steps()) - 1;
    if (task.progress == nullptr || count == 0) return;
    const int time = time_block(last) * kMapSteps;
    const int step = task.shape.is_reverse ? max(task.shape.time - time - kMapSteps, 0) : time;
    wait_for_progress(task, place.head, count > of_steps() - first_block ? 0 : step);
    order_before_async();
  }

  // By one thread.
  __device__ __forceinline__ void fetch(int block, int stage) const {
    const u32 to = stages + stage * kStageBytes, barrier = full(stage);
    const bool is_first = block >= of_steps();
    const int batch = is_first ? (block - of_steps()) * kMapSteps : block % task.shape.batch;
    const int step = time_block(block) * kMapSteps;
    const int first = task.shape.is_reverse ? task.shape.time - 1 : 0;
    mbarrier_expect(barrier, kStageBytes);
#pragma unroll
    for (int i = 0; i < Product::kRows / kMapUnits; ++i) {
      const int stacked = place.first_row + i * kMapUnits, slot = stacked / task.padded_units;
      // Past the last slot: past the units of that one.
      const int unit = stacked - min(slot, task.slots - 1) * task.padded_units;
      const int map = min(slot, task.slots - 1);
      fetch_box(to + i * kBoxBytes, is_first ? maps.first_gradients[map] : maps.gradients[map],
                unit, place.head, is_first ? first : step, batch, barrier);
    }
    const int before = task.shape.is_reverse ? step + 1 : step - 1;
#pragma unroll
    for (int i = 0; i < States::kUnits / kMapUnits; ++i) {
      fetch_box(to + Gradients::kSize + i * kBoxBytes, is_first ? maps.initial : maps.h,
                place.first_column + i * kMapUnits, place.head, is_first ? 0 : before, batch,
                barrier);
    }
  }

  __device__ __forceinline__ void fetch_all() const {
    wait_for_gradients();
    for (int i = 0; i < count; ++i) {
      if (i >= kStages) mbarrier_wait(empty(i % kStages), (i / kStages - 1) & 1);
      fetch(first_block + i, i % kStages);
    }
  }

  __device__ __forceinline__ void tell_empty(int stage) const {
    __syncwarp();
    if (threadIdx.x % 32 == 0) mbarrier_arrive(empty(stage));
  }

  __device__ __forceinline__ void multiply(const char* memory) const {
    Product product;
    // The first steps' gradients are among the others': the biases have had them.
    const int with_bias = place.with_bias() ? of_steps() - first_block : 0;
    int stage = 0, before = 0;
    u32 parity = 0;
#pragma unroll 1
    for (int i = 0; i < count; ++i) {
      mbarrier_wait(full(stage), parity);
      const char* const now = memory + stage * kStageBytes;
      product.begin(now, now + Gradients::kSize, i < with_bias);
      product.template finish<1>();
      if (i > 0) tell_empty(before);
      before = stage;
      if (++stage == kStages) stage = 0, parity ^= 1;
    }
    product.template finish<0>();
    place.store(task, product);
  }

  __device__ __forceinline__ void run(const char* memory) {
    stages = shared_address(memory);
    blocks_of_sequence = (task.shape.time + kMapSteps - 1) / kMapSteps;
    first_block = static_cast<int>(task.first_block[place.slice]);
    count = static_cast<int>(task.first_block[place.slice + 1]) - first_block;
    if (task.initial != nullptr && place.slice == task.slices - 1)
      count += (task.shape.batch + kMapSteps - 1) / kMapSteps;
    let_next_grid_start();
    if (threadIdx.x == 0) {
      for (int i = 0; i < kStages; ++i) {
        mbarrier_init(full(i), 1);
        mbarrier_init(empty(i), kConsumerWarps);
      }
      mbarrier_init_fence();
    }
    __syncthreads();
    if (warp_number() >= kConsumerWarps) {
      if constexpr (kTakesRegisters<Product>) give_registers<40>();
      if (threadIdx.x == kWeightGradientThreads) fetch_all();
    } else {
      if constexpr (kTakesRegisters<Product>) take_registers<232>();
      multiply(memory);
    }
    if (place.slice == task.slices - 1) wait_for_former_grid();
  }
};

template <typename Product>
__global__ void __launch_bounds__(kThreads<Product>, 1)
    mapped_weight_gradient(const __grid_constant__ WeightGradientTask task,
                           const __grid_constant__ WeightGradientMaps maps) {
  // Swizzled tiles begin where their pattern does.
  extern __shared__ __align__(1024) char memory[];
#if FLASHRNN_DEVICE_HAS_WARPGROUPS
  MappedProduct<Product>{task, maps, WeightGradientPlace<Product>(task, blockIdx.x), 0, 0, 0, 0}
      .run(memory);
#endif
}

template <typename Product>
cudaError_t launch(const WeightGradientTask& task, const WeightGradientMaps& maps,
                   cudaStream_t stream) {
  return launch_product_grid(&mapped_weight_gradient<Product>, task, kThreads<Product>,
                             Product::kStages * (kBytesOfStage<Product> + 16), stream, task, maps);
}

template <int kRows, int kColumns>
cudaError_t launch_tile(const WeightGradientTask& task, const WeightGradientMaps& maps,
                        cudaStream_t stream) {
  return task.shape.dtype == gpu::kFloat16
             ? launch<WarpgroupProduct<kRows, kColumns, true>>(task, maps, stream)
             : launch<WarpgroupProduct<kRows, kColumns, false>>(task, maps, stream);
}

}  // namespace

cudaError_t launch_mapped_product(const WeightGradientTask& task, const WeightGradientMaps& maps,
                                  int column_tile, cudaStream_t stream) {
  switch (column_tile) {
    case 64:
      return launch_tile<256, 64>(task, maps, stream);
    case 192:
      return launch_tile<256, 192>(task, maps, stream);
    case 256:
      return launch_tile<128, 256>(task, maps, stream);
    default:
      return launch_tile<256, 128>(task, maps, stream);
  }
}

}  // namespace flashrnn::cuda
