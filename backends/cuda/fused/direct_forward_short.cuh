// SPDX-License-Identifier: Apache-2.0
// The short way through direct_forward.cuh (way.cuh says when): the same product and cell. A step
// is: barrier, product; while that is under way, the last step's outputs and the next step's
// inputs; the cell, h.
//
// Inputs come row by row, kAhead steps ahead, by the warp that reads them; h is written from the
// buffer in which the product reads it. What backward needs goes to shared memory, and from there
// by bulk copies a chunk of steps at a time (saved_chunks.cuh), which one more warp starts: stores
// of a warp's own would hold up the loads behind them. Where three CTAs share an SM there are no
// registers for that warp, and the first thread does its work.
#pragma once

#include "cuda/fused/forward_pair.cuh"
#include "cuda/fused/operand.cuh"
#include "cuda/fused/rows.cuh"
#include "cuda/fused/saved_chunks.cuh"
#include "cuda/fused/way.cuh"
#include "gpu/fused/geometry.hpp"

namespace flashrnn::cuda {

// IsAsked: sequences may start anew or stand still at a step.
template <int D, int Columns, int Chunk, bool HasSaver, bool IsAsked>
struct DirectForwardShort {
  using Tile = DirectTile<Columns>;
  static constexpr int Tiles = Tile::kTiles, kPairs = Tile::kPairs, kOfTile = Tile::kOfTile;
  static constexpr int kWarps = D / 16, kThreads = kWarps * 32;
  static_assert(Columns % 8 == 0 && (HasSaver || kHasBulkCopies));
  static constexpr int kDepth = (D + 31) / 32;
  static constexpr int kGates = Cell::kRecurrents, kInputs = Cell::kInputs, kAhead = gpu::kRowSteps;
  static constexpr int kTileBytes = kDepth * kOperandBytes, kBufferBytes = Tiles * kTileBytes;
  static constexpr int kRowsBytes = kInputs * kOfTile * kWarpRowBytes,
                       kStepBytes = kWarps * Tiles * kRowsBytes;
  using Pieces = LanePieces<kInputs>;
  using Chunks = SavedChunks<D, Columns, Chunk>;

  const ForwardParams& p;
  Chunks chunks;
  int warp, lane, q, row, n, b0, u;
  u32 piece, word, h_piece;      // what this lane copies to and reads from the rows of step 0, and
                                 // takes from the buffers of h
  u32 values_place, kept_place;  // of this thread in the chunk at hand of saved memory
  u32 a[kGates][kDepth][2][4];
  PairBias bias;
  float state[kPairs][Cell::kStates][2];
  // Slots, with the product or, at first, without it.
  float sum[kGates][Tiles][4], alone[kPairs][Cell::kSlots][2];
  u32 inputs[kPairs][4];  // of the next step
  SavedPair saved[kPairs];
  KeptPair kept[kPairs][Cell::kKept > 0 ? Cell::kKept : 1];
  // This lane's first piece that was fetched last, and its piece of h that was stored last: a
  // pointer that goes on after its use waits until the use has read it.
  const char* from[Tiles];
  char* to;
  bool has_to, has_from;                       // the last warp's second piece may be past the head
  Index wx_step, h_step, gate_step;            // bytes
  SourceWords<1> sources[kPairs], sources_to;  // of the thread's sequences; of its piece of h
  // Whether a sequence of the warp starts anew in the four steps at hand, and at the one after
  // them.
  bool any_anew, any_beyond;
  bool was_still;  // the sequence of the piece, at the step before

  // No branch, behind which the compiler would put the copies after the cell.
  __device__ __forceinline__ void fetch(u32 slot, bool is_wanted) {
#pragma unroll
    for (int c = 0; c < Tiles; ++c) {
      from[c] += wx_step;
      keep(from[c]);
#pragma unroll
      for (int k = 0; k < Pieces::kOfLane; ++k) {
        copy_async_if(is_wanted && has_from && Pieces::has(lane, k),
                      piece + slot + c * kRowsBytes + k * Pieces::kNextPlace,
                      from[c] + k * Pieces::kNextKind * gate_step);
      }
    }
  }

