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

// Steps that kDirect fetches its rows ahead; with tiles of 4 steps are shorter than a sixth of what
// memory takes to answer.
inline constexpr int kRowSteps = 8, kFourRowSteps = 16;
// Bytes of a row of a head's units that a direct tile of 4 fetches, so padded that a warp's lanes
// read no bank twice: of 4 sequences 8 units, or as many pairs of units.
constexpr int direct_row_bytes(int head_dim, bool is_by_pairs) {
  return 2 * head_dim + (!is_by_pairs ? 16 : head_dim % 32 == 0 ? 32 : 0);
}

// Chunks of saved memory in shared memory: two, or as many where steps are so short that what is
// copied from there (backward: to there) would not have been read (have come) when the chunk after
// the next begins.
inline constexpr int kFourSavedChunks = 4;
// Registers of a warp of a direct tile of 4 that computes, and of one that moves, where two such
// CTAs share a multiprocessor: four and four of the 128 each that they are launched with.
inline constexpr int kFourComputing = 200, kFourMoving = 56;
static_assert(kFourComputing + kFourMoving == 2 * 128);
// Warps of a direct tile of 4 that only move tensors.
constexpr int direct_movers(int head_dim, bool is_backward) {
  return is_backward && head_dim < 64 ? 2 : 3;
}

// Of a multiplying thread beyond kDirect, at most; of 24 units a CTA 144.
inline constexpr int kWeightRegisters = 136;

constexpr int divide_up(int a, int b) { return (a + b - 1) / b; }
constexpr int padded_words_of(int words) { return words > 2 ? 4 : words; }

// Bytes of the ring that a step's inputs of one pair of units take in backward.
constexpr int backward_ring_bytes(const CellCounts& cell) {
  return 4 * padded_words_of(cell.saved) + kept_bytes_of(cell) + 4 + 4 * cell.reads_h;
}

constexpr int larger(int a, int b) { return a > b ? a : b; }

// Forward in a cluster where a warp has the whole depth of its units, of all gates, and updates
// them too: four units of 8 sequences or eight of 4. Where weights or reads of h would be too many
// for it, warps share the depth.
constexpr bool has_whole_depth(const FusedConfig& c) {
  return c.family == kCluster && !c.is_backward && c.depth_warps == 1;
}
// Forward with one CTA a tile of 4 sequences: likewise eight units, or 16, which read h half as
// often but are half as many warps.
constexpr bool is_direct_four(const FusedConfig& c) {
  return c.family == kDirect && !c.is_backward && c.columns < 8;
}
// With a direct tile of 4, more warps move tensors.
constexpr bool has_direct_movers(const FusedConfig& c) {
  return c.family == kDirect && c.columns < 8;
}
constexpr int units_of_warp(const FusedConfig& c) {
  if (c.family == kDirect) return is_direct_four(c) && c.head_dim < 64 ? 8 : 16;
  return c.columns < 8 ? 8 : 4;
}
constexpr int sharers_of_depth(const FusedConfig& c) {
  if (c.columns < 8) return c.units == 16 || c.head_dim > 192 ? 2 : 1;
  return c.units > 16 ? 4 : 1;
}
// Bytes of the sums that sharing warps exchange, of two steps.
constexpr int swap_bytes_of(const FusedConfig& c) {
  return has_whole_depth(c) ? 2 * c.units / units_of_warp(c) * (sharers_of_depth(c) - 1) * 512 : 0;
}

// Forward through L2 with 24 units a CTA: a multiplying warp has all of them, as three octets of
// units, two of whose gates are a tile of rows. So a tile of sequences is looked for, and sums are
// handed over, for half again as many units.
constexpr bool is_by_octets(const FusedConfig& c) {
  return c.family == kGlobal && !c.is_backward && c.units == 24;
}
// Forward beyond kDirect: tiles of 16 rows of a multiplying warp.
constexpr int row_tiles_of(const FusedConfig& c) {
  const int gates = cell_counts(c.cell).recurrents;
  return is_by_octets(c) ? divide_up(c.units / 8 * gates, 2) : gates;
}

