// SPDX-License-Identifier: Apache-2.0
// What goes round between the warps and CTAs of a (head, batch tile) in backward: slots' gradients
// as operands of the product, and the partial gradients of h that the product gives.
#pragma once

#include "cuda/fused/exchange.cuh"
#include "gpu/fused/cell.hpp"

namespace flashrnn::cuda {

using gpu::Cell;

__device__ constexpr int slot_of_gate(int gate) {
  for (int k = 0; k < Cell::kSlots; ++k) {
    if (Cell::recurrent_of_slot(k) == gate) return k;
  }
  return 0;
}

// The operands of 16 units: a thread's gradients of a pair of units (a word a gate) are one lane's
// operands, so that they go as one store and one load. Depth of an mma: with several gates 8 units
// of two gates; with one gate 16 units of it.
// Lookers: with several tiles and clusters, warps that look for others' gradients and lay them down
// in shared memory, a tile at a time, so that those which multiply wait for nothing but a barrier.
template <int Family, int Ranks, int Clusters, int Tiles, int Multipliers, int Buffers, bool IsNear,
          int Groups, int Lookers>
struct GradientOperands {
  static constexpr bool kIsGlobal = Family == gpu::kGlobal;
  static constexpr int kGates = Cell::kRecurrents;
  static constexpr int kVector = kGates == 1   ? 2
                                 : kGates == 2 ? 2
                                               : 4;  // words of a lane, of each half of the units
  static constexpr int kHalves = kGates == 1 ? 1 : 2;
  static constexpr int kSteps = kGates == 1 ? 1 : kGates == 2 ? 2 : 4;  // mma of 16 units
  static constexpr int kBlockWords = kHalves * 32 * kVector;  // of 16 units and 8 sequences
  static constexpr int kBufferWords = Clusters * Tiles * kBlockWords;
  // Words of global memory from a step's buffer to the next one's.
  static constexpr int kStepWords = Ranks * kBufferWords;
  // A CTA by itself reads all gradients: in rounds, and into one buffer of shared memory.
  static constexpr bool kIsAlone = kIsGlobal && Ranks == 1;
  // In a cluster a CTA has its own slots' gradients from its own threads, in two buffers (steps
  // modulo 2), and multiplies them while the other clusters' are on their way through L2: those are
  // near, the rest far. With several tiles the other tiles' products hide that way, and all are
  // far. Clusters take turns, where one is near from the CTA's own on.
  static constexpr int kNear = IsNear ? 1 : 0, kFar = kIsGlobal ? Clusters - kNear : 0;
  static_assert(!IsNear || (!kIsAlone && (!kIsGlobal || Tiles == 1)));
  // Of what is far. One buffer does where a step of another tile, with its barrier, lies between
  // two steps of one, or where lookers wait until it has been taken; else it takes one more
  // barrier.
  static constexpr int kFarBuffers = Tiles > 1 || kIsAlone ? 1 : 2;
  static constexpr int kTileBytes = kBlockWords * 4, kNearBytes = kNear * 2 * Tiles * kTileBytes;
  static constexpr bool kHasLookers = Lookers > 0;
  static_assert(!kHasLookers || (kIsGlobal && Tiles > 1 && !kIsAlone));
  // The lookers' barriers lie behind the operands.
  static constexpr int kBarriersAt = kNearBytes + kFarBuffers * kFar * Tiles * kTileBytes,
                       kSharedBytes = kBarriersAt + kHasLookers * gpu::kLookerBarrierBytes;
  static_assert(!kHasLookers || 16 * Tiles <= gpu::kLookerBarrierBytes);
  // So that a looker has the same tiles at every step, and looks for a step's words of a tile only
  // after all of those of the step before.
  static_assert(!kHasLookers || Tiles % Lookers == 0);

  u32 shared;
  u32* global;  // of this rank, first cluster and buffer
  int cluster;  // this CTA's
  u32 place;    // of this thread's words in a block
  u32* own;

  // What a looker lays down of a tile is there (laid), and all multiplying warps have read it.
  __device__ __forceinline__ u32 laid(int tile) const { return shared + kBarriersAt + 8 * tile; }
  __device__ __forceinline__ u32 taken(int tile) const { return laid(tile) + 8 * Tiles; }
  // By one thread.
  __device__ __forceinline__ void init() const {
    if constexpr (kHasLookers) {
      for (int tile = 0; tile < Tiles; ++tile) {
        mbarrier_init(laid(tile), 1);
        mbarrier_init(taken(tile), Multipliers);
      }
      mbarrier_init_fence();
    }
  }