  __device__ __forceinline__ void read(u32 slot) {
#pragma unroll
    for (int j = 0; j < kPairs; ++j) {
#pragma unroll
      for (int g = 0; g < kInputs; ++g)
        inputs[j][g] =
            lds32(word + slot + j / 2 * kRowsBytes + (g * kOfTile + j % 2 * 4) * kWarpRowBytes);
    }
  }
  // The slots of the step whose inputs were read.
  __device__ __forceinline__ void begin_slots() {
#pragma unroll
    for (int j = 0; j < kPairs; ++j) {
      float slots[Cell::kSlots][2];
      slot_inputs(inputs[j], bias, slots);
#pragma unroll
      for (int k = 0; k < Cell::kSlots; ++k) {
        const int gate = Cell::recurrent_of_slot(k);
#pragma unroll
        for (int e = 0; e < 2; ++e)
          (gate < 0 ? alone[j][k][e] : sum[gate < 0 ? 0 : gate][j / 2][2 * e + j % 2]) =
              slots[k][e];
      }
    }
  }

  __device__ __forceinline__ void open_chunk(int c) {
    values_place = chunks.value_place(c, threadIdx.x),
    kept_place = chunks.kept_place(c, threadIdx.x);
    keep(values_place), keep(kept_place);
  }
  // What the cell of step s of chunk c gave for backward.
  __device__ __forceinline__ void save(int c, int s, bool is_last) {
    if (HasSaver && s == 0) chunks.wait_free(c);
#pragma unroll
    for (int j = 0; j < kPairs; ++j) {
      const u32 at = values_place + Chunks::further_value(s, j);
      saved[j].stage(at);
#pragma unroll
      for (int k = 0; k < Cell::kKept; ++k)
        kept[j][k].stage(kept_place + Chunks::further_kept(s, k, j));
    }
    if (HasSaver && (s == Chunk - 1 || is_last)) chunks.tell_done(c);
  }

  // h of step i - 1 (`has_before`: there is one), out of the buffer that step i reads: zeros of a
  // sequence that stood still, and nothing where step i starts anew, since then the buffer has what
  // it starts from.
  __device__ __forceinline__ void store_h(uint4 v, int i, bool has_before) {
    bool is_here = has_to && has_before;
    if constexpr (IsAsked) {
      if (SourceWords<1>::is_first_of_word(i)) sources_to.turn(p, b0 + lane / 2, i);
      is_here &= !sources_to.is(gpu::kInitialStates, i);
      if (was_still) v = uint4{0, 0, 0, 0};
      was_still = sources_to.is(gpu::kNoStep, i);
    }
    to += h_step;
    keep(to);
    if (is_here) stg128(to, v.x, v.y, v.z, v.w);
  }

  // By bit, the thread's sequences that do something at a step (or at the next one).
  __device__ __forceinline__ u32 which(int what, int i) const {
    u32 bits = 0;
#pragma unroll
    for (int j = 0; j < kPairs; ++j) bits |= u32(sources[j].is(what, i)) << j;
    return bits;
  }
  __device__ __forceinline__ u32 which_next(int what, int i) const {
    u32 bits = 0;
#pragma unroll
    for (int j = 0; j < kPairs; ++j) bits |= u32(sources[j].is_next(what, i)) << j;
    return bits;
  }

  // What is done where sequences start anew, seldom: short, not fast.
  __device__ __forceinline__ void restart(int i) {
    const u32 anew = which(gpu::kInitialStates, i);
#pragma unroll 1
    for (int j = 0; j < 2 * kPairs; ++j) {
      if ((anew >> j / 2 & 1) == 0) continue;
#pragma unroll
      for (int k = 0; k < Cell::kStates; ++k) {
        const float fresh = state_at(p.initial_states, k, j / 2, j % 2);
#pragma unroll
        for (int m = 0; m < 2 * kPairs; ++m) {
          float& one = state[m / 2][k][m % 2];
          one = m == j ? fresh : one;
        }
      }
    }
  }

