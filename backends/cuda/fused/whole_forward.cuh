// SPDX-License-Identifier: Apache-2.0
// Forward in a cluster of CTAs of 16 or 32 units each, every warp with four of them: the rows of a
// tile of the product are the four gates of four units, so a warp has the whole sums of its units
// after one exchange between neighbouring lanes, and updates and publishes them itself. No partial
// sums, no barrier within the CTA; but every warp reads all of h. It does so in the order in which
// the CTAs' parts arrive, and multiplies what is there while the rest is on its way. With 32 units
// a CTA four warps share the depth. A last warp moves tensors (mover.cuh). h is exchanged as in
// split_forward.cuh.
#pragma once

#include "cuda/fused/forward_update.cuh"
#include "cuda/fused/operand.cuh"
#include "gpu/fused/geometry.hpp"

namespace flashrnn::cuda {

// The products of a warp's four units. Row r of the tile is of unit r % 8 / 2, gate r % 2 * 2 + r /
// 8; so a lane has two gates of a unit and two sequences, and changes one of these with the lane
// that has the other gates.
//
// Sharers: with 32 units a CTA, whose weights and reads of h would be too many, teams of four warps
// share the depth, taking turns at the operands, and each multiplies the units of its whole team
// (tile t those of the warp t after it); then they exchange sums.
template <typename Exchanged, int Sharers>
struct WholeProducts {
  static constexpr int kGates = Cell::kRecurrents;
  static constexpr int kOfCta = Exchanged::kPartWords / Exchanged::kBlockWords;  // operands
  static constexpr int kOperands = Exchanged::kRanks * kOfCta, kParts = kOperands / Sharers;
  // Operands that are looked for together.
  static constexpr int kAtOnce = Sharers > 1 ? 2 : kParts > 8 ? 4 : kParts;
  // Sums of a tile that do not wait for each other.
  static constexpr int kChains = Sharers > 1 ? 1 : kParts < 4 ? 2 : 4;
  static constexpr int kWarps = kOfCta * 4, kTeams = kWarps / Sharers;
  static constexpr int kSwapStep = kWarps * (Sharers - 1) * 512, kSwapBytes = 2 * kSwapStep;
  static_assert(kOperands % Sharers == 0 && kAtOnce <= kParts);

  u32 a[kParts][Sharers][4];
  int warp, lane, share;
  u32 from;
  // Sums that warps exchange: [steps modulo 2][owners][Sharers - 1 others][32 lanes].
  u32 swaps, mine;  // this lane's of the first owner, and of this warp
  float sums[4];

  static __device__ __forceinline__ int unit_of(int lane) { return lane / 8; }
  static __device__ __forceinline__ int position_of(int lane) {
    return lane % 4 * 2 + lane / 4 % 2;
  }
  static constexpr int kNeighbourLane = 8;  // from one unit of a pair to the other

  // Of what this warp multiplies, operand d is number operand_at(d) of the exchange's.
  __device__ __forceinline__ int operand_at(int d) const { return d * Sharers + share; }
  // The warp whose units are the rows of tile t.
  __device__ __forceinline__ int owner_of(int t) const {
    return (share + t) % Sharers * kTeams + warp % kTeams;
  }
  // `u`: the CTA's first unit; `rank`: of the CTA; `swaps`: shared memory.
  __device__ __forceinline__ void load(const ForwardParams& p, int n, int u, int rank, int warp_,
                                       int lane_, u32 swaps_) {
    lane = lane_;
    share = Sharers > 1 ? warp_ / kTeams : 0;
    warp = warp_;
    swaps = swaps_ + lane * 16;
    mine = swaps + warp * (Sharers - 1) * 512;
    const int gate = lane / 4 % 2 * 2;
#pragma unroll
    for (int d = 0; d < kParts; ++d) {
      const int at = operand_at(d), cta = at / kOfCta;
      const int in =
          ((rank + Exchanged::kRanks - cta) % Exchanged::kRanks * kOfCta + at % kOfCta) * 16 +
          lane % 4 * 4;
#pragma unroll
      for (int t = 0; t < Sharers; ++t) {
        const int unit = u + owner_of(t) * 4 + unit_of(lane);
#pragma unroll
        for (int j = 0; j < 4; ++j) {
          a[d][t][j] = gate + j % 2 < kGates
                           ? weight_pair(p.r, gate + j % 2, n, unit, in + j / 2 * 2, p.shape.units)
                           : 0;
        }
      }
    }
  }

  __device__ __forceinline__ void open(const Exchanged&, int i) { from = Exchanged::first_of(i); }

  using Sum = float[Sharers][kChains][4];
  static __device__ __forceinline__ void copy_all(Sum& to, const Sum& from) {
#pragma unroll
    for (int t = 0; t < Sharers; ++t) {
#pragma unroll
      for (int k = 0; k < kChains; ++k) copy(to[t][k], from[t][k]);
    }
  }
  template <int First, int Count>
  __device__ __forceinline__ void look(const Exchanged& exchange, u32 at, uint2 (&b)[Count]) const {
#pragma unroll
    for (int d = 0; d < Count; ++d) b[d] = exchange.quad(at, operand_at(First + d), lane);
  }

