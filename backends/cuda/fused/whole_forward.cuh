// SPDX-License-Identifier: Apache-2.0
// Forward in a cluster of CTAs of 16 or 32 units each, whose warps have the whole depth of the
// product for a few units, of all gates, and so the whole sums of an element (of 8 sequences after
// one exchange between neighbouring lanes); they update and publish it themselves. No partial sums,
// no barrier within the CTA; but every warp reads all of h. It does so in the order in which the
// CTAs' parts arrive, and multiplies what is there while the rest is on its way. Where weights and
// reads would be too many for a warp, two or four of them share the depth. A last warp moves
// tensors (mover.cuh). h is exchanged as in split_forward.cuh.
//
// A batch tile has 8 sequences or 4. With 4, a product costs as much and does half, but a CTA sends
// and reads half as much; that pays where the device holds the clusters.
#pragma once

#include "cuda/fused/forward_update.cuh"
#include "cuda/fused/whole_products.cuh"
#include "gpu/fused/geometry.hpp"

namespace flashrnn::cuda {

// For threads that update other units than their warp multiplies: sums through shared memory. The
// buffer of a step is used again two steps later, after the barrier of the step between, which all
// meet when they have read it.
template <typename Products, typename Exchanged, int Units, int Columns>
struct SharedWholeProducts {
  using Sums = PartialSums<Cell::kRecurrents, Units, Columns, 1>;
  static constexpr int kThreads = Products::kWarps * 32;

  Products& own;
  int warp;
  u32 sums, mine;

  __device__ __forceinline__ void open(const Exchanged& exchange, int i) { own.open(exchange, i); }
  __device__ __forceinline__ void meet(const Exchanged& exchange, int s, int tile) {
    if (warp < Products::kUpdatingWarps) {
      own.meet(exchange, s, tile);
      float sum[Cell::kRecurrents];
      own.take(0, 0, 0, sum);
      Sums::store(mine + s % 2 * Sums::kBytes, sum);
    } else if constexpr (Products::kUpdatingWarps < Products::kWarps) {
      own.help(exchange, s);
    }
    barrier_sync<kThreads>(2 + s % 2);
  }
  __device__ __forceinline__ void taken(int, int) const {}
  __device__ __forceinline__ void take(int s, int unit, int position,
                                       float (&sum)[Cell::kRecurrents]) const {
    Sums::load(sums + Sums::load_place(unit, position) + s % 2 * Sums::kBytes, sum);
  }
};

template <typename Exchanged, int Columns, int Sharers>
struct ProductsOf {
  using Type = EightProducts<Exchanged, Sharers>;
};
template <typename Exchanged, int Sharers>
struct ProductsOf<Exchanged, 4, Sharers> {
  using Type = FourProducts<Exchanged, Sharers>;
};

// Sharers: warps that share the depth. ExtraWarps: the one that moves, and three idle ones beside
// it where those that compute take registers of theirs.
template <int D, int Units, int Columns, int Sharers, int ExtraWarps, int Chunk>
struct WholeForward {
  static constexpr int kUnits = Units, kRanks = D / kUnits, kExtraWarps = ExtraWarps;
  using Exchanged = HExchange<gpu::kCluster, D, 1, kRanks, kUnits, 4 * Chunk, Columns>;
  using Products = typename ProductsOf<Exchanged, Columns, Sharers>::Type;
  static constexpr int kWarps = Products::kWarps, kUpdatingWarps = Products::kUpdatingWarps;
  using LongProducts = SharedWholeProducts<Products, Exchanged, kUnits, Columns>;
  using Update = ForwardUpdate<Exchanged, kUnits, Columns, 1, Chunk, Products::kNeighbourLane>;
  using WholeStages = Stages<Chunk, Update::kIn.bytes(), Update::kOut.bytes()>;
  // Registers of a thread, where those that multiply take some of those that do not: at first all
  // have the same, as many as an SM has for so many warps.
  static constexpr int kAtFirst = 65536 / ((kWarps + kExtraWarps) * 32) / 8 * 8, kMoving = 40,
                       kUpdating = 232;
  static_assert(kExtraWarps == 1 ||
                kWarps * kUpdating + kExtraWarps * kMoving <= (kWarps + kExtraWarps) * kAtFirst);
  static_assert(kRanks > 1 && D % kUnits == 0);

  const ForwardParams& p;
  Exchanged exchange;
  Place at;
  u32 sums;

  __device__ __forceinline__ void run(unsigned char* shared, Way way) {
    const int group = p.first_group + blockIdx.x / kRanks, rank = blockIdx.x % kRanks;
    at = Place{group % p.shape.heads, gpu::first_sequence(group / p.shape.heads, Columns),
               rank * kUnits};
    sums = shared_address(shared);
    const u32 swaps = sums + 2 * LongProducts::Sums::kBytes;
    exchange.set_up(nullptr, 0, swaps + Products::kSwapBytes, rank);
    const u32 rest = swaps + Products::kSwapBytes + Exchanged::kSharedBytes;
    WholeStages stages;
    stages.set_up(rest);
    const int warp = warp_number(), lane = threadIdx.x % 32;
    constexpr int kThreads = (kWarps + kExtraWarps) * 32;
    exchange.clear_all(kThreads);
    // The long way's ring lies where the stages are.
    if (threadIdx.x == 0 && way != Way::kLong) stages.init(kUpdatingWarps, false);
    if (way != Way::kLong && at.u0 + kUnits > p.shape.units) stages.clear(kThreads);
    exchange.sync_group();
    if (warp >= kWarps) {
      if constexpr (kExtraWarps > 1) give_registers<kMoving>();
      if (warp == kWarps && way != Way::kLong) move(stages, lane);
    } else {
      if constexpr (kExtraWarps > 1) take_registers<kUpdating>();
      Products products;
      products.load(p, at.n, at.u0, rank, warp, lane, swaps);
      compute(stages, way, warp, lane, rest, products);
    }
    exchange.leave_group();
  }

  __device__ __forceinline__ void compute(const WholeStages& stages, Way way, int warp, int lane,
                                          u32 rest, Products& products) {
    if constexpr (kUpdatingWarps < kWarps) {
      if (warp >= kUpdatingWarps && way != Way::kLong) {
        help(products);
        return;
      }
    }
    const int unit = Products::unit_of(warp, lane), position = Products::position_of(lane);
    Update update{p, exchange, at};
    if (way == Way::kPlain) {
      update.template run_short<false>(stages, unit, position, products);
    } else if (way == Way::kAsked) {
      update.template run_short<true>(stages, unit, position, products);
    } else {
      LongProducts through{products, warp, sums,
                           sums + LongProducts::Sums::load_place(unit, position)};
      update.run_long(rest, threadIdx.x, through);
    }
  }

  // Products of the warps that only multiply.
  __device__ __forceinline__ void help(Products& products) const {
    for (int c = 0; c * Chunk < p.shape.time; ++c) {
      products.open(exchange, c * Chunk);
#pragma unroll
      for (int s = 0; s < Chunk; ++s) {
        if (c * Chunk + s >= p.shape.time) break;
        products.help(exchange, s);
      }
    }
  }

  __device__ __forceinline__ void move(const WholeStages& stages, int lane) {
    Mover<false, kUnits, Columns, false> mover;
    set_up(mover, p, at, exchange.rank, kRanks, lane);
    mover.run(
        stages, p.shape.time, 0, lane,
        [&](int c) {
          for (int i = c * Chunk; i < min((c + 1) * Chunk, p.shape.time); ++i)
            exchange.clear(i, lane, 32);
        },
        [](int, int) {});
  }
};

}  // namespace flashrnn::cuda
