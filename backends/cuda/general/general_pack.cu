// SPDX-License-Identifier: Apache-2.0
// R, rounded to the problem's dtype, in the order in which the general recurrence reads it.
#include <algorithm>

#include "cells/traits.hpp"
#include "cuda/general/elements.cuh"
#include "cuda/general/geometry.hpp"

namespace flashrnn::cuda {

namespace {

// A block takes (head, depth) pairs, its threads the rows of them; rows of units past D are zero.
__global__ void pack(const __grid_constant__ GeneralPlan plan, const __grid_constant__ Shape shape,
                     const __grid_constant__ View r, int recurrents, float* packed) {
  const ProductShape product = product_shape(plan, shape.units, recurrents);
  const Index pairs = Index(shape.heads) * product.depth;
  for (Index pair = blockIdx.x; pair < pairs; pair += gridDim.x) {
    const int depth = static_cast<int>(pair % product.depth);
    const Index head = pair / product.depth * r.stride[1];
    for (int row = threadIdx.x; row < product.pitch; row += blockDim.x) {
      // (unit, gate) on one side, a unit of h on the other.
      const int of_gates = plan.is_backward ? depth : row;
      const int in = plan.is_backward ? row : depth;
      const int out = of_gates / recurrents;
      const int gate = of_gates % recurrents;
      float value = 0.0f;
      if (in < shape.units && out < shape.units) {
        value = rounded_to(shape.dtype, load_any(r, gate * r.stride[0] + head + out * r.stride[2] +
                                                        in * r.stride[3]));
      }
      packed[pair * product.pitch + row] = value;
    }
  }
}

}  // namespace

cudaError_t launch_general_pack(const GeneralPlan& plan, const Shape& shape, const View& r,
                                void* workspace, cudaStream_t stream) {
  const CellTraits* cell = find_cell(plan.cell);
  if (cell == nullptr) return cudaErrorInvalidValue;
  const ProductShape product = product_shape(plan, shape.units, cell->recurrent_gates);
  const Index pairs = Index(shape.heads) * product.depth;
  const int threads = std::min(256, (product.pitch + 31) / 32 * 32);
  pack<<<unsigned(std::min<Index>(pairs, 65536)), threads, 0, stream>>>(
      plan, shape, r, cell->recurrent_gates, static_cast<float*>(workspace));
  return cudaPeekAtLastError();
}

}  // namespace flashrnn::cuda