  // Global memory: [Buffers][ranks][clusters][tiles] blocks.
  __device__ __forceinline__ void set_up(void* exchange, int group, u32 shared_, int cluster_,
                                         int rank) {
    shared = shared_;
    cluster = cluster_;
    global = static_cast<u32*>(exchange) +
             (static_cast<long long>(group) * Buffers * Ranks + rank) * kBufferWords;
  }
  __device__ __forceinline__ void open(int pair, int column) {
    const int lane = column * 4 + pair % 4, half = pair / 4;
    place = kGates == 1 ? lane * 2 + half : (half * 32 + lane) * kVector;
    own = global + cluster * Tiles * kBlockWords + place;
  }
  // The word of global memory at which the buffer of step i begins.
  static __device__ __forceinline__ u32 first_of(int i) { return i % Buffers * kStepWords; }

  // A CTA that is through with step i knows that all others have read its gradients of step i - 2.
  static constexpr int kClearLag = 2;
  // Empties the CTA's own words of step i and Tiles / Parts tiles. `index` of `threads` that share
  // the work.
  template <int Parts = 1>
  __device__ __forceinline__ void clear(int i, int part, int index, int threads) const {
    if (!kIsGlobal || i < 0) return;
    meeting_point();
    constexpr int kOfPart = Tiles / Parts * kBlockWords;
    u32* const to = global + first_of(i) + cluster * Tiles * kBlockWords + part * kOfPart;
    for (int w = index; w < kOfPart / 4; w += threads)
      store_relaxed128(to + 4 * w, kEmptyWord, kEmptyWord, kEmptyWord, kEmptyWord);
  }
  __device__ __forceinline__ void clear_fence() const {
    if constexpr (kIsGlobal) fence_gpu();
  }

  // The thread's gradients of a tile, for the product of the step (modulo 4) whose buffer of global
  // memory begins at word `first`.
  template <int Threads>
  __device__ __forceinline__ void publish(u32 first, int step, int tile,
                                          const u32 (&gradient)[Cell::kSlots]) const {
    u32 w[4] = {0, 0, 0, 0};
    meeting_point();
#pragma unroll
    for (int g = 0; g < kGates; ++g) w[g] = gradient[slot_of_gate(g)];
    if constexpr (kIsGlobal) put_global(own + first + tile * kBlockWords, w);
    if constexpr (kNear > 0) {
      const u32 to = block_of(step, 0, tile) + place * 4;
      if constexpr (kGates == 1) {
        sts32(to, w[0]);
      } else if constexpr (kGates == 2) {
        sts64(to, w[0], w[1]);
      } else {
        sts128(to, w[0], w[1], w[2], w[3]);
      }
      barrier_arrive<Threads>(2 + step % 2 + 2 * tile);
    }
  }
  static __device__ __forceinline__ void put_global(u32* to, const u32 (&w)[4]) {
    if constexpr (kGates == 1) {
      store_relaxed(to, w[0]);
    } else if constexpr (kGates == 2) {
      store_relaxed64(to, w[0], w[1]);
    } else {
      store_relaxed128(to, w[0], w[1], w[2], w[3]);
    }
  }

  // Where the operands of a step (modulo 4), a cluster by its turn and a tile lie.
  __device__ __forceinline__ u32 block_of(int step, int turn, int tile) const {
    if (turn < kNear) return shared + (step % 2 * Tiles + tile) * kTileBytes;
    return shared + kNearBytes +
           ((step % kFarBuffers * kFar + turn - kNear) * Tiles + tile) * kTileBytes;
  }

  // A thread's part of what is far, of a step and tile, on its way from global memory.
  static constexpr int kOfBlock = kBlockWords / 4, kVectors = kFar * kOfBlock,
                       kThreads = kHasLookers ? 32 : Multipliers * 32,
                       kOfThread = kFar > 0 ? (kVectors - 1) / kThreads + 1 : 1;
  static constexpr int kMostLooked = kIsAlone || kHasLookers ? 8 : kOfThread;
  static constexpr int kRounds = (kOfThread + kMostLooked - 1) / kMostLooked,
                       kOfRound = (kOfThread + kRounds - 1) / kRounds;
  static_assert(kRounds == 1 || kIsAlone || kHasLookers);
  using Looked = uint4[kIsGlobal ? kOfRound : 1];
  // With two tiles the look for the other one's begins before the product of this one's.
  static constexpr bool kLooksAhead = kIsGlobal && Tiles > 1 && !kIsAlone && !kHasLookers;

