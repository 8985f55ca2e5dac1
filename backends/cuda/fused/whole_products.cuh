// SPDX-License-Identifier: Apache-2.0
// The products of forward in a cluster whose warps have the whole depth (whole_forward.cuh).
#pragma once

#include "cuda/fused/exchange.cuh"
#include "cuda/fused/operand.cuh"

namespace flashrnn::cuda {

// A warp's product with h, or with its share of the depth: Sharers warps take turns at the operands
// of 16 units (InTurns) or have what comes first, then, and last. A lane has two rows of each tile
// of 16, two neighbouring gates of a unit. Operands are taken AtOnce at a time, in the order in
// which they arrive, and a tile has Chains sums that do not wait for each other.
template <typename Exchanged, int Sharers, bool InTurns, int Tiles, int AtOnce, int Chains>
struct DepthProduct {
  static constexpr int kGates = Cell::kRecurrents;
  static constexpr int kOfCta = Exchanged::kPartWords / Exchanged::kBlockWords;  // operands
  static constexpr int kOperands = Exchanged::kRanks * kOfCta, kParts = kOperands / Sharers;
  static_assert(kOperands % Sharers == 0 && AtOnce <= kParts);

  u32 a[kParts][Tiles][4];
  int lane, share;

  // Of what this warp multiplies, operand d is number operand_at(d) of the exchange's.
  __device__ __forceinline__ int operand_at(int d) const {
    return InTurns ? d * Sharers + share : share * kParts + d;
  }

  // `unit_of(t)`: the lane's unit of tile t, `gate_of(t)`: the first of its gates; `rank`: of the
  // CTA.
  template <typename UnitOf, typename GateOf>
  __device__ __forceinline__ void load(const ForwardParams& p, int n, int rank,
                                       const UnitOf& unit_of, const GateOf& gate_of) {
    read_weights(p.r, n, p.shape.units, [&](const auto& rows) {
#pragma unroll
      for (int d = 0; d < kParts; ++d) {
        const int at = operand_at(d), cta = at / kOfCta;
        const int in =
            ((rank + Exchanged::kRanks - cta) % Exchanged::kRanks * kOfCta + at % kOfCta) * 16 +
            lane % 4 * 4;
#pragma unroll
        for (int t = 0; t < Tiles; ++t) {
#pragma unroll
          for (int j = 0; j < 2; ++j) {
            uint2 v = {0, 0};
            if (gate_of(t) + j < kGates) v = rows.quad(gate_of(t) + j, unit_of(t), in);
            a[d][t][j] = v.x, a[d][t][2 + j] = v.y;
          }
        }
      }
    });
  }

  // Operands that are taken together have half of the chains, those taken next the other half: they
  // need not wait for the sums of these.
  static constexpr int kHalf =
      AtOnce < kParts && AtOnce > 1 && AtOnce <= Chains ? Chains / 2 : Chains;
  static __device__ constexpr int chain_of(int first, int d) {
    return first / AtOnce % (Chains / kHalf) * kHalf + d % kHalf;
  }
  using Sum = float[Tiles][Chains][4];
  static __device__ __forceinline__ void copy_all(Sum& to, const Sum& from) {
#pragma unroll
    for (int t = 0; t < Tiles; ++t) {
#pragma unroll
      for (int k = 0; k < Chains; ++k) copy(to[t][k], from[t][k]);
    }
  }
  template <int First, int Count>
  __device__ __forceinline__ void look(const Exchanged& exchange, u32 at, uint2 (&b)[Count]) const {
#pragma unroll
    for (int d = 0; d < Count; ++d) b[d] = exchange.quad(at, operand_at(First + d), lane);
  }

  // The product of the operands from number First on, added to `before`. What is not there makes
  // wrong sums, which are made again from `before` when it is.
  template <int First, int Count, typename Join>
  __device__ __forceinline__ void multiply_from(const Exchanged& exchange, u32 at, Sum& before,
                                                uint2 (&b)[Count], const Join& join,
                                                Sum& all) const {
    constexpr int kNext = First + Count, kLeft = kParts - kNext,
                  kNextCount = kLeft > AtOnce ? AtOnce
                               : kLeft > 0    ? kLeft
                                              : 1;
    uint2 next[kNextCount];
    if constexpr (kLeft > 0) {
      look<kNext>(exchange, at, next);
    } else if constexpr (First > 0) {
      join(before);
    }
    Sum sum;
    while (true) {
      u32 largest = 0;
      copy_all(sum, before);
#pragma unroll
      for (int d = 0; d < Count; ++d) {
#pragma unroll
        for (int t = 0; t < Tiles; ++t)
          multiply_add(sum[t][chain_of(First, d)], a[First + d][t], b[d].x, b[d].y);
        largest = max(largest, max(b[d].x, b[d].y));
      }
      if (!is_any_empty(largest)) break;
      look<First>(exchange, at, b);
    }
    if constexpr (kLeft > 0) {
      multiply_from<kNext>(exchange, at, sum, next, join, all);
    } else {
      copy_all(all, sum);
    }
  }

