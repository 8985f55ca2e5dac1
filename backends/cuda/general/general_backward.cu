// SPDX-License-Identifier: Apache-2.0
// The general backward recurrence: src/core/portable/backward.hpp for a cluster of CTAs a (head,
// batch tile), without the gradients of the weights.
#include "cuda/general/cells.cuh"
#include "cuda/general/multiply.cuh"

namespace flashrnn::cuda {

namespace {

// Where one element of the tile stands in the caller's tensors, but for the time.
struct Place {
  int column, unit;  // of the tile, of the rank
  int b, u;          // of the batch, of the head
  bool exists;
  Index h, d_h, row;

  __device__ __forceinline__ Place(const GeneralPlan& plan, const Share& share,
                                   const BackwardParams& p, int e) {
    column = e / plan.units;
    unit = e % plan.units;
    b = share.first_column + column;
    u = share.first_unit + unit;
    exists = column < plan.columns && b < p.shape.batch && u < p.shape.units;
    h = b * p.h.stride[0] + share.head * p.h.stride[2] + u * p.h.stride[3];
    d_h = b * p.d_h.stride[0] + share.head * p.d_h.stride[2] + u * p.d_h.stride[3];
    row = (Index(share.head) * p.shape.batch + b) * p.shape.time;
  }
};

template <typename Cell, typename Element>
struct Input {
  static constexpr int kKeptSize = Cell::kKept > 0 ? Cell::kKept : 1;
  typename Element::Raw saved[Cell::kSaved];
  typename Element::Raw old_h, d_h;
  float now[kKeptSize], old[kKeptSize];
  int source;

  __device__ __forceinline__ void load(const BackwardParams& p, const Place& place, int step) {
    using Raw = typename Element::Raw;
    if (!place.exists || step < 0) return;
    const Shape& s = p.shape;
    source = source_at(p.sources, p.source_stride, place.b, step);
    const int t = s.is_reverse ? s.time - 1 - step : step;
    const Raw* const values =
        static_cast<const Raw*>(p.saved) + (place.row + step) * Cell::kSaved * s.units + place.u;
#pragma unroll
    for (int k = 0; k < Cell::kSaved; ++k) saved[k] = values[Index(k) * s.units];
    if constexpr (Cell::kKept > 0) {
      const float* const kept =
          reinterpret_cast<const float*>(static_cast<const char*>(p.saved) +
                                         saved_values_bytes(s, Cell::kSaved)) +
          (place.row + step) * Cell::kKept * s.units + place.u;
#pragma unroll
      for (int k = 0; k < Cell::kKept; ++k) {
        now[k] = kept[Index(k) * s.units];
        if (step > 0) old[k] = kept[(Index(k) - Cell::kKept) * s.units];
      }
    }
    const Raw* const h = static_cast<const Raw*>(p.h.data) + place.h;
    if constexpr (Cell::kReadsH) {
      if (step > 0) old_h = h[(s.is_reverse ? t + 1 : t - 1) * p.h.stride[1]];
    }
    d_h = Raw(0);
    if (p.d_h.data != nullptr) {
      d_h = static_cast<const Raw*>(p.d_h.data)[place.d_h + t * p.d_h.stride[1]];
    }
  }
};

template <typename Cell, typename Element, int C>
struct Backward {
  using Raw = typename Element::Raw;

  const GeneralPlan& plan;
  const BackwardParams& p;
  const ProductShape& product;
  const Share& share;
  const TileMemory& memory;
  bool is_half;

  // Gradients of the states after the step at hand, then those that have reached the initial
  // states.
  __device__ __forceinline__ float* carry(const Place& place) const {
    return memory.states + place.column * plan.units + place.unit;
  }
  __device__ __forceinline__ int elements() const { return C * plan.units; }