  // A thread's vector number i of a round: whether there is one, the block that it is of, by its
  // turn, and where it lies in global memory.
  static_assert(kFar == 0 || kHasLookers || kThreads % kOfBlock == 0);
  static __device__ __forceinline__ bool has(int round, int i, int thread) {
    return thread + (round * kOfRound + i) * kThreads < kVectors;
  }
  static __device__ __forceinline__ int block(int round, int i, int thread) {
    return thread / kOfBlock + (round * kOfRound + i) * (kThreads / kOfBlock);
  }
  __device__ __forceinline__ int word_of(int round, int i, int thread, int tile) const {
    return (cluster_of(kNear + block(round, i, thread)) * Tiles + tile) * kBlockWords +
           thread % kOfBlock * 4;
  }
  __device__ __forceinline__ void look(u32 first, int tile, int round, int thread,
                                       Looked& v) const {
    if constexpr (kIsGlobal) {
      const u32* from = global + first;
#pragma unroll
      for (int i = 0; i < kOfRound; ++i) {
        v[i] = has(round, i, thread) ? load_relaxed128(from + word_of(round, i, thread, tile))
                                     : uint4{0, 0, 0, 0};
      }
    }
  }

  // The multiplying warps: waits until what is near of a step (modulo 4) and tile is there.
  template <int Threads>
  __device__ __forceinline__ void wait_near(int step, int tile) const {
    if constexpr (kNear > 0) barrier_sync<Threads>(2 + step % 2 + 2 * tile);
  }
  // And what is far. Its buffer of global memory begins at word `first`, the next step's at `next`.
  // `v`: what was looked at ahead, and then is.
  __device__ __forceinline__ void wait_far(u32 first, u32 next, int step, int tile, int thread,
                                           Pacer<Family>& pacer, Looked& v) const {
    if constexpr (kIsGlobal) {
      meeting_point();
      if constexpr (!kLooksAhead) pacer.hold();
#pragma unroll 1
      for (int round = 0; round < kRounds; ++round) {
        bool was_early = false;
        if constexpr (!kLooksAhead) look(first, tile, round, thread, v);
        for (;; was_early = true) {
          u32 largest = 0;
#pragma unroll
          for (int i = 0; i < kOfRound; ++i) largest = max(largest, largest_of(v[i]));
          if (!is_any_empty(largest)) break;
          look(first, tile, round, thread, v);
        }
        if (!kLooksAhead && round == 0) pacer.learn(was_early);
        // The step before has been read by all.
        if (kIsAlone && Tiles == 1 && round == 0) barrier_sync<Multipliers * 32>(1);
#pragma unroll
        for (int i = 0; i < kOfRound; ++i) {
          if (has(round, i, thread))
            sts128(block_of(step, kNear + block(round, i, thread), tile) + thread % kOfBlock * 16,
                   v[i].x, v[i].y, v[i].z, v[i].w);
        }
      }
      if constexpr (kLooksAhead) {
        meeting_point();
        const bool is_last = tile == Tiles - 1;
        look(is_last ? next : first, is_last ? 0 : tile + 1, 0, thread, v);
      }
      barrier_sync<Multipliers * 32>(1);
    }
  }

  // Tiles go round in an order in which the groups that update take turns.
  static __device__ __forceinline__ constexpr int tile_of(int turn) {
    return turn % Groups * (Tiles / Groups) + turn / Groups;
  }

