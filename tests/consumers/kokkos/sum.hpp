// SPDX-License-Identifier: Apache-2.0
// The application's own use of Kokkos.
#pragma once
#include <Kokkos_Core.hpp>
#include <cstdio>

// Whether a sum over a view in Kokkos' default space is right.
inline bool sum_is_right() {
  constexpr int n = 100000;
  const Kokkos::View<double*> values("values", n);
  Kokkos::parallel_for(
      n, KOKKOS_LAMBDA(int i) { values(i) = i; });
  double sum = 0;
  Kokkos::parallel_reduce(
      n, KOKKOS_LAMBDA(int i, double& s) { s += values(i); }, sum);
  if (sum == 0.5 * n * (n - 1.0)) return true;
  std::fprintf(stderr, "the application's own sum is %.17g\n", sum);
  return false;
}
