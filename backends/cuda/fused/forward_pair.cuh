// SPDX-License-Identifier: Apache-2.0
// Forward of two neighbouring units of one sequence through all of time, but for the product R h:
// the element's states, the prefetch of wx, the cell, and all that is written. Whoever owns the
// product drives it: read, (product), advance, store.
#pragma once

#include "cuda/fused/kept_pair.cuh"
#include "cuda/fused/number.cuh"
#include "cuda/fused/saved_pair.cuh"
#include "cuda/fused/saved_place.cuh"
#include "gpu/fused/cell.hpp"

namespace flashrnn::cuda {

using gpu::Cell;
using gpu::ForwardParams;

// Bytes of a pair's input gates in the ring: one load reads them all.
constexpr int padded_words(int words) { return words > 2 ? 4 : words; }

// Facts of a launch that do not change from pair to pair.
struct ForwardFacts {
  bool wx_has_pairs, h_has_pairs;
  Index step_sign;  // of a step's way through time

  __device__ explicit ForwardFacts(const ForwardParams& p)
      : wx_has_pairs(has_pairs<5>(p.wx, p.shape.units)),
        h_has_pairs(has_pairs<4>(p.h, p.shape.units)),
        step_sign(p.shape.is_reverse ? -1 : 1) {}
};

struct ForwardPair {
  static constexpr int kRingBytes = 4 * padded_words(Cell::kInputs);

  float state[Cell::kStates][2];
  SavedPair saved;
  u32 h_word;  // as it is written
  int source, next_source;
  int stored_source;  // of the step that waits to be stored
  int b, n, u;        // sequence, head, first unit
  bool is_valid[2];
  const char* wx;  // of the next step to be fetched
  char* h;         // of the next step to be stored
  char* values;
  char* kept;

  __device__ void start(const ForwardParams& p, int b_, int n_, int u_) {
    b = b_;
    n = n_;
    u = u_;
    is_valid[0] = b < p.shape.batch && u < p.shape.units;
    is_valid[1] = b < p.shape.batch && u + 1 < p.shape.units;
    const int t = p.shape.is_reverse ? p.shape.time - 1 : 0;
    wx = static_cast<const char*>(p.wx.data) +
         2 * (b * p.wx.stride[0] + t * p.wx.stride[1] + n * p.wx.stride[3] + u * p.wx.stride[4]);
    h = static_cast<char*>(p.h.data) +
        2 * (b * p.h.stride[0] + t * p.h.stride[1] + n * p.h.stride[2] + u * p.h.stride[3]);
    const gpu::SavedLayout layout = gpu::saved_layout(p.shape);
    const Index pair = layout.block(n, gpu::block_of(b), 0, u / gpu::kBlockUnits) +
                       gpu::place_in_block(u % gpu::kBlockUnits / 2, b);
    values = static_cast<char*>(p.saved) + pair * kSavedPairBytes;
    kept = static_cast<char*>(p.saved) + layout.value_bytes(p.shape.heads, Cell::kSaved) +
           pair * kKeptPairBytes;
    load_initial(p);
    source = next_source = gpu::kPreviousStep;
    if (p.sources != nullptr && is_valid[0] && p.shape.time > 0)
      next_source = p.sources[b * p.source_stride];
  }

  __device__ __forceinline__ void load_initial(const ForwardParams& p) {
#pragma unroll
    for (int k = 0; k < Cell::kStates; ++k) {
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        state[k][e] = is_valid[e] ? load_state(p.initial_states, k, b, n, u + e) : 0.0f;
      }
    }
  }

  // Starts the copy of the next step's input gates to its place in the ring; called once a step, PF
  // steps ahead.
  __device__ __forceinline__ void fetch(const ForwardParams& p, const ForwardFacts& facts,
                                        u32 ring) {
    if (is_valid[0]) {
      if (facts.wx_has_pairs) {
#pragma unroll
        for (int g = 0; g < Cell::kInputs; ++g)
          copy_async<4>(ring + 4 * g, wx + 2 * g * p.wx.stride[2]);
      } else {
#pragma unroll
        for (int g = 0; g < Cell::kInputs; ++g) {
          const auto* at = reinterpret_cast<const unsigned short*>(wx) + g * p.wx.stride[2];
          sts16(ring + 4 * g, at[0]);
          if (is_valid[1]) sts16(ring + 4 * g + 2, at[p.wx.stride[4]]);
        }
      }
    }
    wx += 2 * facts.step_sign * p.wx.stride[1];
  }

  // The step's input gates, and where the step and the next one start from.
  __device__ __forceinline__ void read(const ForwardParams& p, int step, u32 ring, u32 (&x)[4]) {
    if constexpr (Cell::kInputs > 2) {
      const uint4 v = lds128(ring);
      x[0] = v.x, x[1] = v.y, x[2] = v.z, x[3] = v.w;
    } else if constexpr (Cell::kInputs == 2) {
      const uint2 v = lds64(ring);
      x[0] = v.x, x[1] = v.y;
    } else {
      x[0] = lds32(ring);
    }
    if (p.sources != nullptr) {
      source = next_source;
      next_source = gpu::kPreviousStep;
      if (is_valid[0] && step + 1 < p.shape.time)
        next_source = p.sources[b * p.source_stride + step + 1];
    }
  }

  // Before the cell of a step that starts anew, after the step before was stored.
  __device__ __forceinline__ void restart(const ForwardParams& p) {
    if (p.sources != nullptr && source == gpu::kInitialStates) load_initial(p);
  }

