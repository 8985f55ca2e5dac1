// SPDX-License-Identifier: Apache-2.0
// The oracle: every cell, forward and backward, in plain double loops. It shares nothing with the
// library but the header's enums, so that a mistake has to be made twice, in two different ways, to
// go unseen.
//
// All arrays are packed in the axis order of flashrnn.h and hold doubles whatever the dtypes of the
// problem are; an empty vector is an absent tensor. To compare with a run in a narrower dtype, give
// the values that the run really read (its rounded inputs), and set operand_dtype to the problem's
// dtype.
#ifndef FLASHRNN_TESTS_ORACLE_ORACLE_HPP_
#define FLASHRNN_TESTS_ORACLE_ORACLE_HPP_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "flashrnn/flashrnn.h"

namespace flashrnn::oracle {

// Gi, Gr, Gb and S of a cell, as flashrnn_get_cell_info should give them.
struct CellShape {
  int input_gates = 0;
  int recurrent_gates = 0;
  int biases = 0;
  int states = 0;
};

CellShape cell_shape(flashrnn_cell cell);

struct Problem {
  flashrnn_cell cell = 0;
  int64_t batch = 1;
  int64_t time = 0;
  int64_t heads = 1;
  int64_t head_dim = 1;
  bool reverse = false;
  bool cut_recurrent_gradient = false;
  double forward_clip = 0;             // 0: none
  double recurrent_gradient_clip = 0;  // 0: none
  // The operands of R h, and h where it is put out, are rounded to this dtype; the states between
  // the steps are not. FLOAT64: nothing is rounded.
  flashrnn_dtype operand_dtype = FLASHRNN_FLOAT64;
};

struct Inputs {
  std::vector<double> wx;              // [B, T, Gi, N, D]
  std::vector<double> r;               // [Gr, N, D, D]
  std::vector<double> bias;            // [Gb, N, D] or empty: zero
  std::vector<double> initial_states;  // [S, B, N, D] or empty: zero
  std::vector<int64_t> lengths;        // [B] or empty: T everywhere
  std::vector<uint8_t> resets;         // [T, B] or empty: none
};

struct Outputs {
  std::vector<double> h;            // [B, T, N, D]
  std::vector<double> states;       // [S, B, T, N, D]
  std::vector<double> last_states;  // [S, B, N, D]
};

// Gradients of a loss with respect to the outputs; each may be empty: zero.
struct OutputGradients {
  std::vector<double> d_h;
  std::vector<double> d_states;
  std::vector<double> d_last_states;
};

struct InputGradients {
  std::vector<double> d_wx;
  std::vector<double> d_r;
  std::vector<double> d_bias;
  std::vector<double> d_initial_states;
};

Outputs forward(const Problem& problem, const Inputs& inputs);

// Runs forward itself: what it needs of it is not a parameter.
InputGradients backward(const Problem& problem, const Inputs& inputs,
                        const OutputGradients& gradients);

// ||value - reference|| / ||reference||; ||value|| where the reference is all zero. NaN counts as
// infinitely wrong.
double relative_error(const std::vector<double>& value, const std::vector<double>& reference);

// The nearest value (ties to even) of FLASHRNN_FLOAT64, FLOAT32, BFLOAT16 or FLOAT16.
double round_to(double value, flashrnn_dtype dtype);

}  // namespace flashrnn::oracle

#endif  // FLASHRNN_TESTS_ORACLE_ORACLE_HPP_
