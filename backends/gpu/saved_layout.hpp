// SPDX-License-Identifier: Apache-2.0
// What the fused kernels save for backward, in one layout for every family and batch tile, so that
// any forward goes with any backward.
//
// Elements come in blocks of 16 units x 4 sequences, the even or the odd ones of 8, a block's pairs
// of neighbouring units one after another as place_in_block says: [N][B / 8][even, odd][T in the
// order of processing][D / 16][8 pairs of units][4 sequences]. A lane of a product's accumulators
// has the sequences 2 q and 2 q + 1 of 8, so those of a warp stand in the order of its lanes.
// `values` has, for each pair, the cell's saved values as 16-bit numbers, those of its first unit
// before those of its second; `kept` has, for
// each kept state apart, a pair of 16-bit numbers or of float32, as cells.def says.
#pragma once

#include "params.hpp"

namespace flashrnn::gpu {

inline constexpr int kBlockUnits = 16;
inline constexpr int kBlockSequences = 4;
inline constexpr int kBlockPairs = kBlockUnits / 2 * kBlockSequences;

// Which of the batch's blocks a sequence is in, and a pair's place there.
FLASHRNN_GPU_HOST_DEVICE constexpr int block_of(int sequence) {
  return sequence / 8 * 2 + sequence % 2;
}
FLASHRNN_GPU_HOST_DEVICE constexpr int place_in_block(int pair, int sequence) {
  return pair * kBlockSequences + sequence % 8 / 2;
}

// A batch tile of 4 sequences has those of a block, a larger one those that follow one another.
FLASHRNN_GPU_HOST_DEVICE constexpr int sequence_step(int columns) {
  return columns == kBlockSequences ? 2 : 1;
}
FLASHRNN_GPU_HOST_DEVICE constexpr int first_sequence(int tile, int columns) {
  return columns == kBlockSequences ? tile / 2 * 8 + tile % 2 : tile * columns;
}
constexpr int batch_tiles(int batch, int columns) {
  return columns == kBlockSequences ? (batch + 7) / 8 * 2 : (batch + columns - 1) / columns;
}

struct SavedLayout {
  int time, unit_blocks, sequence_blocks;  // blocks of a head, blocks of the batch

  FLASHRNN_GPU_HOST_DEVICE constexpr Index step_pairs() const {
    return Index(unit_blocks) * kBlockPairs;
  }
  // Index of a block's first pair.
  FLASHRNN_GPU_HOST_DEVICE constexpr Index block(int head, int sequence_block, int step,
                                                 int unit_block) const {
    return (((Index(head) * sequence_blocks + sequence_block) * time + step) * unit_blocks +
            unit_block) *
           kBlockPairs;
  }
  FLASHRNN_GPU_HOST_DEVICE constexpr Index pairs(int heads) const { return block(heads, 0, 0, 0); }
  FLASHRNN_GPU_HOST_DEVICE constexpr Index value_bytes(int heads, int saved) const {
    return pairs(heads) * saved * 4;
  }
  FLASHRNN_GPU_HOST_DEVICE constexpr Index kept_bytes(int heads, int of_pair) const {
    return pairs(heads) * of_pair;
  }
};

FLASHRNN_GPU_HOST_DEVICE constexpr SavedLayout saved_layout(const Shape& s) {
  return {s.time, (s.units + kBlockUnits - 1) / kBlockUnits, (s.batch + 7) / 8 * 2};
}

}  // namespace flashrnn::gpu
