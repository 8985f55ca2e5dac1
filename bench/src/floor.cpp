// SPDX-License-Identifier: Apache-2.0
#include "floor.hpp"

#include <algorithm>

namespace flashrnn::bench {

// Counted in src/cells/*.inl. Comparisons, additions of their own and what only the saved values
// need count nothing: they have other pipes on some CPUs.
PointwiseWork pointwise_work(flashrnn_cell cell) {
  switch (cell) {
    case FLASHRNN_LSTM:
      return {{5, 3}, {1, 16}};
    case FLASHRNN_GRU:
      return {{3, 2}, {0, 11}};
    case FLASHRNN_ELMAN:
      return {{1, 0}, {0, 1}};
    case FLASHRNN_SLSTM:
      // Of the stabilised gates one is 1: one exponential, and the division by the normaliser.
      return {{4, 4}, {1, 19}};
    case FLASHRNN_LIGHT_GRU:
      return {{1, 1}, {0, 5}};
    default:
      return {{0, 0}, {0, 1}};
  }
}

namespace {

double pointwise_ns(const Row& row, const Peaks& peaks, const Pointwise& work) {
  const Problem& p = row.problem;
  const double elements =
      static_cast<double>(p.batch) * static_cast<double>(p.time) * p.heads * p.head_dim;
  // A vector holds half as many of float64, each of which takes at least as many instructions.
  const double sigmoids = peaks.sigmoid.best() * (p.dtype == FLASHRNN_FLOAT64 ? 0.5 : 1);
  return elements * (work.sigmoids / sigmoids + 2 * work.multiply_adds / row.peak_gflops);
}

}  // namespace

double cpu_floor_us(const Row& row, const Peaks& peaks, double cache_bytes) {
  if (row.call == Call::kStep || peaks.sigmoid.best() <= 0 || row.unit_gflops <= 0) return 0;
  const PointwiseWork work = pointwise_work(row.problem.cell);
  double ns = row.flops / row.unit_gflops;
  const bool is_recomputed = row.problem.mode == FLASHRNN_MODE_RECOMPUTE;
  if (row.call != Call::kBackward) ns += pointwise_ns(row, peaks, work.forward);
  if (row.call != Call::kForward) {
    ns += pointwise_ns(row, peaks, work.backward);
    if (is_recomputed) ns += pointwise_ns(row, peaks, work.forward);
  }
  const double memory_ns =
      peaks.copy_gbs > 0 ? std::max(row.bytes - cache_bytes, 0.0) / peaks.copy_gbs : 0;
  return 1e-3 * std::max(ns, memory_ns);
}

}  // namespace flashrnn::bench
