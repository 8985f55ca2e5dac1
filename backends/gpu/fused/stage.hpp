// SPDX-License-Identifier: Apache-2.0
// Where the tensors of one step of a CTA stand in shared memory on the short way. Steps come in
// chunks, so that the barriers between those who compute and the warp that moves tensors are met
// once a chunk. Saved memory is contiguous and moved by bulk copies; tensors come as rows, one of
// the CTA's units of one sequence.
#pragma once

#include "gpu/cell_counts.hpp"
#include "gpu/saved_layout.hpp"

namespace flashrnn::gpu {

inline constexpr int kStages = 2;  // chunks of inputs, and of outputs, in shared memory
inline constexpr int kStageBarriers = 3 * kStages;

// A row's 16 bytes of padding let lanes (row of pairs, q) read the columns 2 q + j without meeting
// a bank twice; of 24 units lanes (8 units, q) do without.
FLASHRNN_GPU_HOST_DEVICE constexpr int row_bytes(int units) {
  return units * 2 + (units % 16 == 0 ? 16 : 0);
}

struct StageShape {
  int units, columns;
  int values, kept;  // numbers a pair: 16-bit pairs, and those of kept states
  int kept_pair;     // bytes of the latter
  int row_kinds;

  FLASHRNN_GPU_HOST_DEVICE constexpr int pairs() const { return units / 2 * columns; }
  FLASHRNN_GPU_HOST_DEVICE constexpr int value_bytes() const { return pairs() * 4 * values; }
  FLASHRNN_GPU_HOST_DEVICE constexpr int kept_bytes() const {
    return pairs() * kept_pair;
  }  // of each kept state
  FLASHRNN_GPU_HOST_DEVICE constexpr int kept_at() const { return value_bytes(); }
  FLASHRNN_GPU_HOST_DEVICE constexpr int rows_at() const {
    return value_bytes() + kept * kept_bytes();
  }
  FLASHRNN_GPU_HOST_DEVICE constexpr int rows() const { return row_kinds * columns; }
  FLASHRNN_GPU_HOST_DEVICE constexpr int bytes() const {
    return (rows_at() + rows() * row_bytes(units) + 127) / 128 * 128;
  }
};

FLASHRNN_GPU_HOST_DEVICE constexpr StageShape input_stage(const CellCounts& c, bool is_backward,
                                                          int units, int columns) {
  return is_backward ? StageShape{units, columns, c.saved, c.kept, c.kept_bits / 4, 1 + c.reads_h}
                     : StageShape{units, columns, 0, 0, 0, c.inputs};
}
FLASHRNN_GPU_HOST_DEVICE constexpr StageShape output_stage(const CellCounts& c, bool is_backward,
                                                           int units, int columns) {
  return is_backward ? StageShape{units, columns, 0, 0, 0, c.slots}
                     : StageShape{units, columns, c.saved, c.kept, c.kept_bits / 4, 1};
}
FLASHRNN_GPU_HOST_DEVICE constexpr int stages_bytes(const CellCounts& c, bool is_backward,
                                                    int units, int columns, int chunk) {
  return kStages * chunk *
             (input_stage(c, is_backward, units, columns).bytes() +
              output_stage(c, is_backward, units, columns).bytes()) +
         8 * kStageBarriers;
}

}  // namespace flashrnn::gpu
