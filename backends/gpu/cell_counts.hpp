// SPDX-License-Identifier: Apache-2.0
// The counts of every cell, from cells.def, for compilers that read no standard header.
#pragma once

namespace flashrnn::gpu {

struct CellCounts {
  int inputs, recurrents, slots, states, kept, kept_bits, saved, reads_h;
};

constexpr CellCounts cell_counts(int cell) {
#define FLASHRNN_CELL(name, ENUM, id, inputs, recurrents, slots, states, kept, kept_bits, saved, \
                      reads_h, ...)                                                              \
  if (cell == (id)) return {inputs, recurrents, slots, states, kept, kept_bits, saved, reads_h};
#include "cells/cells.def"
#undef FLASHRNN_CELL
  return {};
}

// Bytes that a pair of units' kept states take beside tensors of 16 bits.
constexpr int kept_bytes_of(int kept, int kept_bits) { return kept * kept_bits / 4; }
constexpr int kept_bytes_of(const CellCounts& c) { return kept_bytes_of(c.kept, c.kept_bits); }

}  // namespace flashrnn::gpu