  // A looker's way through all steps, every Lookers-th tile of each: it has as long for one as
  // those that multiply have for `Lookers` tiles.
  __device__ __forceinline__ void lay_all(int looker, int lane, int time) const {
    // What `has`, `block` and `word_of` say of any thread, for a warp: a lane's vectors follow one
    // another at distances that the compiler knows.
    static_assert(kOfBlock % 32 == 0 || 32 % kOfBlock == 0);
    constexpr int kOfWarp = kOfBlock < 32 ? 32 / kOfBlock : 1,  // blocks that a warp reads at once
        kParts = kOfBlock > 32 ? kOfBlock / 32 : 1;             // looks at a block
    const u32* const mine =
        global + lane / kOfBlock % kOfWarp * (Tiles * kBlockWords) + lane % kOfBlock * 4;
    const u32 mine_laid =
        block_of(0, 0, 0) + lane / kOfBlock % kOfWarp * (Tiles * kTileBytes) + lane % kOfBlock * 16;
    const auto tiles_before = [](int k) { return k / kParts * kOfWarp * Tiles; };
    const auto is_there = [&](int k) {
      return (k + 1) * 32 <= kVectors || k * 32 + lane < kVectors;
    };
#pragma unroll 1
    for (int n = looker; n < time * Tiles; n += Lookers) {
      const int i = n / Tiles, tile = tile_of(n % Tiles);
      const u32* const from = mine + first_of(i) + tile * kBlockWords;
      const u32 to = mine_laid + tile * kTileBytes;
#pragma unroll
      for (int round = 0; round < kRounds; ++round) {
        const int first = round * kOfRound, end = min(first + kOfRound, kOfThread);
        meeting_point();
        uint4 v[kOfRound];
#pragma unroll
        for (int k = first; k < end; ++k) {
          v[k - first] = uint4{0, 0, 0, 0};
          if (is_there(k))
            v[k - first] = load_relaxed128(from + tiles_before(k) * kBlockWords + k % kParts * 128);
        }
        // The step before has been read by all.
        if (round == 0 && i > 0) mbarrier_wait(taken(tile), (i - 1) & 1);
        for (;;) {
          u32 largest = 0;
#pragma unroll
          for (int k = first; k < end; ++k) largest = max(largest, largest_of(v[k - first]));
          if (!is_any_empty(largest)) break;
#pragma unroll
          for (int k = first; k < end; ++k)
            load_relaxed128_if(largest_of(v[k - first]) == kEmptyWord,
                               from + tiles_before(k) * kBlockWords + k % kParts * 128,
                               v[k - first]);
        }
#pragma unroll
        for (int k = first; k < end; ++k) {
          const uint4& w = v[k - first];
          if (is_there(k))
            sts128(to + tiles_before(k) * kTileBytes + k % kParts * 512, w.x, w.y, w.z, w.w);
        }
      }
      meeting_point();
      __syncwarp();
      if (lane == 0) mbarrier_arrive(laid(tile));
    }
  }
  // The multiplying warps: waits until a tile of step i has been laid down; and tells that it has
  // been read.
  __device__ __forceinline__ void wait_laid(int i, int tile) const {
    meeting_point();
    mbarrier_wait(laid(tile), i & 1);
  }
  __device__ __forceinline__ void tell_taken(int tile, int lane) const {
    if constexpr (kHasLookers) {
      meeting_point();
      __syncwarp();
      if (lane == 0) mbarrier_arrive(taken(tile));
    }
  }

  // The cluster whose turn it is.
  __device__ __forceinline__ int cluster_of(int turn) const {
    if constexpr (kNear == 0) return turn;
    return cluster + turn - (cluster + turn >= Clusters ? Clusters : 0);
  }
  __device__ __forceinline__ void load(int step, int turn, int tile, int lane,
                                       u32 (&b)[kSteps][2]) const {
    const u32 block = block_of(step, turn, tile);
#pragma unroll
    for (int half = 0; half < kHalves; ++half) {
      if constexpr (kVector == 2) {
        const uint2 v = lds64(block + (half * 32 + lane) * 8);
        b[half][0] = v.x, b[half][1] = v.y;
      } else {
        const uint4 v = lds128(block + (half * 32 + lane) * 16);
        b[half * 2][0] = v.x, b[half * 2][1] = v.y;
        b[half * 2 + 1][0] = v.z, b[half * 2 + 1][1] = v.w;
      }
    }
  }

