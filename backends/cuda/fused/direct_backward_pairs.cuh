// SPDX-License-Identifier: Apache-2.0
// The pairs of units that a thread of a direct backward CTA updates on its short ways, one for each
// 4 sequences of the batch tile: all but the product, and how what a step reads comes.
#pragma once

#include "cuda/fused/backward_pair.cuh"
#include "cuda/fused/operand.cuh"
#include "cuda/fused/saved_place.cuh"
#include "cuda/fused/way.cuh"

namespace flashrnn::cuda {

// IsAsked: sequences may start anew or stand still at a step, or what passes through R is clipped
// or cut off.
template <int Columns, bool IsAsked>
struct DirectBackwardPairs {
  using Tile = DirectTile<Columns>;
  static constexpr int kPairs = Tile::kPairs;
  static constexpr int kKept = Cell::kKept > 0 ? Cell::kKept : 1;
  // What a cell multiplies gradients with, worked out before they come.
  struct Weighed {
    typename Cell::Factors factors[kPairs][2];
    float d_h[kPairs][2];
  };

  const BackwardParams& p;
  int n, b0, q, u;
  u32 number;  // of this thread's first pair among those of saved memory
  float carry[kPairs][Cell::kStates][2];
  KeptPair now[kPairs][kKept], old[kPairs][kKept], first[kPairs][kKept];
  SavedPair saved[kPairs];
  u32 d_h[kPairs], h[kPairs], first_h[kPairs];
  u32 alone[kPairs];  // gradient of the slot that has no product
  char* alone_to;
  int source[kPairs];  // what the thread's sequences do at the step at hand
  SourceWords<-1> sources[kPairs];
  bool any_anew;  // of the warp's sequences, in the four steps at hand and the one later

  static __device__ constexpr int slot_of_gate(int gate) {
    for (int k = 0; k < Cell::kSlots; ++k) {
      if (Cell::recurrent_of_slot(k) == gate) return k;
    }
    return 0;
  }
  static __device__ constexpr int slot_alone() {
    for (int k = 0; k < Cell::kSlots; ++k) {
      if (Cell::recurrent_of_slot(k) < 0) return k;
    }
    return -1;
  }
  __device__ Index sign() const { return p.shape.is_reverse ? -1 : 1; }
  __device__ __forceinline__ bool has_units() const { return u < p.shape.units; }
  __device__ __forceinline__ int sequence(int j) const { return b0 + Tile::sequence(j, q); }
  __device__ __forceinline__ float state_at(const View& v, int k, int j, int e) const {
    const int b = sequence(j);
    return b < p.shape.batch && has_units() ? load_state(v, k, b, n, u + e) : 0.0f;
  }

  __device__ __forceinline__ void start() {
    if constexpr (slot_alone() >= 0) {
      const Index t = p.shape.is_reverse ? 0 : p.shape.time - 1;
      const View& v = p.slot_gradient[slot_alone()];
      alone_to = static_cast<char*>(v.data) +
                 2 * (sequence(0) * v.stride[0] + t * v.stride[1] + n * v.stride[2] + u);
    }
    const SavedPlace place(p.shape, Place{n, b0, 0}, p.shape.time > 0 ? p.shape.time - 1 : 0);
    const char* const kept = static_cast<const char*>(p.saved) + place.value_bytes +
                             (place.pair + number) * kKeptPairBytes;
#pragma unroll
    for (int j = 0; j < kPairs; ++j) {
      source[j] = gpu::kPreviousStep;
      if constexpr (IsAsked) {
        sources[j].open(p, sequence(j), p.shape.time - 1);
        any_anew = any_starts(sources[j].now) || (j > 0 && any_anew);
      }
#pragma unroll
      for (int k = 0; k < Cell::kStates; ++k)
        carry[j][k][0] = state_at(p.d_last_states, k, j, 0),
        carry[j][k][1] = state_at(p.d_last_states, k, j, 1);
#pragma unroll
      for (int k = 0; k < Cell::kKept; ++k) {
        const Index at = k * place.all_pairs + j * place.block_pairs;
        now[j][k] = KeptPair::of(0.0f, 0.0f);
        if (p.shape.time > 0 && b0 + j / 2 * 8 < p.shape.batch)
          now[j][k].load(kept + at * kKeptPairBytes);
        first[j][k] = KeptPair::of(state_at(p.initial_states, k + 1, j, 0),
                                   state_at(p.initial_states, k + 1, j, 1));
      }
      if constexpr (Cell::kReadsH)
        first_h[j] = pack(state_at(p.initial_states, 0, j, 0), state_at(p.initial_states, 0, j, 1));
    }
  }

  // Before `weigh` of a step, after `advance` of the later one.
  __device__ __forceinline__ void turn(int step) {
    if (!IsAsked || !SourceWords<-1>::is_first_of_word(step)) return;
    u32 all = 0;
#pragma unroll
    for (int j = 0; j < kPairs; ++j) all |= sources[j].turn(p, sequence(j), step);
    any_anew = any_starts(all);
  }

