// SPDX-License-Identifier: Apache-2.0
// The multiplying warps of backward with several CTAs a (head, batch tile): they turn slots'
// gradients (GradientOperands) into partial gradients of h for the units of every CTA of their
// cluster, which they send to the owners (PartialGradients).
#pragma once

#include "cuda/fused/gradient_exchange.cuh"
#include "cuda/fused/operand.cuh"
#include "cuda/fused/saved_place.cuh"

namespace flashrnn::cuda {

using gpu::BackwardParams;

// Clusters: of the group, Ranks CTAs each. HeldClusters: of their slots' gradients, those of which
// a warp has the weights in registers, not in shared memory. Buffers: steps of partial gradients.
// Meeting: threads that meet where a tile's gradients are near.
template <int Family, typename Operands, typename Partials, int Clusters, int Ranks,
          int Multipliers, int Tiles, int Buffers, int HeldClusters, int Meeting>
struct BackwardProducts {
  static constexpr bool kIsAlone = Ranks == 1;
  static constexpr int kRanks = Ranks, kUnits = 16;
  // CTAs that a multiplying warp writes to, and of the clusters those that it multiplies: every
  // kShares-th.
  static constexpr int kTargets = kIsAlone ? 1 : kRanks / Multipliers,
                       kShares = kIsAlone ? Multipliers : 1, kOwnClusters = Clusters / kShares;
  // Sums of a target that are not waited for one after the other: an mma's takes as long as the
  // tensor cores have for four, and some of them have two warps.
  static constexpr int kMma = kOwnClusters * Operands::kSteps,
                       kOthers = kTargets * ((Multipliers + 3) / 4);
  static constexpr bool kHasMany =
      !Operands::kHasLookers &&
      (HeldClusters * kTargets * Operands::kSteps > 24 || HeldClusters < kOwnClusters);
  static constexpr int kChains = kOthers >= 4 || kMma < 2 || kHasMany ? 1
                                 : kOthers == 1 && kMma >= 4          ? 4
                                                                      : 2;
  // Operands of the next mma are on their way while one is under way, where there are registers.
  static constexpr bool kLoadsAhead =
      Operands::kHasLookers || (HeldClusters == kOwnClusters && !kHasMany);
  static constexpr int kSets = kLoadsAhead ? 2 : 1;
  static constexpr int kClusterBytes = kTargets * Operands::kSteps * 512,  // of a warp's weights
      kWarpBytes = (kOwnClusters - HeldClusters) * kClusterBytes,
                       kWeightBytes = Multipliers * kWarpBytes;
  static_assert(kRanks * kShares % Multipliers == 0 && Clusters % kShares == 0);

  const BackwardParams& p;
  const Operands& operands;
  const Partials& partials;
  Place at;
  u32 weights;  // those in shared memory
  int cluster, rank;

