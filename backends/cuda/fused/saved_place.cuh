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

// Blocks of saved memory of a batch tile, as far as the batch has them.
template <int Columns>
__device__ __forceinline__ int blocks_of_tile(const gpu::Shape& shape, int b0) {
  return Columns == gpu::kBlockSequences ? 1
                                         : 2 * max(0, min(Columns / 8, (shape.batch - b0 + 7) / 8));
}

// The units u0 .. u0 + units of head n, the sequences from b0 on.
struct Place {
  int n, b0, u0;
};

// Where the saved memory of a place and step stands.
struct SavedPlace {
  Index pair, step_pairs, block_pairs, all_pairs, value_bytes;  // block_pairs: of all steps

  __device__ SavedPlace(const gpu::Shape& shape, const Place& at, int step) {
    const gpu::SavedLayout layout = gpu::saved_layout(shape);
    pair = layout.block(at.n, gpu::block_of(at.b0), step, at.u0 / gpu::kBlockUnits) +
           gpu::place_in_block(at.u0 % gpu::kBlockUnits / 2, 0);
    step_pairs = layout.step_pairs();
    block_pairs = step_pairs * layout.time;
    all_pairs = layout.pairs(shape.heads);
    value_bytes = layout.value_bytes(shape.heads, Cell::kSaved);
  }
};

}  // namespace flashrnn::cuda
