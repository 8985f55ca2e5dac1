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

#include "cuda/fused/forward_update.cuh"
#include "cuda/fused/mixed_exchange.cuh"
#include "cuda/fused/operand.cuh"
#include "gpu/fused/geometry.hpp"

namespace flashrnn::cuda {

template <bool IsFirst, typename First, typename Second>
struct Either {
  using Type = First;
};
template <typename First, typename Second>
struct Either<false, First, Second> {
  using Type = Second;
};

// Cluster: CTAs of a cluster where several clusters have a batch tile (mixed_exchange.cuh).
// Sequences: of 8, those of an updating thread. HeldDepth: operands of which a multiplying warp has
// the weights in registers, not in shared memory. ExtraWarps: the one that moves, and idle ones
// beside it where those that multiply take registers of theirs, and, with 24 units or looking
// ahead, of those that update.
// LooksAhead: a multiplying warp looks for a tile's words before it multiplies those of the tile
// before. PrefetchesInputs: mover.cuh.
template <int Family, int D, int Units, int Cluster, int DepthWarps, int Tiles, int Sequences,
          int ExtraWarps, int Chunk, int HeldDepth, int SumBuffers, bool IsTrusting,
          bool TakesRegisters, bool LooksAhead, bool PrefetchesInputs>
struct SplitForward {
  // A multiplying warp has 16 of the units, and each gate a tile of their rows; or all of 24, whose
  // octets and gates follow one another in its tiles, half a tile each.
  static constexpr bool kIsByOctets = Units % 16 != 0;
  static constexpr int kGates = Cell::kRecurrents, kOctets = kIsByOctets ? Units / 8 : 2,
                       kRowTiles = kIsByOctets ? (kOctets * kGates + 1) / 2 : kGates;
  static constexpr int kRanks = D / Units, kBlocks = Units / (8 * kOctets), kColumns = 8 * Tiles;
  static constexpr int kMultipliers = DepthWarps * kBlocks, kUpdaters = Units * 8 / Sequences,
                       kUpdaterWarps = kUpdaters / 32;
  static constexpr int kThreads =
      kMultipliers * 32 + kUpdaters;  // that meet at the barriers of the partial sums
  static constexpr int kAllThreads = kThreads + ExtraWarps * 32;
  // Registers of a thread where some take those of others (at first all have the same).
  static constexpr bool kUpdatersGive = kIsByOctets || LooksAhead;
  static constexpr int kGiving = kUpdatersGive ? ExtraWarps + kUpdaterWarps : ExtraWarps,
                       kAtFirst = 65536 / kAllThreads / 8 * 8,
                       kGiven = !kUpdatersGive ? 40
                                : kGiving == 4 ? 120
                                               : 104,
                       kMultiplying = !kUpdatersGive ? 168
                                      : kGiving == 4 ? 192
                                                     : 152;
  // Where there are few warps, all have as many from the beginning.
  static constexpr bool kExchangesRegisters = TakesRegisters && kAtFirst < kMultiplying;
  static_assert(!kExchangesRegisters ||
                (kGiving % 4 == 0 && kMultipliers % 4 == 0 && kGiven <= kAtFirst &&
                 kMultipliers * kMultiplying + kGiving * kGiven <=
                     (kMultipliers + kGiving) * kAtFirst));
  static constexpr int kDepth = D / 32 / DepthWarps;  // B operands of 32 units, of each warp
  // Through L2 operands come one after the other; of several tiles they have come meanwhile. (Of
  // several clusters, first those of the own one.)
  static constexpr int kOnTrust = Family == gpu::kGlobal && Tiles == 1 ? 1 : kDepth;
  // Several clusters have a batch tile.
  static constexpr bool kIsMixed = Family == gpu::kGlobal && Cluster > 1;
  static constexpr int kSharedDepth = kDepth - HeldDepth,
                       kWeightBytes = kSharedDepth * kRowTiles * 1024 * kMultipliers;
  static constexpr int kChunk = Chunk;
  using Exchanged =
      typename Either<kIsMixed, MixedExchange<D, kRanks, Units, 4 * Chunk, Cluster, DepthWarps>,
                      HExchange<Family, D, Tiles, kRanks, Units, 4 * Chunk, 0>>::Type;
  using Word = typename Exchanged::Word;
  static_assert(!kIsMixed || (IsTrusting && Tiles == 1));
  using Sums = PartialSums<kGates, Units, kColumns, DepthWarps>;
  using Update = ForwardUpdate<Exchanged, Units, 8 * Tiles, Sequences, Chunk, 1>;
  using SplitStages = Stages<kChunk, Update::kIn.bytes(), Update::kOut.bytes()>;
  static_assert(SumBuffers == 1 ? Update::kPairThreads == kUpdaters
                                : Update::kPairThreads <= kUpdaters);
  // Of the only tile, sequences past the batch are not looked for (who would takes the first one
  // instead), nor are their sums handed over, nor does a warp update that has no other. So small
  // batches have fewer words on their way. (Where weights take more registers there are none for
  // it.)
  static constexpr bool kSkipsAbsent = Tiles == 1 && IsTrusting;
  static_assert(D % (32 * DepthWarps) == 0 && D % Units == 0 && Units % 8 == 0);
  static_assert(!kIsByOctets || HeldDepth == kDepth);