  // With what the buffer that begins at word `at` has, or will have. `join(sum)` adds what others
  // have to the sums: before the last operands, unless all are taken at once.
  template <typename Join>
  __device__ __forceinline__ void multiply(const Exchanged& exchange, u32 at, const Join& join,
                                           float (&all)[Tiles][4]) const {
    Sum none = {}, sum;
    uint2 b[AtOnce];
    meeting_point();
    look<0>(exchange, at, b);
    multiply_from<0>(exchange, at, none, b, join, sum);
    if constexpr (AtOnce == kParts) join(sum);
#pragma unroll
    for (int t = 0; t < Tiles; ++t) {
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        all[t][j] = sum[t][0][j];
        if constexpr (Chains > 1) all[t][j] += sum[t][1][j];
        if constexpr (Chains == 4) all[t][j] += sum[t][Chains - 2][j] + sum[t][Chains - 1][j];
      }
    }
  }
  __device__ __forceinline__ void multiply(const Exchanged& exchange, u32 at,
                                           float (&all)[Tiles][4]) const {
    multiply(
        exchange, at, [](Sum&) {}, all);
  }
};

// Of a tile's sums a lane has two gates of a unit and two sequences, 2 q and 2 q + 1.
//
// Eight sequences: a warp updates four units, whose four gates are a tile: row r is of unit
// r % 8 / 2, gate r % 2 * 2 + r / 8. A lane changes one of its sequences with the lane that has the
// other gates. Sharers: with 32 units a CTA, whose weights and reads
// of h would be too many, teams of four warps share the depth, and each multiplies the units of its
// whole team (tile t those of the warp t after it); then they exchange sums.
template <typename Exchanged, int Sharers>
struct EightProducts {
  static constexpr bool kSkipsAbsent = false;
  static constexpr int kGates = Cell::kRecurrents;
  static constexpr int kOfCta = Exchanged::kPartWords / Exchanged::kBlockWords,
                       kParts = Exchanged::kRanks * kOfCta / Sharers;
  static constexpr int kAtOnce = Sharers > 1  ? 2
                                 : kParts > 8 ? 4
                                              : kParts,
                       kChains = Sharers > 1  ? 1
                                 : kParts < 4 ? 2
                                              : 4;
  using Product = DepthProduct<Exchanged, Sharers, true, Sharers, kAtOnce, kChains>;
  static constexpr int kWarps = kOfCta * 4, kUpdatingWarps = kWarps, kTeams = kWarps / Sharers;
  static constexpr int kSwapStep = kWarps * (Sharers - 1) * 512, kSwapBytes = 2 * kSwapStep;
  static constexpr int kNeighbourLane = 8;  // from one unit of a pair to the other

  Product product;
  int warp, lane;
  u32 from;
  // Sums that warps exchange: [steps modulo 2][owners][Sharers - 1 others][32 lanes].
  u32 swaps, mine;  // this lane's of the first owner, and of this warp
  float sums[4];

  static __device__ __forceinline__ int unit_of(int warp, int lane) { return warp * 4 + lane / 8; }
  static __device__ __forceinline__ int position_of(int lane) {
    return lane % 4 * 2 + lane / 4 % 2;
  }

  // The warp whose units are the rows of tile t.
  __device__ __forceinline__ int owner_of(int t) const {
    return (product.share + t) % Sharers * kTeams + warp % kTeams;
  }
  // `u`: the CTA's first unit; `rank`: of the CTA; `swaps_`: shared memory.
  __device__ __forceinline__ void load(const ForwardParams& p, int n, int u, int rank, int warp_,
                                       int lane_, u32 swaps_) {
    lane = product.lane = lane_;
    product.share = Sharers > 1 ? warp_ / kTeams : 0;
    warp = warp_;
    swaps = swaps_ + lane * 16;
    mine = swaps + warp * (Sharers - 1) * 512;
    product.load(
        p, n, rank, [&](int t) { return u + unit_of(owner_of(t), lane); },
        [&](int) { return lane / 4 % 2 * 2; });
  }

  __device__ __forceinline__ void open(const Exchanged&, int i) { from = Exchanged::first_of(i); }

