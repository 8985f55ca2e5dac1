// SPDX-License-Identifier: Apache-2.0
// Problems as text: one grammar for flashrnn-info, flashrnn-bench and tests. README.md has the
// grammar.
#pragma once

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "flashrnn/flashrnn.h"

namespace flashrnn::problem_text {

// What a plan is made from, and which optional tensors a run is given.
struct Problem {
  flashrnn_cell cell = FLASHRNN_LSTM;
  flashrnn_mode mode = FLASHRNN_MODE_TRAINING;
  int64_t batch = 0;
  int64_t time = 0;
  int64_t heads = 0;
  int64_t head_dim = 0;
  flashrnn_dtype dtype = FLASHRNN_FLOAT32;
  flashrnn_dtype weight_dtype = FLASHRNN_DTYPE_DEFAULT;  // as dtype
  flashrnn_dtype state_dtype = FLASHRNN_DTYPE_DEFAULT;   // as dtype
  uint32_t flags = 0;
  double forward_clip = 0;
  double recurrent_gradient_clip = 0;
  int32_t threads = 0;
  std::string config;            // "name=value,name=value"
  std::string layout = "btgnd";  // the axes of wx in memory, outermost first
  bool bias = true;
  bool initial_states = false;
  bool all_states = false;   // the sequence of every state is asked for
  bool last_states = false;  // the last states are asked for

  bool operator==(const Problem&) const = default;
};

// The message gives the value, the rule that it broke, and the text with the place.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// One problem; a text that stands for several (it has alternatives) is an Error.
Problem parse(std::string_view text);

// All problems of a text with alternatives ("d=16|32"), the first item varying slowest.
std::vector<Problem> parse_set(std::string_view text);

// Problems of a file's contents: one text a line, '#' starts a comment.
std::vector<Problem> parse_lines(std::string_view contents);

// The canonical text: parse(print(p)) == p, and defaults are left out.
std::string print(const Problem& problem);

// For the C ABI. config points into problem, which must outlive the result.
flashrnn_problem to_abi(const Problem& problem);

// The grammar in a dozen lines, for --help.
std::string_view help();

// Names and shapes.

// One line of src/cells/cells.def.
struct Cell {
  std::string_view name;
  flashrnn_cell value;
  int64_t input_gates;
  int64_t recurrent_gates;
  int64_t bias_gates;
  int64_t states;
};
const std::vector<Cell>& cells();
const Cell& cell_of(const Problem& problem);

std::string_view dtype_name(flashrnn_dtype dtype);  // "fp32"
std::string_view mode_name(flashrnn_mode mode);     // "train"
flashrnn_dtype weight_dtype(const Problem& problem);
flashrnn_dtype state_dtype(const Problem& problem);

// Element strides in the axis order of the ABI, from the problem's layout.
struct Strides {
  std::array<int64_t, FLASHRNN_MAX_AXES> stride{};
  int64_t elements = 0;
};
Strides wx_strides(const Problem& problem);           // [B, T, Gi, N, D]
Strides h_strides(const Problem& problem);            // [B, T, N, D], the layout without g
Strides states_strides(const Problem& problem);       // [S, B, T, N, D], s outermost
Strides last_states_strides(const Problem& problem);  // [S, B, N, D], packed

}  // namespace flashrnn::problem_text
