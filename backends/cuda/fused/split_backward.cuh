// SPDX-License-Identifier: Apache-2.0
// Backward with several CTAs a (head, batch tile), 16 units each. The updating warps carry the
// gradients of their units and give those of the slots; the multiplying warps turn slots' gradients
// into partial gradients of h for the units of every CTA of their cluster and write them straight
// into the owners' shared memory, where the updating warps add them in a fixed order: the reduction
// and the exchange are one hop. A last warp moves tensors (mover.cuh).
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
#include "cuda/fused/way.cuh"

namespace flashrnn::cuda {

// HeldClusters: of the clusters' slots' gradients, those of which a multiplying warp has the
// weights in registers, not in shared memory. Tiles go round one after the other, so that one's
// exchange is another's product. IsNear: the CTA's own slots' gradients come from itself
// (gradient_exchange.cuh).
template <int Family, int D, int Ranks, int Multipliers, int Tiles, int Chunk, int HeldClusters,
          bool IsNear>
struct SplitBackward {
  static constexpr int kUnits = 16, kColumns = 8 * Tiles;
  static constexpr int kRanks = Ranks, kClusters = D / kUnits / kRanks;
  static constexpr bool kIsAlone = kRanks == 1;
  // CTAs that a multiplying warp writes to, and of the clusters those that it multiplies: every
  // kShares-th.
  static constexpr int kTargets = kIsAlone ? 1 : kRanks / Multipliers,
                       kShares = kIsAlone ? Multipliers : 1, kOwnClusters = kClusters / kShares;
  static constexpr int kUpdaters = kUnits * 4, kUpdaterWarps = kUpdaters / 32;
  static constexpr int kThreads = Multipliers * 32 + kUpdaters;
  static constexpr int kRowBytes = gpu::row_bytes(kUnits);
  static constexpr gpu::StageShape kIn = gpu::input_stage(kCounts, true, kUnits, kColumns);
  static constexpr gpu::StageShape kOut = gpu::output_stage(kCounts, true, kUnits, kColumns);
  static constexpr int kKept = Cell::kKept > 0 ? Cell::kKept : 1;
  static constexpr int kChunk = Chunk;
  using SplitStages = Stages<kChunk, kIn.bytes(), kOut.bytes()>;
  using Operands =
      GradientOperands<Family, kRanks, kClusters, Tiles, Multipliers, 4 * Chunk, IsNear>;
  using Partials = PartialGradients<kIsAlone ? Multipliers : kRanks, Tiles, kIsAlone>;
  static constexpr int kClusterBytes = kTargets * Operands::kSteps * 512,  // of a warp's weights
      kWarpBytes = (kOwnClusters - HeldClusters) * kClusterBytes,
                       kWeightBytes = Multipliers * kWarpBytes;
  static_assert(D % (kUnits * kRanks) == 0 && kRanks * kShares % Multipliers == 0 &&
                kClusters % kShares == 0);

  const BackwardParams& p;
  Operands operands;
  Partials partials;
  Place at;
  u32 weights;
  int cluster, rank;

