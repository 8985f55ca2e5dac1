// SPDX-License-Identifier: Apache-2.0
// Compiled with 16 registers it must spill: what cubin_resources.py has to notice.
extern "C" __global__ void spilling(float* data) {
  float values[64];
#pragma unroll
  for (int i = 0; i < 64; ++i) values[i] = data[i * 256 + threadIdx.x];
  __syncthreads();
#pragma unroll
  for (int i = 0; i < 64; ++i) data[i * 256 + threadIdx.x] = values[63 - i] * values[i];
}
