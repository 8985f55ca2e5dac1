// SPDX-License-Identifier: Apache-2.0
// Pairwise choice: few rows in which every pair of values of two factors occurs.
#ifndef FLASHRNN_TESTS_BACKEND_PAIRWISE_HPP_
#define FLASHRNN_TESTS_BACKEND_PAIRWISE_HPP_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace flashrnn::test {

// levels[f] is the number of values of factor f; a row gives a value in [0, levels[f]) for each.
// The first `full` factors are combined fully, each combination at least `copies` times; the others
// are chosen greedily so that all pairs of values occur. The same arguments give the same rows.
std::vector<std::vector<int>> pairwise_rows(const std::vector<int>& levels, int full, int copies,
                                            uint64_t seed);

}  // namespace flashrnn::test

#endif  // FLASHRNN_TESTS_BACKEND_PAIRWISE_HPP_