  // Where the next step starts anew: h of this one, which stands at `own`, to its tensor, and to
  // its place what the next one reads, zeros past the head, where a NaN would live on.
  __device__ __forceinline__ void put_initial(int i, u32 own) const {
    const Index t = p.shape.is_reverse ? p.shape.time - 1 - i : i;
    const u32 next = which_next(gpu::kInitialStates, i), still = which(gpu::kNoStep, i);
#pragma unroll 1
    for (int j = 0; j < kPairs; ++j) {
      if ((next >> j & 1) == 0) continue;
      const u32 place = own + j / 2 * kTileBytes + j % 2 * kColumnBytes;
      if (p.h.data != nullptr && u < p.shape.units) {
        auto* at = static_cast<unsigned short*>(p.h.data) + sequence(j) * p.h.stride[0] +
                   t * p.h.stride[1] + n * p.h.stride[2] + u;
        *reinterpret_cast<u32*>(at) = (still >> j & 1) != 0 ? 0 : lds32(place);
      }
      sts32(place, pack(state_at(p.initial_states, 0, j, 0), state_at(p.initial_states, 0, j, 1)));
    }
  }

  __device__ __forceinline__ int sequence(int j) const { return b0 + Tile::sequence(j, q); }

  __device__ __forceinline__ float state_at(const View& v, int k, int j, int e) const {
    const int b = sequence(j);
    return b < p.shape.batch && u < p.shape.units ? load_state(v, k, b, n, u + e) : 0.0f;
  }

  __device__ __forceinline__ void start(u32 h_buffer) {
    const Index sign = p.shape.is_reverse ? -1 : 1;
    const Index t = p.shape.is_reverse ? p.shape.time - 1 : 0;
    wx_step = 2 * sign * p.wx.stride[1];
    h_step = 2 * sign * p.h.stride[1];
    gate_step = 2 * p.wx.stride[2];
#pragma unroll
    for (int c = 0; c < Tiles; ++c) {
      const int b = min(b0 + c * 8 + Pieces::column(lane), p.shape.batch - 1);
      from[c] = static_cast<const char*>(p.wx.data) +
                min(Pieces::kind(lane, 0), kInputs - 1) * gate_step +
                2 * (b * p.wx.stride[0] + (t - sign) * p.wx.stride[1] + n * p.wx.stride[3] +
                     warp * 16 + lane % 2 * 8);
    }
    const int b = b0 + lane / 2;
    has_from = warp * 16 + lane % 2 * 8 < p.shape.units;
    has_to = has_from && b < p.shape.batch && lane < 2 * Columns && p.h.data != nullptr;
    to = static_cast<char*>(p.h.data) + 2 * (b * p.h.stride[0] + (t - 2 * sign) * p.h.stride[1] +
                                             n * p.h.stride[2] + warp * 16 + lane % 2 * 8);
    if constexpr (IsAsked) {
      was_still = false;
      sources_to.open(p, b, 0);
#pragma unroll
      for (int j = 0; j < kPairs; ++j) sources[j].open(p, sequence(j), 0);
    }
    h_piece = h_buffer + (lane < 16 * Tiles ? lane / 16 : 0) * kTileBytes +
              operand_word(warp * 16 + lane % 2 * 8, lane / 2 % kOfTile);
    keep(wx_step), keep(h_step), keep(gate_step), keep(h_piece), keep(piece), keep(word);
  }

  // h as the product reads it.
  using Operands = uint4[Tiles][kDepth];
  __device__ __forceinline__ void look(u32 at, Operands& b) const {
#pragma unroll
    for (int t = 0; t < Tiles; ++t) {
#pragma unroll
      for (int d = 0; d < kDepth; ++d) b[t][d] = lds128(at + t * kTileBytes + d * kOperandBytes);
    }
  }

