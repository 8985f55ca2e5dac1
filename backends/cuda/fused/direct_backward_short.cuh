// SPDX-License-Identifier: Apache-2.0
// The short way through direct_backward.cuh (way.cuh says when): the same product and cell.
// Iteration i is step T - 1 - i.
//
// What forward saved comes by bulk copies, a chunk of steps at a time (saved_chunks.cuh); d_h (and
// h) row by row, by the warp that reads them. The slots' gradients are written from the buffers in
// which the product reads them. With a batch tile of 4 more warps do all of that
// (direct_backward_mover.cuh) but for the gradients of a slot without a product.
#pragma once

#include "cuda/fused/backward_pair.cuh"
#include "cuda/fused/direct_backward_mover.cuh"
#include "cuda/fused/operand.cuh"
#include "cuda/fused/rows.cuh"
#include "cuda/fused/saved_chunks.cuh"
#include "cuda/fused/way.cuh"

namespace flashrnn::cuda {

// IsAsked: sequences may start anew or stand still at a step, or what passes through R is clipped
// or cut off.
template <int D, int Columns, int Chunk, bool IsAsked>
struct DirectBackwardShort {
  using Tile = DirectTile<Columns>;
  static constexpr int Tiles = Tile::kTiles, kPairs = Tile::kPairs, kOfTile = Tile::kOfTile;
  static constexpr int kWarps = D / 16, kThreads = kWarps * 32;
  static constexpr int kDepth = (D + 31) / 32;
  static constexpr int kGates = Cell::kRecurrents;
  static constexpr int kGateBytes = kDepth * kOperandBytes, kTileBytes = kGates * kGateBytes,
                       kBufferBytes = Tiles * kTileBytes;
  static constexpr int kKept = Cell::kKept > 0 ? Cell::kKept : 1,
                       kAhead = Columns < 8 ? gpu::kFourRowSteps : gpu::kRowSteps;
  static constexpr int kKinds = Cell::kReadsH ? 2 : 1;  // rows of d_h, and of h one step before
  static constexpr bool kHasMovers = Columns < 8;
  using Mover = DirectBackwardMover<D, Chunk>;
  static constexpr int kRowBytes = kHasMovers ? Mover::kRowBytes : kWarpRowBytes;
  static constexpr int kRowsBytes = kKinds * kOfTile * kRowBytes,
                       kStepBytes = (kHasMovers ? 1 : kWarps * Tiles) * kRowsBytes;
  using Pieces = LanePieces<kKinds>;
  using OutPieces = LanePieces<kGates>;
  using Chunks =
      SavedChunks<D, Columns, Chunk, kHasMovers ? Mover::kChunks : 2, kHasMovers ? 32 : kThreads>;

  const BackwardParams& p;
  Chunks chunks;
  int warp, lane, q, row, n, b0, u;
  u32 piece, word, out_piece;  // what this lane copies to and reads from the rows of step 0, and
                               // takes from the operands
  u32 saved_pair;              // of this thread among those of saved memory
  u32 a[kGates][kDepth][2][4];
  float carry[kPairs][Cell::kStates][2];
  KeptPair now[kPairs][kKept], old[kPairs][kKept], first[kPairs][kKept];
  SavedPair saved[kPairs];
  typename Cell::Factors factors[kPairs][2];
  u32 d_h[kPairs], h[kPairs], first_h[kPairs];
  u32 alone[kPairs];  // gradient of the slot that has no product
  // Fetched and stored last: a pointer that goes on after its use waits until the use has read it.
  const char* from[Tiles];
  char* to[Tiles][OutPieces::kOfLane];
  Index from_step, to_step[OutPieces::kOfLane];
  bool has_to[Tiles], has_from;  // the last warp's second piece may be past the head
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

  // The rows of a step; h is that of the step before, which step 0 lacks.
  __device__ __forceinline__ void fetch(int step, u32 slot) {
    const bool is_there =
        has_from && (Cell::kReadsH && Pieces::kind(lane, 0) != 0 ? step > 0 : step >= 0);
#pragma unroll
    for (int c = 0; c < Tiles; ++c) {
      from[c] += from_step;
      keep(from[c]);
      copy_async_if(is_there, piece + slot + c * kRowsBytes, from[c]);
    }
  }

