// SPDX-License-Identifier: Apache-2.0
// Forward with several CTAs a (head, batch tile), each the owner of some units. Within a CTA the
// depth of the product is split over the multiplying warps; each waits for just its own slice of h,
// straight into its B operands, and hands its partial sums to the updating warps, which add them in
// a fixed order, update the cell and publish h to every CTA of the group. A last warp moves tensors
// (mover.cuh).
//
// Words are their own flags: a buffer of h is full of 0xffffffff, which no pair of numbers is,
// until the words arrive. There are kBuffers of them, for the steps modulo kBuffers, emptied a
// chunk of steps after they were read; docs/cuda-ordering.md has the argument.
#pragma once

#include "cuda/fused/exchange.cuh"
#include "cuda/fused/forward_element.cuh"
#include "cuda/fused/forward_pair.cuh"
#include "cuda/fused/mover_setup.cuh"
#include "cuda/fused/operand.cuh"
#include "cuda/fused/way.cuh"
#include "gpu/fused/geometry.hpp"

namespace flashrnn::cuda {

// Sequences: of 8, those of an updating thread. HeldDepth: operands of which a multiplying warp has
// the weights in registers, not in shared memory.
template <int Family, int D, int Units, int DepthWarps, int Tiles, int Sequences, int Chunk,
          int HeldDepth>
struct SplitForward {
  static constexpr int kRanks = D / Units, kBlocks = Units / 16, kColumns = 8 * Tiles;
  static constexpr int kMultipliers = DepthWarps * kBlocks, kUpdaters = Units * 8 / Sequences,
                       kUpdaterWarps = kUpdaters / 32;
  static constexpr int kThreads =
      kMultipliers * 32 + kUpdaters;  // that meet at the barriers of the partial sums
  static constexpr int kDepth = D / 32 / DepthWarps;  // B operands of 32 units, of each warp
  static constexpr int kGates = Cell::kRecurrents;
  static constexpr int kSharedDepth = kDepth - HeldDepth,
                       kWeightBytes = kSharedDepth * kGates * 1024 * kMultipliers;
  static constexpr int kRowBytes = gpu::row_bytes(Units);
  static constexpr gpu::StageShape kIn = gpu::input_stage(kCounts, false, Units, kColumns);
  static constexpr gpu::StageShape kOut = gpu::output_stage(kCounts, false, Units, kColumns);
  static constexpr int kChunk = Chunk;
  using SplitStages = Stages<kChunk, kIn.bytes(), kOut.bytes()>;
  using Exchanged = HExchange<Family, D, Tiles, kRanks, Units, 4 * Chunk>;
  using Sums = PartialSums<kGates, Units, kColumns, DepthWarps>;
  static_assert(D % (32 * DepthWarps) == 0 && D % Units == 0 && Units % 16 == 0);

  const ForwardParams& p;
  Exchanged exchange;
  u32 sums, weights;
  Place at;

