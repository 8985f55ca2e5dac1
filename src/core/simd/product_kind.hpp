// SPDX-License-Identifier: Apache-2.0
// Which kernel does the products of a plan, and how it wants its operands.
#pragma once

#include <cstdint>

#include "core/simd/product.hpp"
#include "plan/dtype.hpp"

namespace flashrnn::simd {

// Values of the configuration's `product`.
enum class ProductKind : int64_t {
  kFma = 0,   // operands are reals
  kDot = 1,   // bfloat16 pairs, AVX512_BF16
  kTile = 2,  // bfloat16 pairs, AMX_BF16
};

constexpr bool takes_bfloat16(ProductKind kind) { return kind != ProductKind::kFma; }

// Elements of depth that the kernel takes at once: panels and rows are padded to it with zeros.
constexpr int64_t depth_unit(ProductKind kind) {
  return kind == ProductKind::kFma ? 1 : (kind == ProductKind::kDot ? 2 : 32);
}

// Whether this machine and this build have it.
bool has_product(ProductKind kind);

ProductFunction product_function(ProductKind kind, DType dtype, int64_t target);

// Row vectors that it multiplies in one pass over x.
int64_t block_rows(ProductKind kind, int64_t target);

}  // namespace flashrnn::simd
