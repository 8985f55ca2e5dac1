// SPDX-License-Identifier: Apache-2.0
// What a stream handle stands for: the application's streams are not ours to destroy.
#pragma once

#include <cuda_runtime_api.h>

namespace flashrnn::cuda {

struct CudaStream {
  cudaStream_t stream;
  bool is_own;
};

// nullptr: the legacy default stream.
inline cudaStream_t native_stream(void* stream) {
  return stream == nullptr ? nullptr : static_cast<CudaStream*>(stream)->stream;
}

}  // namespace flashrnn::cuda
