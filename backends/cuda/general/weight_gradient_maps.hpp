// SPDX-License-Identifier: Apache-2.0
// The operands of the weight gradients as tensor maps, by which the copy engine fetches a tile with
// one instruction, zeros where it is past the tensor.
#pragma once

#include <cuda.h>

#include "cuda/general/weight_gradients.hpp"

namespace flashrnn::cuda {

// Units are the first axis of all, heads the second. A box is 64 units of 64 steps of a sequence,
// or, for what comes from the initial states, of 64 sequences at their first step.
struct WeightGradientMaps {
  CUtensorMap gradients[gpu::kMaxGpuSlots];  // [B][T][N][D] of each slot
  CUtensorMap h;                             // likewise
  CUtensorMap first_gradients[gpu::kMaxGpuSlots];
  CUtensorMap initial;  // [B][N][padded units]
};

inline constexpr int kMapUnits = 64, kMapSteps = 64;

// False where the driver has no tensor maps or cannot take these strides.
bool make_maps(const WeightGradientTask& task, WeightGradientMaps* maps);

// The product fetched by maps, 16-bit operands, on a device of compute capability 9.0 in a build
// with kernels for sm_90a: row tiles of 256, column tiles of 64, 128 or 192, or of 128 and 256; no
// sources, padded units whole boxes.
cudaError_t launch_mapped_product(const WeightGradientTask& task, const WeightGradientMaps& maps,
                                  int column_tile, cudaStream_t stream);

}  // namespace flashrnn::cuda
