// SPDX-License-Identifier: Apache-2.0
// A launch whose grid may start before the one ahead of it on the stream is at its end.
#pragma once

#include <cuda_runtime_api.h>

#include "cuda/fused/ptx.cuh"

namespace flashrnn::cuda {

// starts_early: on a device of compute capability 9.0 or newer; the kernel waits where it must.
template <typename... Arguments>
cudaError_t launch_grid(void (*kernel)(Arguments...), bool starts_early, unsigned ctas, int threads,
                        int shared_bytes, cudaStream_t stream, const Arguments&... arguments) {
  cudaLaunchAttribute early{};
  early.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  early.val.programmaticStreamSerializationAllowed = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(ctas);
  config.blockDim = dim3(unsigned(threads));
  config.dynamicSmemBytes = size_t(shared_bytes);
  config.stream = stream;
  config.attrs = &early;
  config.numAttrs = starts_early ? 1 : 0;
  return cudaLaunchKernelEx(&config, kernel, arguments...);
}

}  // namespace flashrnn::cuda
