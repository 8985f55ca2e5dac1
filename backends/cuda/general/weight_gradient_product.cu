// SPDX-License-Identifier: Apache-2.0
// The product of the weight gradients by instructions that every architecture has.
#include "cuda/general/weight_gradient_fma.cuh"
#include "cuda/general/weight_gradient_kernel.cuh"
#include "cuda/general/weight_gradient_mma.cuh"

namespace flashrnn::cuda {

namespace {

template <int kColumns>
cudaError_t launch_columns(const WeightGradientTask& task, bool allow_tf32, cudaStream_t stream) {
  switch (task.shape.dtype) {
    case gpu::kBfloat16:
      return launch_product<Mma16Product<kColumns, false>>(task, stream);
    case gpu::kFloat16:
      return launch_product<Mma16Product<kColumns, true>>(task, stream);
    default:
      return allow_tf32 ? launch_product<Tf32Product<kColumns>>(task, stream)
                        : launch_product<FmaProduct<kColumns>>(task, stream);
  }
}

}  // namespace

cudaError_t launch_weight_gradient_product(const WeightGradientTask& task, bool allow_tf32,
                                           cudaStream_t stream) {
  switch (task.column_tile) {
    case 128:
      return launch_columns<128>(task, allow_tf32, stream);
    case 64:
      return launch_columns<64>(task, allow_tf32, stream);
    default:
      return launch_columns<32>(task, allow_tf32, stream);
  }
}

}  // namespace flashrnn::cuda
