// SPDX-License-Identifier: Apache-2.0
// Scalars for the portable algorithm: the dialect's intrinsics and the loads and stores of every
// element type. Compiles for every Kokkos space.
#pragma once

#include <Kokkos_Core.hpp>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "backend/backend.hpp"
#include "cells/traits.hpp"

namespace flashrnn::portable {

template <typename To, typename From>
KOKKOS_INLINE_FUNCTION To bits_as(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  memcpy(&to, &from, sizeof(To));
  return to;
}

KOKKOS_INLINE_FUNCTION float from_bfloat16(uint16_t bits) {
  return bits_as<float>(static_cast<uint32_t>(bits) << 16);
}

// To the nearest, ties to even; NaN stays NaN.
KOKKOS_INLINE_FUNCTION uint16_t to_bfloat16(float value) {
  const auto bits = bits_as<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>(bits >> 16 | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

KOKKOS_INLINE_FUNCTION float from_float16(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  const uint32_t exponent = bits >> 10 & 0x1fu;
  const uint32_t mantissa = bits & 0x3ffu;
  if (exponent == 0x1f) return bits_as<float>(sign | 0x7f800000u | mantissa << 13);
  if (exponent != 0) return bits_as<float>(sign | (exponent + 112u) << 23 | mantissa << 13);
  const float subnormal = static_cast<float>(mantissa) * 5.9604644775390625e-8f;  // 2^-24
  return sign != 0 ? -subnormal : subnormal;
}

KOKKOS_INLINE_FUNCTION uint16_t to_float16(float value) {
  const auto bits = bits_as<uint32_t>(value);
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000u);
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<uint16_t>(sign | 0x7e00u);
  if (magnitude >= 0x477ff000u) return static_cast<uint16_t>(sign | 0x7c00u);  // rounds past 65504
  if (magnitude < 0x38800000u) {  // below 2^-14: a multiple of 2^-24
    const float scaled = bits_as<float>(magnitude) * 16777216.0f;  // exact
    const auto floor = static_cast<uint32_t>(scaled);
    const float rest = scaled - static_cast<float>(floor);
    const bool up = rest > 0.5f || (rest == 0.5f && (floor & 1u) != 0);
    return static_cast<uint16_t>(sign | (floor + (up ? 1u : 0u)));
  }
  const uint32_t rounded = magnitude + 0xfffu + (magnitude >> 13 & 1u) - 0x38000000u;
  return static_cast<uint16_t>(sign | rounded >> 13);
}

template <typename Real>
KOKKOS_INLINE_FUNCTION Real load(const void* data, DType dtype, int64_t index) {
  switch (dtype) {
    case DType::kFloat32:
      return static_cast<Real>(static_cast<const float*>(data)[index]);
    case DType::kBfloat16:
      return static_cast<Real>(from_bfloat16(static_cast<const uint16_t*>(data)[index]));
    case DType::kFloat16:
      return static_cast<Real>(from_float16(static_cast<const uint16_t*>(data)[index]));
    default:
      return static_cast<Real>(static_cast<const double*>(data)[index]);
  }
}

template <typename Real>
KOKKOS_INLINE_FUNCTION void store(void* data, DType dtype, int64_t index, Real value) {
  switch (dtype) {
    case DType::kFloat32:
      static_cast<float*>(data)[index] = static_cast<float>(value);
      return;
    case DType::kBfloat16:
      static_cast<uint16_t*>(data)[index] = to_bfloat16(static_cast<float>(value));
      return;
    case DType::kFloat16:
      static_cast<uint16_t*>(data)[index] = to_float16(static_cast<float>(value));
      return;
    default:
      static_cast<double*>(data)[index] = static_cast<double>(value);
  }
}

// The value after a round trip through dtype.
template <typename Real>
KOKKOS_INLINE_FUNCTION Real rounded_to(DType dtype, Real value) {
  switch (dtype) {
    case DType::kBfloat16:
      return static_cast<Real>(from_bfloat16(to_bfloat16(static_cast<float>(value))));
    case DType::kFloat16:
      return static_cast<Real>(from_float16(to_float16(static_cast<float>(value))));
    default:
      return value;
  }
}

template <typename Real>
KOKKOS_INLINE_FUNCTION Real clamp(Real value, Real limit) {
  return value > limit ? limit : (value < -limit ? -limit : value);
}

#define CELL_FUNCTION KOKKOS_INLINE_FUNCTION

// A cell need not use every argument that the dialect gives it.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"

namespace single {
using real = float;
#include "core/portable/intrinsics.inl"
// clang-format off
#include "all_cells.inl"
#include "cells/adapters.inl"
// clang-format on
}  // namespace single

namespace twofold {
using real = double;
#include "core/portable/intrinsics.inl"
// clang-format off
#include "all_cells.inl"
#include "cells/adapters.inl"
// clang-format on
}  // namespace twofold

#pragma GCC diagnostic pop

#undef CELL_FUNCTION

}  // namespace flashrnn::portable
