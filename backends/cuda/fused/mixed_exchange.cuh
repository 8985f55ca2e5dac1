// SPDX-License-Identifier: Apache-2.0
// The exchange of h where several clusters have a (head, batch tile): within a cluster over
// distributed shared memory (near), between them through L2 (far). What is near comes sooner and is
// multiplied while the rest is on its way; and less is read through L2. One tile of 8 sequences.
#pragma once

#include "cuda/fused/exchange.cuh"

namespace flashrnn::cuda {

template <typename Exchange, int Sharers>
struct MixedPublisher;

// Operands of 32 units are dealt out to the DepthWarps warps that share the depth, first the near
// ones and then the far ones, each beginning with the cluster after this one.
template <int D, int Ranks, int Units, int Buffers, int Cluster, int DepthWarps>
struct MixedExchange {
  template <int Sharers>
  using Publisher = MixedPublisher<MixedExchange, Sharers>;
  static constexpr int kNearUnits = Cluster * Units;
  using Near = HExchange<gpu::kCluster, kNearUnits, 1, Cluster, Units, Buffers, 0>;
  using Far = HExchange<gpu::kGlobal, D, 1, Ranks, Units, Buffers, 0>;
  static constexpr int kRanks = Ranks, kBuffers = Buffers, kSharedBytes = Near::kSharedBytes;
  static constexpr int kOperands = D / 32, kNearOperands = kNearUnits / 32,
                       kNearDepth = kNearOperands / DepthWarps,
                       kFarDepth = (kOperands - kNearOperands) / DepthWarps;
  // A warp's far operands stand one after the other: they do not go round the end of the head.
  static_assert(kNearOperands % DepthWarps == 0 && kOperands % DepthWarps == 0 && kFarDepth > 0 &&
                kNearOperands % kFarDepth == 0 && kOperands % kNearOperands == 0);

  Near near;
  Far far;
  int cluster;

  __device__ __forceinline__ void set_up(void* exchange, int group, u32 shared, int rank) {
    cluster = rank / Cluster;
    near.set_up(nullptr, 0, shared, rank % Cluster);
    far.set_up(exchange, group, 0, rank);
  }
  struct From {
    u32 near, far;
  };
  struct Word {
    typename Near::Word near;
    typename Far::Word far;
  };
  static __device__ __forceinline__ From first_of(int i) {
    return {Near::first_of(i), Far::first_of(i)};
  }
  __device__ __forceinline__ void clear_all(int threads) const { near.clear_all(threads); }
  __device__ __forceinline__ void sync_group() const { near.sync_group(); }
  __device__ __forceinline__ void leave_group() const { near.leave_group(); }

  static __device__ constexpr int position_of(int sequence) { return Far::position_of(sequence); }
  static __device__ constexpr int sequence_at(int position) { return Far::sequence_at(position); }

  static constexpr int kClearLag = Far::kClearLag;
  __device__ __forceinline__ void clear(int i, int index, int threads) const {
    far.clear(i, index, threads);
    near.clear(i, index, threads);
  }
  __device__ __forceinline__ void clear_fence() const { far.clear_fence(); }

  __device__ __forceinline__ int far_operand(int slice) const {
    return ((cluster + 1) * kNearOperands + slice * kFarDepth) % kOperands;
  }
  template <int Depth>
  __device__ __forceinline__ int operand_number(int slice, int d) const {
    return d < kNearDepth ? cluster * kNearOperands + slice * kNearDepth + d
                          : far_operand(slice) + d - kNearDepth;
  }
  template <int Depth>
  __device__ __forceinline__ Word operands_of(From from, int ahead, int tile, int slice,
                                              int lane) const {
    return {near.operands_at(from.near, ahead, tile, slice * kNearDepth, lane),
            far.operands_at(from.far, ahead, tile, far_operand(slice), lane)};
  }
  __device__ __forceinline__ uint4 operand(Word word, int d) const {
    return d < kNearDepth ? near.operand(word.near, d) : far.operand(word.far, d - kNearDepth);
  }
  __device__ __forceinline__ void look_again(Word word, int d, uint4& v) const {
    d < kNearDepth ? near.look_again(word.near, d, v) : far.look_again(word.far, d - kNearDepth, v);
  }
};

// The far way first, which takes longer.
template <typename Exchange, int Sharers>
struct MixedPublisher {
  HPublisher<typename Exchange::Near, Sharers> near;
  HPublisher<typename Exchange::Far, Sharers> far;

  __device__ __forceinline__ void open(const Exchange& e, int pair, int position, int share) {
    near.open(e.near, pair - e.cluster * (Exchange::kNearUnits / 2), position, share);
    far.open(e.far, pair, position, share);
  }
  struct Targets {
    typename HPublisher<typename Exchange::Near, Sharers>::Targets near;
    typename HPublisher<typename Exchange::Far, Sharers>::Targets far;

    __device__ __forceinline__ void publish(int ahead, int on, u32 word) const {
      meeting_point();
      put(ahead, on, word);
    }
    __device__ __forceinline__ void put(int ahead, int on, u32 word) const {
      far.put(ahead, on, word);
      near.put(ahead, on, word);
    }
    __device__ __forceinline__ void keep_ready() {
      far.keep_ready();
      near.keep_ready();
    }
  };
  __device__ __forceinline__ Targets targets(int i) const {
    return {near.targets(i), far.targets(i)};
  }
};

}  // namespace flashrnn::cuda
