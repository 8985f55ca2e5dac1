// SPDX-License-Identifier: Apache-2.0
// Kernels of the tests: one that holds multiprocessors for a while, and one that counts the bytes
// in which two pieces of memory differ.
#include <cuda_runtime.h>

#include "gpu_kernels.hpp"

namespace {

__global__ void hold(long long nanoseconds) {
  long long start = 0, now = 0;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(start));
  do {
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
  } while (now - start < nanoseconds);
}

__global__ void count_differences(const unsigned char* a, const unsigned char* b, size_t bytes,
                                  unsigned long long* count) {
  unsigned long long mine = 0;
  for (size_t i = blockIdx.x * size_t{blockDim.x} + threadIdx.x; i < bytes;
       i += gridDim.x * size_t{blockDim.x})
    mine += a[i] != b[i];
  if (mine != 0) atomicAdd(count, mine);
}

}  // namespace

// One block a multiprocessor, by its shared memory.
cudaError_t launch_hold(cudaStream_t stream, int blocks, long long nanoseconds, int shared_bytes) {
  cudaFuncSetAttribute(hold, cudaFuncAttributeMaxDynamicSharedMemorySize, shared_bytes);
  hold<<<blocks, 32, shared_bytes, stream>>>(nanoseconds);
  return cudaPeekAtLastError();
}

cudaError_t launch_count_differences(cudaStream_t stream, const void* a, const void* b,
                                     size_t bytes, unsigned long long* count) {
  count_differences<<<256, 256, 0, stream>>>(static_cast<const unsigned char*>(a),
                                             static_cast<const unsigned char*>(b), bytes, count);
  return cudaPeekAtLastError();
}
