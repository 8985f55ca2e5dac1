// SPDX-License-Identifier: Apache-2.0
// One element's step forward, whoever makes the products: what it reads, the cell, what it writes.
#pragma once

#include "cuda/general/cells.cuh"
#include "cuda/general/elements.cuh"
#include "cuda/general/geometry.hpp"
#include "cuda/general/tile.cuh"

namespace flashrnn::cuda {

// Where an element stands in the caller's tensors, but for the time.
struct ForwardPlace {
  int b, n, u;
  bool exists;
  Index wx, h, row;

  __device__ __forceinline__ ForwardPlace(const ForwardParams& p, int b_, int n_, int u_)
      : b(b_), n(n_), u(u_) {
    exists = b < p.shape.batch && u < p.shape.units;
    wx = b * p.wx.stride[0] + n * p.wx.stride[3] + u * p.wx.stride[4];
    h = b * p.h.stride[0] + n * p.h.stride[2] + u * p.h.stride[3];
    row = (Index(n) * p.shape.batch + b) * p.shape.time;
  }
};

template <typename Cell, typename Element>
struct ForwardInput {
  typename Element::Raw wx[Cell::kInputs];
  int source;

  __device__ __forceinline__ void load(const ForwardParams& p, const ForwardPlace& place,
                                       int step) {
    if (!place.exists || step >= p.shape.time) return;
    source = source_at(p.sources, p.source_stride, place.b, step);
    const int t = p.shape.is_reverse ? p.shape.time - 1 - step : step;
    const auto* data =
        static_cast<const typename Element::Raw*>(p.wx.data) + place.wx + t * p.wx.stride[1];
#pragma unroll
    for (int g = 0; g < Cell::kInputs; ++g) wx[g] = data[g * p.wx.stride[2]];
  }
};

template <typename Cell, typename Element>
struct ForwardElements {
  using Raw = typename Element::Raw;
  using Input = ForwardInput<Cell, Element>;

  const ForwardParams& p;
  bool is_half;

  __device__ __forceinline__ float initial_operand(int b, int n, int u) const {
    return rounded<Element>(state_at(p.initial_states, 0, b, n, u), is_half);
  }
  __device__ __forceinline__ int next_source(int b, int step) const {
    return step + 1 < p.shape.time ? source_at(p.sources, p.source_stride, b, step + 1)
                                   : int(gpu::kPreviousStep);
  }

  // The step: bias(slot), product(gate) are what the slots have beside the input, state(k) is a
  // reference to what the element keeps. Gives h as the next step's product takes it; `operand` is
  // what this one's took.
  template <typename Bias, typename Product, typename State>
  __device__ __forceinline__ float advance(const ForwardPlace& place, const Input& input,
                                           int next_source, int step, float operand,
                                           const Bias& bias, const Product& product,
                                           const State& state) const {
    const Shape& s = p.shape;
    const int t = s.is_reverse ? s.time - 1 - step : step;
    if (input.source == gpu::kNoStep) {
      write_zero(place, t);
    } else {
      typename Cell::States old;
#pragma unroll
      for (int k = 0; k < Cell::kStates; ++k) {
        old.v[k] = step > 0 && input.source == gpu::kInitialStates
                       ? state_at(p.initial_states, k, place.b, place.n, place.u)
                       : state(k);
      }
      typename Cell::Slots g;
#pragma unroll
      for (int k = 0; k < Cell::kSlots; ++k) {
        float sum = bias(k);
        if (Gates<Cell>::input(k) >= 0) {
          sum += Element::value(input.wx[Gates<Cell>::input(k)], is_half);
        }
        if (Gates<Cell>::recurrent(k) >= 0) sum += product(Gates<Cell>::recurrent(k));
        g.v[k] = sum;
      }
      typename Cell::Step now = Cell::forward(g, old);
      if (s.forward_clip > 0) now.now.v[0] = clamped(now.now.v[0], s.forward_clip);
#pragma unroll
      for (int k = 0; k < Cell::kStates; ++k) state(k) = now.now.v[k];
      operand = rounded<Element>(now.now.v[0], is_half);
      write(place, step, t, now);
    }
    return next_source == gpu::kInitialStates ? initial_operand(place.b, place.n, place.u)
                                              : operand;
  }

  __device__ __forceinline__ void write_zero(const ForwardPlace& place, int t) const {
    if (p.h.data != nullptr) static_cast<Raw*>(p.h.data)[place.h + t * p.h.stride[1]] = Raw(0);
    if (p.states.data == nullptr) return;
    for (int k = 0; k < Cell::kStates; ++k) *state_element(place, k, t) = Raw(0);
  }

  // Of the sequence of states: rarely asked for, so its offset is not kept.
  __device__ __forceinline__ Raw* state_element(const ForwardPlace& place, int k, int t) const {
    const View& v = p.states;
    return static_cast<Raw*>(v.data) + k * v.stride[0] + place.b * v.stride[1] + t * v.stride[2] +
           place.n * v.stride[3] + place.u * v.stride[4];
  }

  __device__ __forceinline__ void write(const ForwardPlace& place, int step, int t,
                                        const typename Cell::Step& now) const {
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

  // The last states of an element.
  template <typename State>
  __device__ __forceinline__ void finish(int b, int n, int u, const State& state) const {
    const View& last = p.last_states;
    if (last.data == nullptr || b >= p.shape.batch || u >= p.shape.units) return;
    for (int k = 0; k < Cell::kStates; ++k) {
      store_any(last,
                k * last.stride[0] + b * last.stride[1] + n * last.stride[2] + u * last.stride[3],
                state(k));
    }
  }
};

}  // namespace flashrnn::cuda
