// SPDX-License-Identifier: Apache-2.0
// The updating threads of forward where several CTAs have a (head, batch tile): they add what the
// products give to the inputs, update the cell, publish h to every CTA of the group and leave what
// is written to the mover (mover.cuh).
//
// Products, which the threads meet at every step, are of two kinds (split_forward.cuh,
// whole_forward.cuh):
//   open(exchange, i)              the next steps are from i on, i a multiple of the chunk or of 4
//   meet(exchange, s, tile)        waits for the sums of the step s of those; by all threads
//   take(s, unit, position, sum)   those of one unit and sequence
//   taken(s, tile)                 that the thread has taken all that it will of those; of all of
//                                  them where it matters
//   kSkipsAbsent                   of sequences past the batch but the tile's first one, nobody
//                                  looks for h
#pragma once

#include "cuda/fused/exchange.cuh"
#include "cuda/fused/forward_element.cuh"
#include "cuda/fused/forward_pair.cuh"
#include "cuda/fused/mover_setup.cuh"
#include "cuda/fused/way.cuh"

namespace flashrnn::cuda {

// Columns: sequences of the batch tile, whose tiles of 8 (or the one of 4) go round one after the
// other. Sequences: of a tile, those of a thread on the short way. NeighbourLane: from a lane to
// the one that has the other unit of the pair.
template <typename Exchanged, int Units, int Columns, int Sequences, int Chunk, int NeighbourLane>
struct ForwardUpdate {
  static constexpr int kTiles = (Columns + 7) / 8, kOfTile = Columns / kTiles,
                       kApart =
                           gpu::sequence_step(Columns);  // from a column's sequence to the next
  static constexpr int kOfBlocks =
                           Units / 2 * gpu::kBlockSequences,  // pairs of a block's sequences
      kChunk = Chunk;
  static constexpr int kRowBytes = gpu::row_bytes(Units);
  static constexpr gpu::StageShape kIn = gpu::input_stage(kCounts, false, Units, Columns);
  static constexpr gpu::StageShape kOut = gpu::output_stage(kCounts, false, Units, Columns);
  using Element = ForwardElement<NeighbourLane>;

  const ForwardParams& p;
  const Exchanged& exchange;
  Place at;

  // The sums of a step, added to what the slots of a unit have without them.
  template <typename Products>
  static __device__ __forceinline__ void add_sums(const Products& products, int s, int unit,
                                                  int position, float (&g)[Cell::kSlots]) {
    float sum[Cell::kRecurrents];
    products.take(s, unit, position, sum);
#pragma unroll
    for (int k = 0; k < Cell::kSlots; ++k) {
      const int gate = Cell::recurrent_of_slot(k);
      if (gate >= 0) g[k] += sum[gate];
    }
  }

  // On the short way a thread has one unit, and one sequence of every tile or two neighbouring
  // ones. Element k of a tile:
  __device__ static constexpr int sequence_of(int tile, int k) { return tile * 8 + k; }
  __device__ static constexpr int further_of(int tile, int k) { return tile * 8 + k * 4; }
  __device__ static constexpr int place_of(int tile, int k) { return (2 * tile + k) * kOfBlocks; }

  // What is done where sequences start anew, seldom: short, not fast. Elements by their bits.
  __device__ __forceinline__ void restart(Element (&element)[kTiles][Sequences], u32 which, int b,
                                          int n, int u) const {
#pragma unroll 1
    for (int j = 0; j < kTiles * Sequences; ++j) {
      if ((which >> j & 1) == 0) continue;
      Element fresh;
      fresh.start(p, b + sequence_of(j / Sequences, j % Sequences), n, u);
#pragma unroll
      for (int i = 0; i < kTiles * Sequences; ++i) {
#pragma unroll
        for (int k = 0; k < Cell::kStates; ++k) {
          float& state = element[i / Sequences][i % Sequences].state[k];
          state = i == j ? fresh.state[k] : state;
        }
      }
    }
  }
  template <typename Targets>
  __device__ __forceinline__ void publish_initial(const Targets& to, int ahead, u32 which, int b,
                                                  int n, int even_unit) const {
#pragma unroll 1
    for (int j = 0; j < kTiles * Sequences; ++j) {
      if ((which >> j & 1) == 0) continue;
      const int tile = j / Sequences, k = j % Sequences;
      to.put(ahead, further_of(tile, k),
             Element::initial_operand(p, b + sequence_of(tile, k), n, even_unit));
    }
  }

  // A warp that has no sequence.
  template <typename S, typename Products>
  __device__ __forceinline__ void stand_by(const S& stages, Products& products) const {
    for (int c = 0; c * kChunk < p.shape.time; ++c) {
#pragma unroll
      for (int s = 0; s < kChunk; ++s) {
        if (c * kChunk + s < p.shape.time) products.meet(exchange, s, 0);
      }
      stages.tell_done(c);
    }
  }

