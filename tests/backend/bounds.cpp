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
// the saved gates (up to u), an LSTM's c before and after a step, the slot gradients as operands of
// R and the parts of their product (u / 3 in the norm each; all independent of each other: together
// sqrt(1 + 4 / 9) = 1.2 u) and the gradients' own rounding meet, and again 2.5 steps' worth: 2.5
// 1.2 u + u / 3, under 4 u.
//
// A derivative that jumps (elman_relu's at 0). In 16 bits an h that falls to the other side moves
// the next step's sums of all units by some 2^-16, so of 2^15 sums about one may come to the other
// side of the jump; its gradient is then there and not here. A gradient of n elements, of which
// half are zero, has one of 2^15 so and is off by sqrt(2 / n) in the norm for each. Their number is
// Poisson's: up to two standard deviations above what is expected, where that is one at least.
//
// A tensor that is stored in fewer bits than it was computed in has that one rounding instead where
// it is larger.
//
// Problems drawn at random meet what the chosen cases do not, and these allowances are theirs
// alone:
//
// A gradient of the initial states that only those of the last ones lead to has come through all T
// steps with nothing new on the way: no sum of decaying errors, but T factors that each are off by
// u / 2 at most, in the mean square u / sqrt(12), of gate and operand each. That is sqrt(T) u in
// the norm, with as much again for what decays more slowly than the rest, beside the 4 u.
//
// The elements of d_r and d_bias are sums over all steps, which may cancel: where there are few of
// them the norm does, too, and the bound is 1 + 4 / sqrt(n) times as much for n elements.
//
// light_gru's derivative jumps as well, and so does slstm's stabiliser m = max(i, log sigmoid f +
// m): the gradient of m, where one is given, goes all to the input gate or all on to the forget
// gate and the step before, and one jump moves what one of the given gradients of m has become.
// Where bfloat16's tanh and sigmoid are approximations to 2^-11, every eighth h falls to the other
// side, and the sums of hundreds of units move by 2^-12: then it is one of 2^12 (of 2^11 where h is
// not held below 1, as light_gru's). A clip of h jumps where a stored h is its limit or the number
// beside it: one of 2^12, too. A cell may jump once more, since what is rare happens in one of
// many problems; but all of it is a tenth at most, so that a tensor of few elements is still
// compared.
//
// What is below the smallest number of a dtype, 2^-24 in fp16 and 2^-126 in fp32, is lost as an
// operand of R and when it is stored: by 2.5 steps' worth, an absolute error.
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
  const double expected = std::ldexp(static_cast<double>(elements), -15);
  if (expected < 1) return 0;
  const double jumps = std::floor(expected + 2 * std::sqrt(expected));
  return std::sqrt(2 * jumps / static_cast<double>(elements));
}

namespace drawn {

double cancellation(size_t elements) {
  return 1 + 4 / std::sqrt(static_cast<double>(std::max<size_t>(elements, 1)));
}

double chain_allowance(const Case& c) {
  const double u = roundoff(c.dtypes.tensor);
  return c.given == kGiveLast && u > 0x1p-20 ? std::sqrt(static_cast<double>(c.time)) * u : 0;
}

double jump_allowance(const Case& c, size_t elements) {
  if (roundoff(c.dtypes.tensor) < 0x1p-20) return 0;
  const bool is_relu = c.cell == FLASHRNN_ELMAN_RELU, has_clip = c.forward_clip > 0;
  const bool is_rough = has_clip || (c.dtypes.tensor == FLASHRNN_BFLOAT16 && !is_relu);
  const int rarity = !is_rough ? 15 : c.cell == FLASHRNN_LIGHT_GRU ? 11 : 12;
  const double expected = std::ldexp(static_cast<double>(elements), -rarity);
  const double jumps = std::floor(expected + 2 * std::sqrt(expected)) + (has_clip ? 0 : 1);
  double carriers = 0;
  if (is_relu || has_clip || c.cell == FLASHRNN_LIGHT_GRU) {
    carriers = static_cast<double>(elements);
  } else if (c.cell == FLASHRNN_SLSTM && (c.given & (kGiveStates | kGiveLast)) != 0) {
    const bool is_each_step = (c.given & kGiveStates) != 0;
    carriers = static_cast<double>(c.batch * c.heads * c.head_dim * (is_each_step ? c.time : 1));
  }
  return carriers == 0 ? 0 : std::min(0.1, std::sqrt(2 * jumps / carriers));
}

double smallest_kept(flashrnn_dtype tensor, flashrnn_dtype stored) {
  if (tensor == FLASHRNN_FLOAT64 && stored == FLASHRNN_FLOAT64) return 0;
  return 2.5 * (tensor == FLASHRNN_FLOAT16 || stored == FLASHRNN_FLOAT16 ? 0x1p-24 : 0x1p-126);
}

}  // namespace drawn
}  // namespace flashrnn::test
