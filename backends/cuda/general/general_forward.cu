// SPDX-License-Identifier: Apache-2.0
// The general forward recurrence: src/core/portable/forward.hpp for a cluster of CTAs a (head,
// batch tile).
#include "cuda/general/forward_element.cuh"
#include "cuda/general/multiply.cuh"

namespace flashrnn::cuda {

namespace {

// An element of the tile.
struct Place : ForwardPlace {
  int column, unit;  // of the tile, of the rank

  __device__ __forceinline__ Place(const GeneralPlan& plan, const Share& share,
                                   const ForwardParams& p, int e)
      : ForwardPlace(p, share.first_column + e / plan.units, share.head,
                     share.first_unit + e % plan.units),
        column(e / plan.units),
        unit(e % plan.units) {
    exists = exists && column < plan.columns;
  }
};

template <typename Cell, typename Element, int C>
struct Forward {
  const GeneralPlan& plan;
  const ProductShape& product;
  const Share& share;
  const TileMemory& memory;
  const float* bias;  // [slots][units], in shared memory
  ForwardElements<Cell, Element> elements;

  // The states, and the operand of step 0, of which each rank fills all of its own.
  __device__ __forceinline__ void start(float* shared_bias) const {
    const ForwardParams& p = elements.p;
    const Shape& s = p.shape;
    const int count = C * plan.units;
    for (int e = threadIdx.x; e < count; e += blockDim.x) {
      const int b = share.first_column + e / plan.units;
      const int u = share.first_unit + e % plan.units;
      const bool exists = b < s.batch && u < s.units;
      for (int k = 0; k < Cell::kStates; ++k) {
        memory.states[k * count + e] =
            exists ? state_at(p.initial_states, k, b, share.head, u) : 0.0f;
      }
    }
    for (int e = threadIdx.x; e < Cell::kSlots * plan.units; e += blockDim.x) {
      const int u = share.first_unit + e % plan.units;
      shared_bias[e] =
          p.bias.data != nullptr && u < s.units
              ? load_any(p.bias, e / plan.units * p.bias.stride[0] + share.head * p.bias.stride[1] +
                                     u * p.bias.stride[2])
              : 0.0f;
    }
    const int first = plan.is_tile_in_shared ? 0 : share.first_unit;
    const int last = plan.is_tile_in_shared ? s.units : min(s.units, share.first_unit + plan.units);
    for (int e = first * C + threadIdx.x; e < last * C; e += blockDim.x) {
      const int b = share.first_column + e % C;
      memory.operand(0)[e] = b < s.batch ? elements.initial_operand(b, share.head, e / C) : 0.0f;
      memory.operand(1)[e] = 0.0f;
    }
  }

  // One element's step, once the product of the step lies in `partial`.
  __device__ __forceinline__ void update(const Place& place,
                                         const ForwardInput<Cell, Element>& input, int next_source,
                                         int step, int parity) const {
    const int at = place.u * C + place.column, count = C * plan.units;
    float* const state = memory.states + place.column * plan.units + place.unit;
    const float* partial =
        memory.partial + place.column * product.rows + place.unit * Cell::kRecurrents;
    const float next = elements.advance(
        place, input, next_source, step, memory.operand(parity)[at],
        [&](int slot) { return bias[slot * plan.units + place.unit]; },
        [&](int gate) { return sum_of_slices(partial + gate, plan.slices, C * product.rows); },
        [&](int k) -> float& { return state[k * count]; });
    publish(plan, memory.operand(parity ^ 1), at, next);
  }

  __device__ __forceinline__ void finish() const {
    const int count = C * plan.units;
    for (int e = threadIdx.x; e < count; e += blockDim.x) {
      elements.finish(share.first_column + e / plan.units, share.head,
                      share.first_unit + e % plan.units,
                      [&](int k) { return memory.states[k * count + e]; });
    }
  }
};

template <typename Cell, typename Element, int C>
__global__ void __launch_bounds__(kMaxGeneralThreads)
    general_forward(const __grid_constant__ GeneralPlan plan,
                    const __grid_constant__ ForwardParams p) {
  extern __shared__ float4 shared_memory[];
  float* const shared = reinterpret_cast<float*>(shared_memory);
  const Share share(plan, (p.shape.batch + C - 1) / C);
  const ProductShape product = product_shape(plan, p.shape.units, Cell::kRecurrents);
  const TileLayout layout = tile_layout(plan, product, tile_arrays(false, Cell::kStates),
                                        tile_constants(false, Cell::kSlots));
  const TileMemory memory(plan, layout, shared, p.exchange);
  Weights<C> weights;
  weights.packed = static_cast<const float*>(p.exchange) +
                   Index(share.head) * product.depth * product.pitch + share.rank * product.rows;
  weights.shared = shared;
  weights.load(plan, product, layout);

  float* const bias = shared + layout.constants;
  const Forward<Cell, Element, C> forward{plan,   product, share,
                                          memory, bias,    {p, p.shape.dtype == gpu::kFloat16}};
  forward.start(bias);
  wait_for_cluster(plan.ranks);

  // A thread's first element is read a step ahead; more than one a thread are rare.
  const int elements = C * plan.units;
  const Place first(plan, share, p, threadIdx.x);
  ForwardInput<Cell, Element> now;
  now.load(p, first, 0);
  for (int step = 0; step < p.shape.time; ++step) {
    const int parity = step & 1;
    ForwardInput<Cell, Element> next;
    next.source = gpu::kPreviousStep;
    next.load(p, first, step + 1);
    weights.multiply_by(plan, product, layout, memory, parity);
    __syncthreads();
    if (first.exists) forward.update(first, now, next.source, step, parity);
    for (int e = threadIdx.x + blockDim.x; e < elements; e += blockDim.x) {
      const Place place(plan, share, p, e);
      if (!place.exists) continue;
      ForwardInput<Cell, Element> input;
      input.load(p, place, step);
      forward.update(place, input, forward.elements.next_source(place.b, step), step, parity);
    }
    wait_for_cluster(plan.ranks);
    now = next;
  }
  forward.finish();
}

template <typename Cell>
const void* kernel_of(int dtype, int columns) {
  const bool is_wide = columns == 8;
  if (dtype == gpu::kFloat32) {
    return is_wide ? reinterpret_cast<const void*>(&general_forward<Cell, Float32, 8>)
                   : reinterpret_cast<const void*>(&general_forward<Cell, Float32, 2>);
  }
  return is_wide ? reinterpret_cast<const void*>(&general_forward<Cell, Bits16, 8>)
                 : reinterpret_cast<const void*>(&general_forward<Cell, Bits16, 2>);
}

}  // namespace

const void* general_forward_kernel(int cell, int dtype, int columns) {
#define FLASHRNN_CELL(name, ENUM, value, ...) \
  if (cell == (value)) return kernel_of<cells::name##_cell>(dtype, columns);
#include "cells/cells.def"
#undef FLASHRNN_CELL
  return nullptr;
}

cudaError_t launch_general_forward(const GeneralPlan& plan, const ForwardParams& params,
                                   cudaStream_t stream) {
  const void* kernel = general_forward_kernel(plan.cell, params.shape.dtype, plan.columns);
  if (kernel == nullptr || plan.is_backward) return cudaErrorInvalidValue;
  return launch_general(kernel, plan, params.shape, &params, stream);
}

}  // namespace flashrnn::cuda
