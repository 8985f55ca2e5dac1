// SPDX-License-Identifier: Apache-2.0
// Checks of the tensors and buffers of one call, and their strides made explicit. Nothing is
// written before finish().
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>

#include "backend/backend.hpp"
#include "flashrnn/flashrnn.h"

namespace flashrnn {

struct Axis {
  const char* name;
  int64_t size;
};

class CallChecker {
 public:
  enum class Need { kOptional, kRequired };

  Tensor input(const char* name, const flashrnn_tensor& tensor, DType dtype,
               std::initializer_list<Axis> shape, Need need);
  Tensor output(const char* name, const flashrnn_tensor& tensor, DType dtype,
                std::initializer_list<Axis> shape, Need need);
  // Refuses a tensor that this plan does not take, naming the rule.
  static void absent(const char* name, const flashrnn_tensor& tensor, const char* rule);
  std::byte* buffer(const char* name, void* data, size_t size, size_t needed, size_t alignment,
                    bool is_written);
  // The output may be just the tensor that the input is.
  void allow_same(const char* input_name, const char* output_name);
  // Throws where an output overlaps anything else.
  void finish() const;

 private:
  struct Region {
    const char* name;
    uintptr_t begin;
    uintptr_t end;  // one past the last byte
    bool is_written;
    Tensor tensor;  // data == nullptr for a buffer
  };

  Tensor check(const char* name, const flashrnn_tensor& tensor, DType dtype,
               std::initializer_list<Axis> shape, Need need, bool is_written);
  bool may_be_same(const Region& a, const Region& b) const;

  void add(const Region& region);

  // Fixed: running a plan does not allocate. The calls have at most 16 tensors and two buffers.
  std::array<Region, 20> regions_{};
  size_t count_ = 0;
  const char* same_input_ = nullptr;
  const char* same_output_ = nullptr;
};

}  // namespace flashrnn
