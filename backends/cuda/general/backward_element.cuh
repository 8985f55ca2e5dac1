// SPDX-License-Identifier: Apache-2.0
// One element's step backward, whoever makes the products: what it reads, the cell, what it writes.
#pragma once

#include "cuda/general/cells.cuh"
#include "cuda/general/elements.cuh"
#include "cuda/general/geometry.hpp"
#include "cuda/general/tile.cuh"

namespace flashrnn::cuda {

// Where an element stands in the caller's tensors, but for the time.
struct BackwardPlace {
  int b, n, u;
  bool exists;
  Index h, d_h, row;

  __device__ __forceinline__ BackwardPlace(const BackwardParams& p, int b_, int n_, int u_)
      : b(b_), n(n_), u(u_) {
    exists = b < p.shape.batch && u < p.shape.units;
    h = b * p.h.stride[0] + n * p.h.stride[2] + u * p.h.stride[3];
    d_h = b * p.d_h.stride[0] + n * p.d_h.stride[2] + u * p.d_h.stride[3];
    row = (Index(n) * p.shape.batch + b) * p.shape.time;
  }
};

template <typename Cell, typename Element>
struct BackwardInput {
  static constexpr int kKeptSize = Cell::kKept > 0 ? Cell::kKept : 1;
  typename Element::Raw saved[Cell::kSaved];
  typename Element::Raw old_h, d_h;
  float now[kKeptSize], old[kKeptSize];
  int source;

  __device__ __forceinline__ void load(const BackwardParams& p, const BackwardPlace& place,
                                       int step) {
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

// carry(k): a reference to the gradient of state k after the step at hand, and from Cell::kStates
// on to those that have reached the initial states.
template <typename Cell, typename Element>
struct BackwardElements {
  using Raw = typename Element::Raw;
  using Input = BackwardInput<Cell, Element>;

  const BackwardParams& p;
  bool is_half;

  template <typename Carry>
  __device__ __forceinline__ void start(const BackwardPlace& place, const Carry& carry) const {
    for (int k = 0; k < Cell::kStates; ++k) {
      carry(k) = place.exists ? state_at(p.d_last_states, k, place.b, place.n, place.u) : 0.0f;
      carry(Cell::kStates + k) = 0.0f;
    }
  }

  __device__ __forceinline__ float incoming(const BackwardPlace& place, const Input& input, int k,
                                            int t) const {
    float sum = k == 0 ? Element::value(input.d_h, is_half) : 0.0f;
    if (p.d_states.data != nullptr) {
      const View& v = p.d_states;
      sum += Element::value(static_cast<const Raw*>(
                                v.data)[k * v.stride[0] + place.b * v.stride[1] + t * v.stride[2] +
                                        place.n * v.stride[3] + place.u * v.stride[4]],
                            is_half);
    }
    return sum;
  }

  __device__ __forceinline__ typename Cell::Gradient differentiate(const BackwardPlace& place,
                                                                   const Input& input, int step,
                                                                   typename Cell::States d) const {
    const bool is_fresh = input.source == gpu::kInitialStates;
    typename Cell::Saved saved;
#pragma unroll
    for (int k = 0; k < Cell::kSaved; ++k) saved.v[k] = Element::value(input.saved[k], is_half);
    typename Cell::States old{};
    typename Cell::States now{};
    if constexpr (Cell::kReadsH) {
      old.v[0] = is_fresh ? rounded<Element>(
                                state_at(p.initial_states, 0, place.b, place.n, place.u), is_half)
                          : Element::value(input.old_h, is_half);
    }
    if (p.shape.forward_clip > 0) {
      const int t = p.shape.is_reverse ? p.shape.time - 1 - step : step;
      // Clipping is rare: this offset is not kept.
      const View& h = p.h;
      const Index at =
          place.b * h.stride[0] + t * h.stride[1] + place.n * h.stride[2] + place.u * h.stride[3];
      now.v[0] = Element::value(static_cast<const Raw*>(h.data)[at], is_half);
      // h was stored in the problem's dtype: so is the limit that it is compared with.
      const float limit = rounded<Element>(p.shape.forward_clip, is_half);
      if (now.v[0] >= limit || now.v[0] <= -limit) d.v[0] = 0.0f;
    }
#pragma unroll
    for (int k = 0; k < Cell::kKept; ++k) {
      now.v[k + 1] = input.now[k];
      old.v[k + 1] =
          is_fresh ? state_at(p.initial_states, k + 1, place.b, place.n, place.u) : input.old[k];
    }
    return Cell::backward(saved, old, now, d);
  }

  // Gradients of the slots, which `publish(gate, gradient)` hands to the product, and what of the
  // old states' gradients does not pass through R.
  template <typename Carry, typename Publish>
  __device__ __forceinline__ void update(const BackwardPlace& place, const Input& input, int step,
                                         const Carry& carry, const Publish& publish) const {
    const int t = p.shape.is_reverse ? p.shape.time - 1 - step : step;
    typename Cell::Gradient gradient{};
    if (input.source != gpu::kNoStep) {
      typename Cell::States d;
#pragma unroll
      for (int k = 0; k < Cell::kStates; ++k) d.v[k] = carry(k) + incoming(place, input, k, t);
      gradient = differentiate(place, input, step, d);
#pragma unroll
      for (int k = 0; k < Cell::kStates; ++k) carry(k) = gradient.old.v[k];
    }
#pragma unroll
    for (int k = 0; k < Cell::kSlots; ++k) {
      const int g = Gates<Cell>::recurrent(k);
      if (g >= 0 && !p.shape.cut_recurrent_gradient) publish(g, gradient.slots.v[k]);
      const View& v = p.slot_gradient[k];
      static_cast<Raw*>(v.data)[place.b * v.stride[0] + t * v.stride[1] + place.n * v.stride[2] +
                                place.u * v.stride[3]] = Element::raw(gradient.slots.v[k], is_half);
    }
  }

  // Adds to h's gradient what passes through R, clips it, and hands it to the initial states where
  // they were the old ones.
  template <typename Carry, typename Through>
  __device__ __forceinline__ void carry_back(int source, const Carry& carry,
                                             const Through& through) const {
    if (source == gpu::kNoStep) return;
    float sum = carry(0);
    if (!p.shape.cut_recurrent_gradient) sum += through();
    if (p.shape.recurrent_gradient_clip > 0) sum = clamped(sum, p.shape.recurrent_gradient_clip);
    carry(0) = sum;
    if (source != gpu::kInitialStates) return;
    for (int k = 0; k < Cell::kStates; ++k) {
      carry(Cell::kStates + k) += carry(k);
      carry(k) = 0.0f;
    }
  }

  template <typename Carry>
  __device__ __forceinline__ void finish(const BackwardPlace& place, const Carry& carry) const {
    const View& d = p.d_initial_states;
    if (d.data == nullptr || !place.exists) return;
    for (int k = 0; k < Cell::kStates; ++k) {
      store_any(
          d,
          k * d.stride[0] + place.b * d.stride[1] + place.n * d.stride[2] + place.u * d.stride[3],
          carry(k) + carry(Cell::kStates + k));
    }
  }
};

}  // namespace flashrnn::cuda
