// SPDX-License-Identifier: Apache-2.0
// Runs one case through the C ABI and times it by the device's events.
#pragma once

#include <string>

#include "abi.hpp"
#include "row.hpp"

namespace flashrnn::bench {

struct Case {
  std::string id;
  Problem problem;
  Call call = Call::kForward;
};

struct RunOptions {
  TimingOptions timing;
  bool check = false;          // compare with the oracle
  bool exact = false;          // one that rounds no operand
  bool keep_weights = false;   // reuse packed weights in forward and backward, as step always does
  bool use_best = false;       // the best sample instead of the median
  bool use_cpu_clock = false;  // for one thread: leaves out what other processes took
};

// Never throws: a refusal of the library is the row's failure.
Row run_case(const Device& device, const Case& one, const RunOptions& options);

}  // namespace flashrnn::bench
