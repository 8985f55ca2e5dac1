// SPDX-License-Identifier: Apache-2.0
// Forward in a cluster of CTAs of 16 units each, every warp with four of them: the rows of a tile of
// the product are the four gates of four units, so a warp has the whole sums of its units after one
// exchange between neighbouring lanes, and updates and publishes them itself. No partial sums, no
// barrier within the CTA; but every warp reads all of h. It does so in the order in which the CTAs'
// parts arrive, and multiplies what is there while the rest is on its way. A last warp moves tensors
// (mover.cuh). h is exchanged as in split_forward.cuh.
#pragma once

#include "cuda/fused/forward_update.cuh"
#include "cuda/fused/operand.cuh"
#include "gpu/fused/geometry.hpp"

namespace flashrnn::cuda {

// The products of a warp's four units. Row r of the tile is of unit r % 8 / 2, gate r % 2 * 2 + r / 8;
// so a lane has two gates of a unit and two sequences, and changes one of these with the lane that
// has the other gates.
template <typename Exchanged>
struct WholeProducts {
  static constexpr int kGates = Cell::kRecurrents, kParts = Exchanged::kRanks;
  static constexpr int kAtOnce = kParts > 8 ? 4 : kParts;  // parts that are looked for together
  static constexpr int kChains = kParts < 4 ? 2 : 4;  // sums that do not wait for each other

  u32 a[kParts][4];
  int lane;
  u32 from;
  float sums[4];

  static __device__ __forceinline__ int unit_of(int lane) { return lane / 8; }
  static __device__ __forceinline__ int position_of(int lane) {
    return lane % 4 * 2 + lane / 4 % 2;
  }
  static constexpr int kNeighbourLane = 8;  // from one unit of a pair to the other

  // `u`: the warp's first unit; `rank`: of the CTA.
  __device__ __forceinline__ void load(const ForwardParams& p, int n, int u, int rank, int lane_) {
    lane = lane_;
    const int unit = u + unit_of(lane), gate = lane / 4 % 2 * 2;
#pragma unroll
    for (int k = 0; k < kParts; ++k) {
      const int in = (rank + kParts - k) % kParts * 16 + lane % 4 * 4;
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        a[k][j] = gate + j % 2 < kGates ? weight_pair(p.r, gate + j % 2, n, unit, in + j / 2 * 2,
                                                      p.shape.units)
                                        : 0;
      }
    }
  }

  __device__ __forceinline__ void open(const Exchanged&, int i) { from = Exchanged::first_of(i); }

  // The product of the parts from number First on, added to `before`. Parts that are not there make
  // wrong sums, which are made again from `before` when they are.
  template <int First, int Count>
  __device__ __forceinline__ void multiply_from(const Exchanged& exchange, u32 at,
                                                const float (&before)[kChains][4],
                                                uint2 (&b)[Count], float (&all)[kChains][4]) const {
    constexpr int kNext = First + Count, kLeft = kParts - kNext,
                  kNextCount = kLeft > kAtOnce ? kAtOnce : kLeft > 0 ? kLeft : 1;
    uint2 next[kNextCount];
    if constexpr (kLeft > 0) exchange.look(at, kNext, lane, next);
    float sum[kChains][4];
    while (true) {
      u32 largest = 0;
#pragma unroll
      for (int k = 0; k < kChains; ++k) copy(sum[k], before[k]);
#pragma unroll
      for (int d = 0; d < Count; ++d) {
        multiply_add(sum[(First + d) % kChains], a[First + d], b[d].x, b[d].y);
        largest = max(largest, max(b[d].x, b[d].y));
      }
      if (!is_any_empty(largest)) break;
      exchange.look(at, First, lane, b);
    }
    if constexpr (kLeft > 0) {
      multiply_from<kNext>(exchange, at, sum, next, all);
    } else {
#pragma unroll
      for (int k = 0; k < kChains; ++k) copy(all[k], sum[k]);
    }
  }

  __device__ __forceinline__ void meet(const Exchanged& exchange, int s, int) {
    const float zero[kChains][4] = {};
    float sum[kChains][4];
    uint2 b[kAtOnce];
    const u32 at = from + s * Exchanged::kWords;
    meeting_point();
    exchange.look(at, 0, lane, b);
    multiply_from<0>(exchange, at, zero, b, sum);
    float all[4];
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      all[j] = sum[0][j] + sum[1][j];
      if constexpr (kChains == 4) all[j] += sum[kChains - 2][j] + sum[kChains - 1][j];
    }
    const bool is_second = lane / 4 % 2 != 0;
#pragma unroll
    for (int j = 0; j < 2; ++j) {
      const float mine = is_second ? all[2 * j + 1] : all[2 * j],
                  other = __uint_as_float(
                      of_neighbour<4>(__float_as_uint(is_second ? all[2 * j] : all[2 * j + 1])));
      sums[j] = is_second ? other : mine;
      sums[2 + j] = is_second ? mine : other;
    }
  }
  __device__ __forceinline__ void take(int, int, int, float (&sum)[kGates]) const {
#pragma unroll
    for (int g = 0; g < kGates; ++g) sum[g] = sums[g];
  }
};

