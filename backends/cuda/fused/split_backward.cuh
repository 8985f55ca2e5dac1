// SPDX-License-Identifier: Apache-2.0
// Backward with several CTAs a (head, batch tile), 16 units each. The updating warps carry the
// gradients of their units and give those of the slots; the multiplying warps turn slots' gradients
// into partial gradients of h for the units of every CTA of their cluster and write them straight
// into the owners' shared memory, where the updating warps add them in a fixed order: the reduction
// and the exchange are one hop. Other warps move tensors (mover.cuh), and look for what comes
// through L2 where there are many tiles.
//
// kCluster: one cluster has all units, and a CTA multiplies its own slots' gradients. kGlobal:
// several clusters; a CTA multiplies those of its rank in every cluster, which come through L2 as
// words that are their own flags (exchange.cuh), but for its own where it
// has one tile. A cluster may be one CTA, where
// there are no larger ones: it reads all slots' gradients, and what its warps share is not targets
// but those.
#pragma once

#include "cuda/fused/backward_pair.cuh"
#include "cuda/fused/gradient_exchange.cuh"
#include "cuda/fused/mover_setup.cuh"
#include "cuda/fused/progress.cuh"
#include "cuda/fused/split_backward_products.cuh"
#include "cuda/fused/way.cuh"

namespace flashrnn::cuda {

// HeldClusters: split_backward_products.cuh. Tiles go round one after the other, so that one's
// exchange is another's product. Groups: each has as many of the tiles, and warps that update and
// one that moves. Lookers: warps that lay down what comes through L2. IsNear: the CTA's own slots'
// gradients come from itself (gradient_exchange.cuh).
template <int Family, int D, int Ranks, int Multipliers, int Tiles, int Groups, int Lookers,
          int PartialBuffers, int Chunk, int HeldClusters, bool IsNear, bool TakesRegisters,
          bool PrefetchesInputs>
struct SplitBackward {
  static constexpr int kUnits = 16, kColumns = 8 * Tiles;
  static constexpr int kRanks = Ranks, kClusters = D / kUnits / kRanks;
  static constexpr bool kIsAlone = kRanks == 1;
  // Updating threads of a tile, and in all.
  static constexpr int kOfTile = kUnits * 4, kUpdaters = kOfTile * Groups,
                       kUpdaterWarps = kUpdaters / 32, kMine = Tiles / Groups;
  // Each group has stages and a warp that moves of its own.
  static constexpr int kGroupColumns = 8 * kMine, kExtraWarps = Groups + Lookers;
  static constexpr int kAllThreads = Multipliers * 32 + kUpdaters + kExtraWarps * 32;
  // Registers of a thread where those that multiply and update take those of the warps that move
  // and look (at first all have the same).
  static constexpr int kAtFirst = 65536 / kAllThreads / 8 * 8, kMultiplying = 160, kUpdating = 136,
                       kMoving = 56;
  static_assert(!TakesRegisters ||
                (kExtraWarps % 4 == 0 && Multipliers % 4 == 0 && kUpdaterWarps % 4 == 0 &&
                 kMoving < kAtFirst && kUpdating > kAtFirst &&
                 Multipliers * kMultiplying + kUpdaterWarps * kUpdating + kExtraWarps * kMoving <=
                     kAllThreads / 32 * kAtFirst));
  static_assert(Tiles % Groups == 0);
  static_assert(Chunk <= gpu::kProgressSteps);  // so that a chunk ends one block of them at most
  // That meet where a tile's gradients are near.
  static constexpr int kMeeting = Multipliers * 32 + kOfTile;
  static constexpr int kRowBytes = gpu::row_bytes(kUnits);
  static constexpr gpu::StageShape kIn = gpu::input_stage(kCounts, true, kUnits, kGroupColumns);
  static constexpr gpu::StageShape kOut = gpu::output_stage(kCounts, true, kUnits, kGroupColumns);
  static constexpr int kKept = Cell::kKept > 0 ? Cell::kKept : 1;
  static constexpr int kChunk = Chunk;
  using SplitStages = Stages<kChunk, kIn.bytes(), kOut.bytes()>;
  using Operands = GradientOperands<Family, kRanks, kClusters, Tiles, Multipliers, 4 * Chunk,
                                    IsNear, Groups, Lookers>;
  using Partials =
      PartialGradients<kIsAlone ? Multipliers : kRanks, Tiles, PartialBuffers, kIsAlone>;
  using Products = BackwardProducts<Family, Operands, Partials, kClusters, kRanks, Multipliers,
                                    Tiles, PartialBuffers, HeldClusters, kMeeting>;
  static_assert(D % (kUnits * kRanks) == 0);