  __device__ __forceinline__ void meet(const Exchanged& exchange, int s, int) {
    float all[Sharers][4];
    product.multiply(exchange, from + s * Exchanged::kWords, all);
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
  __device__ __forceinline__ void taken(int, int) const {}
  __device__ __forceinline__ void take(int, int, int, float (&sum)[kGates]) const {
#pragma unroll
    for (int g = 0; g < kGates; ++g) sum[g] = sums[g];
  }
};

// Four sequences, each in two columns, of which the even ones count: a warp updates eight units,
// and a tile is two gates of these, so that a lane has all of an element's. Sharers: two warps
// share the depth; the one that has what comes last updates.
template <typename Exchanged, int Sharers>
struct FourProducts {
  static constexpr bool kSkipsAbsent = false;
  static constexpr int kGates = Cell::kRecurrents;
  static constexpr int kOfCta = Exchanged::kPartWords / Exchanged::kBlockWords,
                       kParts = Exchanged::kRanks * kOfCta / Sharers;
  // Measured (docs/cuda-notebook.md): all where they are few.
  static constexpr bool kTakesAll = kParts <= 8 && (Sharers == 1 || kOfCta == 1);
  static constexpr int kAtOnce = kTakesAll                                           ? kParts
                                 : Sharers > 1 && (kParts < 16 || Cell::kStates > 2) ? 2
                                                                                     : 4;
  static constexpr int kTiles = (kGates + 1) / 2,
                       kChains = kAtOnce == 4 && kParts > 4 && Sharers == 1 ? 4 : 2;
  using Product = DepthProduct<Exchanged, Sharers, false, kTiles, kAtOnce, kChains>;
  static constexpr int kUpdatingWarps = kOfCta * 2, kWarps = kUpdatingWarps * Sharers;
  static constexpr int kSwapStep = (Sharers - 1) * kUpdatingWarps * 512, kSwapBytes = 2 * kSwapStep;
  static constexpr int kNeighbourLane = 4;  // from one unit of a pair to the other
  static_assert(Sharers == 1 || Sharers == 2);

  Product product;
  int owner, lane;
  u32 from;
  u32 swaps;  // this lane's sums of the warp that helps: [steps modulo 2][owners][32 lanes]
  float sums[2 * kTiles];

  static __device__ __forceinline__ int unit_of(int warp, int lane) { return warp * 8 + lane / 4; }
  static __device__ __forceinline__ int position_of(int lane) { return lane % 4; }

  __device__ __forceinline__ void load(const ForwardParams& p, int n, int u, int rank, int warp,
                                       int lane_, u32 swaps_) {
    lane = product.lane = lane_;
    // What comes last is the owner's.
    product.share = Sharers - 1 - warp / kUpdatingWarps;
    owner = warp % kUpdatingWarps;
    swaps = swaps_ + (owner * 32 + lane) * 16;
    product.load(
        p, n, rank, [&](int) { return u + unit_of(owner, lane); }, [](int t) { return 2 * t; });
  }

  __device__ __forceinline__ void open(const Exchanged&, int i) { from = Exchanged::first_of(i); }

  // A warp that helps multiplies what comes first, h of its own CTA to begin with, so it does not
  // come to the end of the next step before the owner has met it at this one and published. It may
  // come to the beginning: barriers and buffers of sums are there for two steps.
  __device__ __forceinline__ int barrier_of(int s) const {
    return 4 + s % 2 * kUpdatingWarps + owner;
  }

  // By the warps that update.
  __device__ __forceinline__ void meet(const Exchanged& exchange, int s, int) {
    float all[kTiles][4];
    product.multiply(
        exchange, from + s * Exchanged::kWords,
        [&](typename Product::Sum& sum) {
          if constexpr (Sharers == 1) return;
          meeting_point();
          barrier_sync<64>(barrier_of(s));
          const uint4 v = lds128(swaps + s % 2 * kSwapStep);
          sum[0][0][0] += __uint_as_float(v.x), sum[0][0][2] += __uint_as_float(v.y);
          if constexpr (kTiles > 1)
            sum[kTiles - 1][0][0] += __uint_as_float(v.z),
                sum[kTiles - 1][0][2] += __uint_as_float(v.w);
        },
        all);
#pragma unroll
    for (int t = 0; t < kTiles; ++t) sums[2 * t] = all[t][0], sums[2 * t + 1] = all[t][2];
  }
  // By the others.
  __device__ __forceinline__ void help(const Exchanged& exchange, int s) {
    float all[kTiles][4];
    product.multiply(exchange, from + s * Exchanged::kWords, all);
    constexpr int kLast = kTiles - 1;
    sts128(swaps + s % 2 * kSwapStep, __float_as_uint(all[0][0]), __float_as_uint(all[0][2]),
           __float_as_uint(all[kLast][0]), __float_as_uint(all[kLast][2]));
    meeting_point();
    barrier_arrive<64>(barrier_of(s));
  }
  __device__ __forceinline__ void taken(int, int) const {}
  __device__ __forceinline__ void take(int, int, int, float (&sum)[kGates]) const {
#pragma unroll
    for (int g = 0; g < kGates; ++g) sum[g] = sums[g];
  }
};

}  // namespace flashrnn::cuda