  // ---- the multiplying warps ----
  __device__ __forceinline__ void multiply(int warp, int lane) {
    const int slice = warp % DepthWarps, block = warp / DepthWarps, q = lane % 4, row = lane / 4;
    u32 a[kGates][HeldDepth][2][4];
    const u32 apart = weights + warp * (kSharedDepth * kGates * 1024) + lane * 16;
#pragma unroll
    for (int g = 0; g < kGates; ++g) {
      const int u = at.u0 + block * 16 + row;
#pragma unroll
      for (int d = 0; d < HeldDepth; ++d) {
        load_rows(p.r, g, at.n, u, u + 8, (slice * kDepth + d) * 32 + q * 8, p.shape.units,
                  a[g][d]);
      }
#pragma unroll 1
      for (int d = 0; d < kSharedDepth; ++d) {
        u32 w[2][4];
        load_rows(p.r, g, at.n, u, u + 8, (slice * kDepth + HeldDepth + d) * 32 + q * 8,
                  p.shape.units, w);
        for (int half = 0; half < 2; ++half) {
          sts128(apart + ((d * 2 + half) * kGates + g) * 512, w[half][0], w[half][1], w[half][2],
                 w[half][3]);
        }
      }
    }
    const u32 mine = sums + Sums::store_place(slice, block, row, q);
    Pacer<Family> pacer[Tiles];
    for (int i0 = 0; i0 < p.shape.time; i0 += 4) {
      const u32 from = exchange.first_of(i0);
#pragma unroll
      for (int s = 0; s < 4; ++s) {
        if (i0 + s >= p.shape.time) break;
#pragma unroll
        for (int tile = 0; tile < Tiles; ++tile) {
          float sum[kGates][1][4];
          clear(sum);
          uint4 b[kDepth];
          exchange.template wait<kDepth>(from, s, tile, slice * kDepth, lane, pacer[tile], b);
          multiply_held(sum, a, b);
          multiply_apart<HeldDepth>(sum, apart, b);
#pragma unroll
          for (int h = 0; h < 4; ++h) {
            float gates[kGates];
#pragma unroll
            for (int g = 0; g < kGates; ++g) gates[g] = sum[g][0][h];
            Sums::store(mine + s % 2 * Sums::kBytes + Sums::store_step(tile, h), gates);
          }
          barrier_arrive<kThreads>(barrier_of(s, tile));
          pacer[tile].start();
        }
      }
    }
  }
  // That a tile's sums of a step are there.
  static __device__ __forceinline__ int barrier_of(int step, int tile) {
    return 2 + step % 2 + 2 * tile;
  }

  // ---- the updating warps ----
  // The sums of a step, added to what the slots of a unit have without them.
  __device__ __forceinline__ void add_sums(u32 at_sums, int s, float (&g)[Cell::kSlots]) const {
    float sum[kGates];
    Sums::load(at_sums + s % 2 * Sums::kBytes, sum);
#pragma unroll
    for (int k = 0; k < Cell::kSlots; ++k) {
      const int gate = Cell::recurrent_of_slot(k);
      if (gate >= 0) g[k] += sum[gate];
    }
  }

  // On the short way a thread has one unit, and one sequence of every tile or two neighbouring
  // ones. A warp has 16 units and two positions. Element k of a tile:
  __device__ static constexpr int sequence_of(int tile, int k) { return tile * 8 + k; }
  __device__ static constexpr int further_of(int tile, int k) { return tile * 8 + k * 4; }
  __device__ static constexpr int place_of(int tile, int k) {
    return tile * kBlocks * gpu::kBlockPairs + gpu::place_in_block(0, k);
  }

