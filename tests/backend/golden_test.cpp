// SPDX-License-Identifier: Apache-2.0
// The library against the golden files, which know nothing of the oracle.
#include "golden.hpp"

#include <gtest/gtest.h>

#include "compare.hpp"
#include "environment.hpp"

namespace flashrnn::test {
namespace {

class Golden : public BackendTest {};

Case case_of(flashrnn_cell cell, const GoldenCase& golden, flashrnn_dtype dtype) {
  Case c;
  c.cell = cell;
  c.dtypes = {dtype, dtype, dtype};
  c.batch = golden.problem.batch;
  c.time = golden.problem.time;
  c.heads = golden.problem.heads;
  c.head_dim = golden.problem.head_dim;
  c.reverse = golden.problem.reverse;
  c.cut_recurrent_gradient = golden.problem.cut_recurrent_gradient;
  c.forward_clip = golden.problem.forward_clip;
  c.recurrent_gradient_clip = golden.problem.recurrent_gradient_clip;
  c.lengths = golden.inputs.lengths.empty() ? FLASHRNN_DTYPE_DEFAULT : FLASHRNN_INT32;
  c.resets = !golden.inputs.resets.empty();
  c.bias = !golden.inputs.bias.empty();
  c.initial_states = !golden.inputs.initial_states.empty();
  return c;
}

TEST_F(Golden, EveryCellAgreesWithItsGoldenFile) {
  const bool has_double = environment().backend == FLASHRNN_BACKEND_CPU;
  for (const flashrnn_cell cell : all_cells()) {
    for (const GoldenCase& golden : read_golden(FLASHRNN_GOLDEN_DIR, name_of_cell(cell))) {
      for (const flashrnn_mode mode : {FLASHRNN_MODE_TRAINING, FLASHRNN_MODE_RECOMPUTE}) {
        Case c = case_of(cell, golden, has_double ? FLASHRNN_FLOAT64 : FLASHRNN_FLOAT32);
        c.mode = mode;
        SCOPED_TRACE(name_of(c) + " " + golden.name);
        Trial trial(device(), c, {golden.inputs, golden.gradients},
                    std::make_shared<const Plan>(device(), c));
        trial.forward();
        trial.backward();
        // Fifteen digits are written, so that the bounds of float64 cannot be asked for.
        std::vector<Difference> differences =
            compare_outputs(c, trial.outputs(), golden.expected_outputs);
        for (const Difference& d :
             compare_gradients(c, trial.gradients(), golden.expected_gradients)) {
          differences.push_back(d);
        }
        for (Difference& d : differences) d.bound = has_double ? 1e-13 : d.bound;
        expect_within(differences);
      }
    }
  }
}

}  // namespace
}  // namespace flashrnn::test
