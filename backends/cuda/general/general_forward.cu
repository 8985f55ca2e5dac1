// SPDX-License-Identifier: Apache-2.0
// The general forward recurrence: src/core/portable/forward.hpp for a cluster of CTAs a (head,
// batch tile).
#include "cuda/general/cells.cuh"
#include "cuda/general/multiply.cuh"

namespace flashrnn::cuda {

namespace {

// Where one element of the tile stands in the caller's tensors, but for the time.
struct Place {
  int column, unit;  // of the tile, of the rank
  int b, u;          // of the batch, of the head
  bool exists;
  Index wx, h, row;

  __device__ __forceinline__ Place(const GeneralPlan& plan, const Share& share,
                                   const ForwardParams& p, int e) {
    column = e / plan.units;
    unit = e % plan.units;
    b = share.first_column + column;
    u = share.first_unit + unit;
    exists = column < plan.columns && b < p.shape.batch && u < p.shape.units;
    wx = b * p.wx.stride[0] + share.head * p.wx.stride[3] + u * p.wx.stride[4];
    h = b * p.h.stride[0] + share.head * p.h.stride[2] + u * p.h.stride[3];
    row = (Index(share.head) * p.shape.batch + b) * p.shape.time;
  }
};

template <typename Cell, typename Element>
struct Input {
  typename Element::Raw wx[Cell::kInputs];
  int source;

  __device__ __forceinline__ void load(const ForwardParams& p, const Place& place, int step) {
    if (!place.exists || step >= p.shape.time) return;
    source = source_at(p.sources, p.source_stride, place.b, step);
    const int t = p.shape.is_reverse ? p.shape.time - 1 - step : step;
    const auto* data =
        static_cast<const typename Element::Raw*>(p.wx.data) + place.wx + t * p.wx.stride[1];
#pragma unroll
    for (int g = 0; g < Cell::kInputs; ++g) wx[g] = data[g * p.wx.stride[2]];
  }
};

template <typename Cell, typename Element, int C>
struct Forward {
  const GeneralPlan& plan;
  const ForwardParams& p;
  const ProductShape& product;
  const Share& share;
  const TileMemory& memory;
  const float* bias;  // [slots][units], in shared memory
  bool is_half;

  __device__ __forceinline__ float initial_operand(int b, int u) const {
    return rounded<Element>(state_at(p.initial_states, 0, b, share.head, u), is_half);
  }