  const BackwardParams& p;
  Operands operands;
  Partials partials;
  Place at;

  // ---- the updating warps ----
  // A thread has a pair of units of one sequence of its group's tiles.
  struct Mine {
    int index, group, pair, column;
    __device__ explicit Mine(int all)
        : index(Groups == 1 ? all : all % kOfTile),
          group(Groups == 1 ? 0 : all / kOfTile),
          pair(index / 8),
          column(index % 8) {}
    __device__ int tile(int t) const { return group * kMine + t; }
    __device__ bool is_first() const { return index == 0; }
    // Of one of the group's tiles, in the stage.
    __device__ int place(int t) const {
      return (2 * t + column % 2) * gpu::kBlockPairs + gpu::place_in_block(pair, column);
    }
  };

  template <bool IsAsked>
  __device__ __forceinline__ void update_short(const SplitStages& stages, int index) {
    const Mine mine(index);
    const BackwardFacts facts(p);
    BackwardPair pair[kMine];
    KeptPair first[kMine][kKept];
    u32 first_h[kMine];
    SourceWords<-1> sources[kMine];
    bool any_anew = false;  // of the warp's sequences, in the four steps at hand and the one later
#pragma unroll
    for (int t = 0; t < kMine; ++t) {
      BackwardPair& one = pair[t];
      if constexpr (IsAsked) {
        sources[t].open(p, at.b0 + 8 * mine.tile(t) + mine.column, p.shape.time - 1);
        any_anew |= any_starts(sources[t].now);
      }
      one.start(p, facts, at.b0 + 8 * mine.tile(t) + mine.column, at.n, at.u0 + mine.pair * 2);
#pragma unroll
      for (int k = 0; k < Cell::kKept; ++k)
        first[t][k] = KeptPair::of(one.state_at(p.initial_states, k + 1, 0),
                                   one.state_at(p.initial_states, k + 1, 1));
      if constexpr (Cell::kReadsH)
        first_h[t] =
            pack(one.state_at(p.initial_states, 0, 0), one.state_at(p.initial_states, 0, 1));
    }
    const bool is_past = at.u0 + mine.pair * 2 >= p.shape.units;
    const u32 word = mine.column * kRowBytes + mine.pair * 4;
    constexpr int kTileRows = 8 * kRowBytes;
    operands.open(mine.pair, mine.column);
    for (int c = 0; c * kChunk < p.shape.time; ++c) {
      stages.wait_ready(c);
      stages.wait_free(c);
      const u32 inputs = stages.input(c), outputs = stages.output(c) + kOut.rows_at() + word;
      const u32 to = Operands::first_of(c * kChunk);
#pragma unroll
      for (int s = 0; s < kChunk; ++s) {
        const int i = c * kChunk + s;
        if (i >= p.shape.time) break;
        const u32 in = inputs + s * kIn.bytes(), rows = in + kIn.rows_at() + word;
        const int buffer = kChunk % 4 == 0 ? s : i % 4, step = p.shape.time - 1 - i;
        if (IsAsked && SourceWords<-1>::is_first_of_word(step)) {
          u32 all = 0;
#pragma unroll
          for (int t = 0; t < kMine; ++t) all |= sources[t].turn(p, pair[t].b, step);
          any_anew = any_starts(all);
        }
#pragma unroll
        for (int t = 0; t < kMine; ++t) {
          BackwardPair& one = pair[t];
          one.take_saved(in + mine.place(t) * kSavedPairBytes,
                         in + kIn.kept_at() + mine.place(t) * kKeptPairBytes, kIn.kept_bytes());
          one.d_h_word = lds32(rows + t * kTileRows);
          if constexpr (IsAsked) one.take_source(sources[t].at(step));
          const bool is_fresh = IsAsked && p.sources != nullptr ? one.source == gpu::kInitialStates
                                                                : i == p.shape.time - 1;
          if constexpr (Cell::kReadsH)
            one.h_word =
                is_fresh ? first_h[t] : lds32(rows + t * kTileRows + kGroupColumns * kRowBytes);
          one.template weigh_short<IsAsked>(is_fresh, first[t], in);
          if (i > 0) receive<IsAsked>(mine, t, i - 1, (buffer + 3) % PartialBuffers, one);
          if (IsAsked && any_anew) {
            one.leave(p);
            __syncwarp();
          }
          one.template advance_short<IsAsked>(p, step);
          // Units past the head must not bring a NaN into the product.
#pragma unroll
          for (int k = 0; k < Cell::kSlots; ++k) one.gradient[k] = is_past ? 0 : one.gradient[k];
          operands.template publish<kMeeting>(to + s * Operands::kStepWords, buffer, mine.tile(t),
                                              one.gradient);
#pragma unroll
          for (int k = 0; k < Cell::kSlots; ++k)
            sts32(outputs + s * kOut.bytes() + k * kGroupColumns * kRowBytes + t * kTileRows,
                  one.gradient[k]);
        }
      }
      stages.tell_done(c);
    }
#pragma unroll
    for (int t = 0; t < kMine; ++t) {
      if (p.shape.time > 0) {
        if constexpr (IsAsked) pair[t].take_source(gpu::kPreviousStep);
        receive<IsAsked>(mine, t, p.shape.time - 1, (p.shape.time - 1) % PartialBuffers, pair[t]);
        if constexpr (IsAsked) pair[t].leave(p);
      }
      pair[t].finish(p);
    }
  }
  // What passes through R from step i.
  template <bool IsAsked>
  __device__ __forceinline__ void receive(const Mine& mine, int t, int i, int buffer,
                                          BackwardPair& pair) const {
    float through[2];
    partials.receive(buffer, mine.tile(t), i, mine.pair, mine.column, mine.is_first(), through);
    if constexpr (IsAsked) {
      pair.receive(p, through);
    } else {
      pair.carry[0][0] += through[0];
      pair.carry[0][1] += through[1];
    }
  }

