// SPDX-License-Identifier: Apache-2.0
// Dual numbers: a value with its derivative, which every operation carries on exactly.
#ifndef FLASHRNN_TESTS_CELLS_DUAL_HPP_
#define FLASHRNN_TESTS_CELLS_DUAL_HPP_

#include <cmath>

namespace flashrnn::test {

struct Dual {
  double value = 0;
  double slope = 0;
};

inline Dual operator+(Dual a, Dual b) { return {a.value + b.value, a.slope + b.slope}; }
inline Dual operator-(Dual a, Dual b) { return {a.value - b.value, a.slope - b.slope}; }
inline Dual operator*(Dual a, Dual b) {
  return {a.value * b.value, a.slope * b.value + a.value * b.slope};
}
inline Dual operator/(Dual a, Dual b) {
  return {a.value / b.value, (a.slope - a.value / b.value * b.slope) / b.value};
}

}  // namespace flashrnn::test

#endif  // FLASHRNN_TESTS_CELLS_DUAL_HPP_