  // Step s of chunk c, whose rows are in `slot`.
  __device__ __forceinline__ void read(int c, int s, u32 slot) {
    if (s == 0) chunks.wait(c);
    const bool is_first = c * Chunk + s == p.shape.time - 1;
#pragma unroll
    for (int j = 0; j < kPairs; ++j) {
      const u32 at = chunks.value_place(c, saved_pair) + Chunks::further_value(Chunk - 1 - s, j);
      saved[j].take(at);
#pragma unroll
      for (int k = 0; k < Cell::kKept; ++k) {
        old[j][k].take(chunks.kept_place(c, saved_pair) +
                       Chunks::further_kept(Chunk - 1 - s, k, j));
        if (is_first && !IsAsked) old[j][k] = first[j][k];
      }
      const u32 rows = word + slot + j / 2 * kRowsBytes + j % 2 * 4 * kRowBytes;
      d_h[j] = lds32(rows);
      if constexpr (Cell::kReadsH)
        h[j] = is_first && !IsAsked ? first_h[j] : lds32(rows + kOfTile * kRowBytes);
    }
  }

  // The gradients of the later step's slots, from the buffer of operands at `at`.
  __device__ __forceinline__ void store(u32 at) {
    uint4 v[Tiles][OutPieces::kOfLane];
#pragma unroll
    for (int c = 0; c < Tiles; ++c) {
#pragma unroll
      for (int k = 0; k < OutPieces::kOfLane; ++k)
        v[c][k] = lds128(out_piece + at + c * kTileBytes + k * OutPieces::kNextKind * kGateBytes);
    }
#pragma unroll
    for (int c = 0; c < Tiles; ++c) {
#pragma unroll
      for (int k = 0; k < OutPieces::kOfLane; ++k) {
        to[c][k] += to_step[k];
        keep(to[c][k]);
        if (has_to[c] && OutPieces::has(lane, k))
          stg128(to[c][k], v[c][k].x, v[c][k].y, v[c][k].z, v[c][k].w);
      }
    }
  }
  __device__ __forceinline__ void store_alone() {
    if constexpr (slot_alone() >= 0) {
      const View& view = p.slot_gradient[slot_alone()];
#pragma unroll
      for (int j = 0; j < kPairs; ++j) {
        if (sequence(j) < p.shape.batch && u < p.shape.units)
          stg32(alone_to + 2 * (sequence(j) - sequence(0)) * view.stride[0], alone[j]);
      }
      alone_to -= 2 * sign() * view.stride[1];
    }
  }

  __device__ __forceinline__ int sequence(int j) const { return b0 + Tile::sequence(j, q); }
  __device__ __forceinline__ float state_at(const View& v, int k, int j, int e) const {
    const int b = sequence(j);
    return b < p.shape.batch && u < p.shape.units ? load_state(v, k, b, n, u + e) : 0.0f;
  }

  __device__ __forceinline__ void aim(u32 buffer) {
    const Index t = p.shape.is_reverse ? 0 : p.shape.time - 1;
    const View& in = Pieces::kind(lane, 0) == 0 ? p.d_h : p.h;
    from_step = -2 * sign() * in.stride[1];
    const bool has_units = warp * 16 + lane % 2 * 8 < p.shape.units;
    has_from = has_units && in.data != nullptr && Pieces::has(lane, 0);
#pragma unroll
    for (int c = 0; c < Tiles; ++c) {
      const int b = min(b0 + c * 8 + Pieces::column(lane), p.shape.batch - 1);
      from[c] = static_cast<const char*>(in.data) +
                2 * (b * in.stride[0] + (t + (1 - Pieces::kind(lane, 0)) * sign()) * in.stride[1] +
                     n * in.stride[2] + warp * 16 + lane % 2 * 8);
      has_to[c] = has_units && b0 + c * 8 + OutPieces::column(lane) < p.shape.batch;
#pragma unroll
      for (int k = 0; k < OutPieces::kOfLane; ++k) {
        const int gate = min(OutPieces::kind(lane, k), kGates - 1);
        const View* out = &p.slot_gradient[slot_of_gate(0)];
#pragma unroll
        for (int g = 1; g < kGates; ++g) {
          if (gate == g) out = &p.slot_gradient[slot_of_gate(g)];
        }
        to_step[k] = -2 * sign() * out->stride[1];
        to[c][k] = static_cast<char*>(out->data) +
                   2 * (b * out->stride[0] + (t + sign()) * out->stride[1] + n * out->stride[2] +
                        warp * 16 + lane % 2 * 8);
      }
    }
    out_piece = buffer + min(OutPieces::kind(lane, 0), kGates - 1) * kGateBytes +
                operand_word(warp * 16 + lane % 2 * 8, OutPieces::column(lane));
    keep(piece), keep(out_piece), keep(from_step);
  }
  __device__ __forceinline__ void aim_alone() {
    if constexpr (slot_alone() >= 0) {
      const Index t = p.shape.is_reverse ? 0 : p.shape.time - 1;
      const View& v = p.slot_gradient[slot_alone()];
      alone_to = static_cast<char*>(v.data) +
                 2 * (sequence(0) * v.stride[0] + t * v.stride[1] + n * v.stride[2] + u);
    }
  }

