// SPDX-License-Identifier: Apache-2.0
// Reads the golden files that generate.py writes.
#ifndef FLASHRNN_TESTS_GOLDEN_GOLDEN_HPP_
#define FLASHRNN_TESTS_GOLDEN_GOLDEN_HPP_

#include <string>
#include <vector>

#include "oracle.hpp"

namespace flashrnn::test {

struct GoldenCase {
  std::string name;
  oracle::Problem problem;  // its cell is left to the caller, who knows it by the file's name
  oracle::Inputs inputs;
  oracle::OutputGradients gradients;
  oracle::Outputs expected_outputs;
  oracle::InputGradients expected_gradients;
};

// The cases of <folder>/<cell>.golden. Throws std::runtime_error where the file is missing or
// malformed.
std::vector<GoldenCase> read_golden(const std::string& folder, const std::string& cell);

}  // namespace flashrnn::test

#endif  // FLASHRNN_TESTS_GOLDEN_GOLDEN_HPP_
