// SPDX-License-Identifier: Apache-2.0
// The tile registers of AMX, set up for the products of one batch tile and released after it.
#pragma once

#include <cstdint>

#include "core/simd/product_kind.hpp"

namespace flashrnn::simd {

inline constexpr int64_t kTileColumns = 16;  // most columns of a product with ProductKind::kTile

// Does nothing for the other kinds of product.
class TileUnit {
 public:
  TileUnit(ProductKind kind, int64_t columns);
  ~TileUnit();
  TileUnit(const TileUnit&) = delete;
  TileUnit& operator=(const TileUnit&) = delete;

 private:
  bool is_on_;
};

}  // namespace flashrnn::simd
