// SPDX-License-Identifier: Apache-2.0
// What the CUDA runtime answers, as the library's Error.
#pragma once

#include <cuda_runtime_api.h>

#include "api/error.hpp"

namespace flashrnn::cuda {

// Throws with the call's name and the runtime's own words. The runtime's sticky note of the error
// is taken away, so that the application's next question about errors is not answered with ours.
inline void check(cudaError_t error, const char* call) {
  if (error == cudaSuccess) return;
  (void)cudaGetLastError();
  fail(error == cudaErrorMemoryAllocation ? Status::kOutOfMemory : Status::kDeviceError,
       "{}: {} ({})", call, cudaGetErrorString(error), cudaGetErrorName(error));
}

// Makes a device the thread's current one and puts the application's choice back.
class DeviceScope {
 public:
  explicit DeviceScope(int device) {
    check(cudaGetDevice(&before_), "cudaGetDevice");
    if (before_ == device) {
      before_ = -1;
      return;
    }
    check(cudaSetDevice(device), "cudaSetDevice");
  }
  ~DeviceScope() {
    if (before_ >= 0) (void)cudaSetDevice(before_);
  }
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;

 private:
  int before_ = -1;
};

}  // namespace flashrnn::cuda
