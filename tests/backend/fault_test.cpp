// SPDX-License-Identifier: Apache-2.0
// The bounds catch faults: the oracle is made to compute something slightly wrong, and the right
// library must look wrong beside it by at least twice the bound. A bound that lets one of these
// through is worth nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "compare.hpp"
#include "environment.hpp"

namespace flashrnn::test {
namespace {

struct Wrong {
  oracle::Problem problem;
  oracle::Inputs inputs;
  oracle::OutputGradients gradients;
  oracle::InputGradients sensitivity;  // of the right computation
};

// The value that matters most, so that the fault does not fall on a unit that is clipped or dead.
size_t most(const std::vector<double>& sensitivity) {
  const auto smaller = [](double a, double b) { return std::fabs(a) < std::fabs(b); };
  const auto found = std::max_element(sensitivity.begin(), sensitivity.end(), smaller);
  return static_cast<size_t>(found - sensitivity.begin());
}

struct Fault {
  const char* name;
  std::function<void(Wrong&)> inject;
  bool only_backward = false;
};

// Small problems, so that every weight counts; the dtype decides how fine a fault is still seen.
Case small(flashrnn_cell cell, flashrnn_dtype dtype) {
  Case c;
  c.cell = cell;
  c.dtypes = {dtype, dtype, FLASHRNN_FLOAT32};
  c.batch = 2;
  c.time = 6;
  c.heads = 2;
  c.head_dim = 8;
  c.lengths = FLASHRNN_INT32;
  c.resets = true;
  c.forward_clip = 0.5;
  c.recurrent_gradient_clip = 0.125;
  return c;
}

std::vector<Fault> faults(flashrnn_dtype dtype) {
  // By how much a single value is off. In 16 bits, where numbers are that coarse, by a quarter.
  const double off = dtype == FLASHRNN_FLOAT32 ? 1e-3 : 0.25;
  return {
      {"one weight is off", [off](Wrong& w) { w.inputs.r[most(w.sensitivity.d_r)] += off; }},
      {"one bias is off", [off](Wrong& w) { w.inputs.bias[most(w.sensitivity.d_bias)] += off; }},
      {"one input is off", [off](Wrong& w) { w.inputs.wx[most(w.sensitivity.d_wx)] += off; }},
      {"one initial state is off",
       [off](Wrong& w) { w.inputs.initial_states[most(w.sensitivity.d_initial_states)] += off; }},
      {"R is transposed",
       [](Wrong& w) {
         const size_t D = static_cast<size_t>(w.problem.head_dim);
         for (size_t m = 0; m < w.inputs.r.size(); m += D * D) {
           for (size_t i = 0; i < D; ++i) {
             for (size_t j = 0; j < i; ++j)
               std::swap(w.inputs.r[m + i * D + j], w.inputs.r[m + j * D + i]);
           }
         }
       }},
      {"one reset is missed",
       [](Wrong& w) {
         *std::find_if(w.inputs.resets.begin(), w.inputs.resets.end(),
                       [](uint8_t r) { return r != 0; }) = 0;
       }},
      {"one sequence is a step shorter", [](Wrong& w) { --w.inputs.lengths[1]; }},
      {"the clip is a tenth too wide", [](Wrong& w) { w.problem.forward_clip *= 1.1; }},
      {"time runs the wrong way", [](Wrong& w) { w.problem.reverse = !w.problem.reverse; }},
      {"the gradient's clip is too wide",
       [off](Wrong& w) { w.problem.recurrent_gradient_clip *= 1 + 2 * off; }, true},
      {"the gradient through R is dropped",
       [](Wrong& w) { w.problem.cut_recurrent_gradient = true; }, true},
      {"the gradients of h are off",
       [off](Wrong& w) {
         for (double& d : w.gradients.d_h) d *= 1 + off;
       },
       true},
      {"the last states' gradient is ignored", [](Wrong& w) { w.gradients.d_last_states.clear(); },
       true},
      {"the states' gradient is ignored", [](Wrong& w) { w.gradients.d_states.clear(); }, true},
  };
}

class Faults : public BackendTest {};

TEST_F(Faults, ExceedTheBounds) {
  for (const flashrnn_cell cell : all_cells()) {
    for (const flashrnn_dtype dtype : {FLASHRNN_FLOAT32, FLASHRNN_FLOAT16, FLASHRNN_BFLOAT16}) {
      Case c = small(cell, dtype);
      // A seed whose first reset falls within its sequence, after the first step.
      Values values = draw_values(c);
      values.inputs.lengths = {4, 6};
      values.inputs.resets.assign(values.inputs.resets.size(), 0);
      values.inputs.resets[2 * 2 + 1] = 1;
      Trial trial(device(), c, values, std::make_shared<const Plan>(device(), c));
      expect_like_oracle(trial);
      for (const Fault& fault : faults(dtype)) {
        SCOPED_TRACE(name_of(c) + ": " + fault.name);
        Wrong w{oracle_problem(c), trial.inputs(), trial.output_gradients(),
                trial.expected_gradients()};
        fault.inject(w);
        double found = worst(compare_gradients(c, trial.gradients(),
                                               oracle::backward(w.problem, w.inputs, w.gradients)));
        if (!fault.only_backward) {
          found = std::max(found, worst(compare_outputs(c, trial.outputs(),
                                                        oracle::forward(w.problem, w.inputs))));
        }
        EXPECT_GT(found, 2);
      }
    }
  }
}

}  // namespace
}  // namespace flashrnn::test
