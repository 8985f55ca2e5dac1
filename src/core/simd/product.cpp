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

// Sums of Rows x Columns vectors fill the registers: 24 of 32, or 12 of 16, leaving room for a row
// of the panel and a broadcast.
#if HWY_TARGET == HWY_AVX3 || HWY_ARCH_ARM_A64
constexpr int kSums = 24;
#else
constexpr int kSums = 12;
#endif
constexpr int kMaxRows = 4;
constexpr int max_columns(int rows) { return kSums / rows < 12 ? kSums / rows : 12; }

template <typename T, int kRows, int kColumns>
void micro(const Product& p, const T* HWY_RESTRICT panel, const T* HWY_RESTRICT x,
           T* HWY_RESTRICT sum, const void* const* prefetch, int64_t prefetch_count) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  // Copies: the stores below could otherwise change them, for all that the compiler knows.
  const int64_t row_stride = p.sum_row_stride;
  const int64_t column_stride = p.sum_column_stride;
  const int64_t panel_stride = p.panel_stride;
  const int64_t depth = p.depth;
  const bool accumulate = p.accumulate;
  hn::Vec<decltype(d)> sums[kRows][kColumns];
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 12
    for (int c = 0; c < kColumns; ++c) {
      sums[r][c] = accumulate ? hn::Load(d, sum + r * row_stride + c * column_stride) : hn::Zero(d);
    }
  }
  const T* columns[kColumns];
#pragma GCC unroll 12
  for (int c = 0; c < kColumns; ++c) columns[c] = x + c * p.x_column_stride;
  const int64_t step = p.x_depth_stride;
  int64_t at = 0;
  const int64_t interval =
      prefetch_count > 0 ? std::max<int64_t>(depth / prefetch_count, 1) : depth + 1;
  int64_t until_prefetch = interval;
  for (int64_t k = 0; k < depth; ++k) {
    if (--until_prefetch == 0) {
      __builtin_prefetch(*prefetch++, 0, 2);
      until_prefetch = --prefetch_count > 0 ? interval : depth + 1;
    }
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
    at += step;
  }
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 12
    for (int c = 0; c < kColumns; ++c) {
      hn::Store(sums[r][c], d, sum + r * row_stride + c * column_stride);
    }
  }
}

template <typename T>
using Micro = void (*)(const Product&, const T*, const T*, T*, const void* const*, int64_t);

template <typename T, int kRows, int... kColumns>
constexpr Micro<T> micro_of(int columns, std::integer_sequence<int, kColumns...>) {
  constexpr Micro<T> table[] = {&micro<T, kRows, kColumns + 1>...};
  return table[columns - 1];
}

// Every column of one block of kRows vectors, in parts of nearly equal width.
template <typename T, int kRows>
void block(const Product& p, const T* panel, T* sum, const void* const* prefetch,
           int64_t prefetch_count) {
  constexpr int kWidest = max_columns(kRows);
  const int64_t parts = (p.columns + kWidest - 1) / kWidest;
  const T* x = static_cast<const T*>(p.x);
  int64_t begin = 0;
  for (int64_t part = 0; part < parts; ++part) {
    const int64_t end = p.columns * (part + 1) / parts;
    const Micro<T> run = micro_of<T, kRows>(static_cast<int>(end - begin),
                                            std::make_integer_sequence<int, kWidest>());
    const int64_t fetched = prefetch_count * part / parts;
    run(p, panel, x + begin * p.x_column_stride, sum + begin * p.sum_column_stride,
        prefetch + fetched, prefetch_count * (part + 1) / parts - fetched);
    begin = end;
  }
}

template <typename T>
void product(const Product& p) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(hn::ScalableTag<T>()));
  const T* panel = static_cast<const T*>(p.panel);
  T* sum = static_cast<T*>(p.sum);
  int64_t row = 0;
  const void* const* prefetch = p.prefetch;
  int64_t prefetch_count = p.prefetch_count;
  while (row < p.row_vectors) {
    const int64_t rows = p.row_vectors - row;
    if (rows >= kMaxRows) {
      block<T, 4>(p, panel, sum, prefetch, prefetch_count);
    } else if (rows == 3) {
      block<T, 3>(p, panel, sum, prefetch, prefetch_count);
    } else if (rows == 2) {
      block<T, 2>(p, panel, sum, prefetch, prefetch_count);
    } else {
      block<T, 1>(p, panel, sum, prefetch, prefetch_count);
    }
    prefetch_count = 0;  // the first block has fetched them
    row += kMaxRows;
    panel += kMaxRows * lanes;
    sum += kMaxRows * p.sum_row_stride;
  }
}

static const ProductKernels* kernels() {
  static const ProductKernels table = {
      static_cast<int64_t>(hn::Lanes(hn::ScalableTag<float>())),
      static_cast<int64_t>(hn::Lanes(hn::ScalableTag<double>())),
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
