// SPDX-License-Identifier: Apache-2.0
// Stands in for backends/cuda/general/*.cu in a tree that lacks them; cuda.cmake leaves it out as
// soon as there is one.
#include "cuda/general/launch.hpp"

namespace flashrnn::cuda {

cudaError_t launch_sources(const SourcesParams&, cudaStream_t) { return cudaErrorNotSupported; }
cudaError_t plan_general(int, const Shape&, bool, GeneralPlan*) { return cudaErrorNotSupported; }
cudaError_t launch_general_pack(const GeneralPlan&, const Shape&, const View&, void*,
                                cudaStream_t) {
  return cudaErrorNotSupported;
}
cudaError_t launch_general_forward(const GeneralPlan&, const ForwardParams&, cudaStream_t) {
  return cudaErrorNotSupported;
}
cudaError_t launch_general_backward(const GeneralPlan&, const BackwardParams&, cudaStream_t) {
  return cudaErrorNotSupported;
}
cudaError_t plan_weight_gradients(int, const Shape&, bool, WeightGradientPlan*) {
  return cudaErrorNotSupported;
}
cudaError_t launch_weight_gradients(const WeightGradientPlan&, const WeightGradientParams&,
                                    cudaStream_t) {
  return cudaErrorNotSupported;
}
cudaError_t launch_copy_view(const Shape&, const View&, const View&, cudaStream_t) {
  return cudaErrorNotSupported;
}

}  // namespace flashrnn::cuda
