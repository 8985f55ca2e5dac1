// SPDX-License-Identifier: Apache-2.0
// One problem of the backend tests: what is asked of the library, and the values that it is given.
#ifndef FLASHRNN_TESTS_SUPPORT_CASE_HPP_
#define FLASHRNN_TESTS_SUPPORT_CASE_HPP_

#include <cstdint>
#include <iosfwd>
#include <string>

#include "flashrnn/flashrnn.h"
#include "oracle.hpp"
#include "tensor.hpp"

namespace flashrnn::test {

struct Dtypes {
  flashrnn_dtype tensor, weight, state;
};

// Bits of Case::given and Case::wanted: which gradients backward is given, and which it is asked
// for.
enum : unsigned { kGiveH = 1, kGiveStates = 2, kGiveLast = 4, kGiveAll = 7 };
enum : unsigned { kWantWx = 1, kWantR = 2, kWantBias = 4, kWantInitial = 8, kWantAll = 15 };

struct Case {
  flashrnn_cell cell = FLASHRNN_LSTM;
  Dtypes dtypes{FLASHRNN_FLOAT32, FLASHRNN_FLOAT32, FLASHRNN_FLOAT32};
  flashrnn_mode mode = FLASHRNN_MODE_TRAINING;
  int64_t batch = 3, time = 5, heads = 2, head_dim = 7;
  Layout input_layout = Layout::kPacked, output_layout = Layout::kPacked;
  bool reverse = false;
  flashrnn_dtype lengths = FLASHRNN_DTYPE_DEFAULT;  // FLASHRNN_INT32, FLASHRNN_INT64; default: none
  bool resets = false;
  double forward_clip = 0, recurrent_gradient_clip = 0;
  bool cut_recurrent_gradient = false;
  bool bias = true, initial_states = true;
  bool want_states = true;     // forward's states
  bool last_in_place = false;  // last_states is the same tensor as initial_states; forward only
  unsigned given = kGiveAll, wanted = kWantAll;
  int threads = 1;
  uint64_t seed = 1;
};

// The case as a test's name: letters, digits and underscores.
std::string name_of(const Case& c);
// How GoogleTest prints it.
void PrintTo(const Case& c, std::ostream* out);
const char* name_of_cell(flashrnn_cell cell);
const char* name_of_mode(flashrnn_mode mode);

// What the oracle is told of the case.
oracle::Problem oracle_problem(const Case& c);

// Inputs and gradients of the case, before any rounding. They keep the recurrence tame, so that an
// error of a step does not grow over the following ones, and hold some zeros.
struct Values {
  oracle::Inputs inputs;
  oracle::OutputGradients gradients;
};
Values draw_values(const Case& c);

}  // namespace flashrnn::test

#endif  // FLASHRNN_TESTS_SUPPORT_CASE_HPP_
