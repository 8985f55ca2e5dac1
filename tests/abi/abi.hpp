// SPDX-License-Identifier: Apache-2.0
// What the tests of the ABI share.
#ifndef FLASHRNN_TESTS_ABI_ABI_HPP_
#define FLASHRNN_TESTS_ABI_ABI_HPP_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "trial.hpp"

namespace flashrnn::test {

// The call was refused with this status, and the message holds every word and, after a colon, the
// rule.
inline void expect_refused(flashrnn_status got, flashrnn_status expected,
                           const std::vector<std::string>& words) {
  const std::string message = flashrnn_last_error_message();
  EXPECT_EQ(got, expected) << flashrnn_status_name(got) << ": " << message;
  if (got == FLASHRNN_OK) return;
  for (const std::string& word : words) {
    EXPECT_NE(message.find(word), std::string::npos) << "no \"" << word << "\" in: " << message;
  }
  EXPECT_NE(message.find(": "), std::string::npos) << "no rule in: " << message;
}

// The CPU, which every build has.
class AbiTest : public testing::Test {
 protected:
  const Device& device() {
    static const Device instance(FLASHRNN_BACKEND_CPU);
    return instance;
  }
  // A problem that is accepted as it is.
  static flashrnn_problem good_problem() { return problem_of(Case{}); }
};

}  // namespace flashrnn::test

#endif  // FLASHRNN_TESTS_ABI_ABI_HPP_
