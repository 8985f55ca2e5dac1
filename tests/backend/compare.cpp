// SPDX-License-Identifier: Apache-2.0
#include "compare.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "environment.hpp"

namespace flashrnn::test {
namespace {

using Array = std::vector<double>;

void add(std::vector<Difference>* out, const std::string& name, const Array& got,
         const Array& expected, double bound) {
  if (!got.empty() || expected.empty())
    out->push_back({name, oracle::relative_error(got, expected), bound});
}

double norm(const Array& values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return std::sqrt(sum);
}

// The leading axis holds the states, whose sizes may differ widely.
void add_states(std::vector<Difference>* out, const std::string& name, const Array& got,
                const Array& expected, int states, double bound) {
  if (got.empty()) return;
  ASSERT_EQ(got.size(), expected.size()) << name;
  const auto part = static_cast<std::ptrdiff_t>(got.size()) / states;
  for (std::ptrdiff_t s = 0; s < states; ++s) {
    add(out, name + "[" + std::to_string(s) + "]",
        Array(got.begin() + s * part, got.begin() + (s + 1) * part),
        Array(expected.begin() + s * part, expected.begin() + (s + 1) * part), bound);
  }
}

}  // namespace

std::vector<Difference> compare_outputs(const Case& c, const oracle::Outputs& got,
                                        const oracle::Outputs& expected) {
  const double bound = output_bound(c.dtypes.tensor, c.dtypes.tensor);
  const double last_bound = output_bound(c.dtypes.tensor, c.dtypes.state);
  const int states = oracle::cell_shape(c.cell).states;
  std::vector<Difference> out;
  add(&out, "h", got.h, expected.h, bound);
  add_states(&out, "states", got.states, expected.states, states, bound);
  add_states(&out, "last_states", got.last_states, expected.last_states, states, last_bound);
  return out;
}

std::vector<Difference> compare_gradients(const Case& c, const oracle::InputGradients& got,
                                          const oracle::InputGradients& expected, bool is_drawn) {
  const flashrnn_dtype tensor = c.dtypes.tensor;
  const size_t elements = expected.d_wx.size();
  const double jumps =
      is_drawn ? drawn::jump_allowance(c, elements) : jump_allowance(c.cell, tensor, elements);
  std::vector<Difference> out;
  const auto add_gradient = [&](const char* name, const Array& g, const Array& e,
                                flashrnn_dtype stored, double factor, double allowance) {
    double bound = gradient_bound(tensor, stored) + jumps;
    if (is_drawn) {
      const double lost = drawn::smallest_kept(tensor, stored), size = norm(e);
      bound = factor * gradient_bound(tensor, stored) + jumps + allowance +
              (lost > 0 && size > 0 ? lost * std::sqrt(e.size()) / size : 0);
    }
    add(&out, name, g, e, bound);
  };
  add_gradient("d_wx", got.d_wx, expected.d_wx, tensor, 1, 0);
  add_gradient("d_r", got.d_r, expected.d_r, c.dtypes.weight,
               drawn::cancellation(expected.d_r.size()), 0);
  add_gradient("d_bias", got.d_bias, expected.d_bias, c.dtypes.weight,
               drawn::cancellation(expected.d_bias.size()), 0);
  add_gradient("d_initial_states", got.d_initial_states, expected.d_initial_states, c.dtypes.state,
               1, drawn::chain_allowance(c));
  return out;
}

void expect_within(const std::vector<Difference>& differences) {
  for (const Difference& d : differences) EXPECT_LE(d.error, d.bound) << d.tensor;
}

double worst(const std::vector<Difference>& differences) {
  double most = 0;
  for (const Difference& d : differences) most = std::max(most, d.error / d.bound);
  return most;
}

void expect_like_oracle(Trial& trial, bool is_drawn) {
  trial.forward();
  expect_within(compare_outputs(trial.problem(), trial.outputs(), trial.expected_outputs()));
  EXPECT_EQ(trial.touched(), "") << "changed by flashrnn_forward";
  if (!trial.has_backward()) return;
  trial.backward();
  expect_within(
      compare_gradients(trial.problem(), trial.gradients(), trial.expected_gradients(), is_drawn));
  EXPECT_EQ(trial.touched(), "") << "changed by flashrnn_backward";
}

}  // namespace flashrnn::test
