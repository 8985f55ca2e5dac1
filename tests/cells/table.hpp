// SPDX-License-Identifier: Apache-2.0
// Every cell of src/cells behind function pointers on arrays, so that a test can walk over them.
#ifndef FLASHRNN_TESTS_CELLS_TABLE_HPP_
#define FLASHRNN_TESTS_CELLS_TABLE_HPP_

#include <vector>

#include "dual.hpp"
#include "flashrnn/flashrnn.h"

namespace flashrnn::test {

template <class Real>
struct CellFunctions {
  void (*activate)(const Real* slots, Real* activated);
  void (*forward)(const Real* slots, const Real* old, Real* now, Real* saved);
  void (*backward)(const Real* saved, const Real* old, const Real* now, const Real* d_now,
                   Real* d_slots, Real* d_old);
};

struct CellEntry {
  const char* name;
  flashrnn_cell cell;
  int input_gates, recurrent_gates, slots, states, kept, kept_bits, saved, reads_h;
  std::vector<int> input_gate_of_slot, recurrent_gate_of_slot;
  CellFunctions<float> in_float;
  CellFunctions<double> in_double;
  CellFunctions<Dual> in_dual;
};

const std::vector<CellEntry>& cell_table();

}  // namespace flashrnn::test

#endif  // FLASHRNN_TESTS_CELLS_TABLE_HPP_
