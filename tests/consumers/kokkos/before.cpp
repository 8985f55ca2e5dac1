// SPDX-License-Identifier: Apache-2.0
// The application starts Kokkos before it uses FlashRNN, and ends it: both must find theirs as they
// left it.
#include "run_lstm.hpp"
#include "sum.hpp"

int main() {
  Kokkos::initialize();
  const bool right = sum_is_right() && run_lstm() && sum_is_right();
  if (!Kokkos::is_initialized()) return 1;
  Kokkos::finalize();
  return right ? 0 : 1;
}
