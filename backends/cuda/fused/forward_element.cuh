// SPDX-License-Identifier: Apache-2.0
// Forward of one unit of one sequence on the short way (way.cuh). Its neighbour, the other unit of
// the pair, is with the lane whose number differs in the bit NeighbourLane
// (`is_odd`: this one has the second unit); the two share the packing and the writing.
#pragma once

#include "cuda/fused/kept_pair.cuh"
#include "cuda/fused/saved_pair.cuh"
#include "gpu/fused/cell.hpp"

namespace flashrnn::cuda {

using gpu::Cell;
using gpu::ForwardParams;

template <int NeighbourLane>
struct ForwardElement {
  float state[Cell::kStates];
  typename Cell::Saved saved;
  u32 kept_word;  // the first kept state of both units where it has 16 bits; not of the odd lane

  static __device__ __forceinline__ bool is_there(const ForwardParams& p, int b, int u) {
    return b < p.shape.batch && u < p.shape.units;
  }

  __device__ __forceinline__ void start(const ForwardParams& p, int b, int n, int u) {
#pragma unroll
    for (int k = 0; k < Cell::kStates; ++k)
      state[k] = is_there(p, b, u) ? load_state(p.initial_states, k, b, n, u) : 0.0f;
  }

  // `stands_still` and the clip are looked at where more is asked of a step than the cell.
  template <bool IsAsked>
  __device__ __forceinline__ void advance(const ForwardParams& p, const float (&g)[Cell::kSlots],
                                          bool stands_still) {
    typename Cell::Slots slots;
    typename Cell::States old;
#pragma unroll
    for (int k = 0; k < Cell::kSlots; ++k) slots.v[k] = g[k];
#pragma unroll
    for (int k = 0; k < Cell::kStates; ++k) old.v[k] = state[k];
    typename Cell::Step step = Cell::forward(slots, old);
    if (IsAsked && p.shape.forward_clip > 0.0f)
      step.now.v[0] = fminf(fmaxf(step.now.v[0], -p.shape.forward_clip), p.shape.forward_clip);
#pragma unroll
    for (int k = 0; k < Cell::kStates; ++k)
      state[k] = IsAsked && stands_still ? old.v[k] : step.now.v[k];
    saved = step.saved;
  }

  // h of both units, by both lanes. A kept state of 16 bits goes to the neighbour in the same word.
  __device__ __forceinline__ u32 operand(bool is_odd) {
    const u32 mine = pack(state[0], kept_number(state[kKeptIsHalf ? 1 : 0])),
              other = of_neighbour<NeighbourLane>(mine);
    if constexpr (kKeptIsHalf) kept_word = bytes_of(mine, other, 0x7632);
    return bytes_of(mine, other, is_odd ? 0x1054 : 0x5410);
  }

  // h of the initial states of the units u and u + 1.
  static __device__ __forceinline__ u32 initial_operand(const ForwardParams& p, int b, int n,
                                                        int u) {
    if (!is_there(p, b, u)) return 0;
    return pack(load_state(p.initial_states, 0, b, n, u),
                load_state(p.initial_states, 0, b, n, u + 1));
  }

  // The states after a step, to the caller's tensor of all of them.
  __device__ __forceinline__ void store_states(const ForwardParams& p, int b, int n, int u,
                                               int step, bool stands_still) const {
    const View& v = p.states;
    if (v.data == nullptr || !is_there(p, b, u)) return;
    const int t = p.shape.is_reverse ? p.shape.time - 1 - step : step;
#pragma unroll
    for (int k = 0; k < Cell::kStates; ++k) {
      const Index at =
          k * v.stride[0] + b * v.stride[1] + t * v.stride[2] + n * v.stride[3] + u * v.stride[4];
      store_any(v.data, v.dtype, at, stands_still ? 0.0f : state[k]);
    }
  }

  // What the last advance saves, to the pair's places in shared memory; after `operand`.
  __device__ __forceinline__ void stage_saved(u32 at, u32 kept_at, int kept_bytes,
                                              bool is_odd) const {
    stage_saved_unit(at + is_odd * kSavedUnitBytes, saved.v);
#pragma unroll
    for (int k = 0; k < Cell::kKept; ++k) {
      if constexpr (kKeptIsHalf) {
        u32 word = kept_word;
        if (k > 0) {
          const u32 mine = pack_kept(state[k + 1], 0.0f);
          word = bytes_of(mine, of_neighbour<NeighbourLane>(mine), 0x5410);
        }
        if (!is_odd) sts32(kept_at + k * kept_bytes, word);
      } else {
        sts32(kept_at + k * kept_bytes + is_odd * 4, __float_as_uint(state[k + 1]));
      }
    }
  }
  // Likewise without `operand`, to the unit's own places.
  __device__ __forceinline__ void stage_own(u32 at, u32 kept_at, int kept_bytes) const {
    stage_saved_unit(at, saved.v);
#pragma unroll
    for (int k = 0; k < Cell::kKept; ++k) {
      const u32 place = kept_at + k * kept_bytes;
      if constexpr (kKeptIsHalf) {
        sts16(place, static_cast<unsigned short>(pack_kept(state[k + 1], 0.0f)));
      } else {
        sts32(place, __float_as_uint(state[k + 1]));
      }
    }
  }

  // Likewise of a pair whose units are with one lane.
  static __device__ __forceinline__ void stage_pair(const ForwardElement& first,
                                                    const ForwardElement& second, u32 at,
                                                    u32 kept_at, int kept_bytes) {
    SavedPair pair;
    pair.set(first.saved, second.saved);
    pair.stage(at);
#pragma unroll
    for (int k = 0; k < Cell::kKept; ++k)
      KeptPair::of(first.state[k + 1], second.state[k + 1]).stage(kept_at + k * kept_bytes);
  }

  __device__ void finish(const ForwardParams& p, int b, int n, int u) const {
    const View& v = p.last_states;
    if (v.data == nullptr || !is_there(p, b, u)) return;
#pragma unroll
    for (int k = 0; k < Cell::kStates; ++k) store_state(v, k, b, n, u, state[k]);
  }
};

// Biases of the slots of one unit.
struct ElementBias {
  float v[Cell::kSlots];

  __device__ __forceinline__ void load(const ForwardParams& p, int n, int u) {
    const View& b = p.bias;
#pragma unroll
    for (int k = 0; k < Cell::kSlots; ++k) {
      v[k] = b.data != nullptr && u < p.shape.units
                 ? load_any(b.data, b.dtype, k * b.stride[0] + n * b.stride[1] + u * b.stride[2])
                 : 0.0f;
    }
  }
};

// What a slot has before the product is added. `x`: a number in the low half of a word.
__device__ __forceinline__ void slot_inputs(const u32 (&x)[4], const ElementBias& bias,
                                            float (&g)[Cell::kSlots]) {
#pragma unroll
  for (int k = 0; k < Cell::kSlots; ++k) {
    const int input = Cell::input_of_slot(k);
    g[k] = bias.v[k] + (input < 0 ? 0.0f : low_of(x[input < 0 ? 0 : input]));
  }
}

}  // namespace flashrnn::cuda
