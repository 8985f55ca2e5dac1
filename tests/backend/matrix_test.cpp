// SPDX-License-Identifier: Apache-2.0
// Every cell in every dtype and mode, with layouts, options and awkward shapes chosen so that all
// pairs of them meet.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "compare.hpp"
#include "environment.hpp"
#include "pairwise.hpp"

namespace flashrnn::test {
namespace {

constexpr flashrnn_dtype F32 = FLASHRNN_FLOAT32, F64 = FLASHRNN_FLOAT64, F16 = FLASHRNN_FLOAT16,
                         BF16 = FLASHRNN_BFLOAT16;

const std::vector<Dtypes> kDtypes = {{F32, F32, F32},  {F64, F64, F64},   {BF16, BF16, BF16},
                                     {F16, F16, F16},  {BF16, F32, F32},  {F16, F32, F32},
                                     {F32, BF16, F32}, {BF16, BF16, F32}, {F32, F32, BF16}};
const std::vector<flashrnn_mode> kModes = {FLASHRNN_MODE_TRAINING, FLASHRNN_MODE_RECOMPUTE,
                                           FLASHRNN_MODE_INFERENCE};

#if defined(FLASHRNN_TESTS_REDUCED)  // under a sanitizer
const std::vector<int64_t> kTimes = {0, 1, 3, 19};
#else
const std::vector<int64_t> kTimes = {0, 1, 3, 257};
#endif
const std::vector<int64_t> kBatches = {1, 3, 17}, kHeads = {1, 3}, kDims = {1, 7, 17, 64, 100};
const std::vector<flashrnn_dtype> kLengths = {FLASHRNN_DTYPE_DEFAULT, FLASHRNN_INT32,
                                              FLASHRNN_INT64};
const std::vector<unsigned> kGiven = {kGiveAll, kGiveH, kGiveStates, kGiveLast};
const std::vector<unsigned> kWanted = {kWantAll, kWantWx | kWantInitial, kWantR, kWantBias};

std::vector<Case> cases() {
  const std::vector<flashrnn_cell> cells = all_cells();
  const auto size = [](const auto& list) { return static_cast<int>(std::size(list)); };
  // The order is that in which the row is read below.
  const std::vector<int> levels = {size(cells),
                                   size(kDtypes),
                                   size(kModes),
                                   size(kLayouts),
                                   size(kLayouts),
                                   size(kBatches),
                                   size(kTimes),
                                   size(kHeads),
                                   size(kDims),
                                   2,
                                   size(kLengths),
                                   2,
                                   2,
                                   2,
                                   2,
                                   2,
                                   2,
                                   2,
                                   2,
                                   size(kGiven),
                                   size(kWanted),
                                   2};
#if defined(FLASHRNN_TESTS_REDUCED)
  const int copies = 1;
#else
  const int copies = 2;
#endif
  std::vector<Case> all;
  for (const std::vector<int>& row : pairwise_rows(levels, 3, copies, 7)) {
    size_t k = 0;
    const auto next = [&] { return static_cast<size_t>(row[k++]); };
    Case c;
    c.cell = cells[next()];
    c.dtypes = kDtypes[next()];
    c.mode = kModes[next()];
    c.input_layout = kLayouts[next()];
    c.output_layout = kLayouts[next()];
    c.batch = kBatches[next()];
    c.time = kTimes[next()];
    c.heads = kHeads[next()];
    c.head_dim = kDims[next()];
    c.reverse = next() != 0;
    c.lengths = kLengths[next()];
    c.resets = next() != 0;
    c.forward_clip = next() != 0 ? 0.25 : 0;
    c.recurrent_gradient_clip = next() != 0 ? 0.5 : 0;
    c.cut_recurrent_gradient = next() != 0;
    c.bias = next() != 0;
    c.initial_states = next() != 0;
    c.want_states = next() != 0;
    c.last_in_place = next() != 0 && c.initial_states;
    c.given = kGiven[next()];
    c.wanted = kWanted[next()];
    c.threads = next() != 0 ? 2 : 1;
    c.seed = all.size() + 1;
    all.push_back(c);
  }
  return all;
}

class Matrix : public BackendTest, public testing::WithParamInterface<Case> {};

TEST_P(Matrix, AgreesWithOracle) {
  if (may_refuse(environment().backend, GetParam())) GTEST_SKIP() << "float64 is for the CPU";
  Trial trial(device(), GetParam());
  expect_like_oracle(trial);
}

INSTANTIATE_TEST_SUITE_P(Cases, Matrix, testing::ValuesIn(cases()), [](const auto& c) {
  return std::to_string(c.index) + "_" + name_of(c.param);
});

}  // namespace
}  // namespace flashrnn::test