  // The product of the operands from number First on, added to `before`. What is not there makes
  // wrong sums, which are made again from `before` when it is.
  template <int First, int Count>
  __device__ __forceinline__ void multiply_from(const Exchanged& exchange, u32 at,
                                                const Sum& before, uint2 (&b)[Count],
                                                Sum& all) const {
    constexpr int kNext = First + Count, kLeft = kParts - kNext,
                  kNextCount = kLeft > kAtOnce ? kAtOnce
                               : kLeft > 0     ? kLeft
                                               : 1;
    uint2 next[kNextCount];
    if constexpr (kLeft > 0) look<kNext>(exchange, at, next);
    Sum sum;
    while (true) {
      u32 largest = 0;
      copy_all(sum, before);
#pragma unroll
      for (int d = 0; d < Count; ++d) {
#pragma unroll
        for (int t = 0; t < Sharers; ++t)
          multiply_add(sum[t][(First + d) % kChains], a[First + d][t], b[d].x, b[d].y);
        largest = max(largest, max(b[d].x, b[d].y));
      }
      if (!is_any_empty(largest)) break;
      look<First>(exchange, at, b);
    }
    if constexpr (kLeft > 0) {
      multiply_from<kNext>(exchange, at, sum, next, all);
    } else {
      copy_all(all, sum);
    }
  }

  __device__ __forceinline__ void meet(const Exchanged& exchange, int s, int) {
    const Sum zero = {};
    Sum sum;
    uint2 b[kAtOnce];
    const u32 at = from + s * Exchanged::kWords;
    meeting_point();
    look<0>(exchange, at, b);
    multiply_from<0>(exchange, at, zero, b, sum);
    float all[Sharers][4];
#pragma unroll
    for (int t = 0; t < Sharers; ++t) {
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        all[t][j] = sum[t][0][j];
        if constexpr (kChains > 1) all[t][j] += sum[t][1][j];
        if constexpr (kChains == 4) all[t][j] += sum[t][kChains - 2][j] + sum[t][kChains - 1][j];
      }
    }
    if constexpr (Sharers > 1) {
      const u32 parity = s % 2 * kSwapStep;
#pragma unroll
      for (int t = 1; t < Sharers; ++t)
        sts128(swaps + parity + (owner_of(t) * (Sharers - 1) + t - 1) * 512,
               __float_as_uint(all[t][0]), __float_as_uint(all[t][1]), __float_as_uint(all[t][2]),
               __float_as_uint(all[t][3]));
      meeting_point();
      barrier_sync<32 * Sharers>(4 + warp % kTeams);
      float theirs[4] = {};
#pragma unroll
      for (int t = 1; t < Sharers; ++t) {
        const uint4 v = lds128(mine + parity + (t - 1) * 512);
        theirs[0] += __uint_as_float(v.x), theirs[1] += __uint_as_float(v.y);
        theirs[2] += __uint_as_float(v.z), theirs[3] += __uint_as_float(v.w);
      }
#pragma unroll
      for (int j = 0; j < 4; ++j) all[0][j] += theirs[j];
    }
    const bool is_second = lane / 4 % 2 != 0;
#pragma unroll
    for (int j = 0; j < 2; ++j) {
      const float kept = is_second ? all[0][2 * j + 1] : all[0][2 * j],
                  other = __uint_as_float(of_neighbour<4>(
                      __float_as_uint(is_second ? all[0][2 * j] : all[0][2 * j + 1])));
      sums[j] = is_second ? other : kept;
      sums[2 + j] = is_second ? kept : other;
    }
  }
  __device__ __forceinline__ void take(int, int, int, float (&sum)[kGates]) const {
#pragma unroll
    for (int g = 0; g < kGates; ++g) sum[g] = sums[g];
  }
};

// Likewise, for threads that update other units than their warp multiplies: through shared memory.
// The buffer of a step is used again two steps later, after the barrier of the step between, which
// all meet when they have read it.
template <typename Exchanged, int Units>
struct SharedWholeProducts {
  using Sums = PartialSums<Cell::kRecurrents, Units, 8, 1>;
  static constexpr int kThreads = Units * 8;

  WholeProducts<Exchanged, gpu::sharers_of_depth(Units)>& own;
  u32 sums, mine;

  __device__ __forceinline__ void open(const Exchanged& exchange, int i) { own.open(exchange, i); }
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

template <int D, int Units, int Chunk>
struct WholeForward {
  static constexpr int kUnits = Units, kRanks = D / kUnits, kWarps = kUnits / 4,
                       kExtraWarps = kUnits > 16 ? 4 : 1;
  using Exchanged = HExchange<gpu::kCluster, D, 1, kRanks, kUnits, 4 * Chunk, true>;
  using Products = WholeProducts<Exchanged, gpu::sharers_of_depth(kUnits)>;
  using LongProducts = SharedWholeProducts<Exchanged, kUnits>;
  using Update = ForwardUpdate<Exchanged, kUnits, 1, 1, Chunk, Products::kNeighbourLane>;
  using WholeStages = Stages<Chunk, Update::kIn.bytes(), Update::kOut.bytes()>;
  // Registers of a thread, where those that update take some of those that do not: at first all
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
    at = Place{group % p.shape.heads, group / p.shape.heads * 8, rank * kUnits};
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
    if (threadIdx.x == 0 && way != Way::kLong) stages.init(kWarps, false);
    if (way != Way::kLong && at.u0 + kUnits > p.shape.units) stages.clear_inputs(kThreads);
    exchange.sync_group();
    if (warp >= kWarps) {
      if constexpr (kExtraWarps > 1) give_registers<kMoving>();
      if (warp == kWarps && way != Way::kLong) move(stages, lane);
    } else {
      if constexpr (kExtraWarps > 1) take_registers<kUpdating>();
      Products products;
      products.load(p, at.n, at.u0, rank, warp, lane, swaps);
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
