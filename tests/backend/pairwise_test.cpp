// SPDX-License-Identifier: Apache-2.0
// The choice of cases does what it promises; needs no device.
#include "pairwise.hpp"

#include <gtest/gtest.h>

#include <set>
#include <tuple>

namespace flashrnn::test {
namespace {

TEST(Pairwise, EveryPairOccursAndTheFirstFactorsMeetFully) {
  const std::vector<int> levels = {3, 2, 4, 2, 5, 3};
  const std::vector<std::vector<int>> rows = pairwise_rows(levels, 2, 1, 1);
  std::set<std::tuple<size_t, int, size_t, int>> pairs;
  for (const std::vector<int>& row : rows) {
    ASSERT_EQ(row.size(), levels.size());
    for (size_t f = 0; f < row.size(); ++f) {
      ASSERT_TRUE(row[f] >= 0 && row[f] < levels[f]);
      for (size_t g = f + 1; g < row.size(); ++g) pairs.insert({f, row[f], g, row[g]});
    }
  }
  size_t expected = 0;
  for (size_t f = 0; f < levels.size(); ++f) {
    for (size_t g = f + 1; g < levels.size(); ++g)
      expected += static_cast<size_t>(levels[f] * levels[g]);
  }
  EXPECT_EQ(pairs.size(), expected);
  EXPECT_LT(rows.size(), 40u) << "of 720 combinations";
}

TEST(Pairwise, SameArgumentsGiveTheSameRows) {
  EXPECT_EQ(pairwise_rows({3, 4, 5}, 1, 2, 9), pairwise_rows({3, 4, 5}, 1, 2, 9));
}

}  // namespace
}  // namespace flashrnn::test
