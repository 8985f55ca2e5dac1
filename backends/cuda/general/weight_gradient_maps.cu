// SPDX-License-Identifier: Apache-2.0
#include "cuda/general/weight_gradient_maps.hpp"

namespace flashrnn::cuda {

namespace {

using Encode = decltype(&cuTensorMapEncodeTiled);

// The driver's function, so that the library needs no driver to be linked with.
Encode find_encode() {
  void* function = nullptr;
  cudaDriverEntryPointQueryResult found{};
  const cudaError_t error = cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &function,
                                                             12000, cudaEnableDefault, &found);
  return error == cudaSuccess && found == cudaDriverEntryPointSuccess
             ? reinterpret_cast<Encode>(function)
             : nullptr;
}

// [axis 3][axis 2][axis 1][units], strides in elements.
struct MappedTensor {
  const void* data;
  int dtype;
  Index size[4];
  Index stride[3];  // of axes 1 to 3
};

bool encode(const MappedTensor& t, const cuuint32_t (&box)[4], CUtensorMap* map) {
  static const Encode function = find_encode();
  if (function == nullptr) return false;
  cuuint64_t size[4], stride[3];
  for (int k = 0; k < 4; ++k) size[k] = cuuint64_t(t.size[k]);
  // An axis of one element is never stepped along, whatever its stride.
  for (int k = 0; k < 3; ++k) stride[k] = t.size[k + 1] == 1 ? 16 : cuuint64_t(t.stride[k]) * 2;
  const cuuint32_t every[4] = {1, 1, 1, 1};
  return function(map,
                  t.dtype == gpu::kFloat16 ? CU_TENSOR_MAP_DATA_TYPE_FLOAT16
                                           : CU_TENSOR_MAP_DATA_TYPE_BFLOAT16,
                  4, const_cast<void*>(t.data), size, stride, box, every,
                  CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
                  CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
                  CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE) == CUDA_SUCCESS;
}

}  // namespace

bool make_maps(const WeightGradientTask& task, WeightGradientMaps* maps) {
  const Shape& s = task.shape;
  const cuuint32_t steps[4] = {kMapUnits, 1, kMapSteps, 1},
                   firsts[4] = {kMapUnits, 1, 1, kMapSteps};
  const auto rows_of = [&](const View& v) {
    return MappedTensor{v.data,
                        s.dtype,
                        {s.units, s.heads, s.time, s.batch},
                        {v.stride[2], v.stride[1], v.stride[0]}};
  };
  for (int k = 0; k < task.slots; ++k) {
    const MappedTensor slot = rows_of(task.slot_gradient[k]);
    if (!encode(slot, steps, &maps->gradients[k])) return false;
    if (task.initial != nullptr && !encode(slot, firsts, &maps->first_gradients[k])) return false;
  }
  if (!encode(rows_of(task.h), steps, &maps->h)) return false;
  if (task.initial == nullptr) return true;
  const Index row = task.padded_units, sequence = row * s.heads;
  const MappedTensor initial{task.initial, s.dtype, {row, s.heads, 1, s.batch}, {row, 0, sequence}};
  return encode(initial, firsts, &maps->initial);
}

}  // namespace flashrnn::cuda