// Likewise, for threads that update other units than their warp multiplies: through shared memory.
// The buffer of a step is used again two steps later, by warps that have h of that step and
// therefore of their own CTA, whose threads had read it.
template <typename Exchanged, int Units>
struct SharedWholeProducts {
  using Sums = PartialSums<Cell::kRecurrents, Units, 8, 1>;
  static constexpr int kThreads = Units * 8;

  WholeProducts<Exchanged>& own;
  u32 sums, mine;

  __device__ __forceinline__ void open(const Exchanged& exchange, int i) {
    own.open(exchange, i);
  }
  __device__ __forceinline__ void meet(const Exchanged& exchange, int s, int tile) {
    own.meet(exchange, s, tile);
    float sum[Cell::kRecurrents];
    own.take(0, 0, 0, sum);
    Sums::store(mine + s % 2 * Sums::kBytes, sum);
    barrier_sync<kThreads>(2 + s % 2);
  }
  __device__ __forceinline__ void take(int s, int unit, int position,
                                       float (&sum)[Cell::kRecurrents]) const {
    Sums::load(sums + Sums::load_place(unit, position) + s % 2 * Sums::kBytes, sum);
  }
};

template <int D, int Chunk>
struct WholeForward {
  static constexpr int kUnits = 16, kRanks = D / kUnits, kWarps = kUnits / 4;
  using Exchanged = HExchange<gpu::kCluster, D, 1, kRanks, kUnits, 4 * Chunk, true>;
  using Products = WholeProducts<Exchanged>;
  using LongProducts = SharedWholeProducts<Exchanged, kUnits>;
  using Update = ForwardUpdate<Exchanged, kUnits, 1, 1, Chunk, Products::kNeighbourLane>;
  using WholeStages = Stages<Chunk, Update::kIn.bytes(), Update::kOut.bytes()>;
  static_assert(kRanks > 1 && D % kUnits == 0);

  const ForwardParams& p;
  Exchanged exchange;
  Place at;
  u32 sums;

  __device__ __forceinline__ void run(unsigned char* shared, Way way) {
    const int group = p.first_group + blockIdx.x / kRanks, rank = blockIdx.x % kRanks;
    at = Place{group % p.shape.heads, group / p.shape.heads * 8, rank * kUnits};
    sums = shared_address(shared);
    exchange.set_up(nullptr, 0, sums + 2 * LongProducts::Sums::kBytes, rank);
    const u32 rest = sums + 2 * LongProducts::Sums::kBytes + Exchanged::kSharedBytes;
    WholeStages stages;
    stages.set_up(rest);
    const int warp = warp_number(), lane = threadIdx.x % 32;
    constexpr int kThreads = (kWarps + 1) * 32;
    exchange.clear_all(kThreads);
    // The long way's ring lies where the stages are.
    if (threadIdx.x == 0 && way != Way::kLong) stages.init(kWarps, false);
    if (way != Way::kLong && at.u0 + kUnits > p.shape.units) stages.clear_inputs(kThreads);
    exchange.sync_group();
    if (warp == kWarps) {
      if (way != Way::kLong) move(stages, lane);
    } else {
      Products products;
      products.load(p, at.n, at.u0 + warp * 4, rank, lane);
      const int unit = warp * 4 + Products::unit_of(lane), position = Products::position_of(lane);
      Update update{p, exchange, at};
      if (way == Way::kPlain) {
        update.template run_short<false>(stages, unit, position, products);
      } else if (way == Way::kAsked) {
        update.template run_short<true>(stages, unit, position, products);
      } else {
        LongProducts through{products, sums, sums + LongProducts::Sums::load_place(unit, position)};
        update.run_long(rest, threadIdx.x, through);
      }
    }
    exchange.leave_group();
  }

  __device__ __forceinline__ void move(const WholeStages& stages, int lane) {
    Mover<false, kUnits, 8> mover;
    set_up(mover, p, at, lane);
    mover.run(stages, p.shape.time, 0, lane, [&](int c) {
      for (int i = c * Chunk; i < min((c + 1) * Chunk, p.shape.time); ++i)
        exchange.clear(i, lane, 32);
    });
  }
};

}  // namespace flashrnn::cuda
