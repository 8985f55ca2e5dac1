// SPDX-License-Identifier: Apache-2.0
// One input of the fuzzer: bytes that decide a problem, tensors and what is wrong with them.
#ifndef FLASHRNN_TESTS_FUZZ_RUN_ONE_HPP_
#define FLASHRNN_TESTS_FUZZ_RUN_ONE_HPP_

#include <cstddef>
#include <cstdint>

namespace flashrnn::test {

enum class Reached {
  kRefused,   // flashrnn_plan_create refused the problem
  kPlanned,   // the plan was made, and too large to be run, or forward refused its arguments
  kForward,   // forward ran, and backward refused
  kBackward,  // all ran
};

// Plans and runs what the bytes say. Aborts with a message where the library breaks one of its
// promises: a status beyond the documented ones, a failure without a message, a write by a refused
// call or outside of what the call was given.
Reached run_one(const uint8_t* bytes, size_t size);

}  // namespace flashrnn::test

#endif  // FLASHRNN_TESTS_FUZZ_RUN_ONE_HPP_