  __device__ __forceinline__ void update_general(u32 ring_base, int index) {
    const Mine mine(index);
    const BackwardFacts facts(p);
    constexpr int kPairs = Tiles * kOfTile, kStep = kPairs * BackwardRing::kPairBytes;
    for (int i = index; i < 4 * kStep / 4; i += kUpdaters) sts32(ring_base + 4 * i, 0);
    barrier_sync<kUpdaters>(kGeneralBarrier);
    BackwardPair pair[kMine];
    operands.open(mine.pair, mine.column);
    const auto ring = [&](int t) { return BackwardRing(ring_base, kPairs, t * kUpdaters + index); };
    for (int t = 0; t < kMine; ++t) {
      pair[t].ring_pairs = kPairs;
      pair[t].start(p, facts, at.b0 + 8 * mine.tile(t) + mine.column, at.n, at.u0 + mine.pair * 2);
    }
    for (int s = 0; s < 4; ++s) {
#pragma unroll
      for (int t = 0; t < kMine; ++t) {
        if (s < p.shape.time) pair[t].fetch(p, facts, p.shape.time - 1 - s, ring(t), s * kStep);
      }
      copy_commit();
    }
    for (int i = 0; i <= p.shape.time; ++i) {
      const int s = i % 4, step = p.shape.time - 1 - i;
      copy_wait<3>();
#pragma unroll
      for (int t = 0; t < kMine; ++t) {
        BackwardPair& one = pair[t];
        one.read(p, step, ring(t), s * kStep);
        if (i > 0) {
          float through[2];
          partials.receive((s + 3) % PartialBuffers, mine.tile(t), i - 1, mine.pair, mine.column,
                           mine.is_first(), through);
          one.receive(p, through);
          one.leave(p);
        }
        if (step < 0) continue;
        one.advance(p, step);
        operands.template publish<kMeeting>(Operands::first_of(i), s, mine.tile(t), one.gradient);
        one.store(p, facts);
        if (step >= 4) one.fetch(p, facts, step - 4, ring(t), s * kStep);
      }
      copy_commit();
      if constexpr (Family == gpu::kGlobal) {
        barrier_sync<kUpdaters>(kGeneralBarrier);
        operands.clear(i - Operands::kClearLag, 0, index, kUpdaters);
        operands.clear_fence();
      }
    }
#pragma unroll
    for (int t = 0; t < kMine; ++t) pair[t].finish(p);
    barrier_sync<kUpdaters>(kGeneralBarrier);
    if (index == 0) Progress(p, at.n).tell_all(p.shape.time, Groups);
  }
  // The one behind those of near operands.
  static constexpr int kGeneralBarrier = Operands::kNear > 0 ? 2 + 2 * Tiles : 2;

