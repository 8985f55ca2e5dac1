// SPDX-License-Identifier: Apache-2.0
// The cells of src/cells compiled three times: for float, double and dual numbers. all_cells.inc,
// made from cells.def when the build is configured, includes every .inl.
#ifndef FLASHRNN_TESTS_CELLS_DIALECTS_HPP_
#define FLASHRNN_TESTS_CELLS_DIALECTS_HPP_

#include <cmath>

#include "dual.hpp"

// The cells take arguments that some of them do not need.
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#endif

#define CELL_FUNCTION inline

namespace flashrnn::test {

template <class Real>
struct RealIntrinsics {
  static Real sigmoid(Real x) { return 1 / (1 + std::exp(-x)); }
};

#define FLASHRNN_TESTS_REAL_CELLS(type)                                                 \
  using real = type;                                                                    \
  inline real cell_zero() { return 0; }                                                 \
  inline real cell_one() { return 1; }                                                  \
  inline real cell_sigmoid(real x) { return RealIntrinsics<real>::sigmoid(x); }         \
  inline real cell_tanh(real x) { return std::tanh(x); }                                \
  inline real cell_decay(real x) { return std::exp(-std::fabs(x)); }                    \
  inline real cell_log1p_decay(real x) { return std::log1p(cell_decay(x)); }            \
  inline real cell_quotient(real a, real b) { return a / b; }                           \
  inline real cell_max(real a, real b) { return a > b ? a : b; }                        \
  inline real cell_if_greater(real a, real b, real x, real y) { return a > b ? x : y; } \
  inline real cell_if_equal(real a, real b, real x, real y) { return a == b ? x : y; }

namespace in_float {
FLASHRNN_TESTS_REAL_CELLS(float)
#include "all_cells.inc"
}  // namespace in_float

namespace in_double {
FLASHRNN_TESTS_REAL_CELLS(double)
#include "all_cells.inc"
}  // namespace in_double

namespace in_dual {
using real = Dual;
inline real cell_zero() { return {0, 0}; }
inline real cell_one() { return {1, 0}; }
inline real cell_sigmoid(real x) {
  const double s = RealIntrinsics<double>::sigmoid(x.value);
  return {s, s * RealIntrinsics<double>::sigmoid(-x.value) * x.slope};
}
inline real cell_tanh(real x) {
  const double c = std::cosh(x.value);
  return {std::tanh(x.value), x.slope / (c * c)};
}
inline real cell_decay(real x) {
  const double decay = std::exp(-std::fabs(x.value));
  return {decay, (x.value > 0 ? -decay : decay) * x.slope};
}
inline real cell_log1p_decay(real x) {
  const real decay = cell_decay(x);
  return {std::log1p(decay.value), decay.slope / (1 + decay.value)};
}
inline real cell_quotient(real a, real b) { return a / b; }
inline real cell_max(real a, real b) { return a.value > b.value ? a : b; }
inline real cell_if_greater(real a, real b, real x, real y) { return a.value > b.value ? x : y; }
inline real cell_if_equal(real a, real b, real x, real y) { return a.value == b.value ? x : y; }
#include "all_cells.inc"
}  // namespace in_dual

}  // namespace flashrnn::test

#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

#endif  // FLASHRNN_TESTS_CELLS_DIALECTS_HPP_
