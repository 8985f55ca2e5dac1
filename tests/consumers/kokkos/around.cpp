// SPDX-License-Identifier: Apache-2.0
// The application starts and ends Kokkos before FlashRNN is used at all. Where both share one
// Kokkos, that one cannot be started again, and FlashRNN may say so; it may not crash.
#include "run_lstm.hpp"
#include "sum.hpp"

int main() {
  Kokkos::initialize();
  const bool right = sum_is_right();
  Kokkos::finalize();
  try {
    return right && run_lstm() ? 0 : 1;
  } catch (const flashrnn::Error& error) {
    std::printf("refused: %s\n", error.what());
    return right ? 0 : 1;
  }
}
