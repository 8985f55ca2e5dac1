// SPDX-License-Identifier: Apache-2.0
// Heads and batches as training has them, where backends take their fast ways: whole tiles and
// packed tensors, with nothing asked of a step but the step, and with sequences that end and start
// anew.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "compare.hpp"
#include "environment.hpp"

namespace flashrnn::test {
namespace {

Case plain(flashrnn_cell cell, flashrnn_dtype dtype) {
  Case c;
  c.cell = cell;
  c.dtypes = {dtype, dtype, FLASHRNN_FLOAT32};
  c.want_states = false;
  c.given = kGiveH | kGiveLast;
  return c;
}

Case with_restarts(Case c) {
  c.lengths = FLASHRNN_INT32;
  c.resets = true;
  return c;
}

std::vector<Case> cases() {
  struct Shape {
    int64_t batch, time, heads, head_dim;
  };
  // Times beyond the buffers that kernels go round in; batches of several tiles and a rest; heads
  // that end within a tile, or for which kernels are made larger.
  const std::vector<Shape> shapes = {{16, 70, 2, 32},  {40, 37, 2, 64}, {9, 37, 1, 128},
                                     {19, 21, 1, 256}, {16, 37, 3, 24}, {9, 21, 2, 104},
                                     {10, 19, 1, 232}};
  const std::vector<Shape> large = {{3, 19, 1, 512},  {17, 9, 1, 768}, {9, 5, 1, 1536},
                                    {40, 21, 1, 448}, {17, 9, 1, 704}, {19, 21, 1, 384},
                                    {13, 21, 1, 380}};
  // Heads of few units, of which kernels take several at once, and a rest.
  const std::vector<Shape> narrow = {{11, 37, 5, 16}, {9, 21, 11, 8}, {5, 21, 3, 40}};
  // What backward reads is more than any core's own cache, so that forward may write it past that.
  const Shape long_shape = {17, 200, 4, 64};
  std::vector<Case> all;
  const auto add = [&](Case c, const Shape& s) {
    c.batch = s.batch, c.time = s.time, c.heads = s.heads, c.head_dim = s.head_dim;
    c.reverse = all.size() % 3 == 1;
    c.initial_states = all.size() % 4 != 2;
    c.seed = all.size() + 1;
    all.push_back(c);
  };
  for (const flashrnn_cell cell : all_cells()) {
    for (const flashrnn_dtype dtype : {FLASHRNN_BFLOAT16, FLASHRNN_FLOAT16}) {
      for (const Shape& s : shapes) add(plain(cell, dtype), s);
    }
  }
  for (const flashrnn_cell cell : all_cells()) {
    for (const Shape& s : shapes) add(with_restarts(plain(cell, FLASHRNN_BFLOAT16)), s);
  }
  for (const Shape& s : narrow) {
    for (const flashrnn_cell cell : all_cells()) add(plain(cell, FLASHRNN_BFLOAT16), s);
    for (const flashrnn_cell cell : {FLASHRNN_LSTM, FLASHRNN_ELMAN})
      add(with_restarts(plain(cell, FLASHRNN_FLOAT32)), s);
  }
  // And of more units where there are many steps.
  add(plain(FLASHRNN_ELMAN, FLASHRNN_BFLOAT16), {64, 520, 3, 40});
  add(plain(FLASHRNN_LSTM, FLASHRNN_FLOAT32), long_shape);
  add(with_restarts(plain(FLASHRNN_SLSTM, FLASHRNN_FLOAT32)), long_shape);
  add(plain(FLASHRNN_SLSTM, FLASHRNN_BFLOAT16), long_shape);
  // Heads that several CTAs have, in several parts of the steps; of each three one is reversed.
  for (const Shape& s : {Shape{9, 130, 1, 128}, Shape{5, 130, 1, 256}, Shape{3, 129, 1, 384}}) {
    for (const flashrnn_cell cell : {FLASHRNN_LSTM, FLASHRNN_GRU, FLASHRNN_ELMAN})
      add(plain(cell, FLASHRNN_BFLOAT16), s);
    add(with_restarts(plain(FLASHRNN_SLSTM, FLASHRNN_FLOAT16)), s);
  }
#if !defined(FLASHRNN_TESTS_REDUCED)
  for (const Shape& s : large) add(with_restarts(plain(FLASHRNN_LSTM, FLASHRNN_FLOAT16)), s);
  for (const Shape& s : large) {
    for (const flashrnn_cell cell : {FLASHRNN_LSTM, FLASHRNN_GRU})
      add(plain(cell, FLASHRNN_BFLOAT16), s);
  }
#endif
  return all;
}

class ShapeMatrix : public BackendTest, public testing::WithParamInterface<Case> {};

TEST_P(ShapeMatrix, AgreesWithOracle) {
  Trial trial(device(), GetParam());
  expect_like_oracle(trial);
}

INSTANTIATE_TEST_SUITE_P(Cases, ShapeMatrix, testing::ValuesIn(cases()), [](const auto& c) {
  return std::to_string(c.index) + "_" + name_of(c.param);
});

}  // namespace
}  // namespace flashrnn::test