  __device__ __forceinline__ void run(int warp, int lane) {
    const int q = lane % 4, row = lane / 4;
    u32 a[kTargets][HeldClusters][Operands::kSteps][4];
    u32 to[kTargets];
    const int share = kIsAlone ? warp : 0;
    const u32 place = partials.place_of(kIsAlone ? warp : rank, row, q),
              to_barriers = partials.barriers - place;
    const u32 apart = weights + warp * kWarpBytes + lane * 16;
    const auto target_of = [&](int i) { return (warp * kTargets + i + rank) % kRanks; };
#pragma unroll
    for (int i = 0; i < kTargets; ++i) {
      to[i] = place;
      if constexpr (!kIsAlone) to[i] = map_to_rank(place, target_of(i));
    }
    read_weights(p.r, at.n, p.shape.units, [&](const auto& rows) {
      const auto load = [&](int i, int c, u32(&w)[Operands::kSteps][4]) {
        Operands::load_weights(rows,
                               (operands.cluster_of(c * kShares + share) * kRanks + rank) * kUnits,
                               (cluster * kRanks + target_of(i)) * kUnits + 2 * row, q, w);
      };
#pragma unroll
      for (int i = 0; i < kTargets; ++i) {
#pragma unroll
        for (int c = 0; c < HeldClusters; ++c) load(i, c, a[i][c]);
      }
#pragma unroll 1
      for (int c = HeldClusters; c < kOwnClusters; ++c) {
        u32 w[kTargets][Operands::kSteps][4];
#pragma unroll
        for (int i = 0; i < kTargets; ++i) load(i, c, w[i]);
#pragma unroll
        for (int i = 0; i < kTargets; ++i) {
#pragma unroll
          for (int k = 0; k < Operands::kSteps; ++k)
            sts128(apart + (c - HeldClusters) * kClusterBytes + (k * kTargets + i) * 512,
                   w[i][k][0], w[i][k][1], w[i][k][2], w[i][k][3]);
        }
      }
    });
    Pacer<Family> pacer[Tiles];
    typename Operands::Looked ahead;
    if constexpr (Operands::kLooksAhead) operands.look(0, 0, 0, threadIdx.x, ahead);
    // Of step i, number s modulo what buffers there are, when `wait_far` tells that what comes
    // through L2 is there.
    const auto multiply_tile = [&](int s, int tile, const auto& wait_far) {
      if constexpr (Operands::kNear > 0) {
        operands.template wait_near<Meeting>(s, tile);
      } else {
        wait_far();
      }
      float sum[kTargets][kChains][4];
      clear(sum);
      u32 b[kSets][Operands::kSteps][2];  // of a cluster, and the next one's on their way
#pragma unroll
      for (int c = 0; c < kOwnClusters; ++c) {
        if (c > 0 && c == Operands::kNear) wait_far();
        if (!kLoadsAhead || c == 0 || c == Operands::kNear)
          operands.load(s, c * kShares + share, tile, lane, b[c % kSets]);
        if (kLoadsAhead && c + 1 < kOwnClusters && c + 1 != Operands::kNear)
          operands.load(s, (c + 1) * kShares + share, tile, lane, b[(c + 1) % kSets]);
        if (c + 1 == kOwnClusters) operands.tell_taken(tile, lane);
        u32 w[kSets][kTargets][4];
        const auto load_apart = [&](int k) {
#pragma unroll
          for (int i = 0; i < kTargets; ++i) {
            const uint4 v =
                lds128(apart + (c - HeldClusters) * kClusterBytes + (k * kTargets + i) * 512);
            w[k % kSets][i][0] = v.x, w[k % kSets][i][1] = v.y, w[k % kSets][i][2] = v.z,
                  w[k % kSets][i][3] = v.w;
          }
        };
        if (c >= HeldClusters) load_apart(0);
#pragma unroll
        for (int k = 0; k < Operands::kSteps; ++k) {
          if (kLoadsAhead && c >= HeldClusters && k + 1 < Operands::kSteps) load_apart(k + 1);
          if (!kLoadsAhead && c >= HeldClusters && k > 0) load_apart(k);
#pragma unroll
          for (int i = 0; i < kTargets; ++i) {
            float(&of_chain)[4] = sum[i][(c * Operands::kSteps + k) % kChains];
            if (c < HeldClusters) {
              multiply_add(of_chain, a[i][c < HeldClusters ? c : 0][k], b[c % kSets][k][0],
                           b[c % kSets][k][1]);
            } else {
              multiply_add(of_chain, w[k % kSets][i], b[c % kSets][k][0], b[c % kSets][k][1]);
            }
          }
        }
      }
#pragma unroll
      for (int i = 0; i < kTargets; ++i) {
        add_chains(sum[i]);
        partials.send(s % Buffers, tile, to[i], to_barriers, sum[i][0]);
      }
    };
    if constexpr (Operands::kHasLookers) {
      // One body: what would be known of each tile are addresses, for which there are no registers.
#pragma unroll 1
      for (int i = 0; i < p.shape.time; ++i) {
#pragma unroll 1
        for (int turn = 0; turn < Tiles; ++turn) {
          const int tile = Operands::tile_of(turn);
          multiply_tile(i, tile, [&] { operands.wait_laid(i, tile); });
        }
      }
    } else {
      constexpr int kAtOnce = kHasMany ? 1 : 4;  // steps
      for (int i0 = 0; i0 < p.shape.time; i0 += kAtOnce) {
        const u32 from = Operands::first_of(i0);
#pragma unroll
        for (int s = 0; s < kAtOnce; ++s) {
          if (i0 + s >= p.shape.time) break;
          const int number = kAtOnce == 4 ? s : i0 % 4;
#pragma unroll
          for (int tile = 0; tile < Tiles; ++tile) {
            multiply_tile(number, tile, [&] {
              operands.wait_far(from + s * Operands::kStepWords,
                                s + 1 < kAtOnce ? from + (s + 1) * Operands::kStepWords
                                                : Operands::first_of(i0 + kAtOnce),
                                number, tile, threadIdx.x, pacer[tile], ahead);
            });
            if constexpr (!Operands::kLooksAhead) pacer[tile].start();
          }
        }
      }
    }
  }

  static __device__ __forceinline__ void add_chains(float (&sum)[kChains][4]) {
#pragma unroll
    for (int step = 1; step < kChains; step *= 2) {
#pragma unroll
      for (int k = 0; k + step < kChains; k += 2 * step) {
#pragma unroll
        for (int j = 0; j < 4; ++j) sum[k][j] += sum[k + step][j];
      }
    }
  }
};

}  // namespace flashrnn::cuda
