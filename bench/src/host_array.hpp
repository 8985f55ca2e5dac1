// SPDX-License-Identifier: Apache-2.0
// Tensor values on the host: random numbers, and their rounding to any dtype.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "flashrnn/flashrnn.h"

namespace flashrnn::bench {

// Uniform in [-scale, scale], the same for the same seed everywhere.
std::vector<double> random_values(size_t count, double scale, uint64_t seed);

// The same as the bytes of a dtype, drawn by as many threads as there are cores: inputs of a large
// problem are hundreds of millions of numbers.
std::vector<std::byte> random_bytes(size_t count, double scale, uint64_t seed,
                                    flashrnn_dtype dtype);

// To the bytes of a dtype (round to nearest even) and back.
std::vector<std::byte> encode(const std::vector<double>& values, flashrnn_dtype dtype);
std::vector<double> decode(const std::vector<std::byte>& bytes, flashrnn_dtype dtype);

}  // namespace flashrnn::bench
