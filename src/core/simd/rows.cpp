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

static const RowKernels* row_table() {
  static const RowKernels table = {
      {&load_row<float>, &load_row<Bfloat16>, &load_row<Float16>, &load_row<double>}};
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
