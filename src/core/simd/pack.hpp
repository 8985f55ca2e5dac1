// SPDX-License-Identifier: Apache-2.0
// The weights of one head in the order in which the kernels read them.
#pragma once

#include <cstddef>

#include "backend/backend.hpp"
#include "core/simd/geometry.hpp"
#include "core/simd/product_kind.hpp"
#include "core/simd/rows.hpp"

namespace flashrnn::simd {

// Bytes of one head's panels.
int64_t forward_panel_bytes(const Geometry& g, ProductKind kind, int64_t real_size);
int64_t backward_panel_bytes(const Geometry& g, ProductKind kind, int64_t real_size);

// The rows of a group are [gate][vector of the group], in blocks of block_rows:
// [group][block][depth][row of the block][lanes]; with bfloat16 operands pairs of depth stand side
// by side in each lane.
void pack_forward(const Geometry& g, const RowKernels& kernels, ProductKind kind, DType dtype,
                  const Tensor& r, int64_t head, std::byte* panels);
// The transpose: [block][gate, unit][vector of the block][lanes], blocks of block_rows vectors.
void pack_backward(const Geometry& g, ProductKind kind, DType dtype, const Tensor& r, int64_t head,
                   std::byte* panels);
// [vector][slot][lanes] of reals, zero where bias is absent.
void pack_bias(const Geometry& g, DType dtype, const Tensor& bias, int64_t head, std::byte* out);

}  // namespace flashrnn::simd
