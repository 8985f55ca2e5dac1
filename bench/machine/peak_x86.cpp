// SPDX-License-Identifier: Apache-2.0
// Peak kernels of x86-64. Each function is compiled for its own instruction set by a target
// attribute and called only where the CPU has it, so one binary measures every machine.
#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "peak.hpp"

namespace flashrnn::bench {
namespace {

// Two FMA pipes of four to five cycles want ten chains or more. The empty asm makes the compiler
// keep each chain's value in a register and the loop as written; the inputs are 0 so that no value
// ever grows or turns subnormal.
#define FLASHRNN_CHAINS(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8) M(9) M(10) M(11)
constexpr double kChains = 12;

__attribute__((target("avx512f"))) void fp32_avx512(long rounds) {
  __m512 x = _mm512_setzero_ps();
  __m512 a[12] = {};
  for (long i = 0; i < rounds; ++i) {
#define M(k)                          \
  a[k] = _mm512_fmadd_ps(x, x, a[k]); \
  asm volatile("" : "+v"(a[k]));
    FLASHRNN_CHAINS(M)
#undef M
  }
}

__attribute__((target("avx512f"))) void fp64_avx512(long rounds) {
  __m512d x = _mm512_setzero_pd();
  __m512d a[12] = {};
  for (long i = 0; i < rounds; ++i) {
#define M(k)                          \
  a[k] = _mm512_fmadd_pd(x, x, a[k]); \
  asm volatile("" : "+v"(a[k]));
    FLASHRNN_CHAINS(M)
#undef M
  }
}

__attribute__((target("avx2,fma"))) void fp32_avx2(long rounds) {
  __m256 x = _mm256_setzero_ps();
  __m256 a[12] = {};
  for (long i = 0; i < rounds; ++i) {
#define M(k)                          \
  a[k] = _mm256_fmadd_ps(x, x, a[k]); \
  asm volatile("" : "+x"(a[k]));
    FLASHRNN_CHAINS(M)
#undef M
  }
}

__attribute__((target("avx2,fma"))) void fp64_avx2(long rounds) {
  __m256d x = _mm256_setzero_pd();
  __m256d a[12] = {};
  for (long i = 0; i < rounds; ++i) {
#define M(k)                          \
  a[k] = _mm256_fmadd_pd(x, x, a[k]); \
  asm volatile("" : "+x"(a[k]));
    FLASHRNN_CHAINS(M)
#undef M
  }
}

// Before FMA: one multiplication and one addition count as the same two operations.
void fp32_sse2(long rounds) {
  __m128 x = _mm_setzero_ps();
  __m128 a[12] = {};
  for (long i = 0; i < rounds; ++i) {
#define M(k)                                    \
  a[k] = _mm_add_ps(_mm_mul_ps(x, a[k]), a[k]); \
  asm volatile("" : "+x"(a[k]));
    FLASHRNN_CHAINS(M)
#undef M
  }
}

void fp64_sse2(long rounds) {
  __m128d x = _mm_setzero_pd();
  __m128d a[12] = {};
  for (long i = 0; i < rounds; ++i) {
#define M(k)                                    \
  a[k] = _mm_add_pd(_mm_mul_pd(x, a[k]), a[k]); \
  asm volatile("" : "+x"(a[k]));
    FLASHRNN_CHAINS(M)
#undef M
  }
}

__attribute__((target("avx512f,avx512bf16"))) void bf16_dot(long rounds) {
  __m512bh x = {};
  __m512 a[12] = {};
  for (long i = 0; i < rounds; ++i) {
#define M(k)                           \
  a[k] = _mm512_dpbf16_ps(a[k], x, x); \
  asm volatile("" : "+v"(a[k]));
    FLASHRNN_CHAINS(M)
#undef M
  }
}

struct alignas(64) TileConfig {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t bytes_per_row[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

__attribute__((target("amx-tile,amx-bf16"))) void bf16_amx(long rounds) {
  // Static, because GCC's intrinsic tells the optimiser of the first eight bytes only.
  static const TileConfig config;
  _tile_loadconfig(&config);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_zero(4);
  _tile_zero(5);
  _tile_zero(6);
  _tile_zero(7);
  for (long i = 0; i < rounds; ++i) {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_release();
}

bool has_avx512() { return __builtin_cpu_supports("avx512f"); }
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
bool has_sse2() { return true; }
bool has_bf16_dot() { return has_avx512() && __builtin_cpu_supports("avx512bf16"); }

bool has_amx() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned kBf16 = 1u << 22, kTile = 1u << 24;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d & kBf16) || !(d & kTile)) return false;
  // Linux hands out the tile registers on request only.
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

}  // namespace

const std::vector<PeakKernel>& peak_kernels() {
  static const std::vector<PeakKernel> kernels = {
      {"fma_fp32", "AVX-512 vfmadd231ps", kChains * 16 * 2, fp32_avx512, has_avx512},
      {"fma_fp32", "AVX2 vfmadd231ps", kChains * 8 * 2, fp32_avx2, has_avx2},
      {"fma_fp32", "SSE2 mulps + addps", kChains * 4 * 2, fp32_sse2, has_sse2},
      {"fma_fp64", "AVX-512 vfmadd231pd", kChains * 8 * 2, fp64_avx512, has_avx512},
      {"fma_fp64", "AVX2 vfmadd231pd", kChains * 4 * 2, fp64_avx2, has_avx2},
      {"fma_fp64", "SSE2 mulpd + addpd", kChains * 2 * 2, fp64_sse2, has_sse2},
      {"dot_bf16", "AVX-512 vdpbf16ps", kChains * 32 * 2, bf16_dot, has_bf16_dot},
      {"amx_bf16", "AMX tdpbf16ps", 4.0 * 16 * 16 * 32 * 2, bf16_amx, has_amx},
  };
  return kernels;
}

}  // namespace flashrnn::bench

#endif  // defined(__x86_64__)
