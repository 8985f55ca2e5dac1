// SPDX-License-Identifier: Apache-2.0
// Elements of every dtype as bytes.
#ifndef FLASHRNN_TESTS_SUPPORT_DTYPE_HPP_
#define FLASHRNN_TESTS_SUPPORT_DTYPE_HPP_

#include <cstddef>

#include "flashrnn/flashrnn.h"

namespace flashrnn::test {

// Writes value, rounded to the nearest of dtype, to `bytes`; the integer dtypes take whole numbers.
void store(double value, flashrnn_dtype dtype, void* bytes);
double load(flashrnn_dtype dtype, const void* bytes);

size_t size_of(flashrnn_dtype dtype);
const char* name_of(flashrnn_dtype dtype);

}  // namespace flashrnn::test

#endif  // FLASHRNN_TESTS_SUPPORT_DTYPE_HPP_
