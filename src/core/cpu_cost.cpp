// SPDX-License-Identifier: Apache-2.0
#include "core/cpu_cost.hpp"

#include <algorithm>

#include "core/simd/geometry.hpp"
#include "core/simd/kernel.hpp"
#include "topology/host.hpp"

namespace flashrnn {

namespace {

using simd::divide_up;
using simd::ProductKind;

// Cycles, as read off the kernels on current x86-64 cores; only their proportions matter for the
// ranking.
constexpr double kCyclesPerMicrosecond = 3000;
constexpr double kFmaPerCycle = 2;  // vector multiply-adds issued
constexpr double kLoadsPerCycle = 2;
constexpr double kFmaLatency = 4;
constexpr double kDotPerCycle = 1;         // bfloat16 dot products issued, but for AMD's cores,
                                           // which issue as many as multiply-adds
constexpr double kTileCycles = 16;         // of one AMX multiply of 16 x 16 x 32
constexpr double kForwardCellCycles = 60;  // one vector of elements
constexpr double kBackwardCellCycles = 60;
constexpr double kCallCycles = 60;  // of one product or element-wise call
constexpr double kL2BytesPerCycle = 32;
constexpr double kL3BytesPerCycle = 8;
// Bringing a tensor's row from memory.
constexpr double kMemoryBytesPerCycle = 5;
constexpr double kWakeMicroseconds = 10;  // of the other threads, once a pass over the work
constexpr double kPortableCyclesPerMac = 2;
constexpr double kPortableCellCycles = 150;  // one element

struct Cost {
  const Problem& problem;
  double lanes, units, gates, vectors, padded;
  int64_t batch_tile, block_depth;
  ProductKind product;
  double real_size;

  // Cycles of a product of `rows` vectors by `columns` over `depth`.
  double product_cycles(double rows, double columns, double depth) const {
    if (product == ProductKind::kTile) {
      // Four loads of the panel and one of x feed four multiplies; each load takes eight cycles.
      return divide_up(static_cast<int64_t>(depth), 32) * rows * (kTileCycles + 2);
    }
    // The blocks of sums that core/simd/product.cpp keeps in registers.
    const double widest = 6;
    const double tallest = lanes >= 16 ? 4 : 2;
    const auto parts =
        static_cast<double>(divide_up(static_cast<int64_t>(columns), static_cast<int64_t>(widest)));
    const double width = columns / parts;
    const double block = std::min(rows, tallest);
    const double dots = host_facts().vendor == "AuthenticAMD" ? kFmaPerCycle : kDotPerCycle;
    const double issue = product == ProductKind::kDot ? dots : kFmaPerCycle;
    const double at_once = product == ProductKind::kDot ? 2 : 1;
    // A block's part of the panel that does not stay in L1 comes from L2 for every part of the
    // columns, line after line, while the last ones are multiplied.
    const double at_a_time = std::min(depth, static_cast<double>(block_depth));
    const double bytes = block * lanes * real_size;
    const bool stays = bytes * at_a_time <= 0.3 * static_cast<double>(host_facts().l1_bytes);
    const double again = stays || parts < 2 ? 0 : bytes / kL2BytesPerCycle;
    const double per_k =
        std::max({block * width / issue, (block + width) / kLoadsPerCycle, kFmaLatency, again});
    const double passes = std::max(1.0, depth / static_cast<double>(block_depth));
    const double sums = passes > 1 ? passes * block * width : block * width / 2;
    return rows / block * parts * (depth / at_once * per_k + sums + kCallCycles);
  }

  // Of the product and the panels' way to it, which overlap: but for a tenth, so that of products
  // that wait for their panels the faster is preferred.
  static double overlapped(double product_cycles, double memory_cycles) {
    return std::max(product_cycles, memory_cycles) + 0.1 * std::min(product_cycles, memory_cycles);
  }

  // Cycles to bring the panels of one step through the caches.
  double panel_cycles(double bytes, const HostFacts& host) const {
    const double near = std::min(bytes, 0.6 * static_cast<double>(host.l2_bytes));
    return near / kL2BytesPerCycle + (bytes - near) / kL3BytesPerCycle;
  }

