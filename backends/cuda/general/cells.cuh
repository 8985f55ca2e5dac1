// SPDX-License-Identifier: Apache-2.0
// The cells' maths on float32 scalars of the device, with the accurate functions of the CUDA
// library.
#pragma once

#include "cells/traits.hpp"

namespace flashrnn::cuda {

#define CELL_FUNCTION __device__ __forceinline__

namespace cells {
using real = float;

CELL_FUNCTION real cell_zero() { return 0.0f; }
CELL_FUNCTION real cell_one() { return 1.0f; }
CELL_FUNCTION real cell_decay(real x) { return expf(-fabsf(x)); }
CELL_FUNCTION real cell_tanh(real x) { return tanhf(x); }
CELL_FUNCTION real cell_sigmoid(real x) { return 1.0f / (1.0f + expf(-x)); }
CELL_FUNCTION real cell_log1p_decay(real x) { return log1pf(cell_decay(x)); }
CELL_FUNCTION real cell_quotient(real a, real b) { return a / b; }
CELL_FUNCTION real cell_max(real a, real b) { return a > b ? a : b; }
CELL_FUNCTION real cell_if_greater(real a, real b, real x, real y) { return a > b ? x : y; }
CELL_FUNCTION real cell_if_equal(real a, real b, real x, real y) { return a == b ? x : y; }

// clang-format off
#include "all_cells.inl"
#include "cells/adapters.inl"
// clang-format on
}  // namespace cells

#undef CELL_FUNCTION

// Cell::kMaps as plain integers: device code cannot index a host's array.
template <typename Cell>
struct Gates {
  static constexpr int kInput0 = Cell::kMaps.input_of_slot[0];
  static constexpr int kInput1 = Cell::kMaps.input_of_slot[1];
  static constexpr int kInput2 = Cell::kMaps.input_of_slot[2];
  static constexpr int kInput3 = Cell::kMaps.input_of_slot[3];
  static constexpr int kRecurrent0 = Cell::kMaps.recurrent_of_slot[0];
  static constexpr int kRecurrent1 = Cell::kMaps.recurrent_of_slot[1];
  static constexpr int kRecurrent2 = Cell::kMaps.recurrent_of_slot[2];
  static constexpr int kRecurrent3 = Cell::kMaps.recurrent_of_slot[3];

  static __device__ constexpr int input(int slot) {
    return slot == 0 ? kInput0 : slot == 1 ? kInput1 : slot == 2 ? kInput2 : kInput3;
  }
  static __device__ constexpr int recurrent(int slot) {
    return slot == 0   ? kRecurrent0
           : slot == 1 ? kRecurrent1
           : slot == 2 ? kRecurrent2
                       : kRecurrent3;
  }
};

}  // namespace flashrnn::cuda
