// SPDX-License-Identifier: Apache-2.0
// Backward of two neighbouring units of one sequence through all of time, but for the product R^T
// dG: the gradients that are carried from step to step, the prefetch of what forward saved, the
// cell, and all that is written. Whoever owns the product drives it: read, (product of the later
// step's gradients), receive, advance, store.
#pragma once

#include "cuda/fused/kept_pair.cuh"
#include "cuda/fused/number.cuh"
#include "cuda/fused/saved_pair.cuh"
#include "cuda/fused/saved_place.cuh"
#include "gpu/fused/cell.hpp"
#include "gpu/fused/geometry.hpp"

namespace flashrnn::cuda {

using gpu::BackwardParams;
using gpu::Cell;

// Where a step's inputs of all pairs of a CTA stand in the ring: each kind apart, so that
// neighbouring lanes read neighbouring words.
struct BackwardRing {
  static constexpr int kValueBytes = 4 * gpu::padded_words_of(Cell::kSaved);
  static constexpr int kKeptBytes = kKeptPairBytes * Cell::kKept,
                       kPairBytes = kValueBytes + kKeptBytes + 4 + (Cell::kReadsH ? 4 : 0);
  u32 values, kept, d_h, h;

  // `pairs` in all, of which this is number `index`; the next step's are pairs * kPairBytes further
  // on.
  __device__ BackwardRing(u32 base, int pairs, int index)
      : values(base + index * kValueBytes),
        kept(base + pairs * kValueBytes + index * kKeptPairBytes),
        d_h(base + pairs * (kValueBytes + kKeptBytes) + index * 4),
        h(d_h + pairs * 4) {}
};

struct BackwardFacts {
  bool d_h_has_pairs, h_has_pairs;
  Index step_sign;   // of forward's way through time
  Index step_pairs;  // of saved memory
  Index all_pairs;

  __device__ explicit BackwardFacts(const BackwardParams& p)
      : d_h_has_pairs(has_pairs<4>(p.d_h, p.shape.units)),
        h_has_pairs(has_pairs<4>(p.h, p.shape.units)),
        step_sign(p.shape.is_reverse ? -1 : 1),
        step_pairs(gpu::saved_layout(p.shape).step_pairs()),
        all_pairs(gpu::saved_layout(p.shape).pairs(p.shape.heads)) {}
};

// Of BackwardParams' d_initial.
__device__ __forceinline__ Index initial_at(const gpu::Shape& s, int k, int b, int n, int u) {
  return ((Index(k) * s.batch + b) * s.heads + n) * s.units + u;
}

// Adds what a sequence carries to the gradients of its initial states, which it started anew from.
__device__ __forceinline__ void give(const BackwardParams& p, int b, int n, int u, bool has_first,
                                     bool has_second, float (&carry)[Cell::kStates][2]) {
  float* const to = p.d_initial + initial_at(p.shape, 0, b, n, u);
  const Index of_state = initial_at(p.shape, 1, 0, 0, 0);
#pragma unroll
  for (int k = 0; k < Cell::kStates; ++k) {
    if (p.d_initial != nullptr && has_first) to[k * of_state] += carry[k][0];
    if (p.d_initial != nullptr && has_second) to[k * of_state + 1] += carry[k][1];
    carry[k][0] = carry[k][1] = 0.0f;
  }
}

// The factors of a pair of units are worked out here, not where they are used. `shared`: an address
// in shared memory, of whose upper bits, which are zeros, the compiler does not know.
__device__ __forceinline__ void fence_factors(const Cell::Factors (&factors)[2], u32 shared) {
  u32 any = 0;
#pragma unroll
  for (int e = 0; e < 2; ++e) {
#pragma unroll
    for (int k = 0; k < int(sizeof(Cell::Factors) / sizeof(float)); ++k)
      any |= __float_as_uint(factors[e].v[k]);
  }
  fence_schedule(any >> 8 | shared);
}

// The gradient of h with what passes through R from the later step, which did `later`.
__device__ __forceinline__ float with_through(const gpu::Shape& s, int later, float carried,
                                              float through) {
  float d = s.cut_recurrent_gradient ? carried : carried + through;
  const float limit = s.recurrent_gradient_clip;
  if (limit > 0.0f) d = fminf(fmaxf(d, -limit), limit);
  return later == gpu::kNoStep ? carried : d;
}

struct BackwardPair {
  static constexpr bool kHasExtraSlot = Cell::kSlots > Cell::kInputs;

