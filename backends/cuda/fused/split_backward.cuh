// SPDX-License-Identifier: Apache-2.0
// Backward with several CTAs a (head, batch tile), 16 units each. The updating warps carry the
// gradients of their units and give those of the slots; the multiplying warps turn slots' gradients
// into partial gradients of h for the units of every CTA of their cluster and write them straight
// into the owners' shared memory, where the updating warps add them in a fixed order: the reduction
// and the exchange are one hop. A last warp moves tensors (mover.cuh).
//
// kCluster: one cluster has all units, and a CTA multiplies its own slots' gradients. kGlobal:
// clusters of 8; a CTA multiplies those of its rank in every cluster, which come through L2 as
// words that are their own flags (exchange.cuh).
#pragma once

#include "cuda/fused/backward_pair.cuh"
#include "cuda/fused/gradient_exchange.cuh"
#include "cuda/fused/mover_setup.cuh"
#include "cuda/fused/plain.cuh"

namespace flashrnn::cuda {

template <int Family, int D, int Multipliers, int Tiles>
struct SplitBackward {
  static constexpr int kUnits = 16, kColumns = 8 * Tiles;
  static constexpr int kRanks = Family == gpu::kCluster ? D / kUnits : gpu::kBackwardClusterSize,
                       kClusters = D / kUnits / kRanks;
  static constexpr int kTargets = kRanks / Multipliers;  // CTAs that a multiplying warp writes to
  static constexpr int kUpdaters = kUnits * 4 * Tiles, kUpdaterWarps = kUpdaters / 32;
  static constexpr int kThreads = Multipliers * 32 + kUpdaters;
  static constexpr int kRowBytes = gpu::row_bytes(kUnits);
  static constexpr gpu::StageShape kIn = gpu::input_stage(kCounts, true, kUnits, kColumns);
  static constexpr gpu::StageShape kOut = gpu::output_stage(kCounts, true, kUnits, kColumns);
  static constexpr int kKept = Cell::kKept > 0 ? Cell::kKept : 1;
  static constexpr int kChunk = gpu::kSplitChunk;
  using SplitStages = Stages<kChunk, kIn.bytes(), kOut.bytes()>;
  using Operands = GradientOperands<Family, kClusters, Tiles, Multipliers>;
  using Partials = PartialGradients<kRanks, Tiles>;
  static_assert(D % (kUnits * kRanks) == 0 && kRanks % Multipliers == 0);

  const BackwardParams& p;
  Operands operands;
  Partials partials;
  Place at;
  int cluster, rank;

  // ---- the multiplying warps ----
  __device__ __forceinline__ void multiply(int warp, int lane) {
    const int q = lane % 4, row = lane / 4;
    u32 a[kTargets][kClusters][Operands::kSteps][4];
    u32 to[kTargets], bar[kTargets];
#pragma unroll
    for (int i = 0; i < kTargets; ++i) {
      const int target = (warp * kTargets + i + rank) % kRanks;
      partials.aim(target, rank, row, q, to[i], bar[i]);
      const int in = (cluster * kRanks + target) * kUnits + 2 * row;
#pragma unroll
      for (int c = 0; c < kClusters; ++c) {
        Operands::load_weights(p.r, at.n, (c * kRanks + rank) * kUnits, in, q, p.shape.units,
                               a[i][c]);
      }
    }
    for (int i0 = 0; i0 < p.shape.time; i0 += 4) {
#pragma unroll
      for (int s = 0; s < 4; ++s) {
        if (i0 + s >= p.shape.time) break;
        operands.template wait<kThreads>(s, threadIdx.x);
        float sum[kTargets][Tiles][4];
#pragma unroll
        for (int i = 0; i < kTargets; ++i) {
#pragma unroll
          for (int c = 0; c < Tiles; ++c)
            sum[i][c][0] = sum[i][c][1] = sum[i][c][2] = sum[i][c][3] = 0.0f;
        }
#pragma unroll
        for (int c = 0; c < kClusters; ++c) {
#pragma unroll
          for (int tile = 0; tile < Tiles; ++tile) {
            u32 b[Operands::kSteps][2];
            operands.load(s, c, tile, lane, b);
#pragma unroll
            for (int k = 0; k < Operands::kSteps; ++k) {
#pragma unroll
              for (int i = 0; i < kTargets; ++i)
                multiply_add(sum[i][tile], a[i][c][k], b[k][0], b[k][1]);
            }
          }
        }
#pragma unroll
        for (int i = 0; i < kTargets; ++i) {
#pragma unroll
          for (int tile = 0; tile < Tiles; ++tile)
            partials.send(s, tile, to[i], bar[i], sum[i][tile]);
        }
      }
    }
  }

  // ---- the updating warps ----
  struct Mine {
    int pair, column;
    __device__ explicit Mine(int index)
        : pair(index % gpu::kBlockPairs / 8), column(index / gpu::kBlockPairs * 8 + index % 8) {}
    __device__ int place() const {
      return column / 8 * gpu::kBlockPairs + gpu::place_in_block(pair, column % 8);
    }
  };