  // ---- the multiplying warps ----
  __device__ __forceinline__ void multiply(int warp, int lane) {
    const int q = lane % 4, row = lane / 4;
    u32 a[kTargets][HeldClusters][Operands::kSteps][4];
    u32 to[kTargets];
    const int share = kIsAlone ? warp : 0;
    const u32 place = partials.place_of(kIsAlone ? warp : rank, row, q),
              to_barriers = partials.barriers - place;
    const u32 apart = weights + warp * kWarpBytes + lane * 16;
#pragma unroll
    for (int i = 0; i < kTargets; ++i) {
      const int target = (warp * kTargets + i + rank) % kRanks;
      to[i] = place;
      if constexpr (!kIsAlone) to[i] = map_to_rank(place, target);
      const int in = (cluster * kRanks + target) * kUnits + 2 * row;
#pragma unroll
      for (int c = 0; c < HeldClusters; ++c) {
        Operands::load_weights(p.r, at.n,
                               (operands.cluster_of(c * kShares + share) * kRanks + rank) * kUnits,
                               in, q, p.shape.units, a[i][c]);
      }
#pragma unroll 1
      for (int c = HeldClusters; c < kOwnClusters; ++c) {
        u32 w[Operands::kSteps][4];
        Operands::load_weights(p.r, at.n,
                               (operands.cluster_of(c * kShares + share) * kRanks + rank) * kUnits,
                               in, q, p.shape.units, w);
        for (int k = 0; k < Operands::kSteps; ++k) {
          sts128(apart + (c - HeldClusters) * kClusterBytes + (k * kTargets + i) * 512, w[k][0],
                 w[k][1], w[k][2], w[k][3]);
        }
      }
    }
    Pacer<Family> pacer[Tiles];
    typename Operands::Looked ahead;
    if constexpr (Operands::kLooksAhead) operands.look(0, 0, 0, threadIdx.x, ahead);
    for (int i0 = 0; i0 < p.shape.time; i0 += 4) {
      const u32 from = Operands::first_of(i0);
#pragma unroll
      for (int s = 0; s < 4; ++s) {
        if (i0 + s >= p.shape.time) break;
#pragma unroll
        for (int tile = 0; tile < Tiles; ++tile) {
          const auto wait_far = [&] {
            operands.wait_far(
                from + s * Operands::kStepWords,
                s < 3 ? from + (s + 1) * Operands::kStepWords : Operands::first_of(i0 + 4), s, tile,
                threadIdx.x, pacer[tile], ahead);
          };
          if constexpr (Operands::kNear > 0) {
            operands.template wait_near<kThreads>(s, tile);
          } else {
            wait_far();
          }
          float sum[kTargets][4];
#pragma unroll
          for (int i = 0; i < kTargets; ++i) sum[i][0] = sum[i][1] = sum[i][2] = sum[i][3] = 0.0f;
#pragma unroll
          for (int c = 0; c < kOwnClusters; ++c) {
            if (c > 0 && c == Operands::kNear) wait_far();
            u32 b[Operands::kSteps][2];
            operands.load(s, c * kShares + share, tile, lane, b);
#pragma unroll
            for (int k = 0; k < Operands::kSteps; ++k) {
#pragma unroll
              for (int i = 0; i < kTargets; ++i) {
                if (c < HeldClusters) {
                  multiply_add(sum[i], a[i][c < HeldClusters ? c : 0][k], b[k][0], b[k][1]);
                } else {
                  const uint4 w =
                      lds128(apart + (c - HeldClusters) * kClusterBytes + (k * kTargets + i) * 512);
                  const u32 one[4] = {w.x, w.y, w.z, w.w};
                  multiply_add(sum[i], one, b[k][0], b[k][1]);
                }
              }
            }
          }
#pragma unroll
          for (int i = 0; i < kTargets; ++i) partials.send(s, tile, to[i], to_barriers, sum[i]);
          if constexpr (!Operands::kLooksAhead) pacer[tile].start();
        }
      }
    }
  }

  // ---- the updating warps ----
  // A thread has a pair of units of one sequence of every tile.
  struct Mine {
    int pair, column;
    __device__ explicit Mine(int index) : pair(index / 8), column(index % 8) {}
    __device__ int place(int tile) const {
      return (2 * tile + column % 2) * gpu::kBlockPairs + gpu::place_in_block(pair, column);
    }
  };

