// SPDX-License-Identifier: Apache-2.0
// The matrix product that all steps are made of, on packed panels: sum[row][column] (+)=
// panel[k][row] * x[column][k].
#pragma once

#include <cstddef>
#include <cstdint>

namespace flashrnn::simd {

// What is added to the sums as they are stored: a vector of the row, and one of the row and column.
// That one is fetched into L1 before the multiplications and read after them, when the processor
// has those of the next block to go on with. Offsets count elements from the addend's base, which
// is of the first column.
struct AddendRow {
  const void* offset;  // one vector
  bool has_from;       // else nothing more than the offset
  int64_t from;
  int64_t fetched;   // what is fetched of a later addend; not read here
  bool begins_line;  // else it goes on in the line of the row before
};
struct Addend {
  const AddendRow* row = nullptr;
  const void* base = nullptr;
  int64_t column_stride = 0;
};

// What later work will touch: fetched into L2, one line of a column at a time, between the
// multiplications. All at once would fill the buffers for misses, and the processor would wait.
struct Ahead {
  static constexpr int kMost = 32;

  struct Lines {
    const std::byte* from;  // the first column's
    int64_t column_bytes;
  };

  // Where there is room.
  void add(const void* from, int64_t column_bytes) {
    if (count < kMost) lines[count++] = {static_cast<const std::byte*>(from), column_bytes};
  }

  Lines lines[kMost];
  int count = 0;
};

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
  // Products of reals only.
  const Addend* addend = nullptr;
  const Ahead* ahead = nullptr;  // fetched for the first block of rows
};

using ProductFunction = void (*)(const Product&);

struct ProductKernels {
  int64_t lanes_f32;
  int64_t lanes_f64;
  int64_t block_rows;  // row vectors of a block of sums
  ProductFunction f32;
  ProductFunction f64;
};

// Kernels for one of Highway's targets, which must be present on this machine.
const ProductKernels& product_kernels(int64_t target);

}  // namespace flashrnn::simd
