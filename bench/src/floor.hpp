// SPDX-License-Identifier: Apache-2.0
// The least time that a call can take on the CPU by what the run's yardsticks say, whoever does it.
// Other backends tell theirs with the plan.
#pragma once

#include "peak.hpp"
#include "row.hpp"

namespace flashrnn::bench {

// Element-wise work of one element (a unit of a sequence at a step) by the equations in src/cells.
struct Pointwise {
  double sigmoids = 0;       // and what costs as much: tanh, or an exponential and a division
  double multiply_adds = 0;  // products, with the addition that follows where there is one
};
struct PointwiseWork {
  Pointwise forward, backward;
};
PointwiseWork pointwise_work(flashrnn_cell cell);

// In microseconds: the recurrent products on the fastest unit for the row's dtype (unit_gflops),
// the element-wise work on the same pipes in the time that it was measured to take there, and
// nothing else; or bringing the tensors through memory, where that takes longer. Of the tensors,
// what the last cache holds may still be there from the call before. 0: not known.
double cpu_floor_us(const Row& row, const Peaks& peaks, double cache_bytes);

}  // namespace flashrnn::bench
