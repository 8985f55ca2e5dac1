// SPDX-License-Identifier: Apache-2.0
// How the CTAs of a (head, batch tile) exchange h, and the warps of a CTA partial sums.
#pragma once

#include "cuda/fused/number.cuh"
#include "gpu/fused/geometry.hpp"

namespace flashrnn::cuda {

inline constexpr u32 kEmptyWord = 0xffffffffu;

__device__ __forceinline__ bool is_any_empty(u32 largest) {
  return __any_sync(0xffffffffu, largest == kEmptyWord);
}
__device__ __forceinline__ u32 largest_of(const uint4& v) {
  return max(max(v.x, v.y), max(v.z, v.w));
}

// When a warp begins to look for what others send through global memory: reads that come too early
// hold up the writes that they wait for. The pause after the warp's own part of a step follows the
// steps before: shorter when the first look found everything, longer when it did not. Within a
// cluster a look costs less than the pause; where four tiles go round, all has come long before.
template <int Family, int Tiles = 1>
struct Pacer {
  static constexpr bool kIsOn = Family == gpu::kGlobal && Tiles < 4;
  static constexpr int kLonger = 32, kShorter = 16;  // clocks
  u32 since = 0;
  int pause = 0;

  __device__ __forceinline__ void start() {
    if constexpr (kIsOn) since = clock_now();
  }
  __device__ __forceinline__ void hold() const {
    // Unsigned: the clock's 32 bits go round, and at the first step nothing has been since.
    while (kIsOn && clock_now() - since < static_cast<u32>(pause)) {
    }
  }
  __device__ __forceinline__ void learn(bool was_early) {
    if constexpr (kIsOn) pause = was_early ? pause + kLonger : max(pause - kShorter, 0);
  }
};

// Buffers of h: in the shared memory of each CTA of a cluster (kCluster) or in global memory for
// all CTAs (kGlobal). Step i has number i % Buffers. Three orders:
// - of every tile [D / 16][8 sequences][16 units], so that the lanes of an updating warp send
//   neighbouring words, sequences in the order of `position_of`, which meets no bank twice in the
//   saved memory's order either;
// - kGlobal with several tiles, where it is the number of words that counts, [D / 32][8 sequences]
//   [32 units], as the lanes of a warp load an operand: eight of them a line of 128 bytes, since
//   the way from L2 takes a turn for each line that eight lanes read;
// - of the one tile of WholeColumns (8 or 4) sequences, where that is not 0: [CTAs][quads of
//   units][sequences][4 units], the CTAs counted downwards from the reader's own, as their words
//   arrive.
template <typename Exchange, int Sharers>
struct HPublisher;

// An address in shared memory, or one in global memory.
template <bool InCluster>
struct ExchangedWord {
  using Type = u32;
};
template <>
struct ExchangedWord<false> {
  using Type = const u32*;
};

template <int Family, int D, int Tiles, int Ranks, int Units, int Buffers, int WholeColumns>
struct HExchange {
  template <int Sharers>
  using Publisher = HPublisher<HExchange, Sharers>;
  static constexpr bool kInCluster = Family == gpu::kCluster, kIsWhole = WholeColumns > 0,
                        kIsByLanes = !kInCluster && Tiles > 1;
  static constexpr int kRanks = Ranks, kBuffers = Buffers;
  static_assert(!kIsWhole || (kInCluster && Tiles == 1));
  static_assert(!kInCluster || Units % 16 == 0);
  // Of 16 units; padded in shared memory against bank conflicts of lanes that read 8 units each.
  static constexpr int kBlockWords = kIsWhole     ? 8 * WholeColumns
                                     : kInCluster ? 80
                                                  : 64,
                       kPartWords = Units / 16 * kBlockWords,  // of a CTA, kIsWhole
      kOperandWords = 2 * kBlockWords,                         // of 32 units
      kTileWords = D / 16 * kBlockWords, kWords = Tiles * kTileWords;
  static constexpr int kSharedBytes = kInCluster ? kBuffers * kWords * 4 : 0;

