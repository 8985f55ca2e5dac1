// SPDX-License-Identifier: Apache-2.0
// How many CTAs of a fused kernel share a multiprocessor, by what its registers, shared memory and
// threads leave.
#include "cuda/residency.hpp"

#include <algorithm>
#include <cmath>

#include "gpu/fused/geometry.hpp"

namespace flashrnn::cuda {

namespace {

// Registers of a thread with a whole head: a constant, a gate's, of its weights for each operand of
// 32 units, a state's beyond two; and of a second tile, a constant and a gate's (fitted to LSTM,
// GRU, Elman and sLSTM of 16 to 96 units).
struct DirectRegisters {
  double all, per_gate, per_operand, per_state, wide, wide_per_gate;
};
constexpr DirectRegisters kFourOfEightRegisters = {46, 12, 4, 1, 0, 0},
                          kFourOfSixteenRegisters = {76, 4.5, 12, 8, 0, 0},
                          kEightRegisters = {62, 18, 8.5, 9, 40, 8},
                          kFourBackwardRegisters = {52, 8, 12, 16, 0, 0},
                          kEightBackwardRegisters = {80, 8, 13.5, 28, 16, 22};

int direct_registers_of(const DeviceFacts& facts, const gpu::FusedConfig& c) {
  const bool is_backward = c.is_backward != 0, is_four = c.columns < 8;
  const DirectRegisters& k = is_backward
                                 ? (is_four ? kFourBackwardRegisters : kEightBackwardRegisters)
                             : !is_four                   ? kEightRegisters
                             : gpu::units_of_warp(c) == 8 ? kFourOfEightRegisters
                                                          : kFourOfSixteenRegisters;
  const gpu::CellCounts cell = gpu::cell_counts(c.cell);
  const double gates = cell.recurrents, operands = gpu::divide_up(c.head_dim, 32);
  const int wanted = static_cast<int>(k.all + gates * (k.per_gate + k.per_operand * operands) +
                                      k.per_state * std::max(0, cell.states - 2) +
                                      (c.columns > 8) * (k.wide + k.wide_per_gate * gates));
  // What CTAs that are to fit leave to each: a scheduler has a quarter of the registers and warps.
  const int warps = gpu::divide_up(gpu::divide_up(gpu::threads_of(c), 32) * c.min_ctas, 4);
  return std::min({wanted, 255, facts.registers_per_multiprocessor / 4 / warps / 32 / 8 * 8});
}

// Registers of a thread as the compiler leaves them, near enough to tell how many CTAs fit.
int registers_of(const DeviceFacts& facts, const gpu::FusedConfig& c) {
  if (c.family == gpu::kDirect) return direct_registers_of(facts, c);
  const int tiles = gpu::divide_up(c.columns, 8);
  if (gpu::takes_registers(c)) return 168;
  if (gpu::has_whole_depth(c) && c.columns < 8)
    return gpu::sharers_of_depth(c) > 1 ? 168 : std::min(248, 120 + c.head_dim / 2);
  if (gpu::has_whole_depth(c)) return (90 + c.head_dim * 7 / 16) / 8 * 8;
  const int gates = gpu::cell_counts(c.cell).recurrents;
  const int weights = c.is_backward != 0
                          ? (c.family == gpu::kCluster ? c.head_dim / 16 / c.depth_warps
                                                       : gpu::held_clusters_of(c)) *
                                gpu::products_of(c) * 4
                          : gpu::held_depth_of(c) * gates * 8;
  const int rest = (c.is_backward != 0 ? 60 : 72) + 24 * tiles;
  return std::min(168, std::max(weights + (c.is_backward != 0 ? 32 : 40), rest) / 8 * 8);
}

// CTAs that share an SM.
int ctas_of_multiprocessor(const DeviceFacts& facts, const gpu::FusedConfig& c) {
  const int warps = gpu::divide_up(gpu::threads_of(c), 32);
  // Each of four schedulers has a quarter of the file. (Other families' times were fitted without.)
  const int registers = gpu::divide_up(registers_of(facts, c), 8) * 8 * 32,
            file = facts.registers_per_multiprocessor;
  const int by_registers =
      c.family == gpu::kDirect ? file / 4 / registers * 4 / warps : file / (registers * warps);
  const int by_memory = facts.shared_per_multiprocessor / (gpu::shared_bytes_of(c) + 1024);
  const int by_threads = facts.threads_per_multiprocessor / (warps * 32);
  return std::max(1, std::min({by_registers, by_memory, by_threads}));
}

}  // namespace

Residency residency(const DeviceFacts& facts, const gpu::FusedConfig& c, double groups) {
  const double tiles = std::max(1.0, c.columns / 8.0), ctas = gpu::ctas_of_group(c);
  const int cluster = c.cluster;
  // That the chip holds, one CTA an SM.
  const double clusters = std::max(1, facts.active_clusters_of(cluster));
  if (c.family == gpu::kGlobal) {
    const double at_once = cluster > 1 ? clusters * cluster : facts.multiprocessors;
    return {std::max(1.0, std::floor(at_once / ctas)), tiles};
  }
  const double one_each = c.family == gpu::kCluster ? clusters : facts.multiprocessors;
  const double resident = one_each * ctas_of_multiprocessor(facts, c);
  return {resident, tiles * std::ceil(std::min(groups, resident) / one_each)};
}

}  // namespace flashrnn::cuda