  // What is done where sequences start anew, seldom: short, not fast. Elements by their bits.
  __device__ __forceinline__ void restart(ForwardElement (&element)[Tiles][Sequences], u32 which,
                                          int b, int n, int u) const {
#pragma unroll 1
    for (int j = 0; j < Tiles * Sequences; ++j) {
      if ((which >> j & 1) == 0) continue;
      ForwardElement fresh;
      fresh.start(p, b + sequence_of(j / Sequences, j % Sequences), n, u);
#pragma unroll
      for (int i = 0; i < Tiles * Sequences; ++i) {
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
    for (int j = 0; j < Tiles * Sequences; ++j) {
      if ((which >> j & 1) == 0) continue;
      const int tile = j / Sequences, k = j % Sequences;
      to.put(ahead, further_of(tile, k),
             ForwardElement::initial_operand(p, b + sequence_of(tile, k), n, even_unit));
    }
  }

  template <bool IsAsked>
  __device__ __forceinline__ void update_short(const SplitStages& stages, int index) {
    constexpr int kOfBlock = 128 / Sequences;  // threads that have the same 16 units
    const int unit = index / kOfBlock * 16 + index % 16, position = index % kOfBlock / 16,
              first = sequence_at(position), n = at.n, u = at.u0 + unit;
    const bool is_odd = unit % 2 != 0;
    ElementBias bias;
    bias.load(p, n, u);
    ForwardElement element[Tiles][Sequences];
    SourceWords<1> sources[Tiles][Sequences];
    // Whether a sequence of the warp starts anew in the four steps at hand, and at the one after
    // them.
    bool any_anew = false, any_beyond = false;
    HPublisher<Exchanged, 2> publisher;
    publisher.open(exchange, u / 2, position, is_odd);
    auto to = publisher.targets(0);
    const u32 at_sums = sums + Sums::load_place(unit, position),
              word = first * kRowBytes + unit / 2 * 4,
              place = unit / 16 * gpu::kBlockPairs + gpu::place_in_block(unit % 16 / 2, first);
#pragma unroll
    for (int tile = 0; tile < Tiles; ++tile) {
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
          constexpr int kElements = Tiles * Sequences;
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
        for (int tile = 0; tile < Tiles; ++tile) {
          float g[Sequences][Cell::kSlots];
#pragma unroll
          for (int k = 0; k < Sequences; ++k) {
            u32 x[4];
#pragma unroll
            for (int gate = 0; gate < Cell::kInputs; ++gate) {
              x[gate] = lds16(in + s * kIn.bytes() +
                              (gate * kColumns + sequence_of(tile, k)) * kRowBytes);
            }
            slot_inputs(x, bias, g[k]);
          }
          barrier_sync<kThreads>(barrier_of(s, tile));
          u32 operand[Sequences];
#pragma unroll
          for (int k = 0; k < Sequences; ++k) {
            ForwardElement& e = element[tile][k];
            add_sums(at_sums + further_of(tile, k) * Sums::kColumn, s, g[k]);
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
              element[tile][k].stage_saved(o + pair * (4 * Cell::kSaved),
                                           o + kOut.kept_at() + pair * 8, kOut.kept_bytes(),
                                           is_odd);
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
    for (int tile = 0; tile < Tiles; ++tile) {
#pragma unroll
      for (int k = 0; k < Sequences; ++k)
        element[tile][k].finish(p, at.b0 + first + sequence_of(tile, k), n, u);
    }
  }

  // On the long way a thread has a pair of units of one sequence of every tile; threads beyond
  // those have nothing but the barriers, which they meet where the others do, not elsewhere in the
  // program.
  static constexpr int kPairThreads = Units * 4;
  static_assert(kPairThreads <= kUpdaters);

  __device__ __forceinline__ void update_general(u32 ring, int index) {
    const bool has_pair = index < kPairThreads;
    const int my_pair = index / gpu::kBlockPairs * 8 + index % gpu::kBlockPairs / 8,
              column = index % 8, position = position_of(column), u = at.u0 + my_pair * 2;
    const ForwardFacts facts(p);
    PairBias bias;
    bias.load(p, at.n, u);
    HPublisher<Exchanged, 1> publisher;
    publisher.open(exchange, u / 2, position, 0);
    constexpr int kTileRing = kPairThreads * ForwardPair::kRingBytes, kStep = Tiles * kTileRing;
    const u32 slot = ring + index * ForwardPair::kRingBytes;
    ForwardPair pair[Tiles];
    if (has_pair) {
      for (int w = 0; w < 4 * Tiles * ForwardPair::kRingBytes; w += 4) {
        sts32(slot + w / ForwardPair::kRingBytes * kTileRing + w % ForwardPair::kRingBytes, 0);
      }
#pragma unroll
      for (int tile = 0; tile < Tiles; ++tile) {
        pair[tile].start(p, at.b0 + 8 * tile + column, at.n, u);
        publisher.targets(0).publish(0, 8 * tile,
                                     pack(pair[tile].state[0][0], pair[tile].state[0][1]));
      }
      for (int s = 0; s < 4; ++s) {
#pragma unroll
        for (int tile = 0; tile < Tiles; ++tile) {
          if (s < p.shape.time) pair[tile].fetch(p, facts, slot + s * kStep + tile * kTileRing);
        }
        copy_commit();
      }
    }
    for (int i = 0; i < p.shape.time; ++i) {
      const int s = i % 4;
      copy_wait<3>();
      const auto to = publisher.targets(i + 1);
#pragma unroll
      for (int tile = 0; tile < Tiles; ++tile) {
        u32 x[4];
        float g[Cell::kSlots][2];
        if (has_pair) {
          pair[tile].read(p, i, slot + s * kStep + tile * kTileRing, x);
          pair[tile].restart(p);
          slot_inputs(x, bias, g);
        }
        barrier_sync<kThreads>(barrier_of(s, tile));
        if (!has_pair) continue;
#pragma unroll
        for (int e = 0; e < 2; ++e) {
          float one[Cell::kSlots];
#pragma unroll
          for (int k = 0; k < Cell::kSlots; ++k) one[k] = g[k][e];
          add_sums(sums + Sums::load_place(2 * my_pair + e, 8 * tile + position), s, one);
#pragma unroll
          for (int k = 0; k < Cell::kSlots; ++k) g[k][e] = one[k];
        }
        to.publish(0, 8 * tile, pair[tile].advance(p, g));
      }
      if (!has_pair) continue;
      barrier_sync<kPairThreads>(1);
      exchange.clear(i - 1, index, kPairThreads);
#pragma unroll
      for (int tile = 0; tile < Tiles; ++tile) {
        pair[tile].store(p, facts, i);
        if (i + 4 < p.shape.time) pair[tile].fetch(p, facts, slot + s * kStep + tile * kTileRing);
      }
      copy_commit();
    }
    if (!has_pair) return;
#pragma unroll
    for (int tile = 0; tile < Tiles; ++tile) pair[tile].finish(p);
  }

  __device__ __forceinline__ void run(unsigned char* shared, Way way) {
    const int group = p.first_group + blockIdx.x / kRanks, rank = blockIdx.x % kRanks;
    at = Place{group % p.shape.heads, group / p.shape.heads * kColumns, rank * Units};
    const u32 base = shared_address(shared);
    sums = base;
    exchange.set_up(p.exchange, group, base + 2 * Sums::kBytes, rank);
    weights = base + 2 * Sums::kBytes + Exchanged::kSharedBytes;
    const u32 rest = weights + kWeightBytes;
    SplitStages stages;
    stages.set_up(rest);
    const int warp = warp_number(), lane = threadIdx.x % 32;
    exchange.clear_all(kThreads + 32);
    // The long way's ring lies where the stages are.
    if (threadIdx.x == 0 && way != Way::kLong) stages.init(kUpdaterWarps, false);
    if (way != Way::kLong && at.u0 + Units > p.shape.units) stages.clear_inputs(kThreads + 32);
    exchange.sync_group();
    if (warp < kMultipliers) {
      multiply(warp, lane);
    } else if (warp == kMultipliers + kUpdaterWarps) {
      if (way != Way::kLong) {
        Mover<false, Units, kColumns> mover;
        set_up(mover, p, at, lane);
        mover.run(stages, p.shape.time, 0, lane, [&](int c) {
          // The last chunk may end early, and what follows was not read by all.
          for (int i = c * kChunk; i < min((c + 1) * kChunk, p.shape.time); ++i)
            exchange.clear(i - Exchanged::kClearLag, lane, 32);
          exchange.clear_fence();
        });
      }
    } else if (way == Way::kPlain) {
      update_short<false>(stages, threadIdx.x - kMultipliers * 32);
    } else if (way == Way::kAsked) {
      update_short<true>(stages, threadIdx.x - kMultipliers * 32);
    } else {
      update_general(rest, threadIdx.x - kMultipliers * 32);
    }
    exchange.leave_group();
  }
};

}  // namespace flashrnn::cuda
