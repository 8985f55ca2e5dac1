// SPDX-License-Identifier: Apache-2.0
// What the test vectors cover.
#ifndef FLASHRNN_TESTS_VECTORS_CASES_HPP_
#define FLASHRNN_TESTS_VECTORS_CASES_HPP_

#include <string>
#include <vector>

#include "case.hpp"

namespace flashrnn::test {

struct VectorCase {
  std::string name;
  Case problem;
};

// Every cell in every dtype, and in float32 every option that a binding has to pass on.
std::vector<VectorCase> vector_cases();

}  // namespace flashrnn::test

#endif  // FLASHRNN_TESTS_VECTORS_CASES_HPP_