// Warps that multiply, and those that update the units of a CTA (of the same ones where it is
// direct, or where they have the whole depth).
constexpr int multiplying_warps(const FusedConfig& c) {
  return c.family == kDirect ? c.head_dim / units_of_warp(c)
         : c.is_backward     ? c.depth_warps
         : has_whole_depth(c)
             ? c.units / units_of_warp(c) * (c.columns < 8 ? sharers_of_depth(c) : 1)
             : c.depth_warps * (is_by_octets(c) ? 1 : c.units / 16);
}
// Forward beyond kDirect: operands of 32 units that a warp multiplies, and those of which it holds
// the weights in registers; of the rest they lie in shared memory.
constexpr int depth_of(const FusedConfig& c) { return c.head_dim / 32 / c.depth_warps; }
constexpr int held_depth_of(const FusedConfig& c) {
  const int gates = cell_counts(c.cell).recurrents;
  return is_by_octets(c) || depth_of(c) * gates * 8 <= kWeightRegisters ? depth_of(c) : 12 / gates;
}
// Backward beyond kDirect: likewise the clusters whose slots' gradients a warp multiplies. An mma
// has 16 units of one gate, or 8 of two. Warps of a CTA that is a cluster by itself share them.
constexpr bool is_alone(const FusedConfig& c) {
  return c.family == kGlobal && c.is_backward != 0 && c.cluster == 1;
}
constexpr int clusters_of(const FusedConfig& c) {
  if (c.family != kGlobal) return 1;
  return c.head_dim / 16 / c.cluster / (is_alone(c) ? c.depth_warps : 1);
}
// A CTA takes its own slots' gradients to the product itself, not through L2.
constexpr bool has_near_gradients(const FusedConfig& c) {
  return c.is_backward != 0 &&
         (c.family == kCluster || (c.family == kGlobal && c.cluster > 1 && c.columns <= 8));
}
// CTAs to whose units a warp's products go, and those (or the warps) that send to a CTA's units.
constexpr int targets_of(const FusedConfig& c) {
  return is_alone(c) ? 1 : c.cluster / c.depth_warps;
}
constexpr int senders_of(const FusedConfig& c) { return is_alone(c) ? c.depth_warps : c.cluster; }
constexpr int products_of(const FusedConfig& c) {
  const int gates = cell_counts(c.cell).recurrents;
  return gates > 2 ? 4 : gates;
}
constexpr int held_clusters_of(const FusedConfig& c) {
  // One by itself has more of others' gradients on their way in registers.
  const int most = is_alone(c) ? 96 : kWeightRegisters;
  return c.family != kGlobal || clusters_of(c) * targets_of(c) * products_of(c) * 4 <= most
             ? clusters_of(c)
             : 24 / products_of(c) / targets_of(c);
}
// Registers of them.
constexpr int held_weights_of(const FusedConfig& c) {
  return held_clusters_of(c) * targets_of(c) * products_of(c) * 4;
}
// Bytes of weights in shared memory, 512 an mma.
constexpr int shared_weight_bytes(const FusedConfig& c) {
  if (c.family == kDirect) return 0;
  if (c.is_backward)
    return (clusters_of(c) - held_clusters_of(c)) * targets_of(c) * products_of(c) * 512 *
           c.depth_warps;
  if (has_whole_depth(c)) return 0;
  return (depth_of(c) - held_depth_of(c)) * cell_counts(c.cell).recurrents * 1024 *
         multiplying_warps(c);
}
// Forward through L2 in several clusters, each of which exchanges what is its own over distributed
// shared memory.
constexpr bool is_mixed(const FusedConfig& c) {
  return c.family == kGlobal && !c.is_backward && c.cluster > 1;
}
// A thread that updates in forward has one sequence of 8, but where more warps would leave too few
// registers for the weights.
constexpr bool is_crowded(const FusedConfig& c) {
  return held_depth_of(c) * cell_counts(c.cell).recurrents * 8 > 64 &&
         multiplying_warps(c) + 1 + c.units / 4 > 12;
}
// Forward: registers of a multiplying thread that all weights of a warp take.
constexpr int weight_registers_of(const FusedConfig& c) {
  return depth_of(c) * row_tiles_of(c) * 8;
}
// Forward through L2 with four tiles of sequences, whose words have mostly come: a multiplying warp
// looks for the next tile's before it multiplies, with registers of the warps that update and move.
// (Of 16 units with few weights, which are not crowded, it is faster without.)
constexpr bool looks_ahead(const FusedConfig& c) {
  const int weights = weight_registers_of(c), most = c.depth_warps == 8 ? 128 : 96;
  return c.family == kGlobal && !c.is_backward && c.cluster == 1 && c.columns == 32 &&
         (is_by_octets(c) ||
          (c.units == 16 && c.depth_warps % 4 == 0 && weights > 64 && weights <= most));
}
// Weights that leave registers for four other warps: those that update have two sequences a thread.
constexpr bool has_four_others(const FusedConfig& c) {
  return is_by_octets(c) || (looks_ahead(c) && weight_registers_of(c) > 96);
}
// Backward through L2 with four tiles or more, and clusters: warps that look for others' gradients,
// and of what updates and moves two groups, each with half of the tiles.
constexpr int lookers_of(const FusedConfig& c) {
  return c.family == kGlobal && c.is_backward && c.columns > 16 && c.cluster > 1 ? 2 : 0;
}
inline constexpr int kLookerBarrierBytes = 128;
constexpr int updating_groups_of(const FusedConfig& c) { return lookers_of(c) > 0 ? 2 : 1; }
// Whether backward counts its progress as it goes (BackwardParams::progress), and how many of a CTA
// do. Larger direct tiles have no warp that moves and could.
constexpr bool tells_progress(const FusedConfig& c) {
  return c.is_backward != 0 && (c.family != kDirect || has_direct_movers(c));
}
constexpr int tellers_of(const FusedConfig& c) { return updating_groups_of(c); }
// The warp that moves gradients counts once they are in memory. A direct tile of 4 has another one
// for that, since a step waits for those that move: one of the idle ones where two CTAs share a
// multiprocessor, else launched where someone asks, up to 64 units, which leave registers for it.
constexpr bool has_telling_warp(const FusedConfig& c) {
  return has_direct_movers(c) && c.is_backward != 0 && c.head_dim <= 64;
}
// Steps of partial gradients that a CTA keeps. Where all gradients come through L2, the own ones,
// too, two do (cuda/fused/gradient_exchange.cuh).
constexpr int partial_buffers_of(const FusedConfig& c) { return lookers_of(c) > 0 ? 2 : 4; }
// Inputs are brought from memory into L2 before they are fetched to a CTA: while an answer from
// memory is on its way to a multiprocessor, those of L2, which a step waits for, take longer
// (docs/cuda-notebook.md, "What memory does to an exchange"). A step within a cluster waits for
// none of L2's, and the warp that moves has little time beside a short one. Backward of eight
// tiles, whose warps that move have few registers, is no faster.
constexpr bool prefetches_inputs(const FusedConfig& c) {
  return c.family == kGlobal && (c.is_backward == 0 || c.columns < 64);
}
// Warps with many weights take registers of idle ones: eight with the whole depth (of 4 sequences,
// up to 256 units leave enough), and those in several clusters whose CTA is crowded. Through L2, of
// those that update, too: with 24 units, and looking ahead. In backward, of those that move and
// look. Two direct tiles of 4 on a multiprocessor, of those that move.
constexpr bool takes_registers(const FusedConfig& c) {
  if (has_direct_movers(c)) return c.min_ctas > 1;
  if (c.is_backward != 0) return lookers_of(c) > 0 && held_weights_of(c) > 64;
  return has_whole_depth(c) ? multiplying_warps(c) > 4 && (c.columns == 8 || c.head_dim > 256)
                            : is_by_octets(c) || looks_ahead(c) ||
                                  (is_mixed(c) && is_crowded(c) && multiplying_warps(c) % 4 == 0);
}
// Others have two sequences.
constexpr int sequences_of_thread(const FusedConfig& c) {
  return has_four_others(c) || (is_crowded(c) && !takes_registers(c)) ? 2 : 1;
}
constexpr int updating_threads(const FusedConfig& c) {
  return c.family == kDirect || has_whole_depth(c) ? 0
         : c.is_backward                           ? c.units * 4 * updating_groups_of(c)
                                                   : c.units * 8 / sequences_of_thread(c);
}
// Warps that only move tensors: a direct CTA has more with a tile of 4, else in backward none and
// in forward one for what it saves. Warps give registers to others by fours, so one that is to do
// so has three idle ones beside it, or as many as make four with those that update.
constexpr int extra_warps(const FusedConfig& c) {
  if (c.is_backward != 0 && c.family != kDirect) return updating_groups_of(c) + lookers_of(c);
  if (has_four_others(c)) return 4 - updating_threads(c) / 32;
  if (takes_registers(c)) return 4;
  if (has_direct_movers(c)) return direct_movers(c.head_dim, c.is_backward != 0);
  return c.family != kDirect || (!c.is_backward && c.min_ctas < 3) ? 1 : 0;
}
constexpr int threads_of(const FusedConfig& c) {
  return (multiplying_warps(c) + extra_warps(c)) * 32 + updating_threads(c);
}

