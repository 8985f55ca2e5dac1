// SPDX-License-Identifier: Apache-2.0
#include "gpu_fixture.hpp"

#include <algorithm>
#include <stdexcept>

namespace flashrnn::test {

const Device* device = nullptr;
std::string reason;
int64_t delay_steps = 20000;
std::vector<std::string> delay_only;

void Gpu::SetUp() {
  if (device == nullptr) GTEST_SKIP() << reason;
}

void require(cudaError_t error, const char* what) {
  if (error != cudaSuccess) {
    throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(error));
  }
}

Stream::Stream() {
  require(cudaStreamCreateWithFlags(&native_, cudaStreamNonBlocking), "cudaStreamCreate");
  check(flashrnn_stream_wrap(device->handle(), native_, &wrapped_), "flashrnn_stream_wrap");
}

Stream::~Stream() {
  flashrnn_stream_close(wrapped_);
  cudaStreamDestroy(native_);
}

void Stream::wait() const { require(cudaStreamSynchronize(native_), "cudaStreamSynchronize"); }

void run(const Trial& trial, const Stream& stream) {
  flashrnn_forward_args forward = trial.forward_args();
  forward.stream = stream.wrapped();
  check(flashrnn_forward(trial.plan().handle(), &forward), "flashrnn_forward");
  flashrnn_backward_args backward = trial.backward_args();
  backward.stream = stream.wrapped();
  check(flashrnn_backward(trial.plan().handle(), &backward), "flashrnn_backward");
}

std::vector<uint8_t> run_alone(Trial& trial) {
  trial.forward();
  trial.backward();
  return trial.output_bytes();
}

size_t differences(const std::vector<uint8_t>& a, const std::vector<uint8_t>& b) {
  EXPECT_EQ(a.size(), b.size());
  size_t count = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) count += a[i] != b[i] ? 1 : 0;
  return count;
}

}  // namespace flashrnn::test
