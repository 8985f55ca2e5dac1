// SPDX-License-Identifier: Apache-2.0
// Bounds on ||value - reference|| / ||reference||.
//
// Let u be the unit roundoff of a dtype: 2^-53, 2^-24, 2^-11 (fp16), 2^-8 (bf16).
//
// Outputs. A step adds a few roundings of its accumulator's dtype (the sum, the exponentials to 2
// ulp, the cell), and the recurrence of draw_values carries about 0.6 of an error on, so that
// errors of all steps together stay under 1 / (1 - 0.6) = 2.5 steps' worth: under 16 u for fp32 and
// fp64. In 16 bits the oracle rounds h just as the library does; what differs is an h near the
// middle of two neighbours that falls to the other side, and the outputs' own rounding (of c, n, m
// and of fp32 states), which is u at most and u / 3 in the norm: under u altogether.
//
// Gradients. They repeat the sums of the forward pass on its saved values. In fp32 and fp64 that is
// another 16 u, and cancellation within a sum over T and B costs as much again: 64 u. In 16 bits
// the saved gates (up to u), the slot gradients as operands of R (u / 3 in the norm) and the
// gradients' own rounding meet, and again 2.5 steps' worth: 4 u.
//
// A derivative that jumps (elman_relu's at 0). In 16 bits an h that falls to the other side moves
// the next step's sums of all units by some 2^-16, so of 2^15 sums about one may come to the other
// side of the jump; its gradient is then there and not here. A gradient of n elements, of which
// half are zero, has one of 2^15 so and is off by sqrt(2 / n) in the norm for each.
//
// A tensor that is stored in fewer bits than it was computed in has that one rounding instead where
// it is larger.
#include <algorithm>
#include <cmath>

#include "environment.hpp"

namespace flashrnn::test {
namespace {

double roundoff(flashrnn_dtype dtype) {
  switch (dtype) {
    case FLASHRNN_FLOAT64:
      return 0x1p-53;
    case FLASHRNN_FLOAT16:
      return 0x1p-11;
    case FLASHRNN_BFLOAT16:
      return 0x1p-8;
    default:
      return 0x1p-24;
  }
}

double bound(flashrnn_dtype tensor, flashrnn_dtype stored, double wide, double narrow) {
  const double computed = roundoff(tensor) * (roundoff(tensor) > 0x1p-20 ? narrow : wide);
  return std::max(computed, roundoff(stored));
}

}  // namespace

double output_bound(flashrnn_dtype tensor, flashrnn_dtype stored) {
  return bound(tensor, stored, 16, 1);
}

double gradient_bound(flashrnn_dtype tensor, flashrnn_dtype stored) {
  return bound(tensor, stored, 64, 4);
}

double jump_allowance(flashrnn_cell cell, flashrnn_dtype tensor, size_t elements) {
  if (cell != FLASHRNN_ELMAN_RELU || roundoff(tensor) < 0x1p-20) return 0;
  const size_t jumps = elements >> 15;
  return jumps == 0 ? 0 : std::sqrt(2 * static_cast<double>(jumps) / static_cast<double>(elements));
}

}  // namespace flashrnn::test
