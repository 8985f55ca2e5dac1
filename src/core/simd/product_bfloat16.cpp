// SPDX-License-Identifier: Apache-2.0
// Products of bfloat16 pairs on x86-64: AVX512_BF16's dot product and AMX_BF16's tiles. Highway has
// neither in the versions that distributions ship, so these are written in the compiler's
// intrinsics.
#include "core/simd/product_kind.hpp"
#include "core/simd/targets.hpp"
#include "core/simd/tiles.hpp"

#if defined(__x86_64__) && defined(__linux__)

#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

namespace flashrnn::simd {

namespace {

constexpr int64_t kLanes = 16;

// Which parts of the register file the system saves: XCR0, as XGETBV gives it.
__attribute__((target("xsave"))) uint64_t enabled_state() { return _xgetbv(0); }

struct Features {
  bool has_dot = false;
  bool has_tile = false;

  Features() {
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & bit_OSXSAVE) == 0) return;
    const uint64_t state = enabled_state();
    const bool has_zmm = (state & 0xe6) == 0xe6;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return;
    const bool has_avx512 = has_zmm && (b & bit_AVX512F) != 0;
    const bool has_amx = (d & (1u << 22)) != 0 && (d & (1u << 24)) != 0;
    if (__get_cpuid_count(7, 1, &a, &b, &c, &d) != 0) has_dot = has_avx512 && (a & (1u << 5)) != 0;
    if (has_amx && has_zmm && (state & 0x60000) == 0x60000) {
      // Linux gives the tile registers to a process that asks: ARCH_REQ_XCOMP_PERM for XTILEDATA.
      has_tile = syscall(SYS_arch_prctl, 0x1023, 18) == 0;
    }
  }
};

const Features& features() {
  static const Features instance;
  return instance;
}

// The compilers have different words for what a few functions may use.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16,fma"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512bf16,fma")
#endif

template <int kRows, int kColumns>
void dot_micro(const Product& p, const uint16_t* panel, const uint16_t* x, float* sum) {
  const int64_t panel_stride = p.panel_stride * 2;
  __m512 sums[kRows][kColumns];
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 12
    for (int c = 0; c < kColumns; ++c) {
      sums[r][c] = p.accumulate
                       ? _mm512_load_ps(sum + r * p.sum_row_stride + c * p.sum_column_stride)
                       : _mm512_setzero_ps();
    }
  }
  for (int64_t k = 0; k < p.depth; k += 2) {
    __m512bh rows[kRows];
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      rows[r] = reinterpret_cast<__m512bh>(_mm512_load_si512(panel + r * kLanes * 2));
    }
#pragma GCC unroll 12
    for (int c = 0; c < kColumns; ++c) {
      int pair = 0;
      __builtin_memcpy(&pair, x + c * p.x_column_stride + k, sizeof(pair));
      const auto broadcast = reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) sums[r][c] = _mm512_dpbf16_ps(sums[r][c], rows[r], broadcast);
    }
    panel += panel_stride;
  }
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 12
    for (int c = 0; c < kColumns; ++c) {
      _mm512_store_ps(sum + r * p.sum_row_stride + c * p.sum_column_stride, sums[r][c]);
    }
  }
}

template <int kRows, int... kColumns>
void dot_columns(const Product& p, const uint16_t* panel, float* sum,
                 std::integer_sequence<int, kColumns...>) {
  using Micro = void (*)(const Product&, const uint16_t*, const uint16_t*, float*);
  static constexpr Micro kTable[] = {&dot_micro<kRows, kColumns + 1>...};
  constexpr int64_t kWidest = sizeof...(kColumns);
  const int64_t parts = (p.columns + kWidest - 1) / kWidest;
  const auto* x = static_cast<const uint16_t*>(p.x);
  int64_t begin = 0;
  for (int64_t part = 0; part < parts; ++part) {
    const int64_t end = p.columns * (part + 1) / parts;
    kTable[end - begin - 1](p, panel, x + begin * p.x_column_stride,
                            sum + begin * p.sum_column_stride);
    begin = end;
  }
}