  __device__ __forceinline__ void update_plain(const SplitStages& stages, int index) {
    const Mine mine(index);
    BackwardPair pair;
    const BackwardFacts facts(p);
    pair.start(p, facts, at.b0 + mine.column, at.n, at.u0 + mine.pair * 2);
    float first[kKept][2];
    u32 first_h = 0;
#pragma unroll
    for (int k = 0; k < Cell::kKept; ++k)
      first[k][0] = pair.state_at(p.initial_states, k + 1, 0),
      first[k][1] = pair.state_at(p.initial_states, k + 1, 1);
    if constexpr (Cell::kReadsH)
      first_h = pack(pair.state_at(p.initial_states, 0, 0), pair.state_at(p.initial_states, 0, 1));
    const u32 word = mine.column * kRowBytes + mine.pair * 4;
    operands.open(mine.pair, mine.column, cluster);
    for (int c = 0; c * kChunk < p.shape.time; ++c) {
      stages.wait_ready(c);
      stages.wait_free(c);
      const u32 inputs = stages.input(c), outputs = stages.output(c) + kOut.rows_at() + word;
#pragma unroll
      for (int s = 0; s < kChunk; ++s) {
        const int i = c * kChunk + s;
        if (i >= p.shape.time) break;
        const u32 in = inputs + s * kIn.bytes();
        const bool is_first = i == p.shape.time - 1;
        pair.take_saved(in + mine.place() * (4 * Cell::kSaved),
                        in + kIn.kept_at() + mine.place() * 8, kIn.kept_bytes());
#pragma unroll
        for (int k = 0; k < Cell::kKept; ++k) {
          pair.old[k][0] = is_first ? first[k][0] : pair.old[k][0];
          pair.old[k][1] = is_first ? first[k][1] : pair.old[k][1];
        }
        pair.d_h_word = lds32(in + kIn.rows_at() + word);
        if constexpr (Cell::kReadsH)
          pair.h_word =
              is_first ? first_h : lds32(in + kIn.rows_at() + word + kColumns * kRowBytes);
        if (i > 0) {
          float through[2];
          partials.receive((s + 3) % 4, i - 1, index, mine.pair, mine.column, through);
          pair.carry[0][0] += through[0];
          pair.carry[0][1] += through[1];
        }
        pair.advance_plain();
        operands.template publish<kThreads>(s, pair.gradient);
#pragma unroll
        for (int k = 0; k < Cell::kSlots; ++k)
          sts32(outputs + s * kOut.bytes() + k * kColumns * kRowBytes, pair.gradient[k]);
      }
      stages.tell_done(c);
    }
    if (p.shape.time > 0) {
      float through[2];
      partials.receive((p.shape.time - 1) % 4, p.shape.time - 1, index, mine.pair, mine.column,
                       through);
      pair.carry[0][0] += through[0];
      pair.carry[0][1] += through[1];
    }
    pair.finish(p);
  }

  __device__ __forceinline__ void update_general(u32 ring_base, int index) {
    const Mine mine(index);
    const BackwardFacts facts(p);
    constexpr int kStep = kUpdaters * BackwardRing::kPairBytes;
    const BackwardRing ring(ring_base, kUpdaters, index);
    for (int i = index; i < 4 * kStep / 4; i += kUpdaters) sts32(ring_base + 4 * i, 0);
    barrier_sync<kUpdaters>(4);
    BackwardPair pair;
    pair.ring_pairs = kUpdaters;
    pair.start(p, facts, at.b0 + mine.column, at.n, at.u0 + mine.pair * 2);
    operands.open(mine.pair, mine.column, cluster);
    for (int s = 0; s < 4; ++s) {
      if (s < p.shape.time) pair.fetch(p, facts, p.shape.time - 1 - s, ring, s * kStep);
      copy_commit();
    }
    for (int i = 0; i <= p.shape.time; ++i) {
      const int s = i % 4, step = p.shape.time - 1 - i;
      copy_wait<3>();
      pair.read(p, step, ring, s * kStep);
      if (i > 0) {
        float through[2];
        partials.receive((s + 3) % 4, i - 1, index, mine.pair, mine.column, through);
        pair.receive(p, through, pair.later_source);
      }
      if (step < 0) break;
      pair.advance(p, step);
      operands.template publish<kThreads>(s, pair.gradient);
      pair.store(p, facts);
      if (step >= 4) pair.fetch(p, facts, step - 4, ring, s * kStep);
      copy_commit();
    }
    pair.finish(p);
  }

  __device__ __forceinline__ void run(unsigned char* shared, bool is_plain) {
    const int in_group = blockIdx.x % (kRanks * kClusters),
              group = p.first_group + blockIdx.x / (kRanks * kClusters);
    cluster = in_group / kRanks;
    rank = in_group % kRanks;
    at = Place{group % p.shape.heads, group / p.shape.heads * kColumns, in_group * kUnits};
    const u32 base = shared_address(shared);
    operands.set_up(p.exchange, group, base, rank);
    partials.set_up(base + Operands::kSharedBytes);
    const u32 rest = base + Operands::kSharedBytes + Partials::kSharedBytes;
    SplitStages stages;
    stages.set_up(rest);
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    if (threadIdx.x == 0) {
      partials.init();
      stages.init(kUpdaterWarps, true);
    }
    __syncthreads();
    cluster_sync();
    if (warp < Multipliers) {
      multiply(warp, lane);
    } else if (warp == Multipliers + kUpdaterWarps) {
      if (is_plain) {
        Mover<true, kUnits, kColumns> mover;
        set_up(mover, p, at, lane);
        mover.run(stages, p.shape.time, p.shape.time - 1, lane, [](int) {});
      }
    } else if (is_plain) {
      update_plain(stages, threadIdx.x - Multipliers * 32);
    } else {
      update_general(rest, threadIdx.x - Multipliers * 32);
    }
    cluster_sync_diverged();
  }
};

}  // namespace flashrnn::cuda
