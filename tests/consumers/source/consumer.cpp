// SPDX-License-Identifier: Apache-2.0
#include "run_lstm.hpp"

int main() {
  if (!run_lstm()) return 1;
  std::printf("C++20 consumer: FlashRNN %d\n", static_cast<int>(flashrnn_version()));
}