void dot_product(const Product& p) {
  const auto* panel = static_cast<const uint16_t*>(p.panel);
  auto* sum = static_cast<float*>(p.sum);
  for (int64_t row = 0; row < p.row_vectors; row += 4) {
    switch (p.row_vectors - row) {
      case 1:
        dot_columns<1>(p, panel, sum, std::make_integer_sequence<int, 12>());
        break;
      case 2:
        dot_columns<2>(p, panel, sum, std::make_integer_sequence<int, 12>());
        break;
      case 3:
        dot_columns<3>(p, panel, sum, std::make_integer_sequence<int, 8>());
        break;
      default:
        dot_columns<4>(p, panel, sum, std::make_integer_sequence<int, 6>());
    }
    panel += 4 * kLanes * 2;
    sum += 4 * p.sum_row_stride;
  }
}

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("amx-tile,amx-bf16"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("amx-tile,amx-bf16")
#endif

// Tiles 0 to 3 hold sums, one a row vector: columns x 16 floats. Tile 4 holds x: columns x 32 of
// depth. Tiles 5 and 6 hold the panel: 16 pairs of depth x 16 lanes.
template <int kRows>
void tile_block(const Product& p, const std::byte* panel, float* sum) {
  const auto* x = static_cast<const uint16_t*>(p.x);
  const auto x_stride = static_cast<size_t>(p.x_column_stride * 2);
  const auto panel_stride = static_cast<size_t>(p.panel_stride * 4);
  _tile_zero(0);
  if constexpr (kRows > 1) _tile_zero(1);
  if constexpr (kRows > 2) _tile_zero(2);
  if constexpr (kRows > 3) _tile_zero(3);
  for (int64_t k = 0; k < p.depth; k += 32) {
    _tile_loadd(4, x + k, x_stride);
    _tile_loadd(5, panel, panel_stride);
    _tile_dpbf16ps(0, 4, 5);
    if constexpr (kRows > 1) {
      _tile_loadd(6, panel + 64, panel_stride);
      _tile_dpbf16ps(1, 4, 6);
    }
    if constexpr (kRows > 2) {
      _tile_loadd(5, panel + 128, panel_stride);
      _tile_dpbf16ps(2, 4, 5);
    }
    if constexpr (kRows > 3) {
      _tile_loadd(6, panel + 192, panel_stride);
      _tile_dpbf16ps(3, 4, 6);
    }
    panel += 16 * panel_stride;
  }
  const auto sum_stride = static_cast<size_t>(p.sum_column_stride * 4);
  _tile_stored(0, sum, sum_stride);
  if constexpr (kRows > 1) _tile_stored(1, sum + p.sum_row_stride, sum_stride);
  if constexpr (kRows > 2) _tile_stored(2, sum + 2 * p.sum_row_stride, sum_stride);
  if constexpr (kRows > 3) _tile_stored(3, sum + 3 * p.sum_row_stride, sum_stride);
}

// All of depth at once (accumulate is not looked at); columns are those that the TileUnit was made
// for.
void tile_product(const Product& p) {
  const auto* panel = static_cast<const std::byte*>(p.panel);
  auto* sum = static_cast<float*>(p.sum);
  for (int64_t row = 0; row < p.row_vectors; row += 4) {
    switch (p.row_vectors - row) {
      case 1:
        tile_block<1>(p, panel, sum);
        break;
      case 2:
        tile_block<2>(p, panel, sum);
        break;
      case 3:
        tile_block<3>(p, panel, sum);
        break;
      default:
        tile_block<4>(p, panel, sum);
    }
    panel += 4 * 64;
    sum += 4 * p.sum_row_stride;
  }
}

// Intel SDM, volume 1, "TILECFG".
struct alignas(64) TileConfig {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};
};

void configure_tiles(int64_t columns) {
  TileConfig config;
  for (int tile = 0; tile < 7; ++tile) {
    config.row_bytes[tile] = 64;
    config.rows[tile] = tile < 5 ? static_cast<uint8_t>(columns) : 16;
  }
  // The intrinsic tells the compiler of the first eight bytes only: it would leave out the other
  // stores.
  __asm__ volatile("" : : "r"(&config) : "memory");
  _tile_loadconfig(&config);
}

void release_tiles() { _tile_release(); }

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

}  // namespace

bool has_product(ProductKind kind) {
  if (kind == ProductKind::kDot) return features().has_dot;
  if (kind == ProductKind::kTile) return features().has_tile && features().has_dot;
  return true;
}

ProductFunction product_function(ProductKind kind, DType dtype, int64_t target) {
  if (kind == ProductKind::kDot) return &dot_product;
  if (kind == ProductKind::kTile) return &tile_product;
  const ProductKernels& kernels = product_kernels(target);
  return dtype == DType::kFloat64 ? kernels.f64 : kernels.f32;
}

int64_t block_rows(ProductKind kind, int64_t target) {
  return kind == ProductKind::kFma ? product_kernels(target).block_rows : 4;
}

TileUnit::TileUnit(ProductKind kind, int64_t columns) : is_on_(kind == ProductKind::kTile) {
  if (is_on_) configure_tiles(columns);
}

TileUnit::~TileUnit() {
  if (is_on_) release_tiles();
}

}  // namespace flashrnn::simd

#else

namespace flashrnn::simd {

bool has_product(ProductKind kind) { return kind == ProductKind::kFma; }

ProductFunction product_function(ProductKind, DType dtype, int64_t target) {
  const ProductKernels& kernels = product_kernels(target);
  return dtype == DType::kFloat64 ? kernels.f64 : kernels.f32;
}

int64_t block_rows(ProductKind, int64_t target) { return product_kernels(target).block_rows; }

TileUnit::TileUnit(ProductKind, int64_t) : is_on_(false) {}
TileUnit::~TileUnit() = default;

}  // namespace flashrnn::simd

#endif