  __device__ __forceinline__ void run(unsigned char* shared, Way way) {
    const int in_group = blockIdx.x % (kRanks * kClusters),
              group = p.first_group + blockIdx.x / (kRanks * kClusters);
    const int cluster = in_group / kRanks, rank = in_group % kRanks;
    at = Place{group % p.shape.heads, group / p.shape.heads * kColumns, in_group * kUnits};
    const u32 base = shared_address(shared);
    operands.set_up(p.exchange, group, base, cluster, rank);
    partials.set_up(base + Operands::kSharedBytes, p.shape.time);
    const u32 weights = base + Operands::kSharedBytes + Partials::kSharedBytes;
    const u32 rest = weights + Products::kWeightBytes;
    const auto stages_of = [&](int group) {
      SplitStages stages;
      stages.set_up(rest + group * gpu::stages_bytes(kCounts, true, kUnits, kGroupColumns, kChunk));
      return stages;
    };
    const int warp = warp_number(), lane = threadIdx.x % 32;
    if (threadIdx.x == Multipliers * 32) {
      partials.init();
      operands.init();
      // The long way's ring lies where the stages are.
      if (way != Way::kLong) {
        for (int g = 0; g < Groups; ++g) stages_of(g).init(kUpdaterWarps / Groups, true);
      }
    }
    if (way != Way::kLong && (at.u0 + kUnits > p.shape.units || p.d_h.data == nullptr)) {
      for (int g = 0; g < Groups; ++g) stages_of(g).clear(kAllThreads);
    }
    __syncthreads();
    if constexpr (!kIsAlone) cluster_sync();
    if (warp < Multipliers) {
      if constexpr (TakesRegisters) take_registers<kMultiplying>();
      Products{p, operands, partials, at, weights, cluster, rank}.run(warp, lane);
    } else if (warp >= Multipliers + kUpdaterWarps) {
      if constexpr (TakesRegisters) give_registers<kMoving>();
      const int extra = warp - Multipliers - kUpdaterWarps;
      if (extra >= Groups) {
        if constexpr (Operands::kHasLookers) operands.lay_all(extra - Groups, lane, p.shape.time);
      } else if (way != Way::kLong) {
        Mover<true, kUnits, kGroupColumns, PrefetchesInputs> mover;
        set_up(mover, p, Place{at.n, at.b0 + extra * kGroupColumns, at.u0}, in_group,
               kRanks * kClusters, lane);
        mover.run(
            stages_of(Groups == 1 ? 0 : extra), p.shape.time, p.shape.time - 1, lane,
            [&](int c) {
              // The last chunk may end early, and what follows was not read by all.
              for (int i = c * kChunk; i < min((c + 1) * kChunk, p.shape.time); ++i)
                operands.template clear<Groups>(i - Operands::kClearLag, extra, lane, 32);
              operands.clear_fence();
            },
            [&](int first, int count) {
              Progress(p, at.n).stored(p.shape.time - first - count, count, lane);
            });
      }
    } else {
      if constexpr (TakesRegisters) take_registers<kUpdating>();
      const int index = threadIdx.x - Multipliers * 32;
      if (way == Way::kPlain) {
        update_short<false>(stages_of(Groups == 1 ? 0 : index / kOfTile), index);
      } else if (way == Way::kAsked) {
        update_short<true>(stages_of(Groups == 1 ? 0 : index / kOfTile), index);
      } else {
        update_general(rest, index);
      }
    }
    if constexpr (!kIsAlone) cluster_sync_diverged();
  }
};

}  // namespace flashrnn::cuda
