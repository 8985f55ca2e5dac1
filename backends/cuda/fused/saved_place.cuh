// SPDX-License-Identifier: Apache-2.0
// Where in saved memory (gpu/saved_layout.hpp) the elements of a CTA stand.
#pragma once

#include "cuda/fused/ptx.cuh"
#include "gpu/fused/cell.hpp"
#include "gpu/params.hpp"
#include "gpu/saved_layout.hpp"

namespace flashrnn::cuda {

using gpu::Cell;
using gpu::Index;

// Sequences of a block of this kernel's saved memory.
inline constexpr int kBlockColumns = gpu::block_columns_of(FLASHRNN_FUSED_COLUMNS);

__device__ __forceinline__ gpu::SavedLayout saved_layout(const gpu::Shape& shape) {
  return gpu::saved_layout(shape, kBlockColumns);
}

// The units u0 .. u0 + units of head n, the sequences from b0 on.
struct Place {
  int n, b0, u0;
};

// Where the saved memory of a place and step stands.
struct SavedPlace {
  Index pair, step_pairs, tile_pairs, all_pairs, value_bytes;

  __device__ SavedPlace(const gpu::Shape& shape, const Place& at, int step) {
    const gpu::SavedLayout layout = saved_layout(shape);
    pair = layout.block(at.n, at.b0 / kBlockColumns, step, at.u0 / gpu::kBlockUnits);
    step_pairs = Index(layout.unit_blocks) * layout.block_pairs;
    tile_pairs = step_pairs * layout.time;
    all_pairs = layout.pairs(shape.heads);
    value_bytes = layout.value_bytes(shape.heads, Cell::kSaved);
  }
};

}  // namespace flashrnn::cuda