  const ForwardParams& p;
  Exchanged exchange;
  u32 sums, weights;
  Place at;

  // ---- the multiplying warps ----
  __device__ __forceinline__ void multiply(int warp, int lane) {
    const int slice = warp % DepthWarps, block = warp / DepthWarps, q = lane % 4, row = lane / 4;
    u32 a[kRowTiles][HeldDepth][2][4];
    const u32 apart = weights + warp * (kSharedDepth * kRowTiles * 1024) + lane * 16;
    read_weights(p.r, at.n, p.shape.units, [&](const auto& rows) {
      const int u = at.u0 + block * 16 + row;
      const auto in = [&](int d) {
        return exchange.template operand_number<kDepth>(slice, d) * 32 + q * 8;
      };
#pragma unroll
      for (int g = 0; g < kRowTiles; ++g) {
#pragma unroll
        for (int d = 0; d < HeldDepth; ++d)
          load_two_rows(rows, gate_of(g, 0), u + 8 * octet_of(g, 0), gate_of(g, 1),
                        u + 8 * octet_of(g, 1), in(d), a[g][d]);
      }
#pragma unroll 1
      for (int d = 0; d < kSharedDepth; ++d) {
        // Two gates at once: for more there are no registers.
#pragma unroll
        for (int g0 = 0; g0 < kRowTiles; g0 += 2) {
          u32 w[2][2][4];
#pragma unroll
          for (int g = g0; g < g0 + 2 && g < kRowTiles; ++g)
            load_rows(rows, g, u, u + 8, in(HeldDepth + d), w[g - g0]);
#pragma unroll
          for (int g = g0; g < g0 + 2 && g < kRowTiles; ++g) {
#pragma unroll
            for (int half = 0; half < 2; ++half)
              sts128(apart + ((d * 2 + half) * kRowTiles + g) * 512, w[g - g0][half][0],
                     w[g - g0][half][1], w[g - g0][half][2], w[g - g0][half][3]);
          }
        }
      }
    });
    const auto is_there = [&](int position) {
      return !kSkipsAbsent || at.b0 + Exchanged::sequence_at(position) < p.shape.batch;
    };
    const bool is_stored[2] = {is_there(2 * q), is_there(2 * q + 1)};
    const int reader = is_there(lane / 4) ? lane : lane % 4;
    const u32 mine = sums + Sums::store_place(slice, block, row, q);
    Pacer<Family, Tiles> pacer[Tiles];
    const auto words_of = [&](typename Exchanged::From from, int step, int tile) {
      return exchange.template operands_of<kDepth>(from, step, tile, slice, reader);
    };
    uint4 looked[2][kDepth];  // looking ahead: of a tile, and of the next
    if constexpr (LooksAhead) look<0, kDepth>(words_of(exchange.first_of(0), 0, 0), looked[0]);
    for (int i0 = 0; i0 < p.shape.time; i0 += 4) {
      const auto from = exchange.first_of(i0);
#pragma unroll
      for (int s = 0; s < 4; ++s) {
        if (i0 + s >= p.shape.time) break;
#pragma unroll
        for (int tile = 0; tile < Tiles; ++tile) {
          auto here = from;
          if constexpr (!IsTrusting) keep(here);  // addresses only while they are needed
          const Word word = words_of(here, s, tile);
          float sum[kRowTiles][1][4];
          if constexpr (LooksAhead) {
            uint4(&b)[kDepth] = looked[tile % 2];
            meeting_point();
            while (is_any_empty(largest_from<0, kDepth>(b))) look_again<0, kDepth>(word, b);
            meeting_point();
            // After the last step, too: nobody looks at what it finds.
            look<0, kDepth>(tile + 1 < Tiles ? words_of(here, s, tile + 1)
                            : s < 3          ? words_of(here, s + 1, 0)
                                             : words_of(exchange.first_of(i0 + 4), 0, 0),
                            looked[(tile + 1) % 2]);
            clear(sum);
            multiply_held<0, kDepth>(sum, a, b);
          } else {
            multiply_step(word, a, apart, pacer[tile], sum);
          }
          if constexpr (SumBuffers == 1) {
            if (i0 + s > 0) barrier_sync<kThreads>(barrier_of_taken(tile));
          }
#pragma unroll
          for (int h = 0; h < 2 * kOctets; ++h) {
            const int octet = h / 2, column = h % 2;
            float gates[kGates];
#pragma unroll
            for (int g = 0; g < kGates; ++g) gates[g] = of_gate(sum, octet, g, column);
            if (is_stored[column])
              Sums::store(mine + sums_of(s) + Sums::store_step(tile, octet, column), gates);
          }
          barrier_arrive<kThreads>(barrier_of(s, tile));
          pacer[tile].start();
        }
      }
    }
  }
  // What the first (0) or second half of a tile of rows has: -1, no gate.
  static __device__ constexpr int gate_of(int tile, int half) {
    if (!kIsByOctets) return tile;
    return 2 * tile + half < kOctets * kGates ? (2 * tile + half) % kGates : -1;
  }
  static __device__ constexpr int octet_of(int tile, int half) {
    return kIsByOctets ? (2 * tile + half) / kGates : half;
  }
  static __device__ __forceinline__ float of_gate(const float (&sum)[kRowTiles][1][4], int octet,
                                                  int gate, int column) {
    const int number = octet * kGates + gate;
    return kIsByOctets ? sum[number / 2][0][number % 2 * 2 + column]
                       : sum[gate][0][octet * 2 + column];
  }
  // The products of a tile's operands of a step, which the buffers have at `word`.
  __device__ __forceinline__ void multiply_step(Word word,
                                                const u32 (&a)[kRowTiles][HeldDepth][2][4],
                                                u32 apart, Pacer<Family, Tiles>& pacer,
                                                float (&sum)[kRowTiles][1][4]) const {
    uint4 b[kDepth];
    meeting_point();
    if constexpr (kIsMixed) {
      constexpr int kNear = Exchanged::kNearDepth;
      pacer.hold();
      look<kNear, kDepth>(word, b);
      meeting_point();
      // What comes from the own cluster has come by now, or does while the others' is looked for.
      look<0, kNear>(word, b);
      multiply_from<0, kNear>(word, a, b, sum);
      pacer.learn(multiply_from<kNear, kDepth>(word, a, b, sum));
    } else if constexpr (IsTrusting) {
      pacer.hold();
      look<0, kDepth>(word, b);
      pacer.learn(multiply_from<0, kDepth>(word, a, b, sum));
    } else {
      pacer.hold();
      look<0, kDepth>(word, b);
      bool was_early = false;
      while (is_any_empty(largest_from<0, kDepth>(b))) {
        was_early = true;
        look_again<0, kDepth>(word, b);
      }
      pacer.learn(was_early);
      clear(sum);
      multiply_held<0, kDepth>(sum, a, b);
      multiply_apart<HeldDepth>(sum, apart, b);
    }
  }
  template <int First, int End>
  __device__ __forceinline__ void look(Word word, uint4 (&b)[kDepth]) const {
#pragma unroll
    for (int d = First; d < End; ++d) b[d] = exchange.operand(word, d);
  }
  template <int First, int End>
  __device__ __forceinline__ void look_again(Word word, uint4 (&b)[kDepth]) const {
#pragma unroll
    for (int d = First; d < End; ++d) exchange.look_again(word, d, b[d]);
  }
  template <int First, int End>
  static __device__ __forceinline__ u32 largest_from(const uint4 (&b)[kDepth]) {
    u32 largest = 0;
#pragma unroll
    for (int d = First; d < End; ++d) largest = max(largest, largest_of(b[d]));
    return largest;
  }
  // Adds the products of the operands First to End, kOnTrust at a time, in a fixed order. They are
  // multiplied while they are looked at: if they were not there, once more. Gives whether anything
  // had to be looked for again.
  template <int First, int End>
  __device__ __forceinline__ bool multiply_from(Word word,
                                                const u32 (&a)[kRowTiles][HeldDepth][2][4],
                                                uint4 (&b)[kDepth],
                                                float (&sum)[kRowTiles][1][4]) const {
    constexpr int kNext = First + kOnTrust < End ? First + kOnTrust : End;
    float before[kRowTiles][4];
#pragma unroll
    for (int g = 0; g < kRowTiles; ++g) copy(before[g], sum[g][0]);
    bool was_early = false;
    while (true) {
      const bool has_all = !is_any_empty(largest_from<First, kNext>(b));
      if constexpr (First == 0) {
        clear(sum);
      } else {
#pragma unroll
        for (int g = 0; g < kRowTiles; ++g) copy(sum[g][0], before[g]);
      }
      multiply_held<First, kNext>(sum, a, b);
      if (has_all) break;
      was_early = true;
      look_again<First, End>(word, b);
    }
    if constexpr (kNext < End) was_early |= multiply_from<kNext, End>(word, a, b, sum);
    return was_early;
  }
  // That a tile's sums of a step are there; where those of the next step have the same place, that
  // they have been taken. (An mbarrier, for which multiplying warps need not wait together, is
  // slower by a tenth to a quarter.)
  static __device__ __forceinline__ int barrier_of(int step, int tile) {
    return 2 + step % 2 + 2 * tile;
  }
  static __device__ __forceinline__ int barrier_of_taken(int tile) { return 10 + tile; }
  static __device__ __forceinline__ u32 sums_of(int step) {
    return SumBuffers == 2 ? step % 2 * Sums::kBytes : 0;
  }

