// SPDX-License-Identifier: Apache-2.0
// The device that the program was told to test.
#ifndef FLASHRNN_TESTS_BACKEND_ENVIRONMENT_HPP_
#define FLASHRNN_TESTS_BACKEND_ENVIRONMENT_HPP_

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "case.hpp"
#include "device.hpp"

namespace flashrnn::test {

// Set once by main.
struct Environment {
  flashrnn_backend backend = FLASHRNN_BACKEND_CPU;
  const Device* device = nullptr;  // NULL: cannot be opened here, and `reason` says why
  std::string reason;
  double random_seconds = 2;  // of problems drawn at random
  uint64_t random_seed = 1;
};
Environment& environment();

// A device open for every test; skips the test where there is none.
class BackendTest : public testing::Test {
 protected:
  void SetUp() override {
    if (environment().device == nullptr) GTEST_SKIP() << environment().reason;
  }
  const Device& device() const { return *environment().device; }
};

// Every cell of the library.
std::vector<flashrnn_cell> all_cells();

// The bounds that hold on every backend; their derivation stands in bounds.cpp.
// `tensor` is the problem's dtype, `stored` that of the tensor compared.
double output_bound(flashrnn_dtype tensor, flashrnn_dtype stored);
double gradient_bound(flashrnn_dtype tensor, flashrnn_dtype stored);
// What is added to it for a cell whose derivative jumps, `elements` being those of d_wx.
double jump_allowance(flashrnn_cell cell, flashrnn_dtype tensor, size_t elements);

// Of problems drawn at random.
namespace drawn {
// What the bound is multiplied by for a gradient that is summed over the steps,
double cancellation(size_t elements);
// what is added to it for the initial states' gradient where only the last states' is given,
double chain_allowance(const Case& c);
// and, instead of the above, where derivatives jump.
double jump_allowance(const Case& c, size_t elements);
// The error of an element that has become too small for its dtype.
double smallest_kept(flashrnn_dtype tensor, flashrnn_dtype stored);
}  // namespace drawn

}  // namespace flashrnn::test

#endif  // FLASHRNN_TESTS_BACKEND_ENVIRONMENT_HPP_