  template <bool IsAsked, typename S, typename Products>
  __device__ __forceinline__ void run_short(const S& stages, int unit, int position,
                                            Products& products) {
    const int column = Exchanged::sequence_at(position), first = column * kApart, n = at.n,
              u = at.u0 + unit;
    const bool is_odd = unit % 2 != 0;
    if constexpr (Products::kSkipsAbsent) {
      if (!__any_sync(0xffffffffu, first == 0 || at.b0 + first < p.shape.batch)) {
        stand_by(stages, products);
        return;
      }
    }
    ElementBias bias;
    bias.load(p, n, u);
    Element element[kTiles][Sequences];
    SourceWords<1> sources[kTiles][Sequences];
    // Whether a sequence of the warp starts anew in the four steps at hand, and at the one after
    // them.
    bool any_anew = false, any_beyond = false;
    typename Exchanged::template Publisher<2> publisher;
    publisher.open(exchange, u / 2, position, is_odd);
    auto to = publisher.targets(0);
    const u32 word = column * kRowBytes + unit / 2 * 4,
              place = first % 2 * kOfBlocks + gpu::place_in_block(unit / 2, first);
#pragma unroll
    for (int tile = 0; tile < kTiles; ++tile) {
#pragma unroll
      for (int k = 0; k < Sequences; ++k) {
        element[tile][k].start(p, at.b0 + first + sequence_of(tile, k), n, u);
        if constexpr (IsAsked) sources[tile][k].open(p, at.b0 + first + sequence_of(tile, k), 0);
        to.publish(0, further_of(tile, k), element[tile][k].operand(is_odd));
      }
    }
    for (int c = 0; c * kChunk < p.shape.time; ++c) {
      stages.wait_ready(c);
      stages.wait_free(c);
      products.open(exchange, c * kChunk);
      const u32 in = stages.input(c) + word + is_odd * 2, out = stages.output(c);
#pragma unroll
      for (int s = 0; s < kChunk; ++s) {
        const int i = c * kChunk + s;
        if (i >= p.shape.time) break;
        u32 anew_next = 0;  // by bit, the thread's elements that start anew at the next step
        if constexpr (IsAsked) {
          const auto sequence = [&](int j) {
            return at.b0 + first + sequence_of(j / Sequences, j % Sequences);
          };
          constexpr int kElements = kTiles * Sequences;
          u32 anew_now = 0, all = 0, beyond = 0;
#pragma unroll
          for (int j = 0; j < kElements; ++j) {
            SourceWords<1>& one = sources[j / Sequences][j % Sequences];
            if (SourceWords<1>::is_first_of_word(i)) all |= one.turn(p, sequence(j), i);
            if (i % 4 == 3) beyond |= one.ahead & 0xffu;
          }
          if (SourceWords<1>::is_first_of_word(i)) any_anew = any_starts(all);
          if (i % 4 == 3) any_beyond = any_starts(beyond);
          if (any_anew || (i % 4 == 3 && any_beyond)) {
#pragma unroll
            for (int j = 0; j < kElements; ++j) {
              const SourceWords<1>& one = sources[j / Sequences][j % Sequences];
              anew_now |= u32(one.is(gpu::kInitialStates, i)) << j;
              anew_next |= u32(one.is_next(gpu::kInitialStates, i)) << j;
            }
            if (anew_now != 0) restart(element, anew_now, at.b0 + first, n, u);
            __syncwarp();
          }
        }
#pragma unroll
        for (int tile = 0; tile < kTiles; ++tile) {
          float g[Sequences][Cell::kSlots];
#pragma unroll
          for (int k = 0; k < Sequences; ++k) {
            u32 x[4];
#pragma unroll
            for (int gate = 0; gate < Cell::kInputs; ++gate) {
              x[gate] =
                  lds16(in + s * kIn.bytes() + (gate * Columns + sequence_of(tile, k)) * kRowBytes);
            }
            slot_inputs(x, bias, g[k]);
          }
          products.meet(exchange, s, tile);
#pragma unroll
          for (int k = 0; k < Sequences; ++k)
            add_sums(products, s, unit, position + further_of(tile, k), g[k]);
          products.taken(s, tile);
          u32 operand[Sequences];
#pragma unroll
          for (int k = 0; k < Sequences; ++k) {
            Element& e = element[tile][k];
            e.template advance<IsAsked>(p, g[k], IsAsked && sources[tile][k].is(gpu::kNoStep, i));
            operand[k] = e.operand(is_odd);
            // The last step of a chunk publishes to the first buffer of the next.
            meeting_point();
            if (!IsAsked || (anew_next >> (tile * Sequences + k) & 1) == 0)
              to.put((s + 1) % kChunk, further_of(tile, k), operand[k]);
          }
          const u32 o = out + s * kOut.bytes();
#pragma unroll
          for (int k = 0; k < Sequences; ++k) {
            if constexpr (IsAsked) {
              const bool stands_still = sources[tile][k].is(gpu::kNoStep, i);
              element[tile][k].store_states(p, at.b0 + first + sequence_of(tile, k), n, u, i,
                                            stands_still);
              if (stands_still) operand[k] = 0;
            }
            if (!is_odd)
              sts32(o + kOut.rows_at() + sequence_of(tile, k) * kRowBytes + word, operand[k]);
            const int pair = place + place_of(tile, k);
            if (p.saved != nullptr) {
              element[tile][k].stage_saved(o + pair * kSavedPairBytes,
                                           o + kOut.kept_at() + pair * kKeptPairBytes,
                                           kOut.kept_bytes(), is_odd);
            }
          }
        }
        if (IsAsked && (any_anew || (i % 4 == 3 && any_beyond))) {
          meeting_point();
          if (anew_next != 0)
            publish_initial(to, (s + 1) % kChunk, anew_next, at.b0 + first, n, u - is_odd);
          __syncwarp();
        }
        if (s == kChunk - 2) {
          to = publisher.targets(c * kChunk + kChunk);
          to.keep_ready();
        }
      }
      stages.tell_done(c);
    }
#pragma unroll
    for (int tile = 0; tile < kTiles; ++tile) {
#pragma unroll
      for (int k = 0; k < Sequences; ++k)
        element[tile][k].finish(p, at.b0 + first + sequence_of(tile, k), n, u);
    }
  }

