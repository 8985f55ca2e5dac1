// SPDX-License-Identifier: Apache-2.0
// From a cell to its table of kernels.
#include "api/error.hpp"
#include "core/simd/cell_kernels.hpp"

namespace flashrnn::simd {

#define FLASHRNN_CELL(name, ...)            \
  namespace table_of_##name {               \
    const CellKernels& get(int64_t target); \
  }
#include "cells/cells.def"
#undef FLASHRNN_CELL

const CellKernels& cell_kernels(const CellTraits& cell, int64_t target) {
#define FLASHRNN_CELL(name, ENUM, value, ...) \
  if (cell.id == (value)) return table_of_##name::get(target);
#include "cells/cells.def"
#undef FLASHRNN_CELL
  fail(Status::kInternal, "cell {} has no vector kernels", cell.name);
}

}  // namespace flashrnn::simd
