// SPDX-License-Identifier: Apache-2.0
// The product of the weight gradients by warpgroup instructions: 16-bit operands, sm_90a.
#include "cuda/general/weight_gradient_kernel.cuh"
#include "cuda/general/weight_gradient_wgmma.cuh"

namespace flashrnn::cuda {

namespace {

template <int kRows, int kColumns>
cudaError_t launch_tile(const WeightGradientTask& task, cudaStream_t stream) {
  return task.shape.dtype == gpu::kFloat16
             ? launch_product<WarpgroupProduct<kRows, kColumns, true>>(task, stream)
             : launch_product<WarpgroupProduct<kRows, kColumns, false>>(task, stream);
}

}  // namespace

cudaError_t launch_warpgroup_product(const WeightGradientTask& task, int row_tile,
                                     cudaStream_t stream) {
  if (row_tile == 256) {
    return task.column_tile == 128 ? launch_tile<256, 128>(task, stream)
                                   : launch_tile<256, 64>(task, stream);
  }
  return task.column_tile == 128 ? launch_tile<128, 128>(task, stream)
                                 : launch_tile<128, 64>(task, stream);
}

}  // namespace flashrnn::cuda
