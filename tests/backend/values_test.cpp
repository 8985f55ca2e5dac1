// SPDX-License-Identifier: Apache-2.0
// Values at the edges: gates far in saturation, and NaN where it must not spread.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "compare.hpp"
#include "environment.hpp"

namespace flashrnn::test {
namespace {

class EdgeValues : public BackendTest {
 protected:
  // A problem whose batch does not fill the tiles, in fp32 and bf16.
  static std::vector<Case> cases() {
    std::vector<Case> all;
    for (const flashrnn_cell cell : all_cells()) {
      for (const flashrnn_dtype dtype : {FLASHRNN_FLOAT32, FLASHRNN_BFLOAT16}) {
        // With 21 units a GPU goes the long way, with 24 the short one, and both have lanes past
        // the head.
        for (const auto& [mode, head_dim] :
             {std::pair{FLASHRNN_MODE_TRAINING, 21}, std::pair{FLASHRNN_MODE_RECOMPUTE, 21},
              std::pair{FLASHRNN_MODE_TRAINING, 24}}) {
          Case c;
          c.cell = cell;
          c.dtypes = {dtype, dtype, FLASHRNN_FLOAT32};
          c.mode = mode;
          c.batch = 5;
          c.time = 8;
          c.heads = 2;
          c.head_dim = head_dim;
          c.seed = all.size() + 1;
          all.push_back(c);
        }
      }
    }
    return all;
  }
  std::unique_ptr<Trial> run(const Case& c, const Values& values) {
    auto trial =
        std::make_unique<Trial>(device(), c, values, std::make_shared<const Plan>(device(), c));
    trial->forward();
    trial->backward();
    return trial;
  }
};

// The part of `all` [B, T, rest...] that belongs to (b, t).
std::vector<double> at(const Case& c, const std::vector<double>& all, int64_t b, int64_t t) {
  const auto rest = static_cast<std::ptrdiff_t>(all.size()) / (c.batch * c.time);
  const auto first = all.begin() + (b * c.time + t) * rest;
  return {first, first + rest};
}

// Poisons the input projections of every gate, head and unit at (b, t).
void put_nan(const Case& c, Values* values, int64_t b, int64_t t) {
  const auto rest = static_cast<std::ptrdiff_t>(values->inputs.wx.size()) / (c.batch * c.time);
  const auto first = values->inputs.wx.begin() + (b * c.time + t) * rest;
  std::fill(first, first + rest, std::nan(""));
}

TEST_F(EdgeValues, SaturatedGatesAreWhatTheOracleHas) {
  for (const double scale : {10.0, 40.0}) {
    for (const Case& c : cases()) {
      SCOPED_TRACE(name_of(c) + " times " + std::to_string(scale));
      Values values = draw_values(c);
      for (double& x : values.inputs.wx) x *= scale;
      const auto trial = run(c, values);
      expect_within(compare_outputs(c, trial->outputs(), trial->expected_outputs()));
      // Few units still pass a gradient on, and of a gate u that is saved in 16 bits near 1, 1 - u
      // has lost digits.
      std::vector<Difference> differences =
          compare_gradients(c, trial->gradients(), trial->expected_gradients());
      for (Difference& d : differences) d.bound *= c.dtypes.tensor == FLASHRNN_BFLOAT16 ? 4 : 1;
      expect_within(differences);
    }
  }
}

// A gate may be shut for good by a large negative value, at the first step too.
TEST_F(EdgeValues, HugeInputsGiveFiniteOutputs) {
  for (const Case& c : cases()) {
    for (const double size : {100.0, 1e4}) {
      for (const bool initial : {false, true}) {
        SCOPED_TRACE(name_of(c) + " size " + std::to_string(size));
        Case mine = c;
        mine.initial_states = initial;
        Values values = draw_values(mine);
        for (double& x : values.inputs.wx) x = x > 0 ? size : -size;
        const auto trial = run(mine, values);
        for (const double x : trial->outputs().states) ASSERT_TRUE(std::isfinite(x));
        const oracle::InputGradients gradients = trial->gradients();
        for (const double x : gradients.d_wx) ASSERT_TRUE(std::isfinite(x));
        for (const double x : gradients.d_r) ASSERT_TRUE(std::isfinite(x));
      }
    }
  }
}

// An LSTM's c has no limit. Where it is beyond float16's, h does not change with it any more, and
// what backward has of it is multiplied by that zero: as an infinity it would give NaN.
TEST_F(EdgeValues, StatesBeyondFloat16LeaveGradientsRight) {
  // One CTA of a GPU has the head, with rows of whole pieces and without, or several have it.
  for (const int64_t head_dim : {21, 24, 160}) {
    for (const flashrnn_mode mode : {FLASHRNN_MODE_TRAINING, FLASHRNN_MODE_RECOMPUTE}) {
      Case c;
      c.dtypes = {FLASHRNN_FLOAT16, FLASHRNN_FLOAT16, FLASHRNN_FLOAT32};
      c.mode = mode;
      c.batch = 5;
      c.time = 4;  // c is halved in each, about
      c.head_dim = head_dim;
      c.want_states = false;
      c.given = kGiveH;
      SCOPED_TRACE(name_of(c));
      Values values = draw_values(c);
      std::vector<double>& initial = values.inputs.initial_states;
      const auto size = static_cast<std::ptrdiff_t>(initial.size()) / 2;
      for (auto x = initial.begin() + size; x != initial.end(); ++x) *x = *x < 0 ? -2e6 : 2e6;
      const auto trial = run(c, values);
      const std::vector<double> last = trial->expected_outputs().last_states;
      for (auto x = last.begin() + size; x != last.end(); ++x) ASSERT_GT(std::fabs(*x), 20);
      expect_within(compare_gradients(c, trial->gradients(), trial->expected_gradients()));
    }
  }
}

TEST_F(EdgeValues, NanStaysInItsSequence) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(name_of(c));
    Values values = draw_values(c);
    const auto clean = run(c, values);
    put_nan(c, &values, 2, 3);
    const auto trial = run(c, values);
    for (int64_t b = 0; b < c.batch; ++b) {
      for (int64_t t = 0; t < c.time; ++t) {
        const std::vector<double> h = at(c, trial->outputs().h, b, t);
        if (b == 2 && t >= 3) {
          for (const double x : h) ASSERT_TRUE(std::isnan(x) || c.cell == FLASHRNN_ELMAN_RELU) << t;
        } else {
          ASSERT_EQ(h, at(c, clean->outputs().h, b, t)) << b << " " << t;
        }
        if (b == 2) continue;
        ASSERT_EQ(at(c, trial->gradients().d_wx, b, t), at(c, clean->gradients().d_wx, b, t))
            << b << " " << t;
      }
    }
  }
}

