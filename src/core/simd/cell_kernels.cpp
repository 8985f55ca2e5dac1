// SPDX-License-Identifier: Apache-2.0
// Compiled once per cell, with FLASHRNN_CELL_NAME set to its name.
#include "core/simd/cell_kernels.hpp"

#include "core/simd/pick.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/simd/cell_kernels.cpp"
#include <hwy/foreach_target.h>
// foreach_target.h must stand before highway.h.
#include <hwy/cache_control.h>
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <cstring>
#include <utility>

#define FLASHRNN_JOIN2(a, b) a##b
#define FLASHRNN_JOIN(a, b) FLASHRNN_JOIN2(a, b)

HWY_BEFORE_NAMESPACE();
namespace flashrnn::simd {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// In the order in which they build on one another.
// clang-format off
#include "core/simd/math-inl.h"
#include "core/simd/io-inl.h"
#include "core/simd/columns-inl.h"
// clang-format on

#undef CELL_FUNCTION
#define CELL_FUNCTION HWY_INLINE

// A cell need not use every argument that the dialect gives it.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
// clang-format off
namespace f32 {
#include "all_cells.inl"
#include "cells/adapters.inl"
}  // namespace f32
namespace f64 {
#include "all_cells.inl"
#include "cells/adapters.inl"
}  // namespace f64
// clang-format on
#pragma GCC diagnostic pop

#include "core/simd/backward-inl.h"
#include "core/simd/forward-inl.h"

using Single = f32::FLASHRNN_JOIN(FLASHRNN_CELL_NAME, _cell);
using Double = f64::FLASHRNN_JOIN(FLASHRNN_CELL_NAME, _cell);

static const CellKernels* kernels() {
  static const CellKernels table = {
      {&forward<Single, float>, &forward<Single, Bfloat16>, &forward<Single, Float16>,
       &forward<Double, double>},
      {&backward<Single, float>, &backward<Single, Bfloat16>, &backward<Single, Float16>,
       &backward<Double, double>},
      {&carry<Single, float>, &carry<Single, float>, &carry<Single, float>, &carry<Double, double>},
  };
  return &table;
}

}  // namespace HWY_NAMESPACE
}  // namespace flashrnn::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace flashrnn::simd {

#define FLASHRNN_TABLE FLASHRNN_JOIN(table_of_, FLASHRNN_CELL_NAME)

namespace FLASHRNN_TABLE {
HWY_EXPORT(kernels);

const CellKernels& get(int64_t target) { return *pick(HWY_DISPATCH_TABLE(kernels), target)(); }
}  // namespace FLASHRNN_TABLE

}  // namespace flashrnn::simd
#endif  // HWY_ONCE