  // The cell. Gives h as the next step's product reads it.
  __device__ __forceinline__ u32 advance(const ForwardParams& p,
                                         const float (&g)[Cell::kSlots][2]) {
    typename Cell::Step step[2];
#pragma unroll
    for (int e = 0; e < 2; ++e) {
      typename Cell::Slots slots;
      typename Cell::States old;
#pragma unroll
      for (int k = 0; k < Cell::kSlots; ++k) slots.v[k] = g[k][e];
#pragma unroll
      for (int k = 0; k < Cell::kStates; ++k) old.v[k] = state[k][e];
      step[e] = Cell::forward(slots, old);
      if (p.shape.forward_clip > 0.0f) {
        step[e].now.v[0] =
            fminf(fmaxf(step[e].now.v[0], -p.shape.forward_clip), p.shape.forward_clip);
      }
    }
    stored_source = source;
    if (p.sources == nullptr || source != gpu::kNoStep) {
#pragma unroll
      for (int k = 0; k < Cell::kStates; ++k)
        state[k][0] = step[0].now.v[k], state[k][1] = step[1].now.v[k];
    }
    saved.set(step[0].saved, step[1].saved);
    h_word = pack(state[0][0], state[0][1]);
    // Elements past the head must not bring a NaN into the product.
    u32 operand = h_word & ((is_valid[0] ? 0xffffu : 0u) | (is_valid[1] ? 0xffff0000u : 0u));
    if (p.sources != nullptr) {
      if (source == gpu::kNoStep) h_word = 0;
      if (next_source == gpu::kInitialStates) operand = initial_operand(p);
    }
    return operand;
  }

  __device__ __forceinline__ u32 initial_operand(const ForwardParams& p) const {
    const View& v = p.initial_states;
    float h0[2] = {0.0f, 0.0f};
#pragma unroll
    for (int e = 0; e < 2; ++e) {
      if (v.data != nullptr && is_valid[e]) {
        h0[e] =
            load_any(v.data, v.dtype, b * v.stride[1] + n * v.stride[2] + (u + e) * v.stride[3]);
      }
    }
    return pack(h0[0], h0[1]);
  }

  // Writes what the last advance gave. `step` is that step's number.
  __device__ __forceinline__ void store(const ForwardParams& p, const ForwardFacts& facts,
                                        int step) {
    if (!is_valid[0]) return;
    if (p.h.data != nullptr) {
      if (facts.h_has_pairs) {
        *reinterpret_cast<u32*>(h) = h_word;
      } else {
        auto* at = reinterpret_cast<unsigned short*>(h);
        at[0] = static_cast<unsigned short>(h_word);
        if (is_valid[1]) at[p.h.stride[3]] = static_cast<unsigned short>(h_word >> 16);
      }
      h += 2 * facts.step_sign * p.h.stride[1];
    }
    if (p.saved != nullptr) store_saved(p);
    if (p.states.data != nullptr) store_states(p, step);
  }

  __device__ __forceinline__ void store_saved(const ForwardParams& p) {
    const gpu::SavedLayout layout = gpu::saved_layout(p.shape);
    const Index step_pairs = layout.step_pairs();
    saved.store(values);
    values += step_pairs * kSavedPairBytes;
    if constexpr (Cell::kKept > 0) {
      const Index all = layout.pairs(p.shape.heads) * kKeptPairBytes;
#pragma unroll
      for (int k = 0; k < Cell::kKept; ++k)
        KeptPair::of(state[k + 1][0], state[k + 1][1]).store(kept + k * all);
      kept += step_pairs * kKeptPairBytes;
    }
  }

  __device__ __forceinline__ void store_states(const ForwardParams& p, int step) {
    const View& v = p.states;
    const int t = p.shape.is_reverse ? p.shape.time - 1 - step : step;
    const bool is_zero = p.sources != nullptr && stored_source == gpu::kNoStep;
#pragma unroll
    for (int k = 0; k < Cell::kStates; ++k) {
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        if (!is_valid[e]) continue;
        const Index at = k * v.stride[0] + b * v.stride[1] + t * v.stride[2] + n * v.stride[3] +
                         (u + e) * v.stride[4];
        store_any(v.data, v.dtype, at, is_zero ? 0.0f : state[k][e]);
      }
    }
  }

  __device__ void finish(const ForwardParams& p) const {
    const View& v = p.last_states;
    if (v.data == nullptr) return;
#pragma unroll
    for (int k = 0; k < Cell::kStates; ++k) {
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        if (!is_valid[e]) continue;
        store_state(v, k, b, n, u + e, state[k][e]);
      }
    }
  }
};

// Biases of the slots of two neighbouring units.
struct PairBias {
  float v[Cell::kSlots][2];

  __device__ void load(const ForwardParams& p, int n, int u) {
#pragma unroll
    for (int k = 0; k < Cell::kSlots; ++k) {
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        const View& b = p.bias;
        v[k][e] = b.data != nullptr && u + e < p.shape.units
                      ? load_any(b.data, b.dtype,
                                 k * b.stride[0] + n * b.stride[1] + (u + e) * b.stride[2])
                      : 0.0f;
      }
    }
  }
};

// What a slot has before the product is added.
__device__ __forceinline__ void slot_inputs(const u32 (&x)[4], const PairBias& bias,
                                            float (&g)[Cell::kSlots][2]) {
#pragma unroll
  for (int k = 0; k < Cell::kSlots; ++k) {
    const int input = Cell::input_of_slot(k);
    g[k][0] = bias.v[k][0] + (input < 0 ? 0.0f : low_of(x[input < 0 ? 0 : input]));
    g[k][1] = bias.v[k][1] + (input < 0 ? 0.0f : high_of(x[input < 0 ? 0 : input]));
  }
}

}  // namespace flashrnn::cuda