  // Step s of chunk c, which is there: of `left` steps in this chunk and later ones.
  __device__ __forceinline__ void step(const Operands& b, int c, int s, int left, u32 now,
                                       u32 after, u32 slot, u32 next_slot, u32 own) {
    const int i = c * Chunk + s;
    // While the operands are on their way, what comes beside the product. Stores of registers that
    // the cell writes anew come first, those that take long last.
    begin_slots();
    const bool has_before = s > 0 || c > 0, saves = p.saved != nullptr && has_before;
    const uint4 h_before = lds128(h_piece + now);
    if (s > 0 && saves) save(c, s - 1, false);
    copy_wait<kAhead - 2>();
    __syncwarp();
    read(next_slot);
    multiply_all(sum, a, b);
    // A chunk is whole when its last step was saved, in the first step of the next one, and all
    // warps have met again.
    if (s == 0 && saves) {
      if (!HasSaver && threadIdx.x == 0) bulk_wait_read<0>();
      save(c - 1, Chunk - 1, false);
    }
    if (!HasSaver && s == 1 && c > 0 && saves && threadIdx.x == 0)
      chunks.template store<1>(c - 1, Chunk, 0);
    store_h(h_before, i, has_before);
    fetch(slot, s + kAhead < left);
    copy_commit();
    if (s == 0) open_chunk(c);
    fence_schedule(b[0][0].x);  // a pair of numbers, so not the word that ends a thread
    if (IsAsked && SourceWords<1>::is_first_of_word(i)) {
      u32 all = 0;
#pragma unroll
      for (int j = 0; j < kPairs; ++j) all |= sources[j].turn(p, sequence(j), i);
      any_anew = any_starts(all);
    }
    if (IsAsked && i % 4 == 3) {
      u32 beyond = 0;
#pragma unroll
      for (int j = 0; j < kPairs; ++j) beyond |= sources[j].ahead & 0xffu;
      any_beyond = any_starts(beyond);
    }
    if (IsAsked && any_anew) {
      restart(i);
      __syncwarp();
    }
#pragma unroll
    for (int j = 0; j < kPairs; ++j) {
      typename Cell::Step cell[2];
      const bool stands_still = IsAsked && sources[j].is(gpu::kNoStep, i);
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        typename Cell::Slots slots;
        typename Cell::States old;
#pragma unroll
        for (int k = 0; k < Cell::kSlots; ++k) {
          const int gate = Cell::recurrent_of_slot(k);
          slots.v[k] = gate < 0 ? alone[j][k][e] : sum[gate < 0 ? 0 : gate][j / 2][2 * e + j % 2];
        }
#pragma unroll
        for (int k = 0; k < Cell::kStates; ++k) old.v[k] = state[j][k][e];
        cell[e] = Cell::forward(slots, old);
#pragma unroll
        for (int k = 0; k < Cell::kStates; ++k) {
          state[j][k][e] = stands_still ? old.v[k] : cell[e].now.v[k];
        }
      }
      sts32(own + after + j / 2 * kTileBytes + j % 2 * kColumnBytes,
            pack(state[j][0][0], state[j][0][1]));
      saved[j].set(cell[0].saved, cell[1].saved);
#pragma unroll
      for (int k = 0; k < Cell::kKept; ++k)
        kept[j][k] = KeptPair::of(state[j][k + 1][0], state[j][k + 1][1]);
    }
    if (IsAsked && (any_anew || (i % 4 == 3 && any_beyond))) {
      put_initial(i, own + after);
      __syncwarp();
    }
  }

