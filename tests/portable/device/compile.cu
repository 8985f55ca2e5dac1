// SPDX-License-Identifier: Apache-2.0
// The portable algorithm of every cell as CUDA device code. It is compiled, not run.
#include "core/portable/backward.hpp"
#include "core/portable/forward.hpp"

namespace flashrnn::portable {

struct DeviceSpace;

template <typename Functor>
__global__ void run_teams(Functor functor) {
  functor(typename Functor::Member());
}

template <typename Functor>
__global__ void run_elements(Functor functor, int64_t count) {
  for (int64_t i = threadIdx.x; i < count; i += blockDim.x) functor(i);
}

#define FLASHRNN_INSTANTIATE(Cell, Real)                                 \
  template __global__ void run_teams(Forward<Cell, Real, DeviceSpace>);  \
  template __global__ void run_teams(Backward<Cell, Real, DeviceSpace>); \
  template __global__ void run_elements(SumWeights<Cell, Real>, int64_t);
#define FLASHRNN_CELL(name, ...)                   \
  FLASHRNN_INSTANTIATE(single::name##_cell, float) \
  FLASHRNN_INSTANTIATE(twofold::name##_cell, double)
#include "cells/cells.def"
#undef FLASHRNN_CELL

}  // namespace flashrnn::portable