  float carry[Cell::kStates][2];  // gradients of the states that the step at hand gives
  static constexpr int kFirst = Cell::kKept > 0 ? Cell::kKept : 1;
  KeptPair now[kFirst];
  u32 gradient[Cell::kSlots];  // of the last step, as it is written and as the product reads it
  SavedPair saved;
  typename Cell::Factors factors[2];  // the short way's
  KeptPair old[kFirst];
  u32 d_h_word, h_word;
  int ring_pairs;  // of the CTA
  int source, later_source;
  int b, n, u;
  bool is_valid[2];
  const char* values;  // of the next step to be fetched, as are the others
  const char* kept;    // of the step before it
  const char* d_h;
  const char* h;         // of the step before it
  Index out, extra_out;  // element of the next step to be stored

  __device__ void start(const BackwardParams& p, const BackwardFacts& facts, int b_, int n_,
                        int u_) {
    b = b_;
    n = n_;
    u = u_;
    is_valid[0] = b < p.shape.batch && u < p.shape.units;
    is_valid[1] = b < p.shape.batch && u + 1 < p.shape.units;
    const int last = p.shape.time - 1;
    const int t = p.shape.is_reverse ? 0 : last;
    const gpu::SavedLayout layout = gpu::saved_layout(p.shape);
    const Index pair = layout.block(n, gpu::block_of(b), last, u / gpu::kBlockUnits) +
                       gpu::place_in_block(u % gpu::kBlockUnits / 2, b);
    values = static_cast<const char*>(p.saved) + pair * kSavedPairBytes;
    kept = static_cast<const char*>(p.saved) + layout.value_bytes(p.shape.heads, Cell::kSaved) +
           pair * kKeptPairBytes;
    d_h = static_cast<const char*>(p.d_h.data) + 2 * (b * p.d_h.stride[0] + t * p.d_h.stride[1] +
                                                      n * p.d_h.stride[2] + u * p.d_h.stride[3]);
    h = static_cast<const char*>(p.h.data) +
        2 * (b * p.h.stride[0] + (t - facts.step_sign) * p.h.stride[1] + n * p.h.stride[2] +
             u * p.h.stride[3]);
    const View& first = p.slot_gradient[0];
    out = b * first.stride[0] + t * first.stride[1] + n * first.stride[2] + u;
    if constexpr (kHasExtraSlot) {
      const View& extra = p.slot_gradient[Cell::kSlots - 1];
      extra_out = b * extra.stride[0] + t * extra.stride[1] + n * extra.stride[2] + u;
    }
    source = later_source = gpu::kPreviousStep;
#pragma unroll
    for (int k = 0; k < Cell::kStates; ++k) {
#pragma unroll
      for (int e = 0; e < 2; ++e) carry[k][e] = state_at(p.d_last_states, k, e);
    }
#pragma unroll
    for (int k = 0; k < Cell::kKept; ++k) {
      now[k] = KeptPair::of(0.0f, 0.0f);
      if (is_valid[0] && p.shape.time > 0) now[k].load(kept + k * facts.all_pairs * kKeptPairBytes);
    }
    kept -= facts.step_pairs * kKeptPairBytes;
  }

  __device__ __forceinline__ float state_at(const View& v, int k, int e) const {
    return is_valid[e] ? load_state(v, k, b, n, u + e) : 0.0f;
  }

  __device__ __forceinline__ void fetch_pair(u32 ring, const char* from, Index stride,
                                             bool has_pairs) {
    if (has_pairs) {
      copy_async<4>(ring, from);
    } else {
      const auto* at = reinterpret_cast<const unsigned short*>(from);
      sts16(ring, at[0]);
      if (is_valid[1]) sts16(ring + 2, at[stride]);
    }
  }

  // Starts the copies of a step's inputs to their place in the ring; called once a step, for one
  // step after the other.
  __device__ __forceinline__ void fetch(const BackwardParams& p, const BackwardFacts& facts,
                                        int step, const BackwardRing& ring, u32 offset) {
    if (is_valid[0]) {
      if constexpr (Cell::kSaved == 4) {
        copy_async<16>(ring.values + offset, values);
      } else if constexpr (Cell::kSaved == 2) {
        copy_async<8>(ring.values + offset, values);
      } else {
#pragma unroll
        for (int k = 0; k < Cell::kSaved; ++k)
          copy_async<4>(ring.values + offset + 4 * k, values + 4 * k);
      }
      if (step > 0) {
#pragma unroll
        for (int k = 0; k < Cell::kKept; ++k) {
          KeptPair::fetch(ring.kept + offset + k * (ring_pairs * kKeptPairBytes),
                          kept + k * facts.all_pairs * kKeptPairBytes);
        }
        if constexpr (Cell::kReadsH)
          fetch_pair(ring.h + offset, h, p.h.stride[3], facts.h_has_pairs);
      }
      if (p.d_h.data != nullptr)
        fetch_pair(ring.d_h + offset, d_h, p.d_h.stride[3], facts.d_h_has_pairs);
    }
    values -= facts.step_pairs * kSavedPairBytes;
    kept -= facts.step_pairs * kKeptPairBytes;
    d_h -= 2 * facts.step_sign * p.d_h.stride[1];
    h -= 2 * facts.step_sign * p.h.stride[1];
  }