  u32 shared;   // this CTA's buffers
  u32* global;  // the group's
  int rank;

  __device__ __forceinline__ void set_up(void* exchange, int group, u32 shared_, int rank_) {
    shared = shared_;
    rank = rank_;
    global = static_cast<u32*>(exchange) + static_cast<long long>(group) * (kBuffers * kWords);
  }
  // The word at which the buffer of step i begins.
  static __device__ __forceinline__ u32 first_of(int i) { return i % kBuffers * kWords; }

  // Global buffers were emptied before the launch.
  __device__ __forceinline__ void clear_all(int threads) const {
    if constexpr (kInCluster) {
      for (int i = threadIdx.x; i < kBuffers * kWords; i += threads)
        sts32(shared + 4 * i, kEmptyWord);
    }
  }
  __device__ __forceinline__ void sync_group() const {
    __syncthreads();
    if constexpr (kInCluster) cluster_sync();
  }
  // No CTA leaves before its words have been read by the others.
  __device__ __forceinline__ void leave_group() const {
    if constexpr (kInCluster) cluster_sync_diverged();
  }

  static __device__ constexpr int position_of(int sequence) {
    return kIsWhole ? sequence : sequence % 2 * 4 + sequence / 2;
  }
  static __device__ constexpr int sequence_at(int position) {
    return kIsWhole ? position : position % 4 * 2 + position / 4;
  }
  // Of kIsWhole within the part of the CTA that the pair is of.
  static __device__ __forceinline__ int word_of(int pair, int position) {
    if constexpr (kIsWhole)
      return pair % (Units / 2) / 2 * (2 * WholeColumns) + position * 2 + pair % 2;
    if constexpr (kIsByLanes)
      return position / 8 * kTileWords + pair / 16 * kOperandWords + position % 8 * 16 + pair % 16;
    return position / 8 * kTileWords + pair / 8 * kBlockWords + position % 8 * 8 + pair % 8;
  }

  // A CTA that is through with step i has read its own copy of the buffer of step i; that all
  // others have read theirs of the group's buffer it knows of step i - 1, since their h of step i
  // went into its sums.
  static constexpr int kClearLag = kInCluster ? 0 : 1;
  // Empties the buffer of step i: of a cluster the CTA's own, of global memory the CTA's own units.
  // `index` of `threads` that share the work.
  __device__ __forceinline__ void clear(int i, int index, int threads) const {
    if (i < 0) return;
    meeting_point();
    if constexpr (kInCluster) {
      for (int w = index; w < kWords / 4; w += threads) {
        sts128(shared + (first_of(i) + w * 4) * 4, kEmptyWord, kEmptyWord, kEmptyWord, kEmptyWord);
      }
    } else {
      constexpr int kOctets = Units / 8;
      for (int w = index; w < Tiles * 8 * kOctets; w += threads) {
        const int pair = (rank * kOctets + w % kOctets) * 4;
        store_relaxed128(global + first_of(i) + word_of(pair, w / kOctets), kEmptyWord, kEmptyWord,
                         kEmptyWord, kEmptyWord);
      }
    }
  }
  __device__ __forceinline__ void clear_fence() const {
    if constexpr (!kInCluster) fence_gpu();
  }

  // kIsWhole: what the buffer that begins at word `from` has of operand k of 16 units, those of
  // this CTA first, then those of its predecessors: the lane's quad of its column. Of 4 sequences
  // two columns have each.
  __device__ __forceinline__ uint2 quad(u32 from, int k, int lane) const {
    const int column = lane / 4 * WholeColumns / 8;
    return lds64(shared +
                 4 * (from + k * kBlockWords + lane % 4 * (2 * WholeColumns) + column * 2));
  }

