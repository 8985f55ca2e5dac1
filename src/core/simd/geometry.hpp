// SPDX-License-Identifier: Apache-2.0
// How a problem is cut up under a configuration: vectors of units, groups of vectors, tiles of the
// batch, items of work.
#pragma once

#include <algorithm>
#include <cstdint>

#include "plan/kernel_config.hpp"
#include "plan/problem.hpp"

namespace flashrnn::simd {

constexpr int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

// At least so many rows of sums, all gates of a group of vectors, wait for the element-wise part
// together.
inline constexpr int64_t kGroupRows = 8;

inline constexpr int64_t kLineBytes = 64;

// Most sequences that are stepped together: lists of them hold bytes.
inline constexpr int64_t kMaxBatchTile = 64;

// Most heads that are stepped together.
inline constexpr int64_t kMaxHeadBlock = 16;

struct Geometry {
  int64_t batch, time, heads, units;
  int64_t gates, slots, states, saved, kept;  // gates: recurrent ones

  int64_t lanes;
  int64_t vectors;  // of units
  int64_t padded;   // units, in whole vectors
  // Forward goes over groups of vectors. Their rows stand gate by gate, so that the rows of a block
  // are neighbours in wx too, in one line of it where it is of reals.
  int64_t group_vectors;
  int64_t
      line_vectors;  // vectors of reals that share a line, as far as a block has them: 1, 2 or 4
  int64_t groups;
  // A group's rows stand in panels of so many, each of which the product reads from end to end:
  // hardware prefetchers do not follow it through every other line.
  int64_t block_rows;
  int64_t depth;                 // of the forward product, padded to what its kernel takes at once
  int64_t gradient_depth;        // of the backward product R^T dG
  int64_t block_depth;           // of the forward product that is done in one pass
  int64_t gradient_block_depth;  // likewise of the backward product

  int64_t batch_tile;
  int64_t tiles;
  // Heads that a worker steps together: what they read at one step lies side by side in the
  // caller's tensors.
  int64_t head_block;
  int64_t backward_head_block;
  int64_t workers;
  int64_t shares;  // backward: in how many parts a head's tiles are dealt out, each with its own
                   // weight gradients
  int64_t chunk_steps;  // backward: steps whose weight gradients are computed together

  int64_t columns_of(int64_t tile) const { return std::min(batch_tile, batch - tile * batch_tile); }
  // Rows of operands get a few elements more, so that equal columns of several rows do not fall
  // into one cache set.
  int64_t operand_stride() const { return depth + 16; }
  int64_t gradient_stride() const { return gradient_depth + 16; }
  int64_t history_stride() const { return padded + 16; }
};

}  // namespace flashrnn::simd