  // All steps. Whether there is another one is asked when its operands have been asked for: the
  // compiler puts nothing else of the step before that.
  __device__ __forceinline__ void steps(u32 own, u32 operand) {
    for (int c = 0, left = p.shape.time;; ++c, left -= Chunk) {
      const u32 slot = c * Chunk % kAhead * kStepBytes,
                other = (c + 1) * Chunk % kAhead * kStepBytes;
#pragma unroll
      for (int s = 0; s < Chunk; ++s) {
        const u32 now = s % 2 * kBufferBytes, after = (s + 1) % 2 * kBufferBytes;
        Operands b;
        warps_meet<kWarps>();
        look(operand + now, b);
        if (s >= left) return;
        step(b, c, s, left, now, after, slot + s * kStepBytes,
             s == Chunk - 1 ? other : slot + (s + 1) * kStepBytes, own);
      }
    }
  }

  __device__ __forceinline__ void run(unsigned char* shared) {
    warp = threadIdx.x / 32, lane = threadIdx.x % 32, q = lane % 4, row = lane / 4;
    const int group = p.first_group + blockIdx.x;
    n = group % p.shape.heads, b0 = gpu::first_sequence(group / p.shape.heads, Columns),
    u = warp * 16 + 2 * row;
    const u32 h_buffer = shared_address(shared), all_rows = h_buffer + 2 * kBufferBytes;
    chunks.set_up(p.shape, p.saved, Place{n, b0, 0}, all_rows + kAhead * kStepBytes);
    for (u32 i = threadIdx.x; i < (2 * kBufferBytes + kAhead * kStepBytes) / 4; i += kThreads)
      sts32(h_buffer + 4 * i, 0);
    if (HasSaver && threadIdx.x == 0) chunks.init_stores(kWarps);
    __syncthreads();
    if (HasSaver && warp == kWarps) {
      if (p.saved != nullptr && takes_part(lane)) chunks.store_all(lane);
      return;
    }
    const u32 rows = all_rows + warp * Tiles * kRowsBytes;
    piece = rows + Pieces::place(lane);
    word = rows + q * kWarpRowBytes + row * 4;
    start(h_buffer);
#pragma unroll
    for (int s = 0; s < kAhead; ++s) {
      fetch(s * kStepBytes, s < p.shape.time);
      copy_commit();
    }
    load_all_rows(p.r, n, u, u + 1, q * 8, p.shape.units, a);
    bias.load(p, n, u);
    const u32 own = h_buffer + operand_word(u, 2 * q), operand = h_buffer + operand_lane(lane);
#pragma unroll
    for (int j = 0; j < kPairs; ++j) {
#pragma unroll
      for (int k = 0; k < Cell::kStates; ++k)
        state[j][k][0] = state_at(p.initial_states, k, j, 0),
        state[j][k][1] = state_at(p.initial_states, k, j, 1);
      sts32(own + j / 2 * kTileBytes + j % 2 * kColumnBytes, pack(state[j][0][0], state[j][0][1]));
    }
    copy_wait<kAhead - 1>();
    __syncwarp();
    read(0);
    clear(sum);
    steps(own, operand);
    if (p.shape.time > 0) {
      store_h(lds128(h_piece + p.shape.time % 2 * kBufferBytes), p.shape.time, true);
      if (p.saved != nullptr) {
        const int c = (p.shape.time - 1) / Chunk, s = (p.shape.time - 1) % Chunk;
        save(c, s, true);
        warps_meet<kWarps>();
        if (!HasSaver && threadIdx.x == 0) {
          if (s == 0 && c > 0) chunks.template store<1>(c - 1, Chunk, 0);
          chunks.template store<1>(c, s + 1, 0);
          bulk_wait_all();
        }
      }
    }
    const View& v = p.last_states;
    if (v.data == nullptr) return;
#pragma unroll
    for (int j = 0; j < kPairs; ++j) {
      const int b = sequence(j);
      if (b >= p.shape.batch || u >= p.shape.units) continue;
#pragma unroll
      for (int k = 0; k < Cell::kStates; ++k) {
#pragma unroll
        for (int e = 0; e < 2; ++e) {
          store_state(v, k, b, n, u + e, state[j][k][e]);
        }
      }
    }
  }
};

}  // namespace flashrnn::cuda