  // Where the lane's words begin of a tile's operands of 32 units from number `first` on, in the
  // buffer `ahead` after the one that begins at word `from`. What the compiler knows comes last, so
  // that it becomes part of the loads.
  using From = u32;
  using Word = typename ExchangedWord<kInCluster>::Type;
  __device__ __forceinline__ Word operands_at(From from, int ahead, int tile, int first,
                                              int lane) const {
    const u32 in_operand =
        kIsByLanes ? lane * 4 : lane % 4 / 2 * kBlockWords + lane / 4 * 8 + lane % 2 * 4;
    const u32 at = from + first * kOperandWords + in_operand;
    const int further = ahead * kWords + tile * kTileWords;
    if constexpr (kInCluster) {
      return shared + 4 * at + 4 * further;
    } else {
      return global + at + further;
    }
  }
  // What the buffers have of operand d of those.
  __device__ __forceinline__ uint4 operand(Word word, int d) const {
    if constexpr (kInCluster) {
      return lds128(word + d * (4 * kOperandWords));
    } else {
      return load_relaxed128(word + d * kOperandWords);
    }
  }
  // Likewise once more, by the lanes whose words have not all come.
  __device__ __forceinline__ void look_again(Word word, int d, uint4& v) const {
    if constexpr (kInCluster) {
      v = operand(word, d);
    } else {
      load_relaxed128_if(largest_of(v) == kEmptyWord, word + d * kOperandWords, v);
    }
  }
  // The operands of a warp, Depth of them: number `slice` of the warps that share the depth.
  template <int Depth>
  __device__ __forceinline__ Word operands_of(From from, int ahead, int tile, int slice,
                                              int lane) const {
    return operands_at(from, ahead, tile, slice * Depth, lane);
  }
  template <int Depth>
  __device__ __forceinline__ int operand_number(int slice, int d) const {
    return slice * Depth + d;
  }
};

// The way of one pair of units of a sequence to all CTAs of the group. Sharers threads have the
// pair and divide the CTAs among them: `share` is this one's number. One alone, which is not in a
// hurry, works out where its word is in each CTA when it sends it, and keeps registers free.
template <typename Exchange, int Sharers>
struct HPublisher {
  static constexpr bool kInCluster = Exchange::kInCluster, kIsAlone = Sharers == 1;
  static constexpr int kRanks = Exchange::kRanks,
                       kPeers = kInCluster ? (kRanks + Sharers - 1) / Sharers : 1,
                       kKept = kIsAlone ? 1 : kPeers;

  u32 peer[kKept];  // the pair's word in a CTA's first buffer; alone, as in this CTA
  u32* own;
  int rank;
  bool has_last;  // the last of the peers is this thread's

  // From a CTA to the one whose number of the group is `further` higher.
  static __device__ __forceinline__ u32 of_peer(u32 at, int rank, int further) {
    return map_to_rank(at + (Exchange::kIsWhole ? 4 * further * Exchange::kPartWords : 0),
                       (further + rank) % kRanks);
  }
  __device__ __forceinline__ void open(const Exchange& e, int pair, int position, int share) {
    const int word = Exchange::word_of(pair, position);
    has_last = share < (kInCluster ? kRanks - (kPeers - 1) * Sharers : 1);
    rank = e.rank;
    if constexpr (kInCluster) {
#pragma unroll
      for (int i = 0; i < kKept; ++i) {
        const u32 at = e.shared + 4 * word;
        peer[i] = kIsAlone ? at : of_peer(at, rank, i * Sharers + share);
      }
    } else {
      own = e.global + word;
    }
  }

  // The pair's word in the buffer of a step, wherever it is to go.
  struct Targets {
    u32 peer[kKept];
    u32* own;
    int rank;
    bool has_last;