// More of them in a launch whose progress is asked for.
constexpr int telling_threads_of(const FusedConfig& c) {
  return has_telling_warp(c) && !takes_registers(c) ? 32 : 0;
}

// Where a multiplying warp of forward has registers for it, it multiplies what it does not yet know
// to be there.
constexpr bool multiplies_on_trust(const FusedConfig& c) {
  const int weights = held_depth_of(c) * row_tiles_of(c) * 8;
  return held_depth_of(c) == depth_of(c) && weights <= 96;
}

// Steps of a chunk (stage.hpp): fewer where shared memory is short.
constexpr int chunk_of(const FusedConfig& c) {
  if (c.family == kDirect) return c.min_ctas > 1 && !has_direct_movers(c) ? 2 : 4;
  const bool has_much_h = c.family == kCluster && !c.is_backward && c.head_dim * c.columns > 2048;
  return c.columns > 16 || shared_weight_bytes(c) > 0 || has_much_h || is_alone(c) ? 2 : 4;
}
// Buffers of what is exchanged through L2, and of h within a cluster: one is used again when at
// least two chunks lie between.
constexpr int exchange_buffers_of(const FusedConfig& c) { return 4 * chunk_of(c); }

// Bytes of partial sums of one step (cuda/fused/exchange.cuh).
constexpr int partial_sum_bytes(const FusedConfig& c) {
  const int gates = cell_counts(c.cell).recurrents, element = 4 * (gates == 3 ? 4 : gates);
  return c.depth_warps * c.columns * (c.units * element + 16);
}

