// SPDX-License-Identifier: Apache-2.0
// One row of a tensor, a sequence's units at one step, as reals.
#pragma once

#include <cstdint>

namespace flashrnn::simd {

// out has room for whole vectors; what lies past `units` becomes zero. By dtype as in CellKernels.
struct RowKernels {
  void (*load[4])(const void* data, int64_t unit_stride, int64_t units, void* out);
};

const RowKernels& row_kernels(int64_t target);

}  // namespace flashrnn::simd
