// SPDX-License-Identifier: Apache-2.0
// Comparing a trial with the oracle, tensor by tensor.
#ifndef FLASHRNN_TESTS_BACKEND_COMPARE_HPP_
#define FLASHRNN_TESTS_BACKEND_COMPARE_HPP_

#include <string>
#include <vector>

#include "oracle.hpp"
#include "trial.hpp"

namespace flashrnn::test {

struct Difference {
  std::string tensor;
  double error = 0, bound = 0;
};

// One entry for each tensor that the trial wrote; is_drawn: at random, with the bounds of such
// problems. Errors of `states` and `last_states` are taken
// for every state apart.
std::vector<Difference> compare_outputs(const Case& c, const oracle::Outputs& got,
                                        const oracle::Outputs& expected);
std::vector<Difference> compare_gradients(const Case& c, const oracle::InputGradients& got,
                                          const oracle::InputGradients& expected,
                                          bool is_drawn = false);

// Fails for every entry beyond its bound.
void expect_within(const std::vector<Difference>& differences);

// The largest error / bound.
double worst(const std::vector<Difference>& differences);

// Runs forward, and backward where the mode has it, and expects what the oracle gives and nothing
// touched.
void expect_like_oracle(Trial& trial, bool is_drawn = false);

}  // namespace flashrnn::test

#endif  // FLASHRNN_TESTS_BACKEND_COMPARE_HPP_
