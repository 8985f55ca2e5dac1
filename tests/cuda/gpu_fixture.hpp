// SPDX-License-Identifier: Apache-2.0
// What the tests that need a GPU share: the device, streams, and runs of a trial.
#pragma once

#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "trial.hpp"

namespace flashrnn::test {

// Set by main: the device, or why there is none, and what the command line says of the tests under
// delays.
extern const Device* device;
extern std::string reason;
extern int64_t delay_steps;
extern std::vector<std::string> delay_only;

class Gpu : public testing::Test {
 protected:
  void SetUp() override;
};

// Throws unless error is cudaSuccess.
void require(cudaError_t error, const char* what);

// An application's stream, and the library's name for it.
class Stream {
 public:
  Stream();
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  cudaStream_t native() const { return native_; }
  flashrnn_stream wrapped() const { return wrapped_; }
  void wait() const;

 private:
  cudaStream_t native_ = nullptr;
  flashrnn_stream wrapped_ = nullptr;
};

// Forward and backward, without waiting for them.
void run(const Trial& trial, const Stream& stream);

// Both calls with nothing else on the device; what they give.
std::vector<uint8_t> run_alone(Trial& trial);

// Bytes in which two runs differ.
size_t differences(const std::vector<uint8_t>& a, const std::vector<uint8_t>& b);

}  // namespace flashrnn::test
