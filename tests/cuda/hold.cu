// SPDX-License-Identifier: Apache-2.0
// A kernel that holds multiprocessors for a while.
#include <cuda_runtime.h>

namespace {

__global__ void hold(long long nanoseconds) {
  long long start = 0, now = 0;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(start));
  do {
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
  } while (now - start < nanoseconds);
}

}  // namespace

// One block a multiprocessor, by its shared memory.
int launch_hold(cudaStream_t stream, int blocks, long long nanoseconds, int shared_bytes) {
  cudaFuncSetAttribute(hold, cudaFuncAttributeMaxDynamicSharedMemorySize, shared_bytes);
  hold<<<blocks, 32, shared_bytes, stream>>>(nanoseconds);
  return cudaPeekAtLastError();
}
