// SPDX-License-Identifier: Apache-2.0
// The oracle against the golden files. (src/cells is held to them in tests/cells, the library in
// tests/backend.)
#include <gtest/gtest.h>

#include <cmath>

#include "golden.hpp"

namespace flashrnn::test {
namespace {

struct Named {
  flashrnn_cell cell;
  const char* name;
};
constexpr Named kCells[] = {
#define FLASHRNN_CELL(name, ENUM, ...) {FLASHRNN_##ENUM, #name},
#include "cells.def"
#undef FLASHRNN_CELL
};

// Fifteen digits are written.
constexpr double kBound = 1e-13;

TEST(OracleGolden, EveryCellAgreesWithItsGoldenFile) {
  for (const Named& named : kCells) {
    for (GoldenCase c : read_golden(FLASHRNN_GOLDEN_DIR, named.name)) {
      SCOPED_TRACE(std::string(named.name) + " " + c.name);
      c.problem.cell = named.cell;
      const oracle::Outputs out = oracle::forward(c.problem, c.inputs);
      EXPECT_LE(oracle::relative_error(out.h, c.expected_outputs.h), kBound);
      EXPECT_LE(oracle::relative_error(out.states, c.expected_outputs.states), kBound);
      EXPECT_LE(oracle::relative_error(out.last_states, c.expected_outputs.last_states), kBound);
      const oracle::InputGradients grad = oracle::backward(c.problem, c.inputs, c.gradients);
      EXPECT_LE(oracle::relative_error(grad.d_wx, c.expected_gradients.d_wx), kBound);
      EXPECT_LE(oracle::relative_error(grad.d_r, c.expected_gradients.d_r), kBound);
      EXPECT_LE(oracle::relative_error(grad.d_bias, c.expected_gradients.d_bias), kBound);
      EXPECT_LE(
          oracle::relative_error(grad.d_initial_states, c.expected_gradients.d_initial_states),
          kBound);
    }
  }
}

TEST(Oracle, RoundsToNearestEvenAndOverflowsToInfinity) {
  EXPECT_EQ(oracle::round_to(1 + 0x1p-8, FLASHRNN_BFLOAT16), 1);              // a tie goes to even
  EXPECT_EQ(oracle::round_to(1 + 0x1.8p-7, FLASHRNN_BFLOAT16), 1 + 0x1p-6);   // and the other way
  EXPECT_EQ(oracle::round_to(1 + 0x1.01p-8, FLASHRNN_BFLOAT16), 1 + 0x1p-7);  // beyond the tie
  EXPECT_EQ(oracle::round_to(-65519, FLASHRNN_FLOAT16), -65504);
  EXPECT_TRUE(std::isinf(oracle::round_to(65520, FLASHRNN_FLOAT16)));
  EXPECT_EQ(oracle::round_to(0x1.8p-24, FLASHRNN_FLOAT16), 0x1p-23);  // subnormal
  EXPECT_EQ(oracle::round_to(0.1, FLASHRNN_FLOAT32), static_cast<double>(0.1f));
  EXPECT_EQ(oracle::round_to(0.1, FLASHRNN_FLOAT64), 0.1);
}

TEST(Oracle, TakesANaNForInfinitelyWrong) {
  EXPECT_TRUE(std::isinf(oracle::relative_error({1.0, std::nan("")}, {1.0, 1.0})));
  EXPECT_TRUE(std::isinf(oracle::relative_error({1.0}, {1.0, 1.0})));
  EXPECT_EQ(oracle::relative_error({0.5}, {0.0}), 0.5);
}

}  // namespace
}  // namespace flashrnn::test