    // To the buffer `ahead` steps on, for the position `on` after the one that was opened.
    __device__ __forceinline__ void publish(int ahead, int on, u32 word) const {
      meeting_point();
      put(ahead, on, word);
    }
    // The same where the warp's lanes need not be at one.
    __device__ __forceinline__ void put(int ahead, int on, u32 word) const {
      const u32 at = ahead * Exchange::kWords + Exchange::word_of(0, on);
      if constexpr (kInCluster && kIsAlone) {
#pragma unroll 1
        for (int i = 0; i < kRanks; ++i) store_cluster(of_peer(peer[0] + 4 * at, rank, i), word);
      } else if constexpr (kInCluster) {
#pragma unroll
        for (int i = 0; i < kPeers; ++i) {
          if ((i + 1) * Sharers <= kRanks || has_last) store_cluster(peer[i] + 4 * at, word);
        }
      } else {
        if (has_last) store_relaxed(own + at, word);
      }
    }
    // Made here, not where it is needed.
    __device__ __forceinline__ void keep_ready() {
      if constexpr (kInCluster) {
#pragma unroll
        for (int i = 0; i < kKept; ++i) keep(peer[i]);
      } else {
        keep(own);
      }
    }
  };
  __device__ __forceinline__ Targets targets(int i) const {
    Targets t;
    const u32 first = Exchange::first_of(i);
    t.has_last = has_last;
    t.rank = rank;
    if constexpr (kInCluster) {
#pragma unroll
      for (int r = 0; r < kKept; ++r) t.peer[r] = peer[r] + 4 * first;
    } else {
      t.own = own + first;
    }
    return t;
  }
};

// Partial sums of a CTA's units for one step: [slice of the depth][position][unit][gates].
template <int Gates, int Units, int Columns, int Slices>
struct PartialSums {
  static constexpr int kVector = Gates == 3 ? 4 : Gates, kElement = 4 * kVector;
  // Padding against bank conflicts, for those who store (units r, positions 2 q) and who load (8
  // units of a position).
  static constexpr int kColumn = Units * kElement + 16, kSlice = Columns * kColumn;
  static constexpr int kBytes = Slices * kSlice;

  // A lane of a multiplying warp has the units row, row + 8 and so on of its block and the
  // positions 2 q and 2 q + 1 of a tile.
  static __device__ __forceinline__ u32 store_place(int slice, int block, int row, int q) {
    return slice * kSlice + 2 * q * kColumn + (block * 16 + row) * kElement;
  }
  static __device__ constexpr int store_step(int tile, int octet, int column) {
    return (tile * 8 + column) * kColumn + octet * (8 * kElement);
  }
  static __device__ __forceinline__ void store(u32 at, const float (&v)[Gates]) {
    if constexpr (Gates == 4) {
      sts128(at, __float_as_uint(v[0]), __float_as_uint(v[1]), __float_as_uint(v[2]),
             __float_as_uint(v[3]));
    } else if constexpr (Gates == 3) {
      sts128(at, __float_as_uint(v[0]), __float_as_uint(v[1]), __float_as_uint(v[2]), 0);
    } else if constexpr (Gates == 2) {
      sts64(at, __float_as_uint(v[0]), __float_as_uint(v[1]));
    } else {
      sts32(at, __float_as_uint(v[0]));
    }
  }

  static __device__ __forceinline__ u32 load_place(int unit, int position) {
    return position * kColumn + unit * kElement;
  }
  // The whole sums of one unit.
  static __device__ __forceinline__ void load(u32 at, float (&sum)[Gates]) {
    float part[Slices][4];
#pragma unroll
    for (int k = 0; k < Slices; ++k) load_element(at + k * kSlice, part[k]);
      // A tree, so that the order does not depend on which warp came first.
#pragma unroll
    for (int step = 1; step < Slices; step *= 2) {
#pragma unroll
      for (int k = 0; k + step < Slices; k += 2 * step) {
#pragma unroll
        for (int g = 0; g < Gates; ++g) part[k][g] += part[k + step][g];
      }
    }
#pragma unroll
    for (int g = 0; g < Gates; ++g) sum[g] = part[0][g];
  }
  static __device__ __forceinline__ void load_element(u32 at, float (&v)[4]) {
    if constexpr (Gates >= 3) {
      const uint4 x = lds128(at);
      v[0] = __uint_as_float(x.x), v[1] = __uint_as_float(x.y), v[2] = __uint_as_float(x.z),
      v[3] = __uint_as_float(x.w);
    } else if constexpr (Gates == 2) {
      const uint2 x = lds64(at);
      v[0] = __uint_as_float(x.x), v[1] = __uint_as_float(x.y);
    } else {
      v[0] = __uint_as_float(lds32(at));
    }
  }
};

}  // namespace flashrnn::cuda
