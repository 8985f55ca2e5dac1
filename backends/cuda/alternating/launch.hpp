// SPDX-License-Identifier: Apache-2.0
// The kernels of the alternating recurrence, compiled ahead of time: what is done between the
// library's products. Nothing here allocates, waits or keeps state.
#pragma once

#include "cuda/general/launch.hpp"

namespace flashrnn::cuda {

// What goes between the kernels and the products. Elements are [N, B, D].
struct AlternatingMemory {
  void* weights;   // R in the problem's dtype, [N, recurrent gates x D, D]
  void* operands;  // in the problem's dtype: h [N, B, D], or slots' gradients [N, B, gates x D]
  float* sums;     // the products: [N, B, gates x D], or [N, B, D]
  float* carried;  // states [S][elements], or gradients of the states and of the initial ones
};

// The weights, from R in any dtype and strides.
cudaError_t launch_alternating_pack(int cell, const Shape& shape, const View& r, void* weights,
                                    cudaStream_t stream);

// Forward: the states and the operand of step 0; then each step, after its product.
cudaError_t launch_alternating_start(int cell, const ForwardParams& params,
                                     const AlternatingMemory& memory, cudaStream_t stream);
cudaError_t launch_alternating_step(int cell, const ForwardParams& params,
                                    const AlternatingMemory& memory, int step, cudaStream_t stream);

// Backward: from the last step to the first, then step -1; each but the last step's comes after the
// product of the step after it.
cudaError_t launch_alternating_step(int cell, const BackwardParams& params,
                                    const AlternatingMemory& memory, int step, cudaStream_t stream);

}  // namespace flashrnn::cuda
