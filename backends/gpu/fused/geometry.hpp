// SPDX-License-Identifier: Apache-2.0
// How a fused kernel is launched: threads, shared memory and exchange memory of a configuration. The kernels and the host read
// the same functions.
#pragma once

#include "gpu/cell_counts.hpp"
#include "gpu/fused_config.hpp"
#include "gpu/params.hpp"

namespace flashrnn::gpu {

inline constexpr int kRingSteps = 4;  // steps that inputs are fetched ahead; also the number of exchange buffers

constexpr int divide_up(int a, int b) { return (a + b - 1) / b; }
constexpr int padded_words_of(int words) { return words > 2 ? 4 : words; }

// Bytes of the ring that a step's inputs of one pair of units take in backward.
constexpr int backward_ring_bytes(const CellCounts& cell) {
  return 4 * padded_words_of(cell.saved) + 8 * cell.kept + 4 + 4 * cell.reads_h;
}

constexpr int threads_of(const FusedConfig& c) { return c.head_dim * 2; }

constexpr int shared_bytes_of(const FusedConfig& c) {
  const CellCounts cell = cell_counts(c.cell);
  const int tiles = c.columns / 8;
  if (c.is_backward) {
    const int operand = 2 * tiles * cell.recurrents * divide_up(c.head_dim, 32) * 640;
    return operand + kRingSteps * 2 * tiles * threads_of(c) * backward_ring_bytes(cell);
  }
  const int operand = 2 * tiles * divide_up(c.head_dim, 32) * 640;
  return operand + kRingSteps * 2 * tiles * threads_of(c) * 4 * padded_words_of(cell.inputs);
}

// CTAs of one cluster; 1: no clusters.
constexpr int cluster_size_of(const FusedConfig& c) { return c.family == kCluster ? ctas_of_group(c) : 1; }

// Bytes of exchange memory of one group, to be filled with 0xff before a launch; the groups of a launch, from group 0 of the
// problem on, follow one another.
constexpr Index exchange_bytes_of(const FusedConfig&) { return 0; }

}  // namespace flashrnn::gpu
