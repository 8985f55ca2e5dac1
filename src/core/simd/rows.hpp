// SPDX-License-Identifier: Apache-2.0
// Rows of a tensor: a sequence's units at one step as reals, and those of R turned over.
#pragma once

#include <cstdint>

namespace flashrnn::simd {

// out has room for whole vectors; what lies past `units` becomes zero. By dtype as in CellKernels.
struct RowKernels {
  void (*load[4])(const void* data, int64_t unit_stride, int64_t units, void* out);
  // to[k][row] = from[row][k], both counts multiples of four (without vectors, any).
  void (*transpose)(const float* from, int64_t from_stride, int64_t rows, int64_t depth, float* to,
                    int64_t to_stride);
};

const RowKernels& row_kernels(int64_t target);

}  // namespace flashrnn::simd
