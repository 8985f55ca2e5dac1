// SPDX-License-Identifier: Apache-2.0
// Carves named pieces out of one buffer, so that what is asked for and what is used cannot drift
// apart: the same code walks the pieces with a null base to find the size.
#pragma once

#include <cstddef>
#include <cstdint>

namespace flashrnn {

class Layout {
 public:
  static constexpr size_t kAlignment = 64;

  // Pieces begin at multiples of `alignment` from the base.
  explicit Layout(std::byte* base, size_t alignment = kAlignment)
      : base_(base), alignment_(alignment) {}

  template <typename T>
  T* take(int64_t count) {
    T* piece = base_ == nullptr ? nullptr : reinterpret_cast<T*>(base_ + size_);
    size_ += (static_cast<size_t>(count) * sizeof(T) + alignment_ - 1) / alignment_ * alignment_;
    return piece;
  }

  size_t size() const { return size_; }

 private:
  std::byte* base_;
  size_t alignment_;
  size_t size_ = 0;
};

}  // namespace flashrnn
