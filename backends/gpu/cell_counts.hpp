// SPDX-License-Identifier: Apache-2.0
// The counts of every cell, from cells.def, for compilers that read no standard header.
#pragma once

namespace flashrnn::gpu {

struct CellCounts {
  int inputs, recurrents, slots, states, kept, saved, reads_h;
};

constexpr CellCounts cell_counts(int cell) {
#define FLASHRNN_CELL(name, ENUM, id, inputs, recurrents, slots, states, kept, saved, reads_h, \
                      ...)                                                                     \
  if (cell == (id)) return {inputs, recurrents, slots, states, kept, saved, reads_h};
#include "cells/cells.def"
#undef FLASHRNN_CELL
  return {};
}

}  // namespace flashrnn::gpu
