// SPDX-License-Identifier: Apache-2.0
#include "core/simd/product.hpp"

#include "core/simd/pick.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/simd/product.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <utility>

HWY_BEFORE_NAMESPACE();
namespace flashrnn::simd {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Sums of Rows x Columns vectors fill the registers, leaving room for the rows of the panel and a
// broadcast: 24 of 32, or 12 of 16. Of the shapes with so many sums, the one whose rows fit beside
// them: 4 x 3 would need 17 registers.
#if HWY_TARGET == HWY_AVX3 || HWY_ARCH_ARM_A64
constexpr int kMaxRows = 4;
constexpr int kSums = 24;
#else
constexpr int kMaxRows = 2;
constexpr int kSums = 12;
#endif
constexpr int max_columns(int rows) { return kSums / rows < 12 ? kSums / rows : 12; }

template <typename T>
HWY_INLINE const T* addend_of(const Addend& addend, const AddendRow& row, int64_t column) {
  return static_cast<const T*>(addend.base) + row.from + column * addend.column_stride;
}

template <typename T, int kRows, int kColumns>
HWY_INLINE void fetch_addend(const Addend& addend, int64_t row, int64_t column) {
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
    if (!addend.row[row + r].has_from || !addend.row[row + r].begins_line) continue;
    const T* from = addend_of<T>(addend, addend.row[row + r], column);
#pragma GCC unroll 12
    for (int c = 0; c < kColumns; ++c) __builtin_prefetch(from + c * addend.column_stride, 0, 3);
  }
}

template <typename T, int kRows, int kColumns>
HWY_INLINE void add(const Addend& addend, int64_t row, int64_t column,
                    hn::Vec<hn::ScalableTag<T>> (&sums)[kRows][kColumns]) {
  const hn::ScalableTag<T> d;
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
    const auto offset = hn::Load(d, static_cast<const T*>(addend.row[row + r].offset));
#pragma GCC unroll 12
    for (int c = 0; c < kColumns; ++c) sums[r][c] = hn::Add(sums[r][c], offset);
    if (!addend.row[row + r].has_from) continue;
    const T* from = addend_of<T>(addend, addend.row[row + r], column);
#pragma GCC unroll 12
    for (int c = 0; c < kColumns; ++c)
      sums[r][c] = hn::Add(sums[r][c], hn::LoadU(d, from + c * addend.column_stride));
  }
}

// kRows x kColumns vectors of sums, from `row` and `column` on.
template <typename T, int kRows, int kColumns>
void micro(const Product& p, int64_t row, int64_t column) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  // Copies: the stores below could otherwise change them, for all that the compiler knows.
  const int64_t row_stride = p.sum_row_stride;
  const int64_t column_stride = p.sum_column_stride;
  const int64_t panel_stride = p.panel_stride;
  const int64_t depth = p.depth;
  const Addend* addend = p.addend;
  const T* HWY_RESTRICT panel = static_cast<const T*>(p.panel) + row * lanes;
  T* HWY_RESTRICT sum = static_cast<T*>(p.sum) + row * row_stride + column * column_stride;
  if (addend != nullptr) fetch_addend<T, kRows, kColumns>(*addend, row, column);
  hn::Vec<decltype(d)> sums[kRows][kColumns];
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 12
    for (int c = 0; c < kColumns; ++c) {
      sums[r][c] =
          p.accumulate ? hn::Load(d, sum + r * row_stride + c * column_stride) : hn::Zero(d);
    }
  }
  const T* columns[kColumns];
#pragma GCC unroll 12
  for (int c = 0; c < kColumns; ++c)
    columns[c] = static_cast<const T*>(p.x) + (column + c) * p.x_column_stride;
  const int64_t step = p.x_depth_stride;
  int64_t at = 0;
  const auto multiply = [&](int64_t end) HWY_ATTR __attribute__((always_inline)) {
    for (; at < end; at += step) {
      hn::Vec<decltype(d)> rows[kRows];
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) rows[r] = hn::Load(d, panel + r * lanes);
#pragma GCC unroll 12
      for (int c = 0; c < kColumns; ++c) {
        const auto broadcast = hn::Set(d, columns[c][at]);
#pragma GCC unroll 4
        for (int r = 0; r < kRows; ++r) sums[r][c] = hn::MulAdd(rows[r], broadcast, sums[r][c]);
      }
      panel += panel_stride;
    }
  };
  if (p.ahead != nullptr && row == 0) {
    const int64_t count = p.ahead->count;
    const int64_t interval =
        count > 0 ? std::max<int64_t>(depth / (count * kColumns), 1) * step : 0;
    int64_t end = 0;
    for (int64_t i = 0; i < count; ++i) {
      const int64_t column_bytes = p.ahead->lines[i].column_bytes;
      const std::byte* line = p.ahead->lines[i].from + column * column_bytes;
      for (int c = 0; c < kColumns; ++c, line += column_bytes) {
        __builtin_prefetch(line, 0, 2);
        end = std::min(end + interval, depth * step);
        multiply(end);
      }
    }
  }
  multiply(depth * step);
  if (addend != nullptr) add<T, kRows, kColumns>(*addend, row, column, sums);
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 12
    for (int c = 0; c < kColumns; ++c) {
      hn::Store(sums[r][c], d, sum + r * row_stride + c * column_stride);
    }
  }
}

using Micro = void (*)(const Product&, int64_t row, int64_t column);

// Every column of one block of kRows vectors, in parts of nearly equal width.
template <typename T, int kRows, int... kColumns>
void block(const Product& p, int64_t row, std::integer_sequence<int, kColumns...>) {
  static constexpr Micro kMicros[] = {&micro<T, kRows, kColumns + 1>...};
  constexpr int64_t kWidest = sizeof...(kColumns);
  const int64_t parts = (p.columns + kWidest - 1) / kWidest;
  const int64_t width = p.columns / parts;
  int64_t wider = p.columns - width * parts;  // so many parts have one column more
  for (int64_t column = 0; column < p.columns;) {
    const int64_t columns = width + (wider-- > 0 ? 1 : 0);
    kMicros[columns - 1](p, row, column);
    column += columns;
  }
}

template <typename T, int kRows>
void block(const Product& p, int64_t row) {
  block<T, kRows>(p, row, std::make_integer_sequence<int, max_columns(kRows)>());
}

// The rows that are left over for a block that is not full.
template <typename T, int... kRows>
void last_block(const Product& p, int64_t row, std::integer_sequence<int, kRows...>) {
  ((p.row_vectors - row == kRows + 1 ? block<T, kRows + 1>(p, row) : void()), ...);
}

template <typename T>
void product(const Product& p) {
  int64_t row = 0;
  for (; row + kMaxRows <= p.row_vectors; row += kMaxRows) block<T, kMaxRows>(p, row);
  last_block<T>(p, row, std::make_integer_sequence<int, kMaxRows - 1>());
}

static const ProductKernels* kernels() {
  static const ProductKernels table = {
      static_cast<int64_t>(hn::Lanes(hn::ScalableTag<float>())),
      static_cast<int64_t>(hn::Lanes(hn::ScalableTag<double>())),
      kMaxRows,
      &product<float>,
      &product<double>,
  };
  return &table;
}

}  // namespace HWY_NAMESPACE
}  // namespace flashrnn::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace flashrnn::simd {

HWY_EXPORT(kernels);

const ProductKernels& product_kernels(int64_t target) {
  return *pick(HWY_DISPATCH_TABLE(kernels), target)();
}

}  // namespace flashrnn::simd
#endif  // HWY_ONCE