  // Cycles of one head's share of reading the step's rows, `tensors` values an element.
  double row_cycles(double width, double tensors) const {
    return width * tensors * units * static_cast<double>(dtype_size(problem.dtype)) /
           kMemoryBytesPerCycle;
  }

  // A head's panels, and in backward its weights' gradients and history, should stay in L2 from
  // step to step.
  double working_set(double panels, double head_block, const HostFacts& host) const {
    const double excess = panels * head_block - 0.7 * static_cast<double>(host.l2_bytes);
    return head_block > 1 && excess > 0 ? std::min(excess / head_block, panels) / kL3BytesPerCycle
                                        : 0;
  }

  double step_cycles(int64_t columns, double head_block, double backward_head_block,
                     const HostFacts& host) const {
    const auto width = static_cast<double>(columns);
    const double operand = product == ProductKind::kFma ? real_size : 2;
    const double panel = gates * padded * units * operand;
    const double memory = panel_cycles(panel, host);
    const double scale = real_size / 4;
    const double groups =
        divide_up(static_cast<int64_t>(vectors),
                  std::max<int64_t>(1, simd::kGroupRows / static_cast<int64_t>(gates)));
    double cycles = overlapped(product_cycles(gates * vectors, width, units), memory) +
                    vectors * width * kForwardCellCycles * scale + groups * kCallCycles;
    cycles += row_cycles(width, problem.cell->input_gates + 1);
    cycles += working_set(panel, head_block, host);
    if (problem.mode == Mode::kInference) return cycles;
    if (problem.mode == Mode::kRecompute) cycles *= 2;
    cycles += overlapped(product_cycles(vectors, width, gates * padded), memory);
    cycles += vectors * width * kBackwardCellCycles * scale + 4 * kCallCycles;
    cycles += row_cycles(width, problem.cell->input_gates + 2);
    const double history = 128 * (gates + 1) * padded * real_size;
    cycles += working_set(panel + gates * padded * units * real_size + history, backward_head_block,
                          host);
    // The weights' gradients: a product of reals whatever the operands are.
    cycles += gates * units * vectors * width / kFmaPerCycle * 1.15;
    return cycles;
  }
};

}  // namespace

double predict_cpu_microseconds(const Problem& p, const KernelConfig& config) {
  const HostFacts& host = host_facts();
  const int64_t batch_tile = config.get("batch_tile");
  const int64_t tiles = divide_up(p.batch, batch_tile);
  const int64_t head_block = config.get("head_block");
  const int64_t items = divide_up(p.heads, head_block) * tiles;
  const auto rounds = static_cast<double>(divide_up(items, config.get("workers")) * head_block);
  const auto units = static_cast<double>(p.head_dim);
  const auto gates = static_cast<double>(p.cell->recurrent_gates);
  const auto steps = static_cast<double>(p.time);
  const auto widest = static_cast<double>(batch_tile);
  const double passes_over_work = p.mode == Mode::kInference ? 2 : 5;
  const double wake = config.get("workers") > 1 ? passes_over_work * kWakeMicroseconds : 0;
  if (config.get("kernel") == 0) {
    const double passes = p.mode == Mode::kInference ? 1 : 3;
    const double element = gates * units * kPortableCyclesPerMac * passes + kPortableCellCycles;
    return rounds * steps * widest * units * element / kCyclesPerMicrosecond + wake;
  }
  const auto& set = simd::instruction_sets().at(static_cast<size_t>(config.get("isa")));
  const auto lanes = static_cast<double>(p.double_precision() ? set.lanes_f64 : set.lanes_f32);
  const auto vectors = static_cast<double>(divide_up(p.head_dim, static_cast<int64_t>(lanes)));
  const Cost cost{p,
                  static_cast<double>(set.lanes_f32),
                  units,
                  gates,
                  vectors,
                  vectors * lanes,
                  batch_tile,
                  config.get("block_depth"),
                  static_cast<ProductKind>(config.get("product")),
                  p.double_precision() ? 8.0 : 4.0};
  return rounds * steps *
             cost.step_cycles(std::min(batch_tile, p.batch),
                              static_cast<double>(config.get("head_block")),
                              static_cast<double>(config.get("backward_head_block")), host) /
             kCyclesPerMicrosecond +
         wake;
}

}  // namespace flashrnn
