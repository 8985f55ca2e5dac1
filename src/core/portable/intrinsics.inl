// SPDX-License-Identifier: Apache-2.0
// The dialect's intrinsics on scalars; included where `real` is float or double.

CELL_FUNCTION real cell_zero() { return real(0); }
CELL_FUNCTION real cell_one() { return real(1); }
CELL_FUNCTION real cell_decay(real x) { return std::exp(-std::fabs(x)); }
CELL_FUNCTION real cell_tanh(real x) { return std::tanh(x); }
CELL_FUNCTION real cell_sigmoid(real x) { return real(1) / (real(1) + std::exp(-x)); }
CELL_FUNCTION real cell_log1p_decay(real x) { return std::log1p(cell_decay(x)); }
CELL_FUNCTION real cell_quotient(real a, real b) { return a / b; }
CELL_FUNCTION real cell_max(real a, real b) { return a > b ? a : b; }
CELL_FUNCTION real cell_if_greater(real a, real b, real x, real y) { return a > b ? x : y; }
CELL_FUNCTION real cell_if_equal(real a, real b, real x, real y) { return a == b ? x : y; }
