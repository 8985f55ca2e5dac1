// SPDX-License-Identifier: Apache-2.0
// The application starts Kokkos after FlashRNN has run. Where both share one Kokkos it is started
// already, and is then not the application's to end.
#include "run_lstm.hpp"
#include "sum.hpp"

int main() {
  if (!run_lstm()) return 1;
  const bool mine = !Kokkos::is_initialized();
  if (mine) Kokkos::initialize();
  const bool right = sum_is_right() && run_lstm() && sum_is_right();
  if (mine) Kokkos::finalize();
  return right && run_lstm() ? 0 : 1;
}
