// SPDX-License-Identifier: Apache-2.0
// What the fused kernels save for backward, in one layout for every family, so that any forward
// goes with any backward of the same block.
//
// Elements come in blocks of 16 units x 8 sequences, or 4 where a batch tile is no more, a block's
// pairs of neighbouring units one after another as place_in_block says: [N][B / 8][T in the order
// of processing][D / 16][64 pairs].
// `values` has, for each pair, the cell's saved values as pairs of 16-bit numbers; `kept` has, for
// each kept state apart, a pair of 16-bit numbers or of float32, as cells.def says.
#pragma once

#include "params.hpp"

namespace flashrnn::gpu {

inline constexpr int kBlockUnits = 16;
inline constexpr int kBlockColumns = 8;
inline constexpr int kBlockPairs = kBlockUnits / 2 * kBlockColumns;
inline constexpr int kHalfColumns = kBlockColumns / 2;

// Sequences of a block where a kernel's batch tile is of `columns`.
constexpr int block_columns_of(int columns) {
  return columns < kBlockColumns ? kHalfColumns : kBlockColumns;
}

#if defined(__CUDACC__) || defined(__HIPCC__) || defined(__CUDACC_RTC__)
#define FLASHRNN_GPU_HOST_DEVICE __host__ __device__
#else
#define FLASHRNN_GPU_HOST_DEVICE
#endif

// The lane (pair, q) of a product's accumulators has the sequences 2 q and 2 q + 1: all even
// sequences, then all odd ones, each in the order of the lanes. Of 4 sequences it has one.
FLASHRNN_GPU_HOST_DEVICE constexpr int place_in_block(int pair, int column,
                                                      int block_columns = kBlockColumns) {
  return block_columns == kHalfColumns ? pair * 4 + column
                                       : column % 2 * 32 + pair * 4 + column / 2;
}

struct SavedLayout {
  int time, unit_blocks, column_blocks;  // blocks of a head, blocks of the batch
  int block_pairs;

  // Index of a block's first pair.
  FLASHRNN_GPU_HOST_DEVICE constexpr Index block(int head, int column_block, int step,
                                                 int unit_block) const {
    return (((Index(head) * column_blocks + column_block) * time + step) * unit_blocks +
            unit_block) *
           block_pairs;
  }
  FLASHRNN_GPU_HOST_DEVICE constexpr Index pairs(int heads) const { return block(heads, 0, 0, 0); }
  FLASHRNN_GPU_HOST_DEVICE constexpr Index value_bytes(int heads, int saved) const {
    return pairs(heads) * saved * 4;
  }
  FLASHRNN_GPU_HOST_DEVICE constexpr Index kept_bytes(int heads, int of_pair) const {
    return pairs(heads) * of_pair;
  }
};

FLASHRNN_GPU_HOST_DEVICE constexpr SavedLayout saved_layout(const Shape& s, int block_columns) {
  return {s.time, (s.units + kBlockUnits - 1) / kBlockUnits,
          (s.batch + block_columns - 1) / block_columns, kBlockUnits / 2 * block_columns};
}

}  // namespace flashrnn::gpu