  template <bool IsAsked>
  __device__ __forceinline__ void update_short(const SplitStages& stages, int index) {
    const Mine mine(index);
    const BackwardFacts facts(p);
    BackwardPair pair[Tiles];
    KeptPair first[Tiles][kKept];
    u32 first_h[Tiles];
    SourceWords<-1> sources[Tiles];
    bool any_anew = false;  // of the warp's sequences, in the four steps at hand and the one later
#pragma unroll
    for (int tile = 0; tile < Tiles; ++tile) {
      BackwardPair& one = pair[tile];
      if constexpr (IsAsked) {
        sources[tile].open(p, at.b0 + 8 * tile + mine.column, p.shape.time - 1);
        any_anew |= any_starts(sources[tile].now);
      }
      one.start(p, facts, at.b0 + 8 * tile + mine.column, at.n, at.u0 + mine.pair * 2);
#pragma unroll
      for (int k = 0; k < Cell::kKept; ++k)
        first[tile][k] = KeptPair::of(one.state_at(p.initial_states, k + 1, 0),
                                      one.state_at(p.initial_states, k + 1, 1));
      if constexpr (Cell::kReadsH)
        first_h[tile] =
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
          for (int tile = 0; tile < Tiles; ++tile) all |= sources[tile].turn(p, pair[tile].b, step);
          any_anew = any_starts(all);
        }
#pragma unroll
        for (int tile = 0; tile < Tiles; ++tile) {
          BackwardPair& one = pair[tile];
          one.take_saved(in + mine.place(tile) * kSavedPairBytes,
                         in + kIn.kept_at() + mine.place(tile) * kKeptPairBytes, kIn.kept_bytes());
          one.d_h_word = lds32(rows + tile * kTileRows);
          if constexpr (IsAsked) one.take_source(sources[tile].at(step));
          const bool is_fresh = IsAsked && p.sources != nullptr ? one.source == gpu::kInitialStates
                                                                : i == p.shape.time - 1;
          if constexpr (Cell::kReadsH)
            one.h_word =
                is_fresh ? first_h[tile] : lds32(rows + tile * kTileRows + kColumns * kRowBytes);
          one.template weigh_short<IsAsked>(is_fresh, first[tile], in);
          if (i > 0) receive<IsAsked>(mine, index, tile, i - 1, (buffer + 3) % 4, one);
          if (IsAsked && any_anew) {
            one.leave(p);
            __syncwarp();
          }
          one.template advance_short<IsAsked>(p, step);
          // Units past the head must not bring a NaN into the product.
#pragma unroll
          for (int k = 0; k < Cell::kSlots; ++k) one.gradient[k] = is_past ? 0 : one.gradient[k];
          operands.template publish<kThreads>(to + s * Operands::kStepWords, buffer, tile,
                                              one.gradient);
#pragma unroll
          for (int k = 0; k < Cell::kSlots; ++k)
            sts32(outputs + s * kOut.bytes() + k * kColumns * kRowBytes + tile * kTileRows,
                  one.gradient[k]);
        }
      }
      stages.tell_done(c);
    }
#pragma unroll
    for (int tile = 0; tile < Tiles; ++tile) {
      if (p.shape.time > 0) {
        if constexpr (IsAsked) pair[tile].take_source(gpu::kPreviousStep);
        receive<IsAsked>(mine, index, tile, p.shape.time - 1, (p.shape.time - 1) % 4, pair[tile]);
        if constexpr (IsAsked) pair[tile].leave(p);
      }
      pair[tile].finish(p);
    }
  }
  // What passes through R from step i.
  template <bool IsAsked>
  __device__ __forceinline__ void receive(const Mine& mine, int index, int tile, int i, int buffer,
                                          BackwardPair& pair) const {
    float through[2];
    partials.receive(buffer, tile, i, index, mine.pair, mine.column, through);
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
    constexpr int kPairs = Tiles * kUpdaters, kStep = kPairs * BackwardRing::kPairBytes;
    for (int i = index; i < 4 * kStep / 4; i += kUpdaters) sts32(ring_base + 4 * i, 0);
    barrier_sync<kUpdaters>(kGeneralBarrier);
    BackwardPair pair[Tiles];
    operands.open(mine.pair, mine.column);
    const auto ring = [&](int tile) {
      return BackwardRing(ring_base, kPairs, tile * kUpdaters + index);
    };
    for (int tile = 0; tile < Tiles; ++tile) {
      pair[tile].ring_pairs = kPairs;
      pair[tile].start(p, facts, at.b0 + 8 * tile + mine.column, at.n, at.u0 + mine.pair * 2);
    }
    for (int s = 0; s < 4; ++s) {
#pragma unroll
      for (int tile = 0; tile < Tiles; ++tile) {
        if (s < p.shape.time)
          pair[tile].fetch(p, facts, p.shape.time - 1 - s, ring(tile), s * kStep);
      }
      copy_commit();
    }
    for (int i = 0; i <= p.shape.time; ++i) {
      const int s = i % 4, step = p.shape.time - 1 - i;
      copy_wait<3>();
#pragma unroll
      for (int tile = 0; tile < Tiles; ++tile) {
        BackwardPair& one = pair[tile];
        one.read(p, step, ring(tile), s * kStep);
        if (i > 0) {
          float through[2];
          partials.receive((s + 3) % 4, tile, i - 1, index, mine.pair, mine.column, through);
          one.receive(p, through);
          one.leave(p);
        }
        if (step < 0) continue;
        one.advance(p, step);
        operands.template publish<kThreads>(Operands::first_of(i), s, tile, one.gradient);
        one.store(p, facts);
        if (step >= 4) one.fetch(p, facts, step - 4, ring(tile), s * kStep);
      }
      copy_commit();
      if constexpr (Family == gpu::kGlobal) {
        barrier_sync<kUpdaters>(kGeneralBarrier);
        operands.clear(i - Operands::kClearLag, index, kUpdaters);
        operands.clear_fence();
      }
    }
#pragma unroll
    for (int tile = 0; tile < Tiles; ++tile) pair[tile].finish(p);
  }
  // The one behind those of the tiles' operands.
  static constexpr int kGeneralBarrier = 2 + 2 * Tiles;

  __device__ __forceinline__ void run(unsigned char* shared, Way way) {
    const int in_group = blockIdx.x % (kRanks * kClusters),
              group = p.first_group + blockIdx.x / (kRanks * kClusters);
    cluster = in_group / kRanks;
    rank = in_group % kRanks;
    at = Place{group % p.shape.heads, group / p.shape.heads * kColumns, in_group * kUnits};
    const u32 base = shared_address(shared);
    operands.set_up(p.exchange, group, base, cluster, rank);
    partials.set_up(base + Operands::kSharedBytes, p.shape.time);
    weights = base + Operands::kSharedBytes + Partials::kSharedBytes;
    const u32 rest = weights + kWeightBytes;
    SplitStages stages;
    stages.set_up(rest);
    const int warp = warp_number(), lane = threadIdx.x % 32;
    if (threadIdx.x == Multipliers * 32) {
      partials.init();
      // The long way's ring lies where the stages are.
      if (way != Way::kLong) stages.init(kUpdaterWarps, true);
    }
    if (way != Way::kLong && (at.u0 + kUnits > p.shape.units || p.d_h.data == nullptr))
      stages.clear(kThreads + 32);
    __syncthreads();
    if constexpr (!kIsAlone) cluster_sync();
    if (warp < Multipliers) {
      multiply(warp, lane);
    } else if (warp == Multipliers + kUpdaterWarps) {
      if (way != Way::kLong) {
        Mover<true, kUnits, kColumns> mover;
        set_up(mover, p, at, lane);
        mover.run(stages, p.shape.time, p.shape.time - 1, lane, [&](int c) {
          // The last chunk may end early, and what follows was not read by all.
          for (int i = c * kChunk; i < min((c + 1) * kChunk, p.shape.time); ++i)
            operands.clear(i - Operands::kClearLag, lane, 32);
          operands.clear_fence();
        });
      }
    } else if (way == Way::kPlain) {
      update_short<false>(stages, threadIdx.x - Multipliers * 32);
    } else if (way == Way::kAsked) {
      update_short<true>(stages, threadIdx.x - Multipliers * 32);
    } else {
      update_general(rest, threadIdx.x - Multipliers * 32);
    }
    if constexpr (!kIsAlone) cluster_sync_diverged();
  }
};

}  // namespace flashrnn::cuda