  // A step's inputs, and where it started from.
  __device__ __forceinline__ void read(const BackwardParams& p, int step, const BackwardRing& ring,
                                       u32 offset) {
    saved.take(ring.values + offset);
#pragma unroll
    for (int k = 0; k < Cell::kKept; ++k)
      old[k].take(ring.kept + offset + k * (ring_pairs * kKeptPairBytes));
    d_h_word = p.d_h.data != nullptr ? lds32(ring.d_h + offset) : 0;
    if constexpr (Cell::kReadsH) h_word = lds32(ring.h + offset);
    if (p.sources != nullptr) {
      take_source(is_valid[0] && step >= 0 ? p.sources[b * p.source_stride + step]
                                           : gpu::kPreviousStep);
    }
  }

  // What the sequence does at the step at hand, which so far was the later one.
  __device__ __forceinline__ void take_source(int one) {
    later_source = source;
    source = one;
  }

  // Takes what passes through R from the later step.
  __device__ __forceinline__ void receive(const BackwardParams& p, const float (&sum)[2]) {
#pragma unroll
    for (int e = 0; e < 2; ++e)
      carry[0][e] = with_through(p.shape, later_source, carry[0][e], sum[e]);
  }
  // After that, where the later step started anew.
  __device__ __forceinline__ void leave(const BackwardParams& p) {
    if (p.sources != nullptr && later_source == gpu::kInitialStates) give_to_initial(p);
  }

  __device__ __forceinline__ void give_to_initial(const BackwardParams& p) {
    give(p, b, n, u, is_valid[0], is_valid[1], carry);
  }

  // The cell. Gives the gradients of the slots in `gradient`.
  __device__ __forceinline__ void advance(const BackwardParams& p, int step) {
    const bool is_fresh = p.sources == nullptr ? step == 0 : source == gpu::kInitialStates;
    float slots[Cell::kSlots][2];
#pragma unroll
    for (int e = 0; e < 2; ++e) {
      const typename Cell::Saved s = saved.of_unit(e);
      typename Cell::States before, after, d;
#pragma unroll
      for (int k = 0; k < Cell::kStates; ++k) {
        before.v[k] = 0.0f;
        after.v[k] = 0.0f;
        d.v[k] = carry[k][e];
      }
#pragma unroll
      for (int k = 0; k < Cell::kKept; ++k) {
        after.v[k + 1] = now[k][e];
        before.v[k + 1] =
            is_fresh ? KeptPair::of(state_at(p.initial_states, k + 1, e), 0.0f)[0] : old[k][e];
      }
      if constexpr (Cell::kReadsH) {
        before.v[0] = e == 0 ? low_of(h_word) : high_of(h_word);
        if (is_fresh) before.v[0] = low_of(pack(state_at(p.initial_states, 0, e), 0.0f));
      }
      d.v[0] += e == 0 ? low_of(d_h_word) : high_of(d_h_word);
      if (p.d_states.data != nullptr) add_d_states(p, step, e, d);
      if (p.shape.forward_clip > 0.0f && is_clipped(p, step, e)) d.v[0] = 0.0f;
      const typename Cell::Gradient g = Cell::backward(s, before, after, d);
      // Elements past the head must not bring a NaN into the product.
      const bool stands_still = !is_valid[e] || (p.sources != nullptr && source == gpu::kNoStep);
#pragma unroll
      for (int k = 0; k < Cell::kSlots; ++k) slots[k][e] = stands_still ? 0.0f : g.slots.v[k];
#pragma unroll
      for (int k = 0; k < Cell::kStates; ++k) carry[k][e] = stands_still ? carry[k][e] : g.old.v[k];
    }
#pragma unroll
    for (int k = 0; k < Cell::kSlots; ++k) gradient[k] = pack(slots[k][0], slots[k][1]);
#pragma unroll
    for (int k = 0; k < Cell::kKept; ++k) now[k] = old[k];
  }

  // What forward saved, from a stage.
  __device__ __forceinline__ void take_saved(u32 at, u32 kept_at, int kept_bytes) {
    saved.take(at);
#pragma unroll
    for (int k = 0; k < Cell::kKept; ++k) old[k].take(kept_at + k * kept_bytes);
  }

