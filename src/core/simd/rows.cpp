// SPDX-License-Identifier: Apache-2.0
#include "core/simd/rows.hpp"

#include "core/simd/pick.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/simd/rows.cpp"
#include <hwy/foreach_target.h>
// foreach_target.h must stand before highway.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace flashrnn::simd {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

#include "core/simd/io-inl.h"

template <typename T>
void load_row(const void* data, int64_t unit_stride, int64_t units, void* out) {
  using D = typename Element<T>::D;
  using Real = typename Element<T>::Real;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(D()));
  const T* row = static_cast<const T*>(data);
  for (int64_t unit = 0; unit < units; unit += lanes) {
    const int64_t count = units - unit < lanes ? units - unit : lanes;
    const T* p = row + unit * unit_stride;
    const bool is_whole = count == lanes && unit_stride == 1;
    hn::StoreU(is_whole ? Element<T>::load(p) : load_apart(p, unit_stride, count), D(),
               static_cast<Real*>(out) + unit);
  }
}

#if HWY_TARGET == HWY_SCALAR
void transpose(const float* from, int64_t from_stride, int64_t rows, int64_t depth, float* to,
               int64_t to_stride) {
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t k = 0; k < depth; ++k) to[k * to_stride + row] = from[row * from_stride + k];
}
#else
void transpose(const float* from, int64_t from_stride, int64_t rows, int64_t depth, float* to,
               int64_t to_stride) {
  const hn::FixedTag<float, 4> d;
  const hn::Repartition<uint64_t, decltype(d)> pairs;
  for (int64_t row = 0; row < rows; row += 4) {
    for (int64_t k = 0; k < depth; k += 4) {
      const float* p = from + row * from_stride + k;
      // The next rows, which processors do not foresee: a line of each.
      for (int64_t ahead = 4; k % 16 == 0 && ahead < 8; ++ahead)
        __builtin_prefetch(p + ahead * from_stride, 0, 3);
      const auto row0 = hn::LoadU(d, p);
      const auto row1 = hn::LoadU(d, p + from_stride);
      const auto row2 = hn::LoadU(d, p + 2 * from_stride);
      const auto row3 = hn::LoadU(d, p + 3 * from_stride);
      const auto lower01 = hn::BitCast(pairs, hn::InterleaveLower(d, row0, row1));
      const auto lower23 = hn::BitCast(pairs, hn::InterleaveLower(d, row2, row3));
      const auto upper01 = hn::BitCast(pairs, hn::InterleaveUpper(d, row0, row1));
      const auto upper23 = hn::BitCast(pairs, hn::InterleaveUpper(d, row2, row3));
      float* q = to + k * to_stride + row;
      hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, lower01, lower23)), d, q);
      hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, lower01, lower23)), d, q + to_stride);
      hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, upper01, upper23)), d,
                 q + 2 * to_stride);
      hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, upper01, upper23)), d,
                 q + 3 * to_stride);
    }
  }
}
#endif

static const RowKernels* row_table() {
  static const RowKernels table = {
      {&load_row<float>, &load_row<Bfloat16>, &load_row<Float16>, &load_row<double>}, &transpose};
  return &table;
}

}  // namespace HWY_NAMESPACE
}  // namespace flashrnn::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace flashrnn::simd {

HWY_EXPORT(row_table);

const RowKernels& row_kernels(int64_t target) {
  return *pick(HWY_DISPATCH_TABLE(row_table), target)();
}

}  // namespace flashrnn::simd
#endif  // HWY_ONCE