  // The A operands that go with them: rows are the units `in` and `in` + 1 of h, the depth the 16
  // units from out0 on.
  template <typename Rows>
  static __device__ __forceinline__ void load_weights(const Rows& r, int out0, int in, int q,
                                                      u32 (&a)[kSteps][4]) {
#pragma unroll
    for (int k = 0; k < kSteps; ++k) {
#pragma unroll
      for (int j = 0; j < 2; ++j) {  // operand words of a lane
        const int half = kGates == 1 ? j : kGates == 2 ? k : k / 2;
        const int gate = kGates == 1 ? 0 : kGates == 2 ? j : k % 2 * 2 + j;
        uint2 rows = {0, 0};
        if (gate < kGates) rows = r.column_pairs(gate, out0 + half * 8 + 2 * q, in);
        a[k][2 * j] = rows.x, a[k][2 * j + 1] = rows.y;
      }
    }
  }
};

// Partial gradients of h, rounded to the problem's dtype, for between CTAs it is their bytes that
// take time (docs/accuracy.md says what that costs; within a CTA it is half of the memory): of
// every tile Buffers (steps modulo that) of one 256-byte block a sender, and a barrier each.
// Senders are a cluster's CTAs, whose bytes the barrier counts, or (IsLocal) the CTA's own
// multiplying warps, which arrive. A buffer is used again four steps later, when all that its owner
// sent after reading it has gone round, or two, where a sender's own gradients, too, come through
// L2 (docs/cuda-ordering.md).
template <int Senders, int Tiles, int Buffers, bool IsLocal>
struct PartialGradients {
  static constexpr int kBlockBytes = 256, kBufferBytes = Senders * kBlockBytes,
                       kTileBytes = Buffers * kBufferBytes;
  static constexpr int kSharedBytes = Tiles * (kTileBytes + 64);

  u32 buffers, barriers;
  int steps;  // that will be received

  __device__ __forceinline__ void set_up(u32 shared, int steps_) {
    buffers = shared;
    barriers = shared + Tiles * kTileBytes;
    steps = steps_;
  }
  // By one thread.
  __device__ __forceinline__ void init() const {
    for (int i = 0; i < Buffers * Tiles; ++i) {
      const u32 bar = barriers + i / Buffers * 32 + i % Buffers * 8;
      mbarrier_init(bar, IsLocal ? Senders : 1);
      if (i % Buffers < steps) expect(bar);
    }
    mbarrier_init_fence();
  }

  static __device__ __forceinline__ void expect(u32 bar) {
    if constexpr (!IsLocal) mbarrier_expect(bar, kBufferBytes);
  }

  // A lane's place in a block: pair of units `row`, sequences 2 q and 2 q + 1, a word each.
  // Where that is in this CTA; every other has it at the same distance from its barriers.
  __device__ __forceinline__ u32 place_of(int sender, int row, int q) const {
    return buffers + sender * kBlockBytes + row * 32 + q * 8;
  }
  // `to`: the place as it is seen in the target CTA; `to_barriers`: from there to the barriers.
  static __device__ __forceinline__ void send(int buffer, int tile, u32 to, u32 to_barriers,
                                              const float (&sum)[4]) {
    const u32 at = to + tile * kTileBytes + buffer * kBufferBytes,
              bar = to + to_barriers + tile * 32 + buffer * 8,
              v[2] = {pack(sum[0], sum[2]), pack(sum[1], sum[3])};
    meeting_point();
    if constexpr (IsLocal) {
      sts64(at, v[0], v[1]);
      __syncwarp();
      if (threadIdx.x % 32 == 0) mbarrier_arrive(bar);
    } else {
      store_async(at, bar, v[0], v[1]);
    }
  }

  // The sum of what all sent in step i, for one pair of units and one sequence. One thread of a
  // tile is the first.
  __device__ __forceinline__ void receive(int buffer, int tile, int i, int pair, int column,
                                          bool is_first, float (&sum)[2]) const {
    const u32 bar = barriers + tile * 32 + buffer * 8;
    meeting_point();
    if constexpr (IsLocal) {
      mbarrier_wait(bar, i / Buffers & 1);
    } else {
      mbarrier_wait_cluster(bar, i / Buffers & 1);
    }
    const u32 from = buffers + tile * kTileBytes + buffer * kBufferBytes + pair * 32 + column * 4;
    float x[Senders], y[Senders];
#pragma unroll
    for (int k = 0; k < Senders; ++k) {
      const u32 v = lds32(from + k * kBlockBytes);
      x[k] = low_of(v);
      y[k] = high_of(v);
    }
#pragma unroll
    for (int step = 1; step < Senders; step *= 2) {
#pragma unroll
      for (int k = 0; k + step < Senders; k += 2 * step) {
        x[k] += x[k + step];
        y[k] += y[k + step];
      }
    }
    sum[0] = x[0];
    sum[1] = y[0];
    if (is_first && i + Buffers < steps) expect(bar);
  }
};

}  // namespace flashrnn::cuda
