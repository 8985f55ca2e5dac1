// SPDX-License-Identifier: Apache-2.0
#include "gemm.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#if defined(__x86_64__)
#define FOR_ISA(isa) __attribute__((target(isa)))
#else
#define FOR_ISA(isa)
#endif

namespace examples {
namespace {

// Six rows of sixteen columns fill the registers of AVX2 (twelve of its sixteen) and keep AVX-512's
// adders busy.
constexpr int kRows = 6;
constexpr int kColumns = 16;
using Vector = float __attribute__((vector_size(kColumns * sizeof(float))));

// sums[6][16] = sum over k of a[k][6] * b[k][16], both packed.
__attribute__((always_inline)) inline void tile(int k, const float* a, const float* b,
                                                float* sums) {
  Vector s0{}, s1{}, s2{}, s3{}, s4{}, s5{};
  for (int i = 0; i < k; ++i, a += kRows, b += kColumns) {
    Vector v;
    std::memcpy(&v, b, sizeof v);
    s0 += a[0] * v;
    s1 += a[1] * v;
    s2 += a[2] * v;
    s3 += a[3] * v;
    s4 += a[4] * v;
    s5 += a[5] * v;
  }
  for (const Vector& s : {s0, s1, s2, s3, s4, s5}) {
    std::memcpy(sums, &s, sizeof s);
    sums += kColumns;
  }
}

// One source, compiled for three instruction sets; the best that the processor has is taken at run
// time.
FOR_ISA("avx512f,fma") void tile_avx512(int k, const float* a, const float* b, float* sums) {
  tile(k, a, b, sums);
}
FOR_ISA("avx2,fma") void tile_avx2(int k, const float* a, const float* b, float* sums) {
  tile(k, a, b, sums);
}
void tile_any(int k, const float* a, const float* b, float* sums) { tile(k, a, b, sums); }

using Tile = void (*)(int, const float*, const float*, float*);

Tile choose_tile() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return tile_avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return tile_avx2;
#endif
  return tile_any;
}

int up(int value, int step) { return (value + step - 1) / step; }

}  // namespace

void gemm(int m, int n, int k, Matrix a, Matrix b, float* c) {
  static const Tile run_tile = choose_tile();
  const int panels = up(n, kColumns);
  static thread_local std::vector<float>
      packed_b;  // kept, since a training loop asks for the same sizes again
  const std::size_t panel = static_cast<std::size_t>(k) * kColumns;
  packed_b.resize(panels * panel);
  float* const pb = packed_b.data();
#pragma omp parallel
  {
#pragma omp for
    for (int p = 0; p < panels; ++p) {
      const int width = std::min(kColumns, n - p * kColumns);
      for (int i = 0; i < k; ++i)
        for (int j = 0; j < kColumns; ++j)
          pb[p * panel + i * kColumns + j] =
              j < width ? b.data[i * b.row + (p * kColumns + j) * b.column] : 0.0f;
    }
    std::vector<float> pa(static_cast<std::size_t>(k) * kRows);
#pragma omp for
    for (int block = 0; block < up(m, kRows); ++block) {
      const int first = block * kRows, height = std::min(kRows, m - first);
      for (int i = 0; i < k; ++i)
        for (int r = 0; r < kRows; ++r)
          pa[i * kRows + r] = r < height ? a.data[(first + r) * a.row + i * a.column] : 0.0f;
      for (int p = 0; p < panels; ++p) {
        float sums[kRows * kColumns];
        run_tile(k, pa.data(), pb + p * panel, sums);
        const int width = std::min(kColumns, n - p * kColumns);
        for (int r = 0; r < height; ++r)
          for (int j = 0; j < width; ++j)
            c[static_cast<std::size_t>(first + r) * n + p * kColumns + j] = sums[r * kColumns + j];
      }
    }
  }
}

}  // namespace examples