TEST_F(EdgeValues, WhatLiesBehindALengthIsNotRead) {
  for (Case c : cases()) {
    SCOPED_TRACE(name_of(c));
    c.lengths = FLASHRNN_INT32;
    for (const bool reverse : {false, true}) {
      c.reverse = reverse;
      Values values = draw_values(c);
      const auto clean = run(c, values);
      for (int64_t b = 0; b < c.batch; ++b) {
        for (int64_t t = values.inputs.lengths[static_cast<size_t>(b)]; t < c.time; ++t) {
          put_nan(c, &values, b, t);
          const auto rest =
              static_cast<std::ptrdiff_t>(values.gradients.d_h.size()) / (c.batch * c.time);
          const auto first = values.gradients.d_h.begin() + (b * c.time + t) * rest;
          std::fill(first, first + rest, std::nan(""));
        }
      }
      const auto trial = run(c, values);
      EXPECT_TRUE(trial->output_bytes() == clean->output_bytes());
    }
  }
}

TEST_F(EdgeValues, NanEndsAtAReset) {
  for (Case c : cases()) {
    SCOPED_TRACE(name_of(c));
    c.resets = true;
    Values values = draw_values(c);
    values.inputs.resets.assign(values.inputs.resets.size(), 0);
    values.inputs.resets[static_cast<size_t>(5 * c.batch + 2)] =
        1;  // sequence 2 starts anew at step 5
    const auto clean = run(c, values);
    put_nan(c, &values, 2, 3);
    const auto trial = run(c, values);
    for (int64_t t = 0; t < c.time; ++t) {
      if (t == 3 || t == 4) continue;
      ASSERT_EQ(at(c, trial->outputs().h, 2, t), at(c, clean->outputs().h, 2, t)) << t;
    }
    for (int64_t t = 5; t < c.time; ++t) {
      ASSERT_EQ(at(c, trial->gradients().d_wx, 2, t), at(c, clean->gradients().d_wx, 2, t)) << t;
    }
    EXPECT_EQ(trial->outputs().last_states, clean->outputs().last_states);
  }
}

}  // namespace
}  // namespace flashrnn::test
