// SPDX-License-Identifier: Apache-2.0
#include "host_array.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>
#include <thread>

namespace flashrnn::bench {
namespace {

// SplitMix64: any seed gives a good stream, whose numbers can be had out of order.
constexpr uint64_t kStep = 0x9e3779b97f4a7c15u;
uint64_t next(uint64_t& state) {
  uint64_t z = state += kStep;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

uint16_t to_bf16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if (std::isnan(value)) return 0x7fc0;
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

float from_bf16(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

uint16_t to_fp16(double value) {
  const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const double magnitude = std::fabs(value);
  if (std::isnan(value)) return 0x7e00;
  if (magnitude == 0) return sign;
  if (magnitude >= 65520.0) return sign | 0x7c00;
  int exponent = 0;
  std::frexp(magnitude, &exponent);
  // The spacing of the numbers around the value: 2^-24 below the smallest normal number 2^-14.
  const int spacing = std::max(exponent - 11, -24);
  const auto units = static_cast<uint32_t>(std::nearbyint(std::ldexp(magnitude, -spacing)));
  // Units count on through the binades: 1024 a binade, the subnormal numbers first.
  const uint32_t bits = units + (static_cast<uint32_t>(spacing + 24) << 10);
  return static_cast<uint16_t>(sign | bits);
}

double from_fp16(uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const int fraction = bits & 1023;
  double value = exponent == 0   ? std::ldexp(fraction, -24)
                 : exponent < 31 ? std::ldexp(fraction + 1024, exponent - 25)
                 : fraction == 0 ? INFINITY
                                 : NAN;
  return bits & 0x8000 ? -value : value;
}

template <typename Element, typename Convert>
void encode_as(const std::vector<double>& values, std::vector<std::byte>& bytes, Convert convert) {
  for (size_t i = 0; i < values.size(); ++i) {
    const Element element = convert(values[i]);
    std::memcpy(&bytes[i * sizeof(Element)], &element, sizeof(Element));
  }
}

template <typename Element, typename Convert>
void decode_as(const std::vector<std::byte>& bytes, std::vector<double>& values, Convert convert) {
  for (size_t i = 0; i < values.size(); ++i) {
    Element element;
    std::memcpy(&element, &bytes[i * sizeof(Element)], sizeof(Element));
    values[i] = convert(element);
  }
}

}  // namespace

std::vector<double> random_values(size_t count, double scale, uint64_t seed) {
  std::vector<double> values(count);
  for (double& value : values)
    value = scale * (static_cast<double>(next(seed) >> 11) * 0x1p-52 - 1.0);
  return values;
}

std::vector<std::byte> random_bytes(size_t count, double scale, uint64_t seed,
                                    flashrnn_dtype dtype) {
  constexpr size_t kBlock = 1 << 16;  // stays in cache
  const size_t size = flashrnn_dtype_size(dtype), blocks = (count + kBlock - 1) / kBlock;
  std::vector<std::byte> bytes(count * size);
  std::atomic<size_t> taken{0};
  const auto draw = [&] {
    for (size_t block = taken++; block < blocks; block = taken++) {
      const size_t first = block * kBlock;
      const std::vector<std::byte> part = encode(
          random_values(std::min(kBlock, count - first), scale, seed + first * kStep), dtype);
      std::copy(part.begin(), part.end(), bytes.begin() + static_cast<ptrdiff_t>(first * size));
    }
  };
  std::vector<std::thread> others;
  for (size_t i = 1; i < std::min<size_t>(std::thread::hardware_concurrency(), blocks); ++i)
    others.emplace_back(draw);
  draw();
  for (std::thread& other : others) other.join();
  return bytes;
}

std::vector<std::byte> encode(const std::vector<double>& values, flashrnn_dtype dtype) {
  std::vector<std::byte> bytes(values.size() * flashrnn_dtype_size(dtype));
  const auto cast = []<typename T>(T) { return [](double v) { return static_cast<T>(v); }; };
  switch (dtype) {
    case FLASHRNN_FLOAT32:
      encode_as<float>(values, bytes, cast(float{}));
      break;
    case FLASHRNN_FLOAT64:
      encode_as<double>(values, bytes, cast(double{}));
      break;
    case FLASHRNN_BFLOAT16:
      encode_as<uint16_t>(values, bytes, [](double v) { return to_bf16(v); });
      break;
    case FLASHRNN_FLOAT16:
      encode_as<uint16_t>(values, bytes, to_fp16);
      break;
    case FLASHRNN_UINT8:
      encode_as<uint8_t>(values, bytes, cast(uint8_t{}));
      break;
    case FLASHRNN_INT32:
      encode_as<int32_t>(values, bytes, cast(int32_t{}));
      break;
    case FLASHRNN_INT64:
      encode_as<int64_t>(values, bytes, cast(int64_t{}));
      break;
    default:
      break;
  }
  return bytes;
}

std::vector<double> decode(const std::vector<std::byte>& bytes, flashrnn_dtype dtype) {
  const size_t size = flashrnn_dtype_size(dtype);
  std::vector<double> values(size ? bytes.size() / size : 0);
  const auto same = [](auto v) { return static_cast<double>(v); };
  switch (dtype) {
    case FLASHRNN_FLOAT32:
      decode_as<float>(bytes, values, same);
      break;
    case FLASHRNN_FLOAT64:
      decode_as<double>(bytes, values, same);
      break;
    case FLASHRNN_BFLOAT16:
      decode_as<uint16_t>(bytes, values, from_bf16);
      break;
    case FLASHRNN_FLOAT16:
      decode_as<uint16_t>(bytes, values, from_fp16);
      break;
    case FLASHRNN_UINT8:
      decode_as<uint8_t>(bytes, values, same);
      break;
    case FLASHRNN_INT32:
      decode_as<int32_t>(bytes, values, same);
      break;
    case FLASHRNN_INT64:
      decode_as<int64_t>(bytes, values, same);
      break;
    default:
      break;
  }
  return values;
}

}  // namespace flashrnn::bench