// Of how many steps: of four tiles of 24 units two would not fit. Of one, barriers tell that they
// have been taken.
constexpr int sum_buffers_of(const FusedConfig& c) {
  return is_by_octets(c) && c.columns > 16 ? 1 : 2;
}

// Forward: units whose h is exchanged over distributed shared memory.
constexpr int near_units_of(const FusedConfig& c) {
  return c.family == kCluster ? c.head_dim : is_mixed(c) ? c.cluster * c.units : 0;
}

// Words of the slots' gradients of 16 units and 8 sequences as operands.
constexpr int gradient_block_words(const CellCounts& cell) {
  return cell.recurrents > 2 ? 256 : cell.recurrents * 64;
}

// Bytes of an operand of 32 units (cuda/fused/operand.cuh).
inline constexpr int kOperandBytes = 640;

// Backward with a direct tile of 4: warps send each other partial gradients of h, not the slots'
// gradients (cuda/fused/direct_backward_products.cuh). With one gate or two, or many warps, those
// are more; with two warps it is not faster.
constexpr bool sends_partials(const FusedConfig& c) {
  return c.family == kDirect && c.is_backward != 0 && c.columns < 8 && c.head_dim <= 80 &&
         c.head_dim != 32 && cell_counts(c.cell).recurrents > 2;
}
// Two steps of h or of the slots' gradients as operands.
constexpr int direct_operand_bytes(const FusedConfig& c) {
  return 2 * divide_up(c.columns, 8) * divide_up(c.head_dim, 32) * kOperandBytes *
         (c.is_backward != 0 ? cell_counts(c.cell).recurrents : 1);
}
// What the short ways have instead, if partial gradients: those, and the slots' gradients as rows.
constexpr int direct_exchange_bytes(const FusedConfig& c) {
  if (!sends_partials(c)) return direct_operand_bytes(c);
  const int gates = cell_counts(c.cell).recurrents, warps = c.head_dim / 16;
  return 2 * (gates * c.columns * direct_row_bytes(c.head_dim, true) + warps * (warps - 1) * 256);
}