  // On the long way a thread has a pair of units of one sequence of every tile; threads beyond
  // those have nothing but the barriers, which they meet where the others do, not elsewhere in the
  // program.
  static constexpr int kPairThreads = Units / 2 * kOfTile;

  template <typename Products>
  __device__ __forceinline__ void run_long(u32 ring, int index, Products& products) {
    const bool has_pair = index < kPairThreads;
    const int my_pair = index / kOfTile, column = index % kOfTile,
              position = Exchanged::position_of(column), u = at.u0 + my_pair * 2;
    const ForwardFacts facts(p);
    PairBias bias;
    bias.load(p, at.n, u);
    typename Exchanged::template Publisher<1> publisher;
    publisher.open(exchange, u / 2, position, 0);
    constexpr int kTileRing = kPairThreads * ForwardPair::kRingBytes, kStep = kTiles * kTileRing;
    const u32 slot = ring + index * ForwardPair::kRingBytes;
    ForwardPair pair[kTiles];
    if (has_pair) {
      for (int w = 0; w < 4 * kTiles * ForwardPair::kRingBytes; w += 4) {
        sts32(slot + w / ForwardPair::kRingBytes * kTileRing + w % ForwardPair::kRingBytes, 0);
      }
#pragma unroll
      for (int tile = 0; tile < kTiles; ++tile) {
        pair[tile].start(p, at.b0 + 8 * tile + column * kApart, at.n, u);
        publisher.targets(0).publish(0, 8 * tile,
                                     pack(pair[tile].state[0][0], pair[tile].state[0][1]));
      }
      for (int s = 0; s < 4; ++s) {
#pragma unroll
        for (int tile = 0; tile < kTiles; ++tile) {
          if (s < p.shape.time) pair[tile].fetch(p, facts, slot + s * kStep + tile * kTileRing);
        }
        copy_commit();
      }
    }
    for (int i = 0; i < p.shape.time; ++i) {
      const int s = i % 4;
      copy_wait<3>();
      products.open(exchange, i - s);
      const auto to = publisher.targets(i + 1);
#pragma unroll
      for (int tile = 0; tile < kTiles; ++tile) {
        u32 x[4];
        float g[Cell::kSlots][2];
        if (has_pair) {
          pair[tile].read(p, i, slot + s * kStep + tile * kTileRing, x);
          pair[tile].restart(p);
          slot_inputs(x, bias, g);
        }
        products.meet(exchange, s, tile);
        if (!has_pair) continue;
          // One after the other, for want of registers.
#pragma unroll 1
        for (int e = 0; e < 2; ++e) {
          float one[Cell::kSlots];
#pragma unroll
          for (int k = 0; k < Cell::kSlots; ++k) one[k] = e == 0 ? g[k][0] : g[k][1];
          add_sums(products, s, 2 * my_pair + e, 8 * tile + position, one);
#pragma unroll
          for (int k = 0; k < Cell::kSlots; ++k) {
            g[k][0] = e == 0 ? one[k] : g[k][0];
            g[k][1] = e == 0 ? g[k][1] : one[k];
          }
        }
        products.taken(s, tile);
        to.publish(0, 8 * tile, pair[tile].advance(p, g));
      }
      if (!has_pair) continue;
      barrier_sync<kPairThreads>(1);
      exchange.clear(i - 1, index, kPairThreads);
      exchange.clear_fence();
#pragma unroll
      for (int tile = 0; tile < kTiles; ++tile) {
        pair[tile].store(p, facts, i);
        if (i + 4 < p.shape.time) pair[tile].fetch(p, facts, slot + s * kStep + tile * kTileRing);
      }
      copy_commit();
    }
    if (!has_pair) return;
#pragma unroll
    for (int tile = 0; tile < kTiles; ++tile) pair[tile].finish(p);
  }
};

}  // namespace flashrnn::cuda
