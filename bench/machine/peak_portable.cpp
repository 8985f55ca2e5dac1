// SPDX-License-Identifier: Apache-2.0
// Peak kernels of architectures without a file of their own: the compiler's vectors of 16 bytes,
// contracted to FMA where the target has it.
#if !defined(__x86_64__)

#include "peak.hpp"

namespace flashrnn::bench {
namespace {

constexpr int kChains = 16;

template <typename Vector>
void run(long rounds) {
  Vector x{};
  Vector a[kChains] = {};
  for (long i = 0; i < rounds; ++i) {
    for (Vector& chain : a) {
      chain += x * x;
      asm volatile("" : "+w"(chain), "+w"(x));
    }
  }
}

typedef float Floats __attribute__((vector_size(16)));
typedef double Doubles __attribute__((vector_size(16)));

bool always_present() { return true; }

}  // namespace

const std::vector<PeakKernel>& peak_kernels() {
  static const std::vector<PeakKernel> kernels = {
      {"fma_fp32", "16-byte vectors", kChains * 4.0 * 2, run<Floats>, always_present},
      {"fma_fp64", "16-byte vectors", kChains * 2.0 * 2, run<Doubles>, always_present},
  };
  return kernels;
}

const std::vector<SigmoidKernel>& sigmoid_kernels() {
  static const std::vector<SigmoidKernel> none;
  return none;
}

}  // namespace flashrnn::bench

#endif  // !defined(__x86_64__)
