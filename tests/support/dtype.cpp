// SPDX-License-Identifier: Apache-2.0
#include "dtype.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>

#include "oracle.hpp"

namespace flashrnn::test {
namespace {

template <class T>
void put(T value, void* bytes) {
  std::memcpy(bytes, &value, sizeof value);
}

template <class T>
T get(const void* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

uint16_t float16_bits(double rounded) {
  const uint16_t sign = std::signbit(rounded) ? 0x8000 : 0;
  const double size = std::fabs(rounded);
  if (std::isnan(size)) return 0x7e00;
  if (std::isinf(size)) return static_cast<uint16_t>(sign | 0x7c00);
  if (size < 0x1p-14)
    return static_cast<uint16_t>(sign | static_cast<int>(size * 0x1p24));  // subnormal
  const int exponent = std::ilogb(size);
  const int mantissa = static_cast<int>(std::ldexp(size, 10 - exponent)) - 1024;
  return static_cast<uint16_t>(sign | ((exponent + 15) << 10) | mantissa);
}

double float16_value(uint16_t bits) {
  const double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0;
  const int exponent = (bits >> 10) & 31, mantissa = bits & 1023;
  if (exponent == 31) {
    return mantissa != 0 ? std::numeric_limits<double>::quiet_NaN()
                         : sign * std::numeric_limits<double>::infinity();
  }
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  return sign * std::ldexp(1024 + mantissa, exponent - 25);
}

}  // namespace

void store(double value, flashrnn_dtype dtype, void* bytes) {
  switch (dtype) {
    case FLASHRNN_FLOAT32:
      return put(static_cast<float>(value), bytes);
    case FLASHRNN_FLOAT64:
      return put(value, bytes);
    case FLASHRNN_FLOAT16:
      return put(float16_bits(oracle::round_to(value, dtype)), bytes);
    case FLASHRNN_BFLOAT16: {
      const float rounded = static_cast<float>(oracle::round_to(value, dtype));
      return put(static_cast<uint16_t>(get<uint32_t>(&rounded) >> 16), bytes);
    }
    case FLASHRNN_UINT8:
      return put(static_cast<uint8_t>(value), bytes);
    case FLASHRNN_INT32:
      return put(static_cast<int32_t>(value), bytes);
    case FLASHRNN_INT64:
      return put(static_cast<int64_t>(value), bytes);
    default:
      throw std::invalid_argument("no dtype: " + std::to_string(dtype));
  }
}

double load(flashrnn_dtype dtype, const void* bytes) {
  switch (dtype) {
    case FLASHRNN_FLOAT32:
      return get<float>(bytes);
    case FLASHRNN_FLOAT64:
      return get<double>(bytes);
    case FLASHRNN_FLOAT16:
      return float16_value(get<uint16_t>(bytes));
    case FLASHRNN_BFLOAT16: {
      const uint32_t bits = static_cast<uint32_t>(get<uint16_t>(bytes)) << 16;
      return get<float>(&bits);
    }
    case FLASHRNN_UINT8:
      return get<uint8_t>(bytes);
    case FLASHRNN_INT32:
      return get<int32_t>(bytes);
    case FLASHRNN_INT64:
      return static_cast<double>(get<int64_t>(bytes));
    default:
      throw std::invalid_argument("no dtype: " + std::to_string(dtype));
  }
}

size_t size_of(flashrnn_dtype dtype) {
  switch (dtype) {
    case FLASHRNN_FLOAT64:
    case FLASHRNN_INT64:
      return 8;
    case FLASHRNN_FLOAT32:
    case FLASHRNN_INT32:
      return 4;
    case FLASHRNN_FLOAT16:
    case FLASHRNN_BFLOAT16:
      return 2;
    case FLASHRNN_UINT8:
      return 1;
    default:
      throw std::invalid_argument("no dtype: " + std::to_string(dtype));
  }
}

const char* name_of(flashrnn_dtype dtype) {
  switch (dtype) {
    case FLASHRNN_FLOAT64:
      return "f64";
    case FLASHRNN_FLOAT32:
      return "f32";
    case FLASHRNN_FLOAT16:
      return "f16";
    case FLASHRNN_BFLOAT16:
      return "bf16";
    case FLASHRNN_UINT8:
      return "u8";
    case FLASHRNN_INT32:
      return "i32";
    case FLASHRNN_INT64:
      return "i64";
    default:
      return "default";
  }
}

}  // namespace flashrnn::test