  // The cell on the short way (way.cuh), as far as it does not wait for what passes through R from
  // the later step; `first`: the kept initial states, which a fresh step started from.
  template <bool IsAsked>
  __device__ __forceinline__ void weigh_short(bool is_fresh, const KeptPair (&first)[kFirst],
                                              u32 shared) {
#pragma unroll
    for (int e = 0; e < 2; ++e) {
      typename Cell::States before, after;
#pragma unroll
      for (int k = 0; k < Cell::kStates; ++k) before.v[k] = after.v[k] = 0.0f;
#pragma unroll
      for (int k = 0; k < Cell::kKept; ++k)
        after.v[k + 1] = now[k][e], before.v[k + 1] = is_fresh ? first[k][e] : old[k][e];
      if constexpr (Cell::kReadsH) before.v[0] = e == 0 ? low_of(h_word) : high_of(h_word);
      factors[e] = Cell::weigh(saved.of_unit(e), before, after);
      if constexpr (!IsAsked) carry[0][e] += e == 0 ? low_of(d_h_word) : high_of(d_h_word);
    }
    fence_factors(factors, shared);
  }
  // And the rest.
  template <bool IsAsked>
  __device__ __forceinline__ void advance_short(const BackwardParams& p, int step) {
    const bool stands_still = IsAsked && source == gpu::kNoStep;
    float slots[Cell::kSlots][2];
#pragma unroll
    for (int e = 0; e < 2; ++e) {
      typename Cell::States d;
#pragma unroll
      for (int k = 0; k < Cell::kStates; ++k) d.v[k] = carry[k][e];
      if constexpr (IsAsked) {
        d.v[0] += e == 0 ? low_of(d_h_word) : high_of(d_h_word);
        if (p.d_states.data != nullptr) add_d_states(p, step, e, d);
        if (p.shape.forward_clip > 0.0f && is_clipped(p, step, e)) d.v[0] = 0.0f;
      }
      const typename Cell::Gradient g = Cell::apply(factors[e], d);
#pragma unroll
      for (int k = 0; k < Cell::kSlots; ++k) slots[k][e] = stands_still ? 0.0f : g.slots.v[k];
#pragma unroll
      for (int k = 0; k < Cell::kStates; ++k) carry[k][e] = stands_still ? carry[k][e] : g.old.v[k];
    }
#pragma unroll
    for (int k = 0; k < Cell::kSlots; ++k) gradient[k] = pack(slots[k][0], slots[k][1]);
#pragma unroll
    for (int k = 0; k < Cell::kKept; ++k) now[k] = old[k];
  }

  __device__ __forceinline__ int time_of(const BackwardParams& p, int step) const {
    return p.shape.is_reverse ? p.shape.time - 1 - step : step;
  }
  __device__ __forceinline__ void add_d_states(const BackwardParams& p, int step, int e,
                                               typename Cell::States& d) const {
    if (!is_valid[e]) return;
    const View& v = p.d_states;
    const Index at =
        b * v.stride[1] + time_of(p, step) * v.stride[2] + n * v.stride[3] + (u + e) * v.stride[4];
#pragma unroll
    for (int k = 0; k < Cell::kStates; ++k)
      d.v[k] += load_any(v.data, v.dtype, k * v.stride[0] + at);
  }
  // h was stored in the problem's dtype: so is the limit that it is compared with.
  __device__ __forceinline__ bool is_clipped(const BackwardParams& p, int step, int e) const {
    if (!is_valid[e]) return false;
    const View& v = p.h;
    const Index at =
        b * v.stride[0] + time_of(p, step) * v.stride[1] + n * v.stride[2] + (u + e) * v.stride[3];
    const float limit = low_of(pack(p.shape.forward_clip, 0.0f));
    return fabsf(load_any(v.data, v.dtype, at)) >= limit;
  }

  // Writes what the last advance gave.
  __device__ __forceinline__ void store(const BackwardParams& p, const BackwardFacts& facts) {
    if (is_valid[0]) {
#pragma unroll
      for (int k = 0; k < Cell::kSlots; ++k) {
        const bool is_extra = Cell::input_of_slot(k) < 0;
        auto* at =
            static_cast<unsigned short*>(p.slot_gradient[k].data) + (is_extra ? extra_out : out);
        if (is_valid[1]) {
          *reinterpret_cast<u32*>(at) = gradient[k];
        } else {
          *at = static_cast<unsigned short>(gradient[k]);
        }
      }
    }
    out -= facts.step_sign * p.slot_gradient[0].stride[1];
    if constexpr (kHasExtraSlot)
      extra_out -= facts.step_sign * p.slot_gradient[Cell::kSlots - 1].stride[1];
  }

  __device__ void finish(const BackwardParams& p) const {
    const View& v = p.d_initial_states;
    if (v.data == nullptr) return;
#pragma unroll
    for (int k = 0; k < Cell::kStates; ++k) {
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        if (!is_valid[e]) continue;
        const float given =
            p.d_initial != nullptr ? p.d_initial[initial_at(p.shape, k, b, n, u + e)] : 0.0f;
        store_state(v, k, b, n, u + e, carry[k][e] + given);
      }
    }
  }
};

}  // namespace flashrnn::cuda