  __device__ __forceinline__ void start() {
    const SavedPlace place(p.shape, Place{n, b0, 0}, p.shape.time > 0 ? p.shape.time - 1 : 0);
    const char* const kept = static_cast<const char*>(p.saved) + place.value_bytes +
                             (place.pair + saved_pair) * kKeptPairBytes;
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

  static __device__ __forceinline__ float sum_of(const float (&sum)[kGates][Tiles][4], int tile,
                                                 int k) {
    if constexpr (kGates == 4)
      return (sum[0][tile][k] + sum[1][tile][k]) + (sum[2][tile][k] + sum[3][tile][k]);
    float all = sum[0][tile][k];
#pragma unroll
    for (int g = 1; g < kGates; ++g) all += sum[g][tile][k];
    return all;
  }
  // `source` is still that of the later step, which the gradient comes from.
  __device__ __forceinline__ void receive(const float (&sum)[kGates][Tiles][4]) {
#pragma unroll
    for (int j = 0; j < kPairs; ++j) {
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        const float through = sum_of(sum, j / 2, 2 * e + j % 2);
        carry[j][0][e] = IsAsked ? with_through(p.shape, source[j], carry[j][0][e], through)
                                 : carry[j][0][e] + through;
      }
      const bool was_start = IsAsked && source[j] == gpu::kInitialStates;
      if (IsAsked && any_anew) {
        if (was_start) give(p, sequence(j), n, u, u < p.shape.units, u < p.shape.units, carry[j]);
        __syncwarp();
      }
    }
  }

  // The cell at a step, as far as it does not wait for what passes through R from the later one.
  // Its sequences start from their initial states at step 0 if nothing else is said.
  __device__ __forceinline__ void weigh(int step) {
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
        factors[j][e] = Cell::weigh(saved[j].of_unit(e), before, after);
        if constexpr (!IsAsked) carry[j][0][e] += e == 0 ? low_of(d_h[j]) : high_of(d_h[j]);
      }
#pragma unroll
      for (int k = 0; k < Cell::kKept; ++k) now[j][k] = old[j][k];
    }
  }
  // And the rest.
  __device__ __forceinline__ void advance(int step, u32 own) {
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
        if constexpr (IsAsked) d.v[0] += e == 0 ? low_of(d_h[j]) : high_of(d_h[j]);
        const typename Cell::Gradient g = Cell::apply(factors[j][e], d);
#pragma unroll
        for (int k = 0; k < Cell::kSlots; ++k) slots[k][e] = stands_still ? 0.0f : g.slots.v[k];
#pragma unroll
        for (int k = 0; k < Cell::kStates; ++k)
          carry[j][k][e] = stands_still ? carry[j][k][e] : g.old.v[k];
      }
