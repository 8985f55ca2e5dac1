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
#include "cuda/fused/forward_pair.cuh"
#include "cuda/fused/mover_setup.cuh"
#include "cuda/fused/operand.cuh"
#include "cuda/fused/plain.cuh"
#include "gpu/fused/geometry.hpp"

namespace flashrnn::cuda {

template <int Family, int D, int Units, int DepthWarps, int Tiles>
struct SplitForward {
  static constexpr int kRanks = D / Units, kBlocks = Units / 16, kColumns = 8 * Tiles;
  static constexpr int kMultipliers = DepthWarps * kBlocks, kUpdaters = Units * 4 * Tiles,
                       kUpdaterWarps = kUpdaters / 32;
  static constexpr int kThreads =
      kMultipliers * 32 + kUpdaters;  // that meet at the barriers of the partial sums
  static constexpr int kDepth = D / 32 / DepthWarps;  // B operands of 32 units, of each warp
  static constexpr int kGates = Cell::kRecurrents;
  static constexpr int kRowBytes = gpu::row_bytes(Units);
  static constexpr gpu::StageShape kIn = gpu::input_stage(kCounts, false, Units, kColumns);
  static constexpr gpu::StageShape kOut = gpu::output_stage(kCounts, false, Units, kColumns);
  static constexpr int kChunk = gpu::kSplitChunk, kBuffers = gpu::kExchangeBuffers;
  using SplitStages = Stages<kChunk, kIn.bytes(), kOut.bytes()>;
  using Exchanged = HExchange<Family, D, Tiles, kRanks, Units>;
  using Sums = PartialSums<kGates, Units, kColumns, DepthWarps>;
  static_assert(D % (32 * DepthWarps) == 0 && D % Units == 0 && Units % 16 == 0);

  const ForwardParams& p;
  Exchanged exchange;
  u32 sums;
  Place at;

  // ---- the multiplying warps ----
  __device__ __forceinline__ void multiply(int warp, int lane) {
    const int slice = warp % DepthWarps, block = warp / DepthWarps, q = lane % 4, row = lane / 4;
    u32 a[kGates][kDepth][2][4];
#pragma unroll
    for (int g = 0; g < kGates; ++g) {
#pragma unroll
      for (int d = 0; d < kDepth; ++d) {
        load_rows(p.r, g, at.n, at.u0 + block * 16 + 2 * row, (slice * kDepth + d) * 32 + q * 8,
                  p.shape.units, a[g][d]);
      }
    }
    const u32 mine = sums + Sums::store_place(slice, block, row, q);
    for (int i0 = 0; i0 < p.shape.time; i0 += 4) {
      const u32 from = exchange.first_of(i0);
#pragma unroll
      for (int s = 0; s < 4; ++s) {
        if (i0 + s >= p.shape.time) break;
        float sum[kGates][Tiles][4];
        clear(sum);
        uint4 b[Tiles][kDepth];
        exchange.template wait<kDepth>(from, s, slice * kDepth, lane, b);
        multiply_all(sum, a, b);
#pragma unroll
        for (int c = 0; c < Tiles; ++c) {
#pragma unroll
          for (int h = 0; h < 4; ++h) {
            float gates[kGates];
#pragma unroll
            for (int g = 0; g < kGates; ++g) gates[g] = sum[g][c][h];
            Sums::store(mine + s % 2 * Sums::kBytes + Sums::store_step(c, h), gates);
          }
        }
        barrier_arrive<kThreads>(2 + s % 2);
      }
    }
  }

  // ---- the updating warps ----
  struct Mine {
    int pair, column;  // of the CTA's units and sequences
    __device__ explicit Mine(int index)
        : pair(index / gpu::kBlockPairs % kBlocks * 8 + index % gpu::kBlockPairs / 8),
          column(index / (gpu::kBlockPairs * kBlocks) * 8 + index % 8) {}
    __device__ int place() const {
      return (column / 8 * kBlocks + pair / 8) * gpu::kBlockPairs +
             gpu::place_in_block(pair % 8, column % 8);
    }
  };

  // The sums of a step, added to what the slots have without them.
  __device__ __forceinline__ void add_sums(int s, const Mine& mine, float (&g)[Cell::kSlots][2]) {
    float sum[kGates][2];
    Sums::load(sums + s % 2 * Sums::kBytes + Sums::load_place(mine.pair, mine.column), sum);
#pragma unroll
    for (int k = 0; k < Cell::kSlots; ++k) {
      const int gate = Cell::recurrent_of_slot(k);
      if (gate < 0) continue;
      g[k][0] += sum[gate][0];
      g[k][1] += sum[gate][1];
    }
  }

