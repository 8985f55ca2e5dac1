// SPDX-License-Identifier: Apache-2.0
// Kernels of the tests: one that holds multiprocessors for a while, one that counts the bytes in
// which two pieces of memory differ, and one that measures the instruction tanh.approx.
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

// Of tanh.approx at so many points between 0 and `end`: the largest relative error.
__global__ void measure_tanh(double end, int points, float* largest) {
  float mine = 0;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < points; i += gridDim.x * blockDim.x) {
    const float x = static_cast<float>(end * (i + 1) / points);
    float y;
    asm("tanh.approx.f32 %0, %1;" : "=f"(y) : "f"(x));
    const double exact = tanh(static_cast<double>(x));
    mine = fmaxf(mine, static_cast<float>(fabs(y - exact) / exact));
  }
  // Floats that are not negative are ordered as integers.
  atomicMax(reinterpret_cast<int*>(largest), __float_as_int(mine));
}

}  // namespace

cudaError_t launch_measure_tanh(cudaStream_t stream, double end, int points, float* largest) {
  measure_tanh<<<256, 256, 0, stream>>>(end, points, largest);
  return cudaPeekAtLastError();
}

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
