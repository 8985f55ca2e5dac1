// SPDX-License-Identifier: Apache-2.0
// One problem of each family of kernels and of each of its ways, for the tests that need a GPU.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "case.hpp"

namespace flashrnn::test {

// A problem and the configuration of one family.
struct Family {
  const char* name;
  Case c;
  std::string config;
  int only_major = 0;  // the compute capability that it is for, if it is for one
};

// Whether the device has it; else says so.
bool runs_here(const Family& f);

// Of so many time steps.
std::vector<Family> families(int64_t time);
// And the kernel that is none of them, by a library's products.
std::vector<Family> families_and_alternating(int64_t time);

}  // namespace flashrnn::test
