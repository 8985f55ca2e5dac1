// SPDX-License-Identifier: Apache-2.0
// A matrix product for the layers around the recurrence: read out, project, and their gradients.
#ifndef FLASHRNN_EXAMPLES_GEMM_HPP_
#define FLASHRNN_EXAMPLES_GEMM_HPP_

#include <cstddef>

namespace examples {

// A matrix in any layout: element (i, j) is data[i * row + j * column].
struct Matrix {
  const float* data;
  std::ptrdiff_t row;
  std::ptrdiff_t column;
};

inline Matrix row_major(const float* data, int columns) { return {data, columns, 1}; }
inline Matrix transposed(Matrix m) { return {m.data, m.column, m.row}; }

// c[m, n] (row-major, n columns) = a[m, k] * b[k, n]. Every element is summed in the same order
// whatever the number of threads, so results repeat bit for bit.
void gemm(int m, int n, int k, Matrix a, Matrix b, float* c);

}  // namespace examples

#endif  // FLASHRNN_EXAMPLES_GEMM_HPP_
