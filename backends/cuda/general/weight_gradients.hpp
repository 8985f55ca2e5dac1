// SPDX-License-Identifier: Apache-2.0
// What the kernels of the weight gradients share: dR as one product a head, stacked slot units x
// units of h, over all steps of all sequences, cut into slices of steps whose float32 sums are
// added in order.
#pragma once

#include "cuda/general/launch.hpp"
#include "cuda/general/weight_gradient_slices.hpp"

namespace flashrnn::cuda {

inline constexpr int kWeightGradientThreads = 256;
inline constexpr int kWeightGradientRows = 128;  // stacked slot units of a tile, or twice as many

struct WeightGradientTask {
  Shape shape;
  View slot_gradient[gpu::kMaxGpuSlots];
  View h;
  const unsigned char* sources;
  Index source_stride;
  const void*
      initial;  // [B, N, padded units], the initial h rounded to the problem's dtype; nullptr: zero
  int slots;
  int padded_units;  // of a slot: whole 16-byte chunks
  int column_pitch;  // of a row of `partial`
  int tile_heads;    // of a tile: several where they are narrow, one after the other in rows and
                     // columns
  int column_tile;   // columns of a tile, but for one fetched by maps
  int head_tiles, row_tiles, column_tiles, slices;
  Index first_block[kMostSlices + 1];  // of each slice, and behind the last
  int h_has_chunks;                    // rows of h are packed and aligned to 16 bytes
  const unsigned* progress;            // as in WeightGradientParams
  unsigned tellers;
  float* partial;       // [slices][N][slots * padded units][column pitch]
  float* partial_bias;  // [slices][N][slots * padded units]
};

// Steps that a block of the product takes at once.
constexpr int weight_gradient_depth(int dtype, bool has_warpgroups) {
  return dtype == gpu::kFloat32 ? 16 : has_warpgroups ? 64 : 32;
}

cudaError_t launch_weight_gradient_product(const WeightGradientTask& task, bool allow_tf32,
                                           cudaStream_t stream);
// Column tiles of 64 or 128, 16-bit operands, on a device of compute capability 9.0 in a build with
// kernels for sm_90a (FLASHRNN_HAS_SM_90A).
cudaError_t launch_warpgroup_product(const WeightGradientTask& task, int row_tile,
                                     cudaStream_t stream);

}  // namespace flashrnn::cuda