  __device__ __forceinline__ void update_plain(const SplitStages& stages, int index) {
    const Mine mine(index);
    const int u = at.u0 + mine.pair * 2, b = at.b0 + mine.column;
    PairBias bias;
    bias.load(p, at.n, u);
    ForwardPair pair;
    pair.start(p, b, at.n, u);
    exchange.open(at.u0 / 2 + mine.pair, mine.column, pack(pair.state[0][0], pair.state[0][1]),
                  index);
    const u32 word = mine.column * kRowBytes + mine.pair * 4;
    for (int c = 0; c * kChunk < p.shape.time; ++c) {
      stages.wait_ready(c);
      stages.wait_free(c);
      const u32 in = stages.input(c) + word, out = stages.output(c);
      const typename Exchanged::Targets to = exchange.targets(c * kChunk);
#pragma unroll
      for (int s = 0; s < kChunk; ++s) {
        if (c * kChunk + s >= p.shape.time) break;
        u32 x[4];
        float g[Cell::kSlots][2];
#pragma unroll
        for (int k = 0; k < Cell::kInputs; ++k)
          x[k] = lds32(in + s * kIn.bytes() + k * kColumns * kRowBytes);
        slot_inputs(x, bias, g);
        barrier_sync<kThreads>(2 + s % 2);
        add_sums(s, mine, g);
        const u32 operand = pair.advance_plain(g);
        if (s + 1 < kChunk) {
          to.publish(s + 1, operand);
        } else {
          exchange.targets(c * kChunk + kChunk).publish(0, operand);
        }
        const u32 o = out + s * kOut.bytes();
        sts32(o + kOut.rows_at() + word, operand);
        if (p.saved != nullptr)
          pair.stage_saved(o + mine.place() * (4 * Cell::kSaved),
                           o + kOut.kept_at() + mine.place() * 8, kOut.kept_bytes());
      }
      stages.tell_done(c);
    }
    pair.finish(p);
  }

  __device__ __forceinline__ void update_general(u32 ring, int index) {
    const Mine mine(index);
    const int u = at.u0 + mine.pair * 2, b = at.b0 + mine.column;
    const ForwardFacts facts(p);
    PairBias bias;
    bias.load(p, at.n, u);
    ForwardPair pair;
    pair.start(p, b, at.n, u);
    exchange.open(at.u0 / 2 + mine.pair, mine.column, pack(pair.state[0][0], pair.state[0][1]),
                  index);
    constexpr int kStep = kUpdaters * ForwardPair::kRingBytes;
    const u32 slot = ring + index * ForwardPair::kRingBytes;
    for (int w = 0; w < 4 * ForwardPair::kRingBytes; w += 4)
      sts32(slot + w / ForwardPair::kRingBytes * kStep + w % ForwardPair::kRingBytes, 0);
    for (int s = 0; s < 4; ++s) {
      if (s < p.shape.time) pair.fetch(p, facts, slot + s * kStep);
      copy_commit();
    }
    for (int i = 0; i < p.shape.time; ++i) {
      const int s = i % 4;
      copy_wait<3>();
      u32 x[4];
      float g[Cell::kSlots][2];
      pair.read(p, i, slot + s * kStep, x);
      pair.restart(p);
      slot_inputs(x, bias, g);
      barrier_sync<kThreads>(2 + s % 2);
      add_sums(s, mine, g);
      exchange.targets(i + 1).publish(0, pair.advance(p, g));
      barrier_sync<kUpdaters>(1);
      exchange.clear(i - 1, index, kUpdaters);
      pair.store(p, facts, i);
      if (i + 4 < p.shape.time) pair.fetch(p, facts, slot + s * kStep);
      copy_commit();
    }
    pair.finish(p);
  }

  __device__ __forceinline__ void run(unsigned char* shared, bool is_plain) {
    const int group = p.first_group + blockIdx.x / kRanks, rank = blockIdx.x % kRanks;
    at = Place{group % p.shape.heads, group / p.shape.heads * kColumns, rank * Units};
    const u32 base = shared_address(shared);
    sums = base;
    exchange.set_up(p.exchange, group, base + 2 * Sums::kBytes, rank);
    const u32 rest = base + 2 * Sums::kBytes + Exchanged::kSharedBytes;
    SplitStages stages;
    stages.set_up(rest);
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    exchange.clear_all(kThreads + 32);
    if (threadIdx.x == 0) stages.init(kUpdaterWarps, false);
    exchange.sync_group();
    if (warp < kMultipliers) {
      multiply(warp, lane);
    } else if (warp == kMultipliers + kUpdaterWarps) {
      if (is_plain) {
        Mover<false, Units, kColumns> mover;
        set_up(mover, p, at, lane);
        mover.run(stages, p.shape.time, 0, lane, [&](int c) {
          for (int i = 0; i < kChunk; ++i)
            exchange.clear(c * kChunk + i - Exchanged::kClearLag, lane, 32);
          exchange.clear_fence();
        });
      }
    } else if (is_plain) {
      update_plain(stages, threadIdx.x - kMultipliers * 32);
    } else {
      update_general(rest, threadIdx.x - kMultipliers * 32);
    }
    exchange.leave_group();
  }
};

}  // namespace flashrnn::cuda
