// SPDX-License-Identifier: Apache-2.0
#include <Kokkos_Core.hpp>

double probe(int n) {
  Kokkos::initialize();
  double sum = 0;
  Kokkos::parallel_reduce(
      n, [](int i, double& s) { s += i; }, sum);
  Kokkos::finalize();
  return sum;
}