  // The cell at a step, as far as it does not wait for what passes through R from the later one.
  // Its sequences start from their initial states at step 0 if nothing else is said.
  __device__ __forceinline__ void weigh(int step, Weighed& weighed) {
#pragma unroll
    for (int j = 0; j < kPairs; ++j) {
      bool is_fresh = false;
      if constexpr (IsAsked)
        is_fresh = p.sources == nullptr ? step == 0 : sources[j].at(step) == gpu::kInitialStates;
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        typename Cell::States before, after;
#pragma unroll
        for (int k = 0; k < Cell::kStates; ++k) before.v[k] = after.v[k] = 0.0f;
#pragma unroll
        for (int k = 0; k < Cell::kKept; ++k)
          after.v[k + 1] = now[j][k][e],
                      before.v[k + 1] = IsAsked && is_fresh ? first[j][k][e] : old[j][k][e];
        if constexpr (Cell::kReadsH) {
          const u32 word = IsAsked && is_fresh ? first_h[j] : h[j];
          before.v[0] = e == 0 ? low_of(word) : high_of(word);
        }
        weighed.factors[j][e] = Cell::weigh(saved[j].of_unit(e), before, after);
        weighed.d_h[j][e] = e == 0 ? low_of(d_h[j]) : high_of(d_h[j]);
      }
#pragma unroll
      for (int k = 0; k < Cell::kKept; ++k) now[j][k] = old[j][k];
    }
  }
  // What goes from one step to the next is rounded there: were there no branch between them, a
  // product might be fused with the later step's addition, or not, as the compiler finds it.
  __device__ __forceinline__ void round(Weighed& weighed) {
#pragma unroll
    for (int j = 0; j < kPairs; ++j) {
#pragma unroll
      for (int e = 0; e < 2; ++e) {
#pragma unroll
        for (int k = 0; k < Cell::kStates; ++k) keep(carry[j][k][e]);
#pragma unroll
        for (float& factor : weighed.factors[j][e].v) keep(factor);
      }
    }
  }
  // What was given of h's gradient, sooner than `advance` where every sequence goes on.
  __device__ __forceinline__ void add_given(const Weighed& weighed) {
    if constexpr (!IsAsked) {
#pragma unroll
      for (int j = 0; j < kPairs; ++j)
        carry[j][0][0] += weighed.d_h[j][0], carry[j][0][1] += weighed.d_h[j][1];
    }
  }

  // through(j, e): what passes through R to unit e of pair j from the later step, whose `source` it
  // still is.
  template <typename Through>
  __device__ __forceinline__ void receive(const Through& through) {
#pragma unroll
    for (int j = 0; j < kPairs; ++j) {
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        carry[j][0][e] = IsAsked ? with_through(p.shape, source[j], carry[j][0][e], through(j, e))
                                 : carry[j][0][e] + through(j, e);
      }
      const bool was_start = IsAsked && source[j] == gpu::kInitialStates;
      if (IsAsked && any_anew) {
        if (was_start) give(p, sequence(j), n, u, has_units(), has_units(), carry[j]);
        __syncwarp();
      }
    }
  }

  // The rest of the cell. put(j, gate, pair) has the gradients of the slots that have a product.
  template <typename Put>
  __device__ __forceinline__ void advance(int step, const Weighed& weighed, const Put& put) {
#pragma unroll
    for (int j = 0; j < kPairs; ++j) {
      float slots[Cell::kSlots][2];
      if constexpr (IsAsked) source[j] = sources[j].at(step);
      const bool stands_still = IsAsked && source[j] == gpu::kNoStep;
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        typename Cell::States d;
#pragma unroll
        for (int k = 0; k < Cell::kStates; ++k) d.v[k] = carry[j][k][e];
        if constexpr (IsAsked) d.v[0] += weighed.d_h[j][e];
        const typename Cell::Gradient g = Cell::apply(weighed.factors[j][e], d);
#pragma unroll
        for (int k = 0; k < Cell::kSlots; ++k) slots[k][e] = stands_still ? 0.0f : g.slots.v[k];
#pragma unroll
        for (int k = 0; k < Cell::kStates; ++k)
          carry[j][k][e] = stands_still ? carry[j][k][e] : g.old.v[k];
      }
#pragma unroll
      for (int k = 0; k < Cell::kSlots; ++k) {
        const int gate = Cell::recurrent_of_slot(k);
        const u32 gradient = pack(slots[k][0], slots[k][1]);
        if (gate < 0) {
          alone[j] = gradient;
        } else {
          put(j, gate, gradient);
        }
      }
    }
  }
  // Of the later step.
  __device__ __forceinline__ void store_alone() {
    if constexpr (slot_alone() >= 0) {
      const View& view = p.slot_gradient[slot_alone()];
#pragma unroll
      for (int j = 0; j < kPairs; ++j) {
        if (sequence(j) < p.shape.batch && has_units())
          stg32(alone_to + 2 * (sequence(j) - sequence(0)) * view.stride[0], alone[j]);
      }
      alone_to -= 2 * sign() * view.stride[1];
    }
  }

  __device__ __forceinline__ void finish() const {
    const View& v = p.d_initial_states;
    if (v.data == nullptr) return;
#pragma unroll
    for (int j = 0; j < kPairs; ++j) {
      const int b = sequence(j);
      if (b >= p.shape.batch || !has_units()) continue;
#pragma unroll
      for (int k = 0; k < Cell::kStates; ++k) {
#pragma unroll
        for (int e = 0; e < 2; ++e) {
          const bool has_given = IsAsked && p.d_initial != nullptr;
          const float given = has_given ? p.d_initial[initial_at(p.shape, k, b, n, u + e)] : 0.0f;
          store_state(v, k, b, n, u + e, carry[j][k][e] + given);
        }
      }
    }
  }
};

}  // namespace flashrnn::cuda
