// SPDX-License-Identifier: Apache-2.0
// The libFuzzer target: flashrnn-fuzz corpus/ -max_total_time=60
#include "run_one.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  flashrnn::test::run_one(data, size);
  return 0;
}
