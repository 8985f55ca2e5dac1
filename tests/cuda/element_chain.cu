// SPDX-License-Identifier: Apache-2.0
// What an element by itself takes on the way from a step's sums to h as a number of 16 bits, each
// step from the one before: the part of a step that more threads do not shorten
// (docs/cuda-notebook.md, "What the floor leaves out"). Compiled once for each cell and dtype, by
// the macros of a fused kernel; `FLASHRNN_CHAIN_NAME` is the function's name.
#include <cuda_runtime.h>

#include "cuda/fused/number.cuh"
#include "gpu/fused/cell.hpp"

namespace {

using flashrnn::gpu::Cell;

__global__ void run_chain(float seed, int steps, unsigned* clocks) {
  Cell::States state;
  float given[Cell::kSlots];
  for (int k = 0; k < Cell::kStates; ++k) state.v[k] = seed * (k + 1);
  for (int k = 0; k < Cell::kSlots; ++k) given[k] = seed * 0.1f * (k + 1);
  float h = seed;
  const unsigned start = flashrnn::cuda::clock_now();
#pragma unroll 4
  for (int i = 0; i < steps; ++i) {
    Cell::Slots slots;
    for (int k = 0; k < Cell::kSlots; ++k) slots.v[k] = given[k] + h;
    state = Cell::forward(slots, state).now;
    h = flashrnn::cuda::low_of(flashrnn::cuda::pack(state.v[0], 0.0f));
  }
  const unsigned end = flashrnn::cuda::clock_now();
  if (threadIdx.x == 0) clocks[0] = end - start;
  if (h == 123.0f) clocks[1] = 1;  // so that it is worked out
}

}  // namespace

// Clocks a step of one warp; negative where the device refused.
extern "C" double FLASHRNN_CHAIN_NAME() {
  constexpr int kSteps = 4000;
  unsigned* on_device = nullptr;
  unsigned clocks = 0;
  if (cudaMalloc(reinterpret_cast<void**>(&on_device), 2 * sizeof clocks) != cudaSuccess) return -1;
  for (int k = 0; k < 3; ++k) run_chain<<<1, 32>>>(0.01f, kSteps, on_device);
  const cudaError_t error = cudaMemcpy(&clocks, on_device, sizeof clocks, cudaMemcpyDeviceToHost);
  cudaFree(on_device);
  return error == cudaSuccess ? static_cast<double>(clocks) / kSteps : -1;
}
