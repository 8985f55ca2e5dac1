// SPDX-License-Identifier: Apache-2.0
// Prints the clocks that each cell's element takes by itself (element_chain.cu). Exit status: 0, 1
// where the device refused, 77 without one.
#include <cuda_runtime_api.h>

#include <cstdio>

#define FLASHRNN_CHAIN(cell, dtype) extern "C" double chain_of_##cell##_##dtype();
#include "element_chains.def"
#undef FLASHRNN_CHAIN

int main() {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    std::printf("skipped: no GPU\n");
    return 77;
  }
  struct {
    const char *cell, *dtype;
    double (*run)();
  } const chains[] = {
#define FLASHRNN_CHAIN(cell, dtype) {#cell, #dtype, chain_of_##cell##_##dtype},
#include "element_chains.def"
#undef FLASHRNN_CHAIN
  };
  bool is_wrong = false;
  std::printf("%-12s %-10s %s\n", "cell", "dtype", "clocks");
  for (const auto& chain : chains) {
    const double clocks = chain.run();
    is_wrong |= !(clocks > 0);
    std::printf("%-12s %-10s %.1f\n", chain.cell, chain.dtype, clocks);
  }
  return is_wrong ? 1 : 0;
}
