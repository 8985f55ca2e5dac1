// SPDX-License-Identifier: Apache-2.0
// Lengths and resets as one byte a step, in the order of processing.
#include "cuda/general/launch.hpp"

namespace flashrnn::cuda {

namespace {

__device__ Index length_of(const SourcesParams& p, int b) {
  if (p.lengths.data == nullptr) return p.time;
  const Index at = b * p.lengths.stride[0];
  const Index length = p.lengths.dtype == kInt64 ? static_cast<const long long*>(p.lengths.data)[at]
                                                 : static_cast<const int*>(p.lengths.data)[at];
  return length < 0 ? 0 : length > p.time ? p.time : length;
}

__global__ void write_sources(const __grid_constant__ SourcesParams p) {
  const Index total = p.batch * p.source_stride;
  for (Index i = blockIdx.x * Index(blockDim.x) + threadIdx.x; i < total;
       i += Index(gridDim.x) * blockDim.x) {
    const int b = static_cast<int>(i / p.source_stride);
    const Index step = i % p.source_stride;
    unsigned char source = gpu::kPreviousStep;
    if (step < p.time) {
      const Index t = p.is_reverse ? p.time - 1 - step : step;
      const Index length = length_of(p, b);
      if (t >= length) {
        source = gpu::kNoStep;
      } else if (t == (p.is_reverse ? length - 1 : 0) ||
                 (p.resets.data != nullptr &&
                  static_cast<const unsigned char*>(
                      p.resets.data)[t * p.resets.stride[0] + b * p.resets.stride[1]] != 0)) {
        source = gpu::kInitialStates;
      }
    }
    p.sources[i] = source;
  }
}

}  // namespace

cudaError_t launch_sources(const SourcesParams& params, cudaStream_t stream) {
  const Index total = params.batch * params.source_stride;
  if (total == 0) return cudaSuccess;
  const Index blocks = (total + 255) / 256;
  write_sources<<<unsigned(blocks < 4096 ? blocks : 4096), 256, 0, stream>>>(params);
  return cudaPeekAtLastError();
}

}  // namespace flashrnn::cuda
