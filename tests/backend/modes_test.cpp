// SPDX-License-Identifier: Apache-2.0
// What differs between modes and calls must not change the numbers.
#include <gtest/gtest.h>

#include "compare.hpp"
#include "environment.hpp"

namespace flashrnn::test {
namespace {

class Modes : public BackendTest {
 protected:
  // Problems of every cell in fp32 and bf16, with options and without.
  static std::vector<Case> cases() {
    std::vector<Case> all;
    for (const flashrnn_cell cell : all_cells()) {
      for (const flashrnn_dtype dtype : {FLASHRNN_FLOAT32, FLASHRNN_BFLOAT16}) {
        for (const bool options : {false, true}) {
          Case c;
          c.cell = cell;
          c.dtypes = {dtype, dtype, FLASHRNN_FLOAT32};
          c.batch = 5;
          c.time = 9;
          c.head_dim = 33;
          c.reverse = c.resets = options;
          c.lengths = options ? FLASHRNN_INT32 : FLASHRNN_DTYPE_DEFAULT;
          c.seed = all.size() + 1;
          all.push_back(c);
        }
      }
    }
    return all;
  }
};

TEST_F(Modes, ForwardIsTheSameInAllModes) {
  for (Case c : cases()) {
    SCOPED_TRACE(name_of(c));
    Trial training(device(), c);
    training.forward();
    for (const flashrnn_mode mode : {FLASHRNN_MODE_RECOMPUTE, FLASHRNN_MODE_INFERENCE}) {
      c.mode = mode;
      Trial other(device(), c);
      other.forward();
      expect_within(compare_outputs(c, other.outputs(), training.outputs()));
    }
  }
}

TEST_F(Modes, RecomputedGradientsAreTheSavedOnes) {
  for (Case c : cases()) {
    SCOPED_TRACE(name_of(c));
    Trial training(device(), c);
    training.forward();
    training.backward();
    c.mode = FLASHRNN_MODE_RECOMPUTE;
    Trial recompute(device(), c);
    recompute.forward();
    recompute.backward();
    expect_within(compare_gradients(c, recompute.gradients(), training.gradients()));
  }
}

TEST_F(Modes, RecomputeSavesLessThanTraining) {
  Case c;
  c.time = 100;
  const Plan training(device(), c);
  c.mode = FLASHRNN_MODE_RECOMPUTE;
  const Plan recompute(device(), c);
  EXPECT_LT(recompute.sizes().saved, training.sizes().saved);
}

TEST_F(Modes, InferenceSavesNothingAndHasNoBackward) {
  Case c;
  c.mode = FLASHRNN_MODE_INFERENCE;
  Trial trial(device(), c);
  EXPECT_EQ(trial.plan().sizes().saved, 0u);
  EXPECT_EQ(trial.plan().sizes().backward_workspace, 0u);
  flashrnn_backward_args args{};
  args.struct_size = sizeof args;
  EXPECT_EQ(flashrnn_backward(trial.plan().handle(), &args), FLASHRNN_INVALID_ARGUMENT);
}

TEST_F(Modes, InferenceGivesLastStatesWithoutASequence) {
  for (const flashrnn_cell cell : all_cells()) {
    Case c;
    c.cell = cell;
    c.mode = FLASHRNN_MODE_INFERENCE;
    c.head_dim = 19;
    Trial trial(device(), c);
    trial.forward();
    const oracle::Outputs expected = trial.outputs();
    trial.poison_forward_outputs();
    flashrnn_forward_args args = trial.forward_args();
    args.h.data = nullptr;
    args.states.data = nullptr;
    check(flashrnn_forward(trial.plan().handle(), &args), "flashrnn_forward");
    EXPECT_EQ(trial.outputs().last_states, expected.last_states) << name_of(c);
    EXPECT_EQ(trial.touched(), "") << name_of(c);
  }
}

TEST_F(Modes, UnchangedWeightsGiveTheSameBits) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(name_of(c));
    Trial trial(device(), c);
    trial.forward();
    trial.backward();
    const std::vector<uint8_t> bytes = trial.output_bytes();
    trial.forward(FLASHRNN_RUN_WEIGHTS_UNCHANGED);
    trial.backward(FLASHRNN_RUN_WEIGHTS_UNCHANGED);
    EXPECT_EQ(trial.output_bytes(), bytes);
    EXPECT_EQ(trial.touched(), "");
  }
}

TEST_F(Modes, Float64IsForTheCpu) {
  Case c;
  c.dtypes = {FLASHRNN_FLOAT64, FLASHRNN_FLOAT64, FLASHRNN_FLOAT64};
  const flashrnn_problem problem = problem_of(c);
  flashrnn_plan plan = nullptr;
  const flashrnn_status status = flashrnn_plan_create(device().handle(), &problem, &plan);
  const bool is_cpu = environment().backend == FLASHRNN_BACKEND_CPU;
  EXPECT_EQ(status, is_cpu ? FLASHRNN_OK : FLASHRNN_UNSUPPORTED) << flashrnn_last_error_message();
  flashrnn_plan_close(plan);
}

TEST_F(Modes, ThreadCountDoesNotChangeTheResultBeyondTheBound) {
  for (Case c : cases()) {
    SCOPED_TRACE(name_of(c));
    c.threads = 0;  // as many as there are
    Trial trial(device(), c);
    expect_like_oracle(trial);
  }
}

}  // namespace
}  // namespace flashrnn::test
