// SPDX-License-Identifier: Apache-2.0
// A step of a (head, batch tile) is exchange + product + pointwise, one after the other. Tiles that
// an SM has at once, in one CTA or in several, hide each other's way until the SM is busy all the
// time; groups that do not fit the chip at once take turns; and no kernel is faster than its
// tensors' way through memory.
#include "cuda/cost.hpp"

#include <algorithm>
#include <cmath>

#include "cuda/config.hpp"
#include "cuda/modules/embedded.hpp"
#include "cuda/residency.hpp"
#include "gpu/fused/geometry.hpp"

namespace flashrnn::cuda {

namespace {

// Clocks, fitted to the times of 330 configurations of an LSTM in bfloat16 on an H100 (132
// multiprocessors, 1.87 GHz under this load, 3.35 TB/s), all families, head dims 16 to 1024,
// batches of 16 to 256; of direct kernels to 480 times on an H200 (4.92 TB/s) and 50 on an H100,
// LSTM, GRU, Elman and sLSTM of 16 to 96 units, 16 to 512 sequences (docs/cuda-notebook.md). Other
// cards are scaled by their facts.
constexpr double kMacsPerClock = 1337;  // mma.sync m16n8k16, one multiprocessor, 16 warps
constexpr double kLoadedClock = 0.945;  // of the highest clock

// Of one direction.
struct Clocks {
  double direct_exchange;
  double direct_pointwise, direct_per_element;  // of an updating thread
  double direct_per_element_and_unit;
  double direct_tile;                     // share of product and pointwise of a tile more
  double direct_wide, direct_wide_after;  // a unit of a head beyond so many
  double direct_busy_per_element;
  double cluster_exchange, cluster_per_cta, cluster_per_kilobyte;
  double global_exchange;
  double split_pointwise, split_per_element;
  double split_busy, split_busy_per_element;  // of an SM, for a tile; per 8 units and sequences
  double cluster_busy_per_cta;
  double global_busy;  // forward, per 256 units of a head
  double memory_share;
};
constexpr Clocks kForward = {145, 110,  34,  0.47, 1.0, 4.3, 64,  42, 336, 8.7,
                             47,  1215, 112, 51,   83,  52,  6.0, 24, 0.65};
constexpr Clocks kBackward = {172, 83,   52.6, 0.389, 1.27, 3.8, 32,  8.3, 213, 3.6,
                              67,  1100, 107,  73,    142,  32,  6.2, 0,   0.70};
constexpr double kFullRateWarps = 2.8;
constexpr double kBusyProduct = 0.92;  // share of the product that occupies the SM
constexpr double kBusyPerWarp = 39;    // a multiplying warp of forward
constexpr double kPerSlice = 1.2;      // partial sums of forward, a warp of the depth and element
constexpr double kWholeSaves = 64;     // no partial sums: a warp has the whole depth
// Partial sums of 32 units a CTA, for a gate beyond the first a kilobyte of h (fitted to LSTM and
// GRU at 192 units, and to Elman's choice at 256).
constexpr double kWidePerKilobyte = 20;
// Partial sums of one gate, Elman's, a kilobyte of h (fitted to 256 and 512 units).
constexpr double kOneGatePerKilobyte = 35;
// Forward in a cluster with 4 sequences a tile: all operands looked for at once, or a part of them
// at a time by a warp alone or two (fitted to nine LSTMs of 64 to 512 units, and GRU and Elman at
// 256 and 512, on an H100).
constexpr double kFourSaves = 110, kFourAlone = 13, kFourShared = -400, kFourPerUnit = 0.9;
// One CTA a tile of 4, whose tensors other warps move: forward with warps of eight units or of 16,
// a gate, a state beyond two and a unit; backward, a slot, a unit and gate, and a state beyond two
// (more than it costs in other families, which are fitted without it).
struct FourClocks {
  double all, per_gate, per_state, per_unit;
};
constexpr FourClocks kFourOfEight = {-44, 32, 22.5, 5.4}, kFourOfSixteen = {149, 50.7, 35.5, 0};
constexpr double kFourBackward = 142, kFourBackwardPerSlot = 1.3,
                 kFourBackwardPerUnitAndGate = 1.75, kFourBackwardPerState = 41;
// Where warps send partial gradients, for each gate fewer than four, and clocks beyond 64 units
// (fitted to LSTM, GRU and sLSTM of 16 to 80 units).
constexpr double kPartialsShare = 0.686, kPartialsPerGate = 0.095, kPartialsWide = 215;
// What a step takes longer for each tile more on an SM, as a share, and for a gate; with fewer than
// 64 units, and from there on.
struct FourTiles {
  double all, per_gate;
};
constexpr FourTiles kFourTilesNarrow = {0.12, 0.056}, kFourTiles = {-0.06, 0.25},
                    kFourTilesNarrowBackward = {0.154, 0.007}, kFourTilesBackward = {0.058, 0.115};
// And a step where a second CTA is to have place. Measured to be nothing, but where no second one
// comes plans take the plain kernel.
constexpr double kFourSharing = 1;
// Forward where sequences have lengths or resets, of heads of 64 units (the only ones measured so,
// LSTM): a step of a tile of 4 alone, of two that hide each other's waits, and of larger tiles.
constexpr double kFourAsked = 139, kFourAskedSharing = 22, kDirectAsked = 183;
// Larger direct tiles where CTAs share an SM: forward, with no warp that moves what is saved, a
// constant and a gate's; backward, chunks of two steps instead of four.
constexpr double kNoMover = 310, kNoMoverPerGate = 57, kShortChunks = 200;
// Backward of larger direct tiles and four gates (as an H200 tells, whose memory bounds it less
// than that of an H100).
constexpr double kDirectOfFourGates = 1.08;
// And of a state beyond two.
constexpr double kDirectPerState = 40;
// The time of memory over that of kernels with many units. Rows of fewer than 64 units are less
// than a line of L2, which seems to be read again the more sequences are under way; and forward's
// last turn of groups, where it leaves multiprocessors idle, does not fill memory's way (fitted to
// direct kernels of 16 to 64 units, 16 to 512 sequences, LSTM, GRU, Elman, sLSTM, on an H100; of
// other families' such heads no more is known than that memory is no faster for them).
struct DirectMemory {
  double four, four_narrow, eight, eight_narrow;
  double turns;    // power of the turns over what groups would take of them if they were cut
  double crowded;  // 64 sequences more than 64 at once, for a row more that a line has
};
constexpr DirectMemory kDirectForward = {0.81, 0.955, 0.862, 0.93, 0.32, 0.05},
                       kDirectBackward = {0.75, 1.0, 0.92, 0.99, 0, 0.085};
// Beyond 64 units, where some scheduler has two computing warps, a constant and a gate's, and
// likewise for each operand of 32 units beyond the third (fitted to Elman and light GRU of 80 to
// 128 units, GRU of 80 and 96, LSTM and sLSTM of 80, on an H100).
struct FourWide {
  double all, per_gate, operand, operand_and_gate;
};
constexpr FourWide kFourWide = {1, 74, 27, 60}, kFourWideBackward = {-129, 50, 30, 30};
// Through L2 with four tiles, whose words need no pause, the share of what a tile keeps the CTA
// busy; but warps that four do not divide keep some scheduler busy for longer (fitted to 768 units
// with six and eight warps, and 1024).
constexpr double kFourTilesShare = 0.86;
// Four warps have all a tile's looks and products, eight half as many each (fitted to 512 units).
constexpr double kFourTilesOfFourWarps = 218;
constexpr double kTrustSaves = 41;  // where words are multiplied before it is known that they came
// Where sequences past the batch are not exchanged, from four of them on: for a unit beyond so
// many, and at most (fitted to 384 to 768 units and batches of 2 and 4).
constexpr double kFewSavesAfter = 256, kFewSavesMost = 280;
// Through L2, operands that a warp looks for beyond so many. This and what else is of forward
// through L2 alone was fitted, with inputs that are brought into L2 ahead, to 136 configurations of
// 34 problems of LSTM, GRU, Elman and sLSTM, 384 to 1536 units and 2 to 128 sequences, on an H100.
constexpr double kManyOperands = 81, kManyOperandsAfter = 3;
// Forward through L2 in several clusters: the cluster's share of h comes sooner, and h goes to each
// of its CTAs (fitted to head dims 384 to 768, clusters of 8 and 16).
constexpr double kMixedSaves = 134, kMixedPerShare = 108, kMixedPerCta = 5;
// Backward between CTAs, with partial gradients of 16 bits: fitted to 176 configurations, head dims
// 64 to 1536. Through L2: a CTA of the cluster, a unit of which a CTA reads four slots' gradients,
// weights from shared memory, and what it saves that the CTA's own gradients need no L2.
constexpr double kGlobalPerRank = 9, kGlobalBusyPerRank = 14;
// With lookers a CTA of the cluster keeps those that multiply for less (fitted to 512, 768 and 1024
// units in tiles of 32 and 64, clusters of 8 and 16).
constexpr double kLookersBusyPerRank = 2;
// In clusters of 8 a warp multiplies for one CTA, whose products of several gates have chains of
// their own where there is one tile (fitted to 512 to 768 units).
constexpr double kOneTargetSaves = 100;
constexpr double kGlobalPerRead = 4.0, kGlobalBusyPerRead = 3.4, kNearSaves = 100;
constexpr double kSharedBytesPerClock = 128;
// The larger of two times that overlap, and a part of the smaller.
constexpr double kStepNorm = 2.6, kMemoryNorm = 5.6;
// Seconds of waiting at the first call are worth a little: a kernel that the library carries is
// taken where it is nearly as fast.
constexpr double kToBeCompiled = 1.03;
constexpr double kGradientsShare = 0.75;    // of the memory's rate, by dR
constexpr double kLaunch = 3;               // us a launch
constexpr double kGeneralMacsPerNs = 1900;  // of the general kernel, whole chip
constexpr double kGeneralStep = 2000;       // ns
// The alternating kernel: two launches and what they start and end with; the products' rates.
constexpr double kAlternatingStep = 9000;  // ns
constexpr double kHalfMacsPerNs = 150000, kTf32MacsPerNs = 20000, kFloatMacsPerNs = 4500;
constexpr double kCacheRate = 5000;  // bytes of R a ns where it stays in L2

double divide_up(double a, double b) { return std::ceil(a / b); }
double norm(double a, double b, double power) {
  return std::pow(std::pow(a, power) + std::pow(b, power), 1 / power);
}

// Tensor-core tiles of a CTA, and the share of a tile's columns that have a sequence.
double tiles_of(const gpu::FusedConfig& c) { return std::max(1.0, c.columns / 8.0); }
double filled_of(const gpu::FusedConfig& c) { return std::min(1.0, c.columns / 8.0); }

// Clocks of one step of the groups that are resident at once, `tiles` on an SM.
double step_clocks(const Problem& p, const gpu::FusedConfig& c, double tiles) {
  const bool is_backward = c.is_backward != 0;
  const Clocks& k = is_backward ? kBackward : kForward;
  const double gates = p.cell->recurrent_gates, ctas = gpu::ctas_of_group(c);
  const double warps = gpu::multiplying_warps(c);
  const int of_tiles = c.columns < 8 ? gpu::divide_up(p.cell->recurrent_gates, 2) * 2 : 4;
  const double rows = (gpu::has_whole_depth(c) ? of_tiles : gates) * c.units;
  const double product = rows * static_cast<double>(c.head_dim) * 8 /
                         (kMacsPerClock * std::min(1.0, warps / kFullRateWarps));
  const double slots = p.cell->slots / 4.0;
  const bool is_asked = (p.lengths || p.resets) && !is_backward && c.head_dim == 64;
  if (gpu::has_direct_movers(c)) {
    const double more_states = std::max(0, p.cell->states - 2),
                 operands = gpu::divide_up(c.head_dim, 32);
    const FourClocks& of_warp = gpu::units_of_warp(c) == 8 ? kFourOfEight : kFourOfSixteen;
    const double latency = is_backward ? kFourBackward + kFourBackwardPerSlot * p.cell->slots +
                                             kFourBackwardPerState * more_states +
                                             kFourBackwardPerUnitAndGate * gates * c.head_dim
                                       : of_warp.all + of_warp.per_gate * gates +
                                             of_warp.per_state * more_states +
                                             of_warp.per_unit * c.head_dim;
    const FourWide& wide = is_backward ? kFourWideBackward : kFourWide;
    const double more = c.head_dim > 64
                            ? wide.all + wide.per_gate * gates +
                                  (operands - 3) * (wide.operand + wide.operand_and_gate * gates) +
                                  gpu::sends_partials(c) * kPartialsWide
                            : 0;
    const double share = kPartialsShare + kPartialsPerGate * (4 - gates),
                 all = (latency + more) * (gpu::sends_partials(c) && c.head_dim > 16 ? share : 1) +
                       (c.min_ctas > 1) * kFourSharing;
    const FourTiles& more_tiles =
        is_backward ? (c.head_dim < 64 ? kFourTilesNarrowBackward : kFourTilesBackward)
                    : (c.head_dim < 64 ? kFourTilesNarrow : kFourTiles);
    return all * (1 + (more_tiles.all + more_tiles.per_gate * gates) * (tiles - 1)) +
           is_asked * (tiles > 1 ? kFourAskedSharing : kFourAsked);
  }
  if (c.family == gpu::kDirect) {
    const double elements = 4;  // of a thread, for a tile
    const double per_element = k.direct_per_element + k.direct_per_element_and_unit * c.head_dim;
    const double pointwise = k.direct_pointwise + per_element * slots * elements;
    const double busy = kBusyProduct * product + k.direct_busy_per_element * slots * c.units / 8.0;
    const double share = is_backward && gates > 3 ? kDirectOfFourGates : 1;
    const double more =
        is_backward
            ? (c.min_ctas > 1) * kShortChunks + std::max(0, p.cell->states - 2) * kDirectPerState
            : (c.min_ctas > 2) * (kNoMover + kNoMoverPerGate * gates) + is_asked * kDirectAsked;
    return more + share * (product + pointwise + k.direct_exchange +
                           k.direct_wide * std::max(0.0, c.head_dim - k.direct_wide_after) +
                           k.direct_tile * (tiles_of(c) - 1) * (product + pointwise) +
                           std::max(0.0, tiles - tiles_of(c)) * busy);
  }
  const bool is_whole = gpu::has_whole_depth(c);
  const double elements =
      is_whole ? 1 : c.units * 8.0 * gpu::updating_groups_of(c) / gpu::updating_threads(c);
  double latency = product + k.split_pointwise + k.split_per_element * slots * elements;
  double busy = kBusyProduct * product + k.split_busy +
                k.split_busy_per_element * slots * c.units / 8.0 * filled_of(c);
  if (c.family == gpu::kCluster) {
    latency += k.cluster_exchange + k.cluster_per_cta * ctas +
               k.cluster_per_kilobyte * kilobytes_of_tile(c);
    busy += k.cluster_busy_per_cta * ctas;
  } else {
    latency += k.global_exchange;
    busy += k.global_busy * c.head_dim / 256.0;
    if (is_backward) {
      const bool is_near = gpu::has_near_gradients(c);
      const double reads = (c.head_dim / static_cast<double>(c.cluster) - is_near * c.units) *
                           gpu::gradient_block_words(gpu::cell_counts(c.cell)) / 256.0;
      const double weights = gpu::shared_weight_bytes(c) / kSharedBytesPerClock;
      const double senders = gpu::senders_of(c);
      latency += kGlobalPerRank * senders + kGlobalPerRead * reads + weights - is_near * kNearSaves;
      if (c.cluster == 8 && c.columns == 8 && gpu::products_of(c) > 1) latency -= kOneTargetSaves;
      busy += (gpu::lookers_of(c) > 0 ? kLookersBusyPerRank : kGlobalBusyPerRank) * senders +
              kGlobalBusyPerRead * reads + weights;
    }
  }
  if (!is_backward) {
    // Where four warps share the depth, their exchange costs what there is saved else.
    if (!is_whole) latency += kPerSlice * c.depth_warps * elements;
    if (is_whole && c.columns < 8) {
      const double at_a_time = gpu::sharers_of_depth(c) == 1
                                   ? kFourAlone * (gates > 1)
                                   : kFourShared + kFourPerUnit * c.head_dim;
      latency += c.units == 16 || c.head_dim <= 128 ? -kFourSaves : at_a_time;
    } else if (is_whole && !gpu::takes_registers(c)) {
      latency -= kWholeSaves;
    }
    if (c.family == gpu::kCluster && !is_whole && c.units > 16)
      latency += kWidePerKilobyte * (gates - 1) * kilobytes_of_tile(c);
    if (c.family == gpu::kCluster && !is_whole && gates < 2)
      latency += kOneGatePerKilobyte * kilobytes_of_tile(c);
    if (c.family == gpu::kGlobal) {
      latency += kManyOperands * std::max(0.0, gpu::depth_of(c) - kManyOperandsAfter);
      if (gpu::multiplies_on_trust(c)) {
        const double present = static_cast<double>(p.batch) / c.columns;
        latency -= kTrustSaves;
        if (c.columns == 8)
          latency -= std::clamp(c.head_dim - kFewSavesAfter, 0.0, kFewSavesMost) *
                     std::clamp(2 * (1 - present), 0.0, 1.0);
      }
    }
    if (gpu::is_mixed(c))
      latency += kMixedPerCta * c.cluster - kMixedSaves -
                 kMixedPerShare * gpu::near_units_of(c) / c.head_dim;
    busy += kBusyPerWarp * warps;
    if (c.family == gpu::kGlobal && c.columns == 32)
      busy = kFourTilesShare * busy +
             kBusyProduct * product * (divide_up(warps, 4) * 4 / warps - 1) +
             (warps == 4) * kFourTilesOfFourWarps;
  }
  return norm(latency, tiles * busy, kStepNorm);
}

// us that the tensors take through memory.
double memory_time(const DeviceFacts& facts, const Problem& p, bool is_backward) {
  const double share = (is_backward ? kBackward : kForward).memory_share;
  return tensor_bytes(p, is_backward) / (memory_rate(facts) * share) * 1e-3;
}

// What memory takes longer, for `groups` groups of which so many go `at_once`.
double memory_factor(const Problem& p, const gpu::FusedConfig& c, double groups, double at_once) {
  const DirectMemory& of = c.is_backward != 0 ? kDirectBackward : kDirectForward;
  const bool is_narrow = c.head_dim < 64;
  if (c.family != gpu::kDirect) return is_narrow ? std::max(1.0, of.eight_narrow) : 1;
  const double idle = divide_up(groups, at_once) / std::max(1.0, groups / at_once);
  const double share = c.columns < 8 ? (is_narrow ? of.four_narrow : of.four)
                                     : (is_narrow ? of.eight_narrow : of.eight);
  const double sequences = std::min(groups, at_once) * c.columns / static_cast<double>(p.heads);
  const double crowd =
      is_narrow ? of.crowded * (64.0 / c.head_dim - 1) * std::max(0.0, sequences / 64 - 1) : 0;
  return share * std::pow(idle, of.turns) * (1 + crowd);
}

// us of dR and of the biases' gradients, which read the slots' gradients and h.
double weight_gradient_time(const DeviceFacts& facts, const Problem& p) {
  const double elements = static_cast<double>(p.batch) * static_cast<double>(p.time) *
                          static_cast<double>(p.heads) * static_cast<double>(p.head_dim);
  return elements * (2.0 * p.cell->slots + 2) / (memory_rate(facts) * kGradientsShare) * 1e-3 +
         2 * kLaunch;
}

double fused_time(const DeviceFacts& facts, const Problem& p, const gpu::FusedConfig& c) {
  const double groups =
      static_cast<double>(p.heads) * gpu::batch_tiles(static_cast<int>(p.batch), c.columns);
  const Residency r = residency(facts, c, groups);
  const double ghz = facts.clock_khz * 1e-6 * kLoadedClock;
  double clocks = divide_up(groups, r.groups) * step_clocks(p, c, r.tiles);
  if (c.family == gpu::kDirect) {
    // The last turn's groups share multiprocessors with fewer.
    const double whole = std::floor(groups / r.groups), rest = groups - whole * r.groups;
    const double last = tiles_of(c) * divide_up(rest, facts.multiprocessors);
    clocks = whole * step_clocks(p, c, r.tiles) + (rest > 0 ? step_clocks(p, c, last) : 0);
  }
  const double steps = static_cast<double>(p.time) * clocks / ghz * 1e-3;
  const double memory =
      memory_time(facts, p, c.is_backward != 0) * memory_factor(p, c, groups, r.groups);
  return norm(steps, memory, kMemoryNorm) + kLaunch;
}

double macs_of_step(const Problem& p) {
  return static_cast<double>(p.batch) * static_cast<double>(p.heads) *
         static_cast<double>(p.head_dim) * static_cast<double>(p.head_dim) *
         p.cell->recurrent_gates;
}

double alternating_time(const DeviceFacts& facts, const Problem& p, bool is_backward) {
  const bool is_float = p.dtype == DType::kFloat32;
  const double macs = macs_of_step(p),
               weights = macs / static_cast<double>(p.batch) * (is_float ? 4 : 2);
  const double rate = weights < 0.8 * facts.l2_bytes ? kCacheRate : memory_rate(facts);
  const double macs_per_ns = !is_float      ? kHalfMacsPerNs
                             : p.allow_tf32 ? kTf32MacsPerNs
                                            : kFloatMacsPerNs;
  const double step = kAlternatingStep + std::max(weights / rate, macs / macs_per_ns);
  return std::max(static_cast<double>(p.time) * step * 1e-3, memory_time(facts, p, is_backward)) +
         kLaunch;
}

double general_time(const DeviceFacts& facts, const Problem& p, bool is_backward) {
  const double step = kGeneralStep + macs_of_step(p) / kGeneralMacsPerNs;
  return std::max(static_cast<double>(p.time) * step * 1e-3, memory_time(facts, p, is_backward)) +
         kLaunch;
}

}  // namespace

double kilobytes_of_tile(const gpu::FusedConfig& c) {
  return c.head_dim * std::min(8, c.columns) * 2 / 1024.0;
}

double tensor_bytes(const Problem& p, bool is_backward) {
  const double elements = static_cast<double>(p.batch) * static_cast<double>(p.time) *
                          static_cast<double>(p.heads) * static_cast<double>(p.head_dim);
  const double saved =
      p.mode == Mode::kTraining ? 2.0 * p.cell->saved + p.cell->kept * p.cell->kept_bits / 8.0 : 0;
  const double forward = 2.0 * p.cell->input_gates + 2 + saved;
  const double backward = saved + 2.0 * p.cell->slots + 2;
  return elements * (is_backward ? backward : forward);
}

double memory_rate(const DeviceFacts& facts) {
  constexpr double kBytesPerNs = 3350;  // where the driver does not tell
  return facts.memory_clock_khz > 0 ? 2e-6 * facts.memory_clock_khz * facts.memory_bus_bits / 8
                                    : kBytesPerNs;
}

double predict_fused_microseconds(const DeviceFacts& facts, const Problem& p,
                                  const gpu::FusedConfig& config) {
  return fused_time(facts, p, config);
}

double predict_microseconds(const DeviceFacts& facts, const Problem& p,
                            const KernelConfig& config) {
  const KernelKind kind = kind_of(config);
  const auto time_of = [&](bool is_backward) {
    if (kind == KernelKind::kGeneral) return general_time(facts, p, is_backward);
    if (kind == KernelKind::kAlternating) return alternating_time(facts, p, is_backward);
    const gpu::FusedConfig c = fused_config(p, config, is_backward);
    const bool is_there = find_embedded(c, facts.architecture()) != nullptr;
    return fused_time(facts, p, c) * (is_there ? 1 : kToBeCompiled);
  };
  const int forwards = p.mode == Mode::kRecompute ? 2 : 1;
  return forwards * time_of(false) +
         (p.mode == Mode::kInference ? 0 : time_of(true) + weight_gradient_time(facts, p));
}

}  // namespace flashrnn::cuda