  __device__ __forceinline__ void start() const {
    for (int e = threadIdx.x; e < elements(); e += blockDim.x) {
      const Place place(plan, share, p, e);
      for (int k = 0; k < Cell::kStates; ++k) {
        carry(place)[k * elements()] =
            place.exists ? state_at(p.d_last_states, k, place.b, share.head, place.u) : 0.0f;
        carry(place)[(Cell::kStates + k) * elements()] = 0.0f;
      }
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

  __device__ __forceinline__ float incoming(const Place& place, const Input<Cell, Element>& input,
                                            int k, int t) const {
    float sum = k == 0 ? Element::value(input.d_h, is_half) : 0.0f;
    if (p.d_states.data != nullptr) {
      const View& v = p.d_states;
      sum += Element::value(static_cast<const Raw*>(
                                v.data)[k * v.stride[0] + place.b * v.stride[1] + t * v.stride[2] +
                                        share.head * v.stride[3] + place.u * v.stride[4]],
                            is_half);
    }
    return sum;
  }

  __device__ __forceinline__ typename Cell::Gradient differentiate(
      const Place& place, const Input<Cell, Element>& input, int step,
      typename Cell::States d) const {
    const bool is_fresh = input.source == gpu::kInitialStates;
    typename Cell::Saved saved;
#pragma unroll
    for (int k = 0; k < Cell::kSaved; ++k) saved.v[k] = Element::value(input.saved[k], is_half);
    typename Cell::States old{};
    typename Cell::States now{};
    if constexpr (Cell::kReadsH) {
      old.v[0] = is_fresh
                     ? rounded<Element>(state_at(p.initial_states, 0, place.b, share.head, place.u),
                                        is_half)
                     : Element::value(input.old_h, is_half);
    }
    if (p.shape.forward_clip > 0) {
      const int t = p.shape.is_reverse ? p.shape.time - 1 - step : step;
      // Clipping is rare: this offset is not kept.
      const View& h = p.h;
      const Index at = place.b * h.stride[0] + t * h.stride[1] + share.head * h.stride[2] +
                       place.u * h.stride[3];
      now.v[0] = Element::value(static_cast<const Raw*>(h.data)[at], is_half);
      // h was stored in the problem's dtype: so is the limit that it is compared with.
      const float limit = rounded<Element>(p.shape.forward_clip, is_half);
      if (now.v[0] >= limit || now.v[0] <= -limit) d.v[0] = 0.0f;
    }
#pragma unroll
    for (int k = 0; k < Cell::kKept; ++k) {
      now.v[k + 1] = input.now[k];
      old.v[k + 1] =
          is_fresh ? state_at(p.initial_states, k + 1, place.b, share.head, place.u) : input.old[k];
    }
    return Cell::backward(saved, old, now, d);
  }

  // Gradients of the slots, and what of the old states' gradients does not pass through R.
  __device__ __forceinline__ void update(const Place& place, const Input<Cell, Element>& input,
                                         int step) const {
    const int t = p.shape.is_reverse ? p.shape.time - 1 - step : step;
    typename Cell::Gradient gradient{};
    if (input.source != gpu::kNoStep) {
      float* const d_state = carry(place);
      typename Cell::States d;
#pragma unroll
      for (int k = 0; k < Cell::kStates; ++k) {
        d.v[k] = d_state[k * elements()] + incoming(place, input, k, t);
      }
      gradient = differentiate(place, input, step, d);
#pragma unroll
      for (int k = 0; k < Cell::kStates; ++k) d_state[k * elements()] = gradient.old.v[k];
    }
    const int at = place.u * Cell::kRecurrents * C + place.column;
#pragma unroll
    for (int k = 0; k < Cell::kSlots; ++k) {
      const int g = Gates<Cell>::recurrent(k);
      if (g >= 0 && !p.shape.cut_recurrent_gradient) {
        publish(plan, memory.operand(step & 1), at + g * C, gradient.slots.v[k]);
      }
      const View& v = p.slot_gradient[k];
      static_cast<Raw*>(v.data)[place.b * v.stride[0] + t * v.stride[1] + share.head * v.stride[2] +
                                place.u * v.stride[3]] = Element::raw(gradient.slots.v[k], is_half);
    }
  }

  // Adds to h's gradient what passes through R, clips it, and hands it to the initial states where
  // they were the old ones.
  __device__ __forceinline__ void carry_back(const Place& place, int source) const {
    if (source == gpu::kNoStep) return;
    float* const d_state = carry(place);
    float sum = d_state[0];
    if (!p.shape.cut_recurrent_gradient) {
      sum += sum_of_slices(memory.partial + place.column * product.rows + place.unit, plan.slices,
                           C * product.rows);
    }
    if (p.shape.recurrent_gradient_clip > 0) sum = clamped(sum, p.shape.recurrent_gradient_clip);
    d_state[0] = sum;
    if (source != gpu::kInitialStates) return;
    for (int k = 0; k < Cell::kStates; ++k) {
      d_state[(Cell::kStates + k) * elements()] += d_state[k * elements()];
      d_state[k * elements()] = 0.0f;
    }
  }

  __device__ __forceinline__ void finish() const {
    const View& d = p.d_initial_states;
    if (d.data == nullptr) return;
    for (int e = threadIdx.x; e < elements(); e += blockDim.x) {
      const Place place(plan, share, p, e);
      if (!place.exists) continue;
      for (int k = 0; k < Cell::kStates; ++k) {
        store_any(d,
                  k * d.stride[0] + place.b * d.stride[1] + share.head * d.stride[2] +
                      place.u * d.stride[3],
                  carry(place)[k * elements()] + carry(place)[(Cell::kStates + k) * elements()]);
      }
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

  const Backward<Cell, Element, C> backward{plan,  p,      product,
                                            share, memory, p.shape.dtype == gpu::kFloat16};
  backward.start();
  wait_for_cluster(plan.ranks);

  // A thread's first element is read a step ahead; more than one a thread are rare.
  const int elements = C * plan.units;
  const Place first(plan, share, p, threadIdx.x);
  Input<Cell, Element> now;
  now.load(p, first, p.shape.time - 1);
  for (int step = p.shape.time - 1; step >= 0; --step) {
    Input<Cell, Element> next;
    next.load(p, first, step - 1);
    if (first.exists) backward.update(first, now, step);
    for (int e = threadIdx.x + blockDim.x; e < elements; e += blockDim.x) {
      const Place place(plan, share, p, e);
      if (!place.exists) continue;
      Input<Cell, Element> input;
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
