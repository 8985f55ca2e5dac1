// SPDX-License-Identifier: Apache-2.0
// Sigmoids of x86-64, each function compiled for its own instruction set as in peak_x86.cpp. They
// take the fewest instructions that give float32's accuracy in [-87, 87], without any care for what
// lies outside: a floor need not be careful.
#if defined(__x86_64__)

#include <immintrin.h>

#include "peak.hpp"

namespace flashrnn::bench {
namespace {

// 2^f for |f| <= 1/2, as src/core/simd/fit_coefficients.py fits it.
constexpr float kPowers[] = {1.327647187e-03f, 9.675541333e-03f, 5.550713274e-02f,
                             2.402211972e-01f, 6.931469671e-01f, 1.0f};
constexpr float kLog2E = 1.44269504f;
// Adding it rounds to an integer n and leaves n + 127, the exponent of 2^n, in the lowest bits.
constexpr float kRound = 12582912.0f + 127.0f;

// Operands of sigmoids come from L1 and their results go there.
constexpr int kVectors = 8;

__attribute__((target("avx2,fma"), always_inline)) inline __m256 sigmoid(__m256 x) {
  const __m256 shifted = _mm256_fmadd_ps(x, _mm256_set1_ps(-kLog2E), _mm256_set1_ps(kRound));
  const __m256 n = _mm256_sub_ps(shifted, _mm256_set1_ps(kRound));
  const __m256 f = _mm256_fmsub_ps(x, _mm256_set1_ps(-kLog2E), n);
  __m256 sum = _mm256_set1_ps(kPowers[0]);
#pragma GCC unroll 5
  for (int i = 1; i < 6; ++i) sum = _mm256_fmadd_ps(sum, f, _mm256_set1_ps(kPowers[i]));
  const __m256 power = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(shifted), 23));
  const __m256 one = _mm256_set1_ps(1.0f);
  return _mm256_div_ps(one, _mm256_fmadd_ps(sum, power, one));
}

// The division of so wide a vector takes longer than an approximation and a step of Newton's.
__attribute__((target("avx512f"), always_inline)) inline __m512 sigmoid(__m512 x) {
  const __m512 shifted = _mm512_fmadd_ps(x, _mm512_set1_ps(-kLog2E), _mm512_set1_ps(kRound));
  const __m512 n = _mm512_sub_ps(shifted, _mm512_set1_ps(kRound));
  const __m512 f = _mm512_fmsub_ps(x, _mm512_set1_ps(-kLog2E), n);
  __m512 sum = _mm512_set1_ps(kPowers[0]);
#pragma GCC unroll 5
  for (int i = 1; i < 6; ++i) sum = _mm512_fmadd_ps(sum, f, _mm512_set1_ps(kPowers[i]));
  const __m512 power = _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(shifted), 23));
  const __m512 one = _mm512_set1_ps(1.0f);
  const __m512 y = _mm512_fmadd_ps(sum, power, one);
  const __m512 r = _mm512_rcp14_ps(y);
  return _mm512_fmadd_ps(r, _mm512_fnmadd_ps(y, r, one), r);
}

// Beside each vector of sigmoids so many multiply-adds in chains of their own, which no sigmoid
// waits for.
constexpr int kBeside = 16;
#define FLASHRNN_CHAINS(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7)

template <int kMultiplyAdds>
__attribute__((target("avx2,fma"))) void sigmoids_avx2(long rounds) {
  alignas(64) float from[kVectors * 8] = {}, to[kVectors * 8];
  const __m256 x = _mm256_setzero_ps();
  __m256 a[8] = {};
  for (long i = 0; i < rounds; ++i) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
#pragma GCC unroll 2
      for (int j = 0; j < kMultiplyAdds / 8; ++j) {
#define M(k)                          \
  a[k] = _mm256_fmadd_ps(x, x, a[k]); \
  asm volatile("" : "+x"(a[k]));
        FLASHRNN_CHAINS(M)
#undef M
      }
      _mm256_store_ps(to + v * 8, sigmoid(_mm256_load_ps(from + v * 8)));
      asm volatile("" : : "r"(from), "r"(to) : "memory");
    }
  }
}

template <int kMultiplyAdds>
__attribute__((target("avx512f"))) void sigmoids_avx512(long rounds) {
  alignas(64) float from[kVectors * 16] = {}, to[kVectors * 16];
  const __m512 x = _mm512_setzero_ps();
  __m512 a[8] = {};
  for (long i = 0; i < rounds; ++i) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
#pragma GCC unroll 2
      for (int j = 0; j < kMultiplyAdds / 8; ++j) {
#define M(k)                          \
  a[k] = _mm512_fmadd_ps(x, x, a[k]); \
  asm volatile("" : "+v"(a[k]));
        FLASHRNN_CHAINS(M)
#undef M
      }
      _mm512_store_ps(to + v * 16, sigmoid(_mm512_load_ps(from + v * 16)));
      asm volatile("" : : "r"(from), "r"(to) : "memory");
    }
  }
}

bool has_avx512() { return __builtin_cpu_supports("avx512f"); }
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

}  // namespace

const std::vector<SigmoidKernel>& sigmoid_kernels() {
  static const std::vector<SigmoidKernel> kernels = {
      {"AVX-512, vrcp14ps", kVectors * 16, kVectors * kBeside * 16 * 2.0, sigmoids_avx512<0>,
       sigmoids_avx512<kBeside>, has_avx512},
      {"AVX2, vdivps", kVectors * 8, kVectors * kBeside * 8 * 2.0, sigmoids_avx2<0>,
       sigmoids_avx2<kBeside>, has_avx2},
  };
  return kernels;
}

}  // namespace flashrnn::bench

#endif  // defined(__x86_64__)