  // The states, and the operand of step 0, of which each rank fills all of its own.
  __device__ __forceinline__ void start(float* shared_bias) const {
    const Shape& s = p.shape;
    const int elements = C * plan.units;
    for (int e = threadIdx.x; e < elements; e += blockDim.x) {
      const int b = share.first_column + e / plan.units;
      const int u = share.first_unit + e % plan.units;
      const bool exists = b < s.batch && u < s.units;
      for (int k = 0; k < Cell::kStates; ++k) {
        memory.states[k * elements + e] =
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
      memory.operand(0)[e] = b < s.batch ? initial_operand(b, e / C) : 0.0f;
      memory.operand(1)[e] = 0.0f;
    }
  }

  __device__ __forceinline__ typename Cell::Slots slots(const Place& place,
                                                        const Input<Cell, Element>& input) const {
    typename Cell::Slots g;
    const int stride = C * product.rows;
    const float* partial =
        memory.partial + place.column * product.rows + place.unit * Cell::kRecurrents;
#pragma unroll
    for (int k = 0; k < Cell::kSlots; ++k) {
      float sum = bias[k * plan.units + place.unit];
      if (Gates<Cell>::input(k) >= 0) {
        sum += Element::value(input.wx[Gates<Cell>::input(k)], is_half);
      }
      if (Gates<Cell>::recurrent(k) >= 0) {
        sum += sum_of_slices(partial + Gates<Cell>::recurrent(k), plan.slices, stride);
      }
      g.v[k] = sum;
    }
    return g;
  }

  // One element's step, once the product of the step lies in `partial`.
  __device__ __forceinline__ void update(const Place& place, const Input<Cell, Element>& input,
                                         int next_source, int step, int parity) const {
    const Shape& s = p.shape;
    const int t = s.is_reverse ? s.time - 1 - step : step;
    const int at = place.u * C + place.column;
    const int elements = C * plan.units;
    float* const state = memory.states + place.column * plan.units + place.unit;
    float next_h = 0.0f;
    if (input.source == gpu::kNoStep) {
      next_h = memory.operand(parity)[at];
      write_zero(place, t);
    } else {
      typename Cell::States old;
#pragma unroll
      for (int k = 0; k < Cell::kStates; ++k) {
        old.v[k] = step > 0 && input.source == gpu::kInitialStates
                       ? state_at(p.initial_states, k, place.b, share.head, place.u)
                       : state[k * elements];
      }
      typename Cell::Step now = Cell::forward(slots(place, input), old);
      if (s.forward_clip > 0) now.now.v[0] = clamped(now.now.v[0], s.forward_clip);
#pragma unroll
      for (int k = 0; k < Cell::kStates; ++k) state[k * elements] = now.now.v[k];
      next_h = rounded<Element>(now.now.v[0], is_half);
      if (next_source != gpu::kInitialStates) {
        publish(plan, memory.operand(parity ^ 1), at, next_h);
      }
      write(place, step, t, now);
    }
    if (next_source == gpu::kInitialStates) {
      publish(plan, memory.operand(parity ^ 1), at, initial_operand(place.b, place.u));
    } else if (input.source == gpu::kNoStep) {
      publish(plan, memory.operand(parity ^ 1), at, next_h);
    }
  }

  __device__ __forceinline__ void write_zero(const Place& place, int t) const {
    using Raw = typename Element::Raw;
    if (p.h.data != nullptr) static_cast<Raw*>(p.h.data)[place.h + t * p.h.stride[1]] = Raw(0);
    if (p.states.data == nullptr) return;
    for (int k = 0; k < Cell::kStates; ++k) *state_element(place, k, t) = Raw(0);
  }

  // Of the sequence of states: rarely asked for, so its offset is not kept.
  __device__ __forceinline__ typename Element::Raw* state_element(const Place& place, int k,
                                                                  int t) const {
    const View& v = p.states;
    return static_cast<typename Element::Raw*>(v.data) + k * v.stride[0] + place.b * v.stride[1] +
           t * v.stride[2] + share.head * v.stride[3] + place.u * v.stride[4];
  }

  __device__ __forceinline__ void write(const Place& place, int step, int t,
                                        const typename Cell::Step& now) const {
    using Raw = typename Element::Raw;
    const Shape& s = p.shape;
    if (p.h.data != nullptr) {
      static_cast<Raw*>(p.h.data)[place.h + t * p.h.stride[1]] =
          Element::raw(now.now.v[0], is_half);
    }
    if (p.states.data != nullptr) {
      for (int k = 0; k < Cell::kStates; ++k) {
        *state_element(place, k, t) = Element::raw(now.now.v[k], is_half);
      }
    }
    if (p.saved == nullptr) return;
    Raw* const values =
        static_cast<Raw*>(p.saved) + (place.row + step) * Cell::kSaved * s.units + place.u;
#pragma unroll
    for (int k = 0; k < Cell::kSaved; ++k) {
      values[Index(k) * s.units] = Element::raw(now.saved.v[k], is_half);
    }
    if constexpr (Cell::kKept > 0) {
      float* const kept = reinterpret_cast<float*>(static_cast<char*>(p.saved) +
                                                   saved_values_bytes(s, Cell::kSaved)) +
                          (place.row + step) * Cell::kKept * s.units + place.u;
#pragma unroll
      for (int k = 0; k < Cell::kKept; ++k) kept[Index(k) * s.units] = now.now.v[k + 1];
    }
  }

  __device__ __forceinline__ void finish() const {
    if (p.last_states.data == nullptr) return;
    const View& last = p.last_states;
    const int elements = C * plan.units;
    for (int e = threadIdx.x; e < elements; e += blockDim.x) {
      const int b = share.first_column + e / plan.units;
      const int u = share.first_unit + e % plan.units;
      if (b >= p.shape.batch || u >= p.shape.units) continue;
      for (int k = 0; k < Cell::kStates; ++k) {
        store_any(last,
                  k * last.stride[0] + b * last.stride[1] + share.head * last.stride[2] +
                      u * last.stride[3],
                  memory.states[k * elements + e]);
      }
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
  const Forward<Cell, Element, C> forward{
      plan, p, product, share, memory, bias, p.shape.dtype == gpu::kFloat16};
  forward.start(bias);
  wait_for_cluster(plan.ranks);

  // A thread's first element is read a step ahead; more than one a thread are rare.
  const int elements = C * plan.units;
  const Place first(plan, share, p, threadIdx.x);
  Input<Cell, Element> now;
  now.load(p, first, 0);
  for (int step = 0; step < p.shape.time; ++step) {
    const int parity = step & 1;
    Input<Cell, Element> next;
    next.source = gpu::kPreviousStep;
    next.load(p, first, step + 1);
    weights.multiply_by(plan, product, layout, memory, parity);
    __syncthreads();
    if (first.exists) forward.update(first, now, next.source, step, parity);
    for (int e = threadIdx.x + blockDim.x; e < elements; e += blockDim.x) {
      const Place place(plan, share, p, e);
      if (!place.exists) continue;
      Input<Cell, Element> input;
      input.load(p, place, step);
      const int next_source = step + 1 < p.shape.time
                                  ? source_at(p.sources, p.source_stride, place.b, step + 1)
                                  : int(gpu::kPreviousStep);
      forward.update(place, input, next_source, step, parity);
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
