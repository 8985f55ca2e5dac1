// SPDX-License-Identifier: Apache-2.0
// The general backward recurrence: src/core/portable/backward.hpp for a cluster of CTAs a (head,
// batch tile), without the gradients of the weights.
#include "cuda/general/backward_element.cuh"
#include "cuda/general/multiply.cuh"

namespace flashrnn::cuda {

namespace {

// An element of the tile.
struct Place : BackwardPlace {
  int column, unit;  // of the tile, of the rank

  __device__ __forceinline__ Place(const GeneralPlan& plan, const Share& share,
                                   const BackwardParams& p, int e)
      : BackwardPlace(p, share.first_column + e / plan.units, share.head,
                      share.first_unit + e % plan.units),
        column(e / plan.units),
        unit(e % plan.units) {
    exists = exists && column < plan.columns;
  }
};

template <typename Cell, typename Element, int C>
struct Backward {
  const GeneralPlan& plan;
  const ProductShape& product;
  const Share& share;
  const TileMemory& memory;
  BackwardElements<Cell, Element> elements;

  __device__ __forceinline__ int count() const { return C * plan.units; }
  __device__ __forceinline__ auto carry(const Place& place) const {
    float* const at = memory.states + place.column * plan.units + place.unit;
    return [at, count = count()](int k) -> float& { return at[k * count]; };
  }

  __device__ __forceinline__ void start() const {
    for (int e = threadIdx.x; e < count(); e += blockDim.x) {
      const Place place(plan, share, elements.p, e);
      elements.start(place, carry(place));
    }
    // Columns and units that do not exist are multiplied like others.
    const int own = plan.units * Cell::kRecurrents * C;
    const int first = plan.is_tile_in_shared ? 0 : share.rank * own;
    const int last =
        min(product.depth * C, plan.is_tile_in_shared ? product.depth * C : first + own);
    for (int e = first + threadIdx.x; e < last; e += blockDim.x) {
      memory.operand(0)[e] = 0.0f;
      memory.operand(1)[e] = 0.0f;
    }
  }

  __device__ __forceinline__ void update(const Place& place,
                                         const BackwardInput<Cell, Element>& input,
                                         int step) const {
    const int at = place.u * Cell::kRecurrents * C + place.column;
    elements.update(place, input, step, carry(place), [&](int gate, float gradient) {
      publish(plan, memory.operand(step & 1), at + gate * C, gradient);
    });
  }

  __device__ __forceinline__ void carry_back(const Place& place, int source) const {
    elements.carry_back(source, carry(place), [&] {
      return sum_of_slices(memory.partial + place.column * product.rows + place.unit, plan.slices,
                           C * product.rows);
    });
  }

  __device__ __forceinline__ void finish() const {
    for (int e = threadIdx.x; e < count(); e += blockDim.x) {
      const Place place(plan, share, elements.p, e);
      elements.finish(place, carry(place));
    }
  }
};

template <typename Cell, typename Element, int C>
__global__ void __launch_bounds__(kMaxGeneralThreads)
    general_backward(const __grid_constant__ GeneralPlan plan,
                     const __grid_constant__ BackwardParams p) {
  extern __shared__ float4 shared_memory[];
  float* const shared = reinterpret_cast<float*>(shared_memory);
  const Share share(plan, (p.shape.batch + C - 1) / C);
  const ProductShape product = product_shape(plan, p.shape.units, Cell::kRecurrents);
  const TileLayout layout = tile_layout(plan, product, tile_arrays(true, Cell::kStates),
                                        tile_constants(true, Cell::kSlots));
  const TileMemory memory(plan, layout, shared, p.exchange);
  Weights<C> weights;
  weights.packed = static_cast<const float*>(p.exchange) +
                   Index(share.head) * product.depth * product.pitch + share.rank * product.rows;
  weights.shared = shared;
  if (!p.shape.cut_recurrent_gradient) weights.load(plan, product, layout);

  const Backward<Cell, Element, C> backward{
      plan, product, share, memory, {p, p.shape.dtype == gpu::kFloat16}};
  backward.start();
  wait_for_cluster(plan.ranks);

  // A thread's first element is read a step ahead; more than one a thread are rare.
  const int elements = C * plan.units;
  const Place first(plan, share, p, threadIdx.x);
  BackwardInput<Cell, Element> now;
  now.load(p, first, p.shape.time - 1);
  for (int step = p.shape.time - 1; step >= 0; --step) {
    BackwardInput<Cell, Element> next;
    next.load(p, first, step - 1);
    if (first.exists) backward.update(first, now, step);
    for (int e = threadIdx.x + blockDim.x; e < elements; e += blockDim.x) {
      const Place place(plan, share, p, e);
      if (!place.exists) continue;
      BackwardInput<Cell, Element> input;
      input.load(p, place, step);
      backward.update(place, input, step);
    }
    if (!p.shape.cut_recurrent_gradient) {
      wait_for_cluster(plan.ranks);
      weights.multiply_by(plan, product, layout, memory, step & 1);
      __syncthreads();
    }
    if (first.exists) backward.carry_back(first, now.source);
    for (int e = threadIdx.x + blockDim.x; e < elements; e += blockDim.x) {
      const Place place(plan, share, p, e);
      if (!place.exists) continue;
      backward.carry_back(place, source_at(p.sources, p.source_stride, place.b, step));
    }
    now = next;
  }
  backward.finish();
}

template <typename Cell>
const void* kernel_of(int dtype, int columns) {
  const bool is_wide = columns == 8;
  if (dtype == gpu::kFloat32) {
    return is_wide ? reinterpret_cast<const void*>(&general_backward<Cell, Float32, 8>)
                   : reinterpret_cast<const void*>(&general_backward<Cell, Float32, 2>);
  }
  return is_wide ? reinterpret_cast<const void*>(&general_backward<Cell, Bits16, 8>)
                 : reinterpret_cast<const void*>(&general_backward<Cell, Bits16, 2>);
}

}  // namespace

const void* general_backward_kernel(int cell, int dtype, int columns) {
#define FLASHRNN_CELL(name, ENUM, value, ...) \
  if (cell == (value)) return kernel_of<cells::name##_cell>(dtype, columns);
#include "cells/cells.def"
#undef FLASHRNN_CELL
  return nullptr;
}

cudaError_t launch_general_backward(const GeneralPlan& plan, const BackwardParams& params,
                                    cudaStream_t stream) {
  const void* kernel = general_backward_kernel(plan.cell, params.shape.dtype, plan.columns);
  if (kernel == nullptr || !plan.is_backward) return cudaErrorInvalidValue;
  return launch_general(kernel, plan, params.shape, &params, stream);
}

}  // namespace flashrnn::cuda
