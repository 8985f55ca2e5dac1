// SPDX-License-Identifier: Apache-2.0
// Prints what the exchange of h takes by itself (exchange_alone.cu). Exit status: 0, 1 where the
// device refused, 77 without one.
#include <cuda_runtime_api.h>

#include <cstdio>

#include "exchange_alone.hpp"

int main() {
  int devices = 0, khz = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    std::printf("skipped: no GPU\n");
    return 77;
  }
  cudaDeviceGetAttribute(&khz, cudaDevAttrClockRate, 0);
  bool is_wrong = false;
  std::printf("%-8s %5s %6s %10s %6s %7s %7s %5s\n", "through", "CTAs", "units", "sequences", "KB",
              "groups", "clocks", "ns");
  for (const ExchangeAlone& e : exchanges_alone()) {
    is_wrong |= !(e.clocks > 0);
    std::printf("%-8s %5d %6d %10d %6.3g %7d %7.0f %5.0f\n", e.through, e.ctas, e.units,
                e.sequences, e.kilobytes, e.groups, e.clocks, e.clocks / khz * 1e6);
  }
  return is_wrong ? 1 : 0;
}