  // The products as the updating threads meet them.
  struct Products {
    static constexpr bool kSkipsAbsent = SplitForward::kSkipsAbsent;
    u32 sums;

    __device__ __forceinline__ void open(const Exchanged&, int) const {}
    __device__ __forceinline__ void meet(const Exchanged&, int s, int tile) const {
      barrier_sync<kThreads>(barrier_of(s, tile));
    }
    __device__ __forceinline__ void take(int s, int unit, int position,
                                         float (&sum)[kGates]) const {
      Sums::load(sums + Sums::load_place(unit, position) + sums_of(s), sum);
    }
    __device__ __forceinline__ void taken(int, int tile) const {
      if constexpr (SumBuffers == 1) {
        meeting_point();
        barrier_arrive<kThreads>(barrier_of_taken(tile));
      }
    }
  };

  __device__ __forceinline__ void run(unsigned char* shared, Way way) {
    const int group = p.first_group + blockIdx.x / kRanks, rank = blockIdx.x % kRanks;
    at = Place{group % p.shape.heads, group / p.shape.heads * kColumns, rank * Units};
    const u32 base = shared_address(shared);
    sums = base;
    exchange.set_up(p.exchange, group, base + SumBuffers * Sums::kBytes, rank);
    weights = base + SumBuffers * Sums::kBytes + Exchanged::kSharedBytes;
    const u32 rest = weights + kWeightBytes;
    SplitStages stages;
    stages.set_up(rest);
    const int warp = warp_number(), lane = threadIdx.x % 32;
    exchange.clear_all(kAllThreads);
    // The long way's ring lies where the stages are.
    if (threadIdx.x == 0 && way != Way::kLong) stages.init(kUpdaterWarps, false);
    const bool lacks_some = kSkipsAbsent && at.b0 + kColumns > p.shape.batch;
    if (lacks_some) {
      for (int i = threadIdx.x * 16; i < SumBuffers * Sums::kBytes; i += kAllThreads * 16)
        sts128(sums + i, 0, 0, 0, 0);
    }
    if (way != Way::kLong && (lacks_some || at.u0 + Units > p.shape.units))
      stages.clear(kAllThreads);
    exchange.sync_group();
    if (warp < kMultipliers) {
      if constexpr (kExchangesRegisters) take_registers<kMultiplying>();
      multiply(warp, lane);
    } else {
      // By whole warpgroups from one place of the program.
      const bool is_extra = warp >= kMultipliers + kUpdaterWarps;
      if constexpr (kExchangesRegisters) {
        if (kUpdatersGive || is_extra) give_registers<kGiven>();
      }
      if (is_extra) {
        if (warp == kMultipliers + kUpdaterWarps && way != Way::kLong) {
          Mover<false, Units, kColumns, PrefetchesInputs> mover;
          set_up(mover, p, at, rank, kRanks, lane);
          mover.run(
              stages, p.shape.time, 0, lane,
              [&](int c) {
                // The last chunk may end early, and what follows was not read by all.
                for (int i = c * kChunk; i < min((c + 1) * kChunk, p.shape.time); ++i)
                  exchange.clear(i - Exchanged::kClearLag, lane, 32);
                exchange.clear_fence();
              },
              [](int, int) {});
        }
      } else {
        // Of the threads that have the same 16 units, or the same octet, a warp has all, and two
        // positions, or four.
        constexpr int kSame = kIsByOctets ? 8 : 16, kOfBlock = 8 * kSame / Sequences;
        const int index = threadIdx.x - kMultipliers * 32,
                  unit = index / kOfBlock * kSame + index % kSame,
                  position = index % kOfBlock / kSame;
        Update update{p, exchange, at};
        Products products{sums};
        if (way == Way::kPlain) {
          update.template run_short<false>(stages, unit, position, products);
        } else if (way == Way::kAsked) {
          update.template run_short<true>(stages, unit, position, products);
        } else {
          update.run_long(rest, index, products);
        }
      }
    }
    exchange.leave_group();
  }
};

}  // namespace flashrnn::cuda