constexpr int shared_bytes_of(const FusedConfig& c) {
  const CellCounts cell = cell_counts(c.cell);
  const int pairs = c.units / 2 * c.columns;
  const int ring = kRingSteps * pairs *
                   (c.is_backward ? backward_ring_bytes(cell) : 4 * padded_words_of(cell.inputs));
  const int row_kinds = c.is_backward ? 1 + cell.reads_h : cell.inputs;
  const int stages =
      c.family == kDirect
          ? (has_direct_movers(c) ? kFourRowSteps : kRowSteps) * c.columns * row_kinds *
                    (has_direct_movers(c) ? direct_row_bytes(c.units, units_of_warp(c) == 16)
                                          : 2 * c.units) +
                (has_direct_movers(c) ? kFourSavedChunks : 2) * chunk_of(c) * pairs *
                    (4 * cell.saved + kept_bytes_of(cell)) +
                32
          : updating_groups_of(c) * stages_bytes(cell, c.is_backward, c.units,
                                                 c.columns / updating_groups_of(c), chunk_of(c));
  const int tensors = larger(ring, stages);
  if (c.family == kDirect)
    return larger(direct_operand_bytes(c) + ring, direct_exchange_bytes(c) + stages);
  if (!c.is_backward)
    return sum_buffers_of(c) * partial_sum_bytes(c) + swap_bytes_of(c) + shared_weight_bytes(c) +
           exchange_buffers_of(c) * near_units_of(c) * c.columns / 2 *
               (has_whole_depth(c) ? 4 : 5) +
           tensors;
  // Operands of two steps, or of one, partial gradients of four or two, and their
  // barriers (cuda/fused/gradient_exchange.cuh).
  const int tiles = c.columns / 8,
            buffers = (c.family == kGlobal && tiles > 1) || is_alone(c) ? 1 : 2;
  return buffers * c.head_dim / 16 / c.cluster * tiles * gradient_block_words(cell) * 4 +
         (lookers_of(c) > 0 ? kLookerBarrierBytes : 0) +
         tiles * (partial_buffers_of(c) * senders_of(c) * 256 + 64) + shared_weight_bytes(c) +
         tensors;
}

// Bytes of exchange memory of one group, to be filled with 0xff before a launch; the groups of a
// launch, from group 0 of the problem on, follow one another.
constexpr Index exchange_bytes_of(const FusedConfig& c) {
  if (c.family != kGlobal) return 0;
  if (!c.is_backward) return Index(exchange_buffers_of(c)) * c.head_dim * c.columns * 2;
  return Index(exchange_buffers_of(c)) * c.head_dim / 16 * c.columns / 8 *
         gradient_block_words(cell_counts(c.cell)) * 4;
}

}  // namespace flashrnn::gpu
