// SPDX-License-Identifier: Apache-2.0
// A step of a (head, batch tile) is exchange + product + pointwise, one after the other; groups
// that do not fit the chip at once take turns; and no kernel is faster than its tensors' way
// through memory.
#include "cuda/cost.hpp"

#include <algorithm>
#include <cmath>

#include "cuda/config.hpp"
#include "gpu/fused/geometry.hpp"

namespace flashrnn::cuda {

namespace {

// Clocks and nanoseconds as measured on an H200 (132 multiprocessors, 1.98 GHz); other cards are
// scaled by their facts.
constexpr double kMacsPerClock = 1337;  // mma.sync m16n8k16, one multiprocessor, 16 warps
constexpr double kFullRateWarps = 4.6;
constexpr double kMmaLatency = 24;         // clocks of one link of a dependent chain
constexpr double kSpecialPerClock = 16;    // tanh.approx, ex2.approx of one multiprocessor
constexpr double kSpecialsPerSlot = 1.25;  // five for the four gates of an LSTM
constexpr double kPointwiseLatency = 180;  // clocks from the sums to the published h
constexpr double kLocalExchange = 120;     // clocks, h within one CTA
constexpr double kClusterBase = 180;       // ns, sentinel words over distributed shared memory
constexpr double kClusterPerKilobyte = 28;
constexpr double kClusterPerCta = 5;
constexpr double kPartialSum = 3;    // ns, the sums of one warp more
constexpr double kTight = 20;        // ns
constexpr double kCrowd = 16;        // ns, a warp more that polls shared memory beside another
constexpr double kGlobalBase = 500;  // ns, sentinel words through L2
constexpr double kGlobalPerCta = 4.5;
constexpr double kGlobalPerKilobyte = 8;
constexpr double kMemoryBytesPerNs = 4200;
constexpr double kMemoryShare = 0.85;  // of it that a kernel with other work to do gets
constexpr double kUnhidden = 0.15;
constexpr double kLaunch = 6;               // us a launch
constexpr double kGeneralMacsPerNs = 4000;  // of the general kernel, whole chip
constexpr double kGeneralStep = 4000;       // ns

double divide_up(double a, double b) { return std::ceil(a / b); }

// ns of one step of one group.
double step_time(const DeviceFacts& facts, const Problem& p, const gpu::FusedConfig& c) {
  const double ghz = facts.clock_khz * 1e-6;
  const double gates = p.cell->recurrent_gates;
  const double ctas = gpu::ctas_of_group(c);
  const double warps =
      c.family == gpu::kDirect ? c.head_dim / 16.0 : c.depth_warps * c.units / 16.0;
  const double macs = gates * c.units * static_cast<double>(c.head_dim) * c.columns * c.min_ctas;
  // One warp of each of the four schedulers issues at nearly the full rate.
  const double rate = kMacsPerClock * std::min(1.0, warps * c.min_ctas / kFullRateWarps);
  const double depth = (c.is_backward != 0 ? gates : 1) * c.head_dim / 16.0 / c.depth_warps;
  const double chains = c.columns / 8.0 * (c.is_backward != 0 ? 1 : gates);
  const double product = std::max(macs / rate, depth * kMmaLatency / std::min(chains, 4.0) * 1.0);
  const double specials =
      p.cell->slots * kSpecialsPerSlot * c.units * c.columns * c.min_ctas / kSpecialPerClock;
  const double pointwise = kPointwiseLatency + specials;
  const double kilobytes = c.head_dim * c.columns * 2 / 1024.0;
  double exchange = kLocalExchange / ghz;
  if (c.family == gpu::kCluster) {
    exchange = kClusterBase + kClusterPerCta * ctas + kClusterPerKilobyte * kilobytes;
  } else if (c.family == gpu::kGlobal) {
    exchange = kGlobalBase + kGlobalPerCta * ctas +
               kGlobalPerKilobyte * kilobytes * (c.is_backward != 0 ? gates : 1);
  }
  // Partial sums are added one after the other; more than four warps that poll shared memory get in
  // each other's way.
  double sums = 0;
  if (c.family != gpu::kDirect && c.is_backward == 0) sums = kPartialSum * c.depth_warps;
  if (c.family == gpu::kCluster && c.is_backward == 0)
    sums += kCrowd * std::max(0, c.depth_warps * c.units / 16 - 4);
  // Weights that nearly fill a thread's registers leave little to schedule with.
  if (c.family != gpu::kDirect && c.is_backward == 0 &&
      gates * c.head_dim / (4.0 * c.depth_warps) >= 128)
    sums += kTight;
  return (product + pointwise) / ghz + exchange + sums;
}

// Groups that are resident at once.
double resident_groups(const DeviceFacts& facts, const gpu::FusedConfig& c) {
  const int ctas = gpu::ctas_of_group(c);
  if (c.family == gpu::kCluster) {
    for (int i = 0; i < kClusterSizes; ++i) {
      if (cluster_size_of(i) >= ctas)
        return std::max(1, facts.active_clusters[static_cast<size_t>(i)]);
    }
  }
  return std::max(1, facts.multiprocessors * c.min_ctas / ctas);
}

// us that the tensors take through memory.
double memory_time(const DeviceFacts& facts, const Problem& p, bool is_backward) {
  const double elements = static_cast<double>(p.batch) * static_cast<double>(p.time) *
                          static_cast<double>(p.heads) * static_cast<double>(p.head_dim);
  const double saved = p.mode == Mode::kTraining ? 2.0 * p.cell->saved + 4.0 * p.cell->kept : 0;
  const double forward = 2.0 * p.cell->input_gates + 2 + saved;
  const double backward = saved + 2.0 * p.cell->slots + 2;
  const double rate = facts.memory_clock_khz > 0
                          ? 2e-6 * facts.memory_clock_khz * facts.memory_bus_bits / 8
                          : kMemoryBytesPerNs;
  return elements * (is_backward ? backward : forward) / (rate * kMemoryShare) * 1e-3;
}

double fused_time(const DeviceFacts& facts, const Problem& p, const gpu::FusedConfig& c) {
  const double groups =
      static_cast<double>(p.heads) * divide_up(static_cast<double>(p.batch), c.columns);
  const double waves = divide_up(groups, resident_groups(facts, c));
  const double steps = waves * static_cast<double>(p.time) * step_time(facts, p, c) * 1e-3;
  // The shorter of the two is not hidden altogether.
  const double memory = memory_time(facts, p, c.is_backward != 0);
  return std::max(steps, memory) + kUnhidden * std::min(steps, memory) + kLaunch;
}

double general_time(const DeviceFacts& facts, const Problem& p, bool is_backward) {
  const double macs = static_cast<double>(p.batch) * static_cast<double>(p.heads) *
                      static_cast<double>(p.head_dim) * static_cast<double>(p.head_dim) *
                      p.cell->recurrent_gates;
  const double step = kGeneralStep + macs / kGeneralMacsPerNs;
  return std::max(static_cast<double>(p.time) * step * 1e-3, memory_time(facts, p, is_backward)) +
         kLaunch;
}

}  // namespace

double predict_microseconds(const DeviceFacts& facts, const Problem& p,
                            const KernelConfig& config) {
  const bool fused = is_fused(config);
  double time = 0;
  const int forwards = p.mode == Mode::kRecompute ? 2 : 1;
  time += forwards * (fused ? fused_time(facts, p, fused_config(p, config, false))
                            : general_time(facts, p, false));
  if (p.mode == Mode::kInference) return time;
  return time + (fused ? fused_time(facts, p, fused_config(p, config, true))
                       : general_time(facts, p, true));
}

}  // namespace flashrnn::cuda