#pragma unroll
      for (int k = 0; k < Cell::kSlots; ++k) {
        const int gate = Cell::recurrent_of_slot(k);
        // Units past the head must not bring a NaN into the product.
        const u32 gradient = u < p.shape.units ? pack(slots[k][0], slots[k][1]) : 0;
        if (gate < 0) {
          alone[j] = gradient;
        } else {
          sts32(own + j / 2 * kTileBytes + gate * kGateBytes + j % 2 * kColumnBytes, gradient);
        }
      }
    }
  }

  static __device__ __forceinline__ void meet() {
    if constexpr (kHasMovers) {
      all_warps_meet<Mover::kAllWarps>();
    } else {
      warps_meet<kWarps>();
    }
  }
  __device__ __forceinline__ void step(int c, int s, u32 write, u32 later, u32 own, u32 operand) {
    const int i = c * Chunk + s;
    const u32 slot = i % kAhead * kStepBytes, before = (i + kAhead - 1) % kAhead * kStepBytes;
    if constexpr (!kHasMovers) copy_wait<kAhead - 2>();
    float sum[kGates][Tiles][4];
    meet();
    clear(sum);
    multiply_each(sum, a, operand + later);  // of zeros in iteration 0
    // All warps have read the chunk before this one.
    if (!kHasMovers && s == 0 && c > 0 && Chunks::loads(threadIdx.x))
      chunks.load(c + 1, threadIdx.x);
    read(c, s, slot);
    if (i > 0) store_alone();
    if constexpr (!kHasMovers) {
      if (i > 0) store(later);
      // The rows that were read an iteration ago make room.
      fetch(p.shape.time - 1 - i - (kAhead - 1), before);
      copy_commit();
    }
    const int step = p.shape.time - 1 - i;
    if (IsAsked && SourceWords<-1>::is_first_of_word(step)) {
      u32 all = 0;
#pragma unroll
      for (int j = 0; j < kPairs; ++j) all |= sources[j].turn(p, sequence(j), step);
      any_anew = any_starts(all);
    }
    if constexpr (kHasMovers) {
      weigh(step);
    } else {
#pragma unroll
      for (int g = 0; g < kGates; ++g) {
#pragma unroll
        for (int c = 0; c < Tiles; ++c) {
#pragma unroll
          for (int r = 0; r < 4; ++r) keep(sum[g][c][r]);
        }
      }
    }
    if (!IsAsked || i > 0) receive(sum);
    if constexpr (!kHasMovers) weigh(step);  // sooner it would need registers that are not there
    advance(step, own + write);
  }

  __device__ __forceinline__ void run(unsigned char* shared) {
    warp = warp_number(), lane = threadIdx.x % 32, q = lane % 4, row = lane / 4;
    const int group = p.first_group + blockIdx.x;
    n = group % p.shape.heads, b0 = gpu::first_sequence(group / p.shape.heads, Columns),
    u = warp * 16 + 2 * row;
    const u32 buffer = shared_address(shared), all_rows = buffer + 2 * kBufferBytes;
    chunks.set_up(p.shape, const_cast<void*>(p.saved), Place{n, b0, 0},
                  all_rows + kAhead * kStepBytes);
    for (u32 i = threadIdx.x; i < (2 * kBufferBytes + kAhead * kStepBytes) / 4; i += blockDim.x)
      sts32(buffer + 4 * i, 0);
    if (threadIdx.x == 0) chunks.init_loads();
    saved_pair = threadIdx.x;
    if constexpr (kHasMovers) {
      __syncthreads();
      if (warp >= kWarps) {
        const Mover mover{p, chunks, lane, n, b0};
        mover.move(warp - kWarps, all_rows, buffer);
        return;
      }
      word = all_rows + q * kRowBytes + u * 2;
    } else {
      if constexpr (!kHasBulkCopies || Chunks::kLoaders > 1) __syncthreads();
      if (Chunks::loads(threadIdx.x)) {
        chunks.load(0, threadIdx.x);
        chunks.load(1, threadIdx.x);
      }
      __syncthreads();
      const u32 rows = all_rows + warp * Tiles * kRowsBytes;
      piece = rows + Pieces::place(lane);
      word = rows + q * kWarpRowBytes + row * 4;
      aim(buffer);
#pragma unroll
      for (int s = 0; s < kAhead - 1; ++s) {
        fetch(p.shape.time - 1 - s, s * kStepBytes);
        copy_commit();
      }
    }
    keep(word);
    aim_alone();
    load_all_columns(p.r, n, q * 8, u, p.shape.units, a);
    start();
    const u32 own = buffer + operand_word(u, 2 * q), operand = buffer + operand_lane(lane);
    for (int c = 0; c * Chunk < p.shape.time; ++c) {
#pragma unroll
      for (int s = 0; s < Chunk; ++s) {
        if (c * Chunk + s >= p.shape.time) break;
        step(c, s, (s + 1) % 2 * kBufferBytes, s % 2 * kBufferBytes, own, operand);
      }
    }
    // There is a step: others are no problem of a fused kernel (cuda.constrint).
    float sum[kGates][Tiles][4];
    const u32 last = p.shape.time % 2 * kBufferBytes;
    meet();
    clear(sum);
    multiply_each(sum, a, operand + last);
    store_alone();
    if constexpr (!kHasMovers) store(last);
    any_anew = true;
    receive(sum);
    const View& v = p.d_initial_states;
    if (v.data == nullptr) return;
#pragma unroll
    for (int j = 0; j < kPairs; ++j) {
      const int b = sequence(j);
      if (b >= p.shape.batch || u >= p.shape.units) continue;
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
