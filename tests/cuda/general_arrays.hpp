// SPDX-License-Identifier: Apache-2.0
// Arrays of any strides with a copy on the host and one on the device, for the check of the general
// kernels.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <vector>

#include "cuda/general/launch.hpp"

namespace flashrnn::check {

using cuda::Index;
using cuda::View;

inline void require(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  std::printf("%s: %s\n", what, cudaGetErrorString(error));
  std::exit(1);
}

inline double rounded(int dtype, double value) {
  const float v = static_cast<float>(value);
  if (dtype == gpu::kBfloat16) return __bfloat162float(__float2bfloat16_rn(v));
  if (dtype == gpu::kFloat16) return __half2float(__float2half_rn(v));
  return dtype == gpu::kFloat32 ? v : value;
}

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 2654435761u + 88172645463325252u) {}
  uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }
  double uniform() { return double(next() >> 11) / double(1ull << 53) * 2 - 1; }  // -1 .. 1

 private:
  uint64_t state_;
};

enum class Layout { kPacked, kPaddedRows, kAwkward };

class Array {
 public:
  Array() = default;
  // kPaddedRows: the last axis has stride 1 and rows are padded to whole multiples of 8; kAwkward:
  // the axes lie in memory in the opposite order with gaps.
  Array(int dtype, std::initializer_list<int> dims, Layout layout = Layout::kPacked)
      : dtype_(dtype), dims_(dims), stride_(dims.size()) {
    Index at = 1;
    const int axes = int(dims_.size());
    for (int i = 0; i < axes; ++i) {
      const int axis = layout == Layout::kAwkward ? i : axes - 1 - i;
      stride_[axis] = layout == Layout::kAwkward && i == 0 ? 2 : at;
      at = stride_[axis] * std::max(dims_[axis], 1);
      if (layout == Layout::kAwkward) at += 3;
      if (layout == Layout::kPaddedRows && i == 0) at = (at + 7) / 8 * 8;
    }
    // All bits one: NaN in every dtype, so that what is never written is seen.
    host_.assign(size_t(at) * bytes() + 64, 0xff);
    require(cudaMalloc(&device_, host_.size()), "cudaMalloc");
    upload();
  }
  Array(Array&& other) noexcept { *this = std::move(other); }
  Array& operator=(Array&& other) noexcept {
    std::swap(dtype_, other.dtype_);
    std::swap(dims_, other.dims_);
    std::swap(stride_, other.stride_);
    std::swap(host_, other.host_);
    std::swap(device_, other.device_);
    return *this;
  }
  ~Array() { cudaFree(device_); }

  explicit operator bool() const { return device_ != nullptr; }
  int dim(int axis) const { return dims_[axis]; }
  void* device() const { return device_; }
  const std::vector<uint8_t>& host() const { return host_; }

  View view() const {
    View view{};
    view.data = device_;
    view.dtype = dtype_;
    for (size_t axis = 0; axis < stride_.size(); ++axis) view.stride[axis] = stride_[axis];
    return view;
  }

  template <typename... I>
  double at(I... index) const {
    const Index i = offset(index...);
    if (dtype_ == gpu::kFloat32) return read<float>(i);
    if (dtype_ == gpu::kBfloat16) return __bfloat162float(read<__nv_bfloat16>(i));
    if (dtype_ == gpu::kFloat16) return __half2float(read<__half>(i));
    if (dtype_ == cuda::kInt32) return read<int32_t>(i);
    if (dtype_ == cuda::kInt64) return double(read<int64_t>(i));
    return read<uint8_t>(i);
  }

  template <typename... I>
  void set(double value, I... index) {
    const Index i = offset(index...);
    if (dtype_ == gpu::kFloat32)
      write(i, float(value));
    else if (dtype_ == gpu::kBfloat16)
      write(i, __float2bfloat16_rn(float(value)));
    else if (dtype_ == gpu::kFloat16)
      write(i, __float2half_rn(float(value)));
    else if (dtype_ == cuda::kInt32)
      write(i, int32_t(value));
    else if (dtype_ == cuda::kInt64)
      write(i, int64_t(value));
    else
      write(i, uint8_t(value));
  }

  // Calls f with every index, as a vector.
  template <typename F>
  void for_each(F f) const {
    std::vector<int> index(dims_.size(), 0);
    for (int d : dims_) {
      if (d == 0) return;
    }
    for (;;) {
      f(index);
      int axis = int(dims_.size()) - 1;
      while (axis >= 0 && ++index[axis] == dims_[axis]) index[axis--] = 0;
      if (axis < 0) return;
    }
  }
  double at_index(const std::vector<int>& i) const {
    return i.size() == 5   ? at(i[0], i[1], i[2], i[3], i[4])
           : i.size() == 4 ? at(i[0], i[1], i[2], i[3])
           : i.size() == 3 ? at(i[0], i[1], i[2])
           : i.size() == 2 ? at(i[0], i[1])
                           : at(i[0]);
  }
  void set_index(const std::vector<int>& i, double v) {
    if (i.size() == 5) set(v, i[0], i[1], i[2], i[3], i[4]);
    if (i.size() == 4) set(v, i[0], i[1], i[2], i[3]);
    if (i.size() == 3) set(v, i[0], i[1], i[2]);
    if (i.size() == 2) set(v, i[0], i[1]);
    if (i.size() == 1) set(v, i[0]);
  }

  void fill(Random& random, double scale) {
    for_each([&](const std::vector<int>& i) { set_index(i, random.uniform() * scale); });
    upload();
  }
  void upload() {
    require(cudaMemcpy(device_, host_.data(), host_.size(), cudaMemcpyHostToDevice), "upload");
  }
  void download() {
    require(cudaMemcpy(host_.data(), device_, host_.size(), cudaMemcpyDeviceToHost), "download");
  }
  // All bits one again, on the device.
  void poison() { require(cudaMemset(device_, 0xff, host_.size()), "poison"); }

 private:
  size_t bytes() const {
    return dtype_ == gpu::kFloat32 || dtype_ == cuda::kInt32 ? 4
           : dtype_ == cuda::kInt64                          ? 8
           : dtype_ == cuda::kUint8                          ? 1
                                                             : 2;
  }
  template <typename... I>
  Index offset(I... index) const {
    Index sum = 0;
    size_t axis = 0;
    ((sum += Index(index) * stride_[axis++]), ...);
    return sum;
  }
  template <typename T>
  T read(Index i) const {
    T value;
    std::memcpy(&value, host_.data() + i * sizeof(T), sizeof(T));
    return value;
  }
  template <typename T>
  void write(Index i, T value) {
    std::memcpy(host_.data() + i * sizeof(T), &value, sizeof(T));
  }

  int dtype_ = 0;
  std::vector<int> dims_;
  std::vector<Index> stride_;
  std::vector<uint8_t> host_;
  void* device_ = nullptr;
};

// Device memory without a host's copy, filled with ones' bits.
class Buffer {
 public:
  explicit Buffer(size_t size) : size_(size + 64) {
    require(cudaMalloc(&data_, size_), "cudaMalloc");
    require(cudaMemset(data_, 0xff, size_), "cudaMemset");
  }
  Buffer(const Buffer&) = delete;
  ~Buffer() { cudaFree(data_); }
  void* data() const { return data_; }

 private:
  size_t size_;
  void* data_ = nullptr;
};

}  // namespace flashrnn::check
