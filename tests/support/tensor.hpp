// SPDX-License-Identifier: Apache-2.0
// Tensors in awkward layouts, on a device.
#ifndef FLASHRNN_TESTS_SUPPORT_TENSOR_HPP_
#define FLASHRNN_TESTS_SUPPORT_TENSOR_HPP_

#include <cstdint>
#include <memory>
#include <vector>

#include "device.hpp"
#include "flashrnn/flashrnn.h"

namespace flashrnn::test {

enum class Layout {
  kPacked,     // all strides given as zero
  kSwapped,    // the first two axes change places, as in [T, B, G, N, D]; strides given
  kSliced,     // the last axis is contiguous, every other one has a gap
  kStrange,    // the first axis is innermost, gaps everywhere, aligned to the element only
  kNegative,   // packed backwards: every stride is negative
  kBroadcast,  // inputs: the first axis has stride zero; outputs: packed with the strides spelt out
};
inline constexpr Layout kLayouts[] = {Layout::kPacked,  Layout::kSwapped,  Layout::kSliced,
                                      Layout::kStrange, Layout::kNegative, Layout::kBroadcast};
const char* name_of(Layout layout);

enum class Role { kInput, kOutput };

class Tensor {
 public:
  // Poisoned, gaps and guards included.
  Tensor(const Device& device, std::vector<int64_t> shape, flashrnn_dtype dtype, Layout layout,
         Role role);

  // Takes packed values. Where an axis is broadcast the first of its values is taken for all.
  void write(const std::vector<double>& values);
  void poison();
  // The values on the device, packed.
  std::vector<double> read() const;
  // The bytes on the device, gaps included.
  std::vector<uint8_t> bytes() const { return memory_.read(); }
  const GuardedMemory& memory() const { return memory_; }
  // True while guards and gaps hold what they held, and for an input the elements too.
  bool intact() const;

  // What a call takes.
  flashrnn_tensor tensor() const;
  size_t bytes_count() const { return memory_.size(); }
  const std::vector<int64_t>& shape() const { return shape_; }

 private:
  struct Plan {  // where the elements lie, in elements
    std::vector<int64_t> strides;
    int64_t first = 0;  // of element (0, 0, ...)
    int64_t extent = 0;
    bool spelt_out = true;
  };
  static Plan plan(const std::vector<int64_t>& shape, Layout layout, Role role);
  std::vector<size_t> offsets() const;  // in bytes, of every element in packed order

  std::vector<int64_t> shape_;
  flashrnn_dtype dtype_;
  Role role_;
  Plan plan_;
  GuardedMemory memory_;
  std::vector<uint8_t> written_;  // what memory_ held after the last write or poison
};

}  // namespace flashrnn::test

#endif  // FLASHRNN_TESTS_SUPPORT_TENSOR_HPP_
