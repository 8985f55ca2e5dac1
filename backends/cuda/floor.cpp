// SPDX-License-Identifier: Apache-2.0
#include "cuda/floor.hpp"

#include <algorithm>
#include <cmath>

#include "cuda/config.hpp"
#include "cuda/cost.hpp"
#include "cuda/residency.hpp"
#include "gpu/fused/geometry.hpp"

namespace flashrnn::cuda {

namespace {

// Measured at 1.98 GHz by kernels that do nothing else, other clocks scale them: the best rate of
// mma.sync on one SM and the rate of tanh.approx and ex2.approx on an H200; one step's exchange
// (words that are their own flags, barriers of the CTA included) on an H100 by
// flashrnn-cuda-exchange, the fits within 11 % of each of its rows.
constexpr double kMeasuredGhz = 1.98;
constexpr double kMacsPerClock = 1337;
constexpr double kChainLink = 24;  // clocks from one mma to the next one of its sums
constexpr double kSpecialPerClock = 16;
double direct_exchange(double head_dim) { return 60 + 0.56 * head_dim; }  // clocks
// ns; 4 to 16 CTAs.
double cluster_exchange(double ctas, double kilobytes) { return 100 + 7 * ctas + 35 * kilobytes; }
// ns; 8 to 64 CTAs.
double global_exchange(double ctas, double kilobytes) { return 440 + 2.1 * ctas + 4 * kilobytes; }
constexpr double kMemoryShare = 0.89;  // that a copy reaches of the rate

// Of one direction. Where an SM has several tiles, one's exchange may hide behind the others' work;
// in turn nothing hides.
struct Floor {
  double least, in_turn;
};

Floor floor_of(const DeviceFacts& facts, const Problem& p, const gpu::FusedConfig& c) {
  const bool is_backward = c.is_backward != 0;
  const double ctas = gpu::ctas_of_group(c), ghz = facts.clock_khz * 1e-6;
  const double sequences = std::min<double>(c.columns, static_cast<double>(p.batch));
  // Of a tile of 8 or 4.
  const double kilobytes = kilobytes_of_tile(c) * std::min(1.0, sequences / std::min(8, c.columns));
  // A direct tile of 4 cuts the chain of a warp's only tile of rows in two.
  const double gates_of_tile = gpu::units_of_warp(c) == 8 ? 2 : 1;
  const bool is_cut =
      gpu::is_direct_four(c) && p.cell->recurrent_gates <= gates_of_tile && c.head_dim > 16;
  // In several clusters, the share of h that comes through L2; what comes sooner is multiplied
  // meanwhile.
  const double far = gpu::is_mixed(c) ? 1 - c.cluster / ctas : 1;
  // Each gate has a chain of its own, but for backward between CTAs, which has up to four of all.
  const double links = is_backward && c.family != gpu::kDirect
                           ? gpu::clusters_of(c) * gpu::products_of(c) / 4.0
                           : c.head_dim / 16.0 /
                                 (c.family == gpu::kDirect  ? 1 + is_cut
                                  : gpu::has_whole_depth(c) ? 4
                                                            : c.depth_warps);
  const double product = far * std::max(p.cell->recurrent_gates * c.units *
                                            static_cast<double>(c.head_dim) * 8 / kMacsPerClock,
                                        kChainLink * links);
  // Per slot: a quarter for the state's, and forward its own.
  const double specials = p.cell->slots * (is_backward ? 0.25 : 1.25);
  const double pointwise = specials * c.units * std::min(8.0, sequences) / kSpecialPerClock;
  double exchange = direct_exchange(c.head_dim);
  if (c.family == gpu::kCluster) exchange = kMeasuredGhz * cluster_exchange(ctas, kilobytes);
  if (c.family == gpu::kGlobal)
    exchange = kMeasuredGhz * global_exchange(far * ctas, far * kilobytes);
  const double groups =
      static_cast<double>(p.heads) * gpu::batch_tiles(static_cast<int>(p.batch), c.columns);
  const Residency r = residency(facts, c, groups);
  const double work = r.tiles * (product + pointwise);
  const double steps = std::ceil(groups / r.groups) * static_cast<double>(p.time) / ghz * 1e-3;
  const double memory = tensor_bytes(p, is_backward) / (memory_rate(facts) * kMemoryShare) * 1e-3;
  return {std::max(steps * std::max(exchange + product + pointwise, work), memory),
          std::max(steps * (exchange + work), memory)};
}

}  // namespace

Floors floors_of(const DeviceFacts& facts, const Problem& p, const KernelConfig& config) {
  if (!is_fused(config)) return {};
  const Floor forward = floor_of(facts, p, fused_config(p, config, false));
  if (p.mode == Mode::kInference) return {forward.least, 0, forward.in_turn, 0};
  const Floor backward = floor_of(facts, p, fused_config(p, config, true));
  const double again = p.mode == Mode::kRecompute ? 1 : 0;
  return {forward.least, backward.least + again * forward.least, forward.in_turn,
          backward.in_turn + again * forward.in_turn};
}

}  // namespace flashrnn::cuda
