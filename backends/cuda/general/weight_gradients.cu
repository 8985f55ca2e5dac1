// SPDX-License-Identifier: Apache-2.0
// The weight gradients from end to end: rounds the initial h, runs the product, adds the slices in
// order and stores the sums in the caller's dtype and strides.
#include <algorithm>
#include <cstdint>

#include "cells/traits.hpp"
#include "cuda/general/elements.cuh"
#include "cuda/general/grid_launch.cuh"
#include "cuda/general/weight_gradient_maps.hpp"
#include "cuda/general/weight_gradients.hpp"

namespace flashrnn::cuda {

namespace {

struct SumTask {
  int heads, units, slots, recurrents;
  int recurrent_of_slot[gpu::kMaxGpuSlots];
  int padded_units, column_pitch, slices;
  const float* partial;
  const float* partial_bias;
  View d_r, d_bias;

  __device__ float sum(const float* first, Index step) const {
    // Many at a time: a call of few weights waits for memory's answers, not for its rate.
    constexpr int kAtOnce = 16;
    float total = 0.0f;
    for (int s0 = 0; s0 < slices; s0 += kAtOnce) {
      float sums[kAtOnce];
#pragma unroll
      for (int s = 0; s < kAtOnce; ++s) sums[s] = s0 + s < slices ? first[(s0 + s) * step] : 0.0f;
#pragma unroll
      for (int s = 0; s < kAtOnce; ++s) total += sums[s];
    }
    return total;
  }
};

__global__ void add_slices(const __grid_constant__ SumTask task) {
  wait_for_former_grid();
  const Index rows = Index(task.slots) * task.padded_units;
  const Index weights =
      task.d_r.data == nullptr ? 0 : Index(task.recurrents) * task.heads * task.units * task.units;
  const Index biases =
      task.d_bias.data == nullptr ? 0 : Index(task.slots) * task.heads * task.units;
  for (Index i = blockIdx.x * Index(blockDim.x) + threadIdx.x; i < weights + biases;
       i += Index(gridDim.x) * blockDim.x) {
    if (i < weights) {
      const int k = static_cast<int>(i % task.units);
      const Index row = i / task.units;
      const int j = static_cast<int>(row % task.units);
      const int head = static_cast<int>(row / task.units % task.heads);
      const int gate = static_cast<int>(row / task.units / task.heads);
      float total = 0.0f;
      for (int slot = 0; slot < task.slots; ++slot) {
        if (task.recurrent_of_slot[slot] != gate) continue;
        const Index at = head * rows + Index(slot) * task.padded_units + j;
        total += task.sum(task.partial + at * task.column_pitch + k,
                          task.heads * rows * task.column_pitch);
      }
      const View& d = task.d_r;
      store_any(d, gate * d.stride[0] + head * d.stride[1] + j * d.stride[2] + k * d.stride[3],
                total);
    } else {
      const Index row = i - weights;
      const int j = static_cast<int>(row % task.units);
      const int head = static_cast<int>(row / task.units % task.heads);
      const int slot = static_cast<int>(row / task.units / task.heads);
      const Index at = head * rows + Index(slot) * task.padded_units + j;
      const View& d = task.d_bias;
      store_any(d, slot * d.stride[0] + head * d.stride[1] + j * d.stride[2],
                task.sum(task.partial_bias + at, task.heads * rows));
    }
  }
}

// h of the initial states in the problem's dtype, [B, N, padded units].
__global__ void round_initial(const __grid_constant__ Shape shape,
                              const __grid_constant__ View initial_states, int padded_units,
                              void* rounded_h) {
  const Index total = Index(shape.batch) * shape.heads * padded_units;
  const View to{rounded_h, {}, shape.dtype, 0};
  for (Index i = blockIdx.x * Index(blockDim.x) + threadIdx.x; i < total;
       i += Index(gridDim.x) * blockDim.x) {
    const int u = static_cast<int>(i % padded_units);
    const int head = static_cast<int>(i / padded_units % shape.heads);
    const Index b = i / padded_units / shape.heads;
    store_any(to, i, u < shape.units ? state_at(initial_states, 0, b, head, u) : 0.0f);
  }
}

#if defined(FLASHRNN_HAS_SM_90A)
constexpr bool kHasSm90a = true;
#else
constexpr bool kHasSm90a = false;
#endif

int ceil_div(int a, int b) { return (a + b - 1) / b; }
size_t aligned(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }
int element_bytes(int dtype) { return dtype == gpu::kFloat32 ? 4 : 2; }
int column_tile_of(int units) { return units > 64 ? 128 : units > 32 ? 64 : 32; }

// Of the product fetched by maps: the more columns, the fewer bytes of shared memory a product
// reads, where they divide the head.
struct MappedTile {
  int rows, columns;
};
MappedTile mapped_tile_of(int units) {
  if (units % 192 == 0) return {256, 192};
  if (units % 256 == 0) return {128, 256};
  return {256, column_tile_of(units)};
}

unsigned grid_for(Index elements) {
  return unsigned(std::clamp<Index>((elements + 255) / 256, 1, 16384));
}

// The pieces of the workspace, and the sizes that follow from the shape.
struct Pieces {
  size_t initial, partial, bias, total;  // offsets
};

Pieces lay_out(const WeightGradientTask& task) {
  const Shape& s = task.shape;
  const size_t rows = size_t(task.slices) * s.heads * task.slots * task.padded_units;
  Pieces pieces{};
  pieces.partial = aligned(size_t(s.batch) * s.heads * task.padded_units * element_bytes(s.dtype));
  pieces.bias = pieces.partial + aligned(rows * task.column_pitch * sizeof(float));
  pieces.total = pieces.bias + aligned(rows * sizeof(float));
  return pieces;
}

WeightGradientTask make_task(const CellTraits& cell, const Shape& shape, int row_tile, int slices) {
  // Tiles of twice the rows may be fetched by maps, whose boxes must not go over from slot to slot.
  WeightGradientTask task{};
  const int per_chunk =
      row_tile > kWeightGradientRows ? kMapUnits : 16 / element_bytes(shape.dtype);
  task.shape = shape;
  task.slots = cell.slots;
  task.padded_units = ceil_div(shape.units, per_chunk) * per_chunk;
  task.column_pitch = ceil_div(shape.units, 4) * 4;
  const int rows = task.slots * task.padded_units;
  // Several heads of few units fill a tile. Float32 multiplies for longer than it reads: of a
  // narrow tile's columns none are to be multiplied in vain. Two heads of up to 64 units, whose
  // tiles are half as many, pay where there are many steps to cut into slices.
  const bool is_long = Index(shape.batch) * shape.time >= 32768;
  const int columns = shape.dtype == gpu::kFloat32 || (shape.units > 32 && !is_long)
                          ? column_tile_of(shape.units)
                          : 128;
  task.tile_heads = std::max(1, std::min(row_tile / rows, columns / task.padded_units));
  task.column_tile =
      column_tile_of(task.tile_heads > 1 ? task.tile_heads * task.padded_units : shape.units);
  task.head_tiles = ceil_div(shape.heads, task.tile_heads);
  task.row_tiles = ceil_div(task.tile_heads * rows, row_tile);
  task.column_tiles = ceil_div(shape.units, task.column_tile);
  task.slices = slices;
  return task;
}

void take_mapped_tiles(WeightGradientTask* task) {
  const MappedTile tile = mapped_tile_of(task->shape.units);
  task->row_tiles = ceil_div(task->slots * task->padded_units, tile.rows);
  task->column_tiles = ceil_div(task->shape.units, tile.columns);
}

// What a CTA takes, and how many there are, for slices that run beside the recurrence.
SliceWork slice_work(const WeightGradientTask& task, const MappedTile& tile, Index blocks,
                     int slots, int multiprocessors) {
  // Of a multiprocessor: multiply-adds and bytes of operands a us.
  constexpr double kMacsPerUs = 2.5e6, kBytesPerUs = 1e5;
  constexpr double kBlockUs = 0.1, kCtaUs = 4, kSumBytesPerUs = 2.5e6;
  // A block of half the depth, by mma.sync, takes about as long as one by warpgroups.
  const double depth = weight_gradient_depth(task.shape.dtype, true),
               shared = double(slots) / multiprocessors;
  SliceWork work{};
  work.blocks = blocks;
  work.batch = task.shape.batch;
  work.tiles = task.row_tiles * task.column_tiles * task.head_tiles;
  work.slots = slots;
  work.block_us =
      kBlockUs + shared * std::max(tile.rows * tile.columns * depth / kMacsPerUs,
                                   (tile.rows + tile.columns) * depth * 2 / kBytesPerUs);
  work.cta_us = kCtaUs;
  work.sum_us = double(task.slots) * task.padded_units * task.column_pitch * task.shape.heads *
                sizeof(float) / kSumBytesPerUs;
  return work;
}

// As many slices as take least where all gradients are there before, in units of one block of steps
// of a CTA: starting and ending a CTA costs eight, and writing and reading a slice's sums as much
// as they take longer than the operands of a block.
int even_slice_count(Index tiles, Index blocks, double at_once, bool is_fma) {
  const double sums = is_fma ? 4.0 : 16.0;
  double best = 0;
  int count = 1;
  const Index most = std::min<Index>(std::max<Index>(blocks / 4, 1), kMostSlices);
  for (Index slices = 1; slices <= most; ++slices) {
    const double waves = double((tiles * slices + Index(at_once) - 1) / Index(at_once));
    const double cost = waves * (double((blocks + slices - 1) / slices) + 8) +
                        sums * double(slices * tiles) / at_once;
    if (slices > 1 && cost >= best) continue;
    best = cost;
    count = int(slices);
  }
  return count;
}

}  // namespace

cudaError_t plan_weight_gradients(int cell, const Shape& shape, bool allow_tf32,
                                  const Beside& beside, WeightGradientPlan* plan) {
  const CellTraits* traits = find_cell(cell);
  if (traits == nullptr) return cudaErrorInvalidValue;
  int device = 0, multiprocessors = 0, major = 0, minor = 0;
  cudaError_t error = cudaGetDevice(&device);
  const auto ask = [&](int* value, cudaDeviceAttr what) {
    if (error == cudaSuccess) error = cudaDeviceGetAttribute(value, what, device);
  };
  ask(&multiprocessors, cudaDevAttrMultiProcessorCount);
  ask(&major, cudaDevAttrComputeCapabilityMajor);
  ask(&minor, cudaDevAttrComputeCapabilityMinor);
  if (error != cudaSuccess) return error;
  plan->has_warpgroups = kHasSm90a && major == 9 && minor == 0 && shape.dtype != gpu::kFloat32 &&
                         column_tile_of(shape.units) >= 64;
  plan->row_tile = plan->has_warpgroups && traits->slots * shape.units > kWeightGradientRows
                       ? 2 * kWeightGradientRows
                       : kWeightGradientRows;
  WeightGradientTask task = make_task(*traits, shape, plan->row_tile, 1);
  MappedTile tile{plan->row_tile, task.column_tile};
  if (plan->row_tile > kWeightGradientRows) {
    take_mapped_tiles(&task);
    tile = mapped_tile_of(shape.units);
  }
  const Index blocks =
      Index(ceil_div(shape.time, weight_gradient_depth(shape.dtype, plan->has_warpgroups))) *
      shape.batch;
  const bool is_fma = shape.dtype == gpu::kFloat32 && !allow_tf32;
  // As many CTAs as the products' launch bounds let an SM hold.
  const int at_once =
      ((is_fma && task.column_tile == 128) || plan->row_tile > kWeightGradientRows ? 1 : 2) *
      multiprocessors;
  const Index tiles = Index(task.row_tiles) * task.column_tiles * task.head_tiles;
  const Slices first =
      beside.us > 0
          ? slices_beside(slice_work(task, tile, blocks, at_once, multiprocessors), beside)
          : even_slices(blocks, even_slice_count(tiles, blocks, at_once, is_fma));
  plan->is_beside = beside.us > 0;
  plan->slices = int(first.size()) - 1;
  std::copy(first.begin(), first.end(), plan->first_block);
  task.slices = plan->slices;
  plan->workspace_bytes = lay_out(task).total;
  return cudaSuccess;
}

cudaError_t prepare_weight_gradients(const WeightGradientPlan& plan,
                                     const WeightGradientParams& params, cudaStream_t stream) {
  const CellTraits* cell = find_cell(params.cell);
  if (cell == nullptr) return cudaErrorInvalidValue;
  if (params.initial_states.data == nullptr) return cudaSuccess;
  const Shape& s = params.shape;
  const int padded_units = make_task(*cell, s, plan.row_tile, plan.slices).padded_units;
  round_initial<<<grid_for(Index(s.batch) * s.heads * padded_units), 256, 0, stream>>>(
      s, params.initial_states, padded_units, params.workspace);
  return cudaPeekAtLastError();
}

cudaError_t launch_weight_gradients(const WeightGradientPlan& plan,
                                    const WeightGradientParams& params, cudaStream_t stream) {
  const CellTraits* cell = find_cell(params.cell);
  if (cell == nullptr) return cudaErrorInvalidValue;
  if (params.d_r.data == nullptr && params.d_bias.data == nullptr) return cudaSuccess;
  const Shape& s = params.shape;
  WeightGradientTask task = make_task(*cell, s, plan.row_tile, plan.slices);
  const Pieces pieces = lay_out(task);
  char* const workspace = static_cast<char*>(params.workspace);
  const int per_chunk = 16 / element_bytes(s.dtype);
  std::copy(params.slot_gradient, params.slot_gradient + gpu::kMaxGpuSlots, task.slot_gradient);
  task.h = params.h;
  task.sources = params.sources;
  task.source_stride = params.source_stride;
  task.partial = reinterpret_cast<float*>(workspace + pieces.partial);
  task.partial_bias = reinterpret_cast<float*>(workspace + pieces.bias);
  task.h_has_chunks = reinterpret_cast<std::uintptr_t>(params.h.data) % 16 == 0 &&
                      params.h.stride[3] == 1 && params.h.stride[0] % per_chunk == 0 &&
                      params.h.stride[1] % per_chunk == 0 && params.h.stride[2] % per_chunk == 0;
  if (params.initial_states.data != nullptr) task.initial = workspace + pieces.initial;
  task.progress = params.progress;
  task.tellers = params.tellers;
  std::copy(plan.first_block, plan.first_block + plan.slices + 1, task.first_block);
  // Maps have no sources, and rows of whole chunks.
  WeightGradientMaps maps{};
  const bool is_mapped = plan.row_tile > kWeightGradientRows && task.sources == nullptr &&
                         task.h_has_chunks && s.time > 0 && make_maps(task, &maps);
  if (is_mapped) take_mapped_tiles(&task);
  const cudaError_t error =
      is_mapped ? launch_mapped_product(task, maps, mapped_tile_of(s.units).columns, stream)
      : plan.has_warpgroups ? launch_warpgroup_product(task, plan.row_tile, stream)
                            : launch_weight_gradient_product(task, params.allow_tf32, stream);
  if (error != cudaSuccess) return error;

  SumTask sum{};
  sum.heads = s.heads;
  sum.units = s.units;
  sum.slots = cell->slots;
  sum.recurrents = cell->recurrent_gates;
  for (int k = 0; k < gpu::kMaxGpuSlots; ++k) sum.recurrent_of_slot[k] = cell->recurrent_of_slot[k];
  sum.padded_units = task.padded_units;
  sum.column_pitch = task.column_pitch;
  sum.slices = task.slices;
  sum.partial = task.partial;
  sum.partial_bias = task.partial_bias;
  sum.d_r = params.d_r;
  sum.d_bias = params.d_bias;
  const Index outputs = Index(sum.recurrents) * s.heads * s.units * s.units;
  return launch_grid(add_slices, task.progress != nullptr, grid_for(outputs), 256, 0, stream, sum);
}

}  // namespace flashrnn::cuda
