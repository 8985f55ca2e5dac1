// SPDX-License-Identifier: Apache-2.0
// One element of every cell, as the oracle sees it: equations from the papers, gradients by walking
// them backwards.
#ifndef FLASHRNN_TESTS_ORACLE_ELEMENTS_HPP_
#define FLASHRNN_TESTS_ORACLE_ELEMENTS_HPP_

#include "flashrnn/flashrnn.h"
#include "oracle.hpp"

namespace flashrnn::oracle {

inline constexpr int kMaxGates = 4;
inline constexpr int kMaxStates = 4;

// What an element reads: per gate its input projection, its product R h and its bias, and the
// states before the step.
struct ElementInput {
  double wx[kMaxGates] = {};
  double rh[kMaxGates] = {};
  double bias[kMaxGates] = {};
  double old[kMaxStates] = {};
};

// Gradients of all of these; `old` lacks what reaches h(t-1) through rh.
using ElementGradient = ElementInput;

struct Element {
  CellShape shape;
  void (*forward)(const ElementInput& in, double* now);
  void (*backward)(const ElementInput& in, const double* d_now, ElementGradient* out);
};

// Throws std::invalid_argument where the oracle does not know the cell.
const Element& element_of(flashrnn_cell cell);

}  // namespace flashrnn::oracle

#endif  // FLASHRNN_TESTS_ORACLE_ELEMENTS_HPP_
