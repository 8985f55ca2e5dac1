// SPDX-License-Identifier: Apache-2.0
// How a fused kernel is launched: threads, shared memory and exchange memory of a configuration.
// The kernels and the host read the same functions.
#pragma once

#include "gpu/cell_counts.hpp"
#include "gpu/fused/stage.hpp"
#include "gpu/fused_config.hpp"
#include "gpu/params.hpp"

namespace flashrnn::gpu {

// Steps that inputs are fetched ahead on the long way.
inline constexpr int kRingSteps = 4;

// Steps of a chunk (stage.hpp), and buffers of h that are exchanged: a buffer is used again when at
// least two chunks lie between.
inline constexpr int kSplitChunk = 4;
inline constexpr int kExchangeBuffers = 4 * kSplitChunk;
inline constexpr int kRowSteps = 8;             // steps that kDirect fetches its rows ahead
inline constexpr int kBackwardClusterSize = 8;  // of kGlobal

constexpr int divide_up(int a, int b) { return (a + b - 1) / b; }
constexpr int padded_words_of(int words) { return words > 2 ? 4 : words; }

// Bytes of the ring that a step's inputs of one pair of units take in backward.
constexpr int backward_ring_bytes(const CellCounts& cell) {
  return 4 * padded_words_of(cell.saved) + 8 * cell.kept + 4 + 4 * cell.reads_h;
}

constexpr int larger(int a, int b) { return a > b ? a : b; }

// Warps that multiply, and those that update the units of a CTA (the same ones where it is direct).
constexpr int multiplying_warps(const FusedConfig& c) {
  return c.family == kDirect ? c.head_dim / 16
         : c.is_backward     ? c.depth_warps
                             : c.depth_warps * c.units / 16;
}
constexpr int updating_threads(const FusedConfig& c) {
  return c.family == kDirect ? 0 : c.units * c.columns / 2;
}
// Warps that only move tensors: in backward a direct CTA has none, in forward it has one for what
// it saves.
constexpr int extra_warps(const FusedConfig& c) {
  return c.family != kDirect || (!c.is_backward && c.min_ctas < 3) ? 1 : 0;
}
constexpr int threads_of(const FusedConfig& c) {
  return (multiplying_warps(c) + extra_warps(c)) * 32 + updating_threads(c);
}

// Steps of a chunk: fewer where several CTAs share an SM's memory.
constexpr int chunk_of(const FusedConfig& c) {
  return c.family != kDirect ? kSplitChunk : c.min_ctas > 1 ? 2 : 4;
}

// Bytes of partial sums of one step (cuda/fused/exchange.cuh).
constexpr int partial_sum_bytes(const FusedConfig& c) {
  const int gates = cell_counts(c.cell).recurrents, element = 4 * (gates == 3 ? 4 : gates);
  return c.depth_warps * c.columns * (2 * (c.units / 2 * element + 16) + 48);
}

// Words of the slots' gradients of 16 units and 8 sequences as operands.
constexpr int gradient_block_words(const CellCounts& cell) {
  return cell.recurrents > 2 ? 256 : cell.recurrents * 64;
}

constexpr int shared_bytes_of(const FusedConfig& c) {
  const CellCounts cell = cell_counts(c.cell);
  const int pairs = c.units / 2 * c.columns;
  const int ring = kRingSteps * pairs *
                   (c.is_backward ? backward_ring_bytes(cell) : 4 * padded_words_of(cell.inputs));
  const int row_kinds = c.is_backward ? 1 + cell.reads_h : cell.inputs;
  const int stages = c.family == kDirect
                         ? kRowSteps * c.units / 16 * c.columns * row_kinds * 32 +
                               2 * chunk_of(c) * pairs * (4 * cell.saved + 8 * cell.kept) + 32
                         : stages_bytes(cell, c.is_backward, c.units, c.columns, chunk_of(c));
  const int tensors = larger(ring, stages);
  if (c.family == kDirect) {
    return 2 * c.columns / 8 * divide_up(c.head_dim, 32) * 640 *
               (c.is_backward ? cell.recurrents : 1) +
           tensors;
  }
  if (!c.is_backward)
    return 2 * partial_sum_bytes(c) +
           (c.family == kCluster ? kExchangeBuffers * c.head_dim * c.columns * 2 : 0) + tensors;
  // Operands of two steps, partial gradients of four, and their barriers
  // (cuda/fused/gradient_exchange.cuh).
  const int ranks = c.family == kCluster ? c.head_dim / 16 : kBackwardClusterSize,
            tiles = c.columns / 8;
  return 2 * c.head_dim / 16 / ranks * tiles * gradient_block_words(cell) * 4 +
         4 * ranks * tiles * 512 + 64 + tensors;
}

// CTAs of one cluster; 1: no clusters.
constexpr int cluster_size_of(const FusedConfig& c) {
  return c.family == kCluster                   ? ctas_of_group(c)
         : c.family == kGlobal && c.is_backward ? kBackwardClusterSize
                                                : 1;
}

// Bytes of exchange memory of one group, to be filled with 0xff before a launch; the groups of a
// launch, from group 0 of the problem on, follow one another.
constexpr Index exchange_bytes_of(const FusedConfig& c) {
  if (c.family != kGlobal) return 0;
  if (!c.is_backward) return Index(kExchangeBuffers) * c.head_dim * c.columns * 2;
  return Index(4) * c.head_dim / 16 * c.columns / 8 * gradient_block_words(cell_counts(c.cell)) * 4;
}

}  // namespace flashrnn::gpu
