// SPDX-License-Identifier: Apache-2.0
// The matrix product that all steps are made of, on packed panels: sum[row][column] (+)=
// panel[k][row] * x[column][k].
#pragma once

#include <cstdint>

namespace flashrnn::simd {

// Rows come in vectors of as many elements as the instruction set has lanes. Strides count
// elements.
struct Product {
  const void* panel = nullptr;  // [depth] rows, panel_stride apart, of row_vectors vectors
  int64_t panel_stride = 0;
  const void* x = nullptr;
  int64_t x_column_stride = 0;
  int64_t x_depth_stride = 0;
  void* sum = nullptr;
  int64_t sum_row_stride = 0;  // between vectors of rows
  int64_t sum_column_stride = 0;
  int64_t row_vectors = 0;
  int64_t columns = 0;
  int64_t depth = 0;
  bool accumulate = false;
  // Products of reals only. Lines that the caller will need soon: fetched into L2 bit by bit
  // between the multiplications, where the memory is idle anyhow. All at once they would fill the
  // core's line buffers and hold up its loads.
  const void* const* prefetch = nullptr;
  int64_t prefetch_count = 0;
};

using ProductFunction = void (*)(const Product&);

struct ProductKernels {
  int64_t lanes_f32;
  int64_t lanes_f64;
  ProductFunction f32;
  ProductFunction f64;
};

// Kernels for one of Highway's targets, which must be present on this machine.
const ProductKernels& product_kernels(int64_t target);

}  // namespace flashrnn::simd
