// SPDX-License-Identifier: Apache-2.0
#include "tensor.hpp"

#include <algorithm>
#include <numeric>

#include "dtype.hpp"

namespace flashrnn::test {
namespace {

int64_t count(const std::vector<int64_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

}  // namespace

const char* name_of(Layout layout) {
  switch (layout) {
    case Layout::kPacked:
      return "packed";
    case Layout::kSwapped:
      return "swapped";
    case Layout::kSliced:
      return "sliced";
    case Layout::kStrange:
      return "strange";
    case Layout::kNegative:
      return "negative";
    case Layout::kBroadcast:
      return "broadcast";
  }
  return "?";
}

Tensor::Plan Tensor::plan(const std::vector<int64_t>& shape, Layout layout, Role role) {
  const size_t rank = shape.size();
  std::vector<size_t> order(rank);  // axes from the outermost to the innermost
  std::iota(order.begin(), order.end(), size_t{0});
  if (layout == Layout::kSwapped && rank > 1) std::swap(order[0], order[1]);
  if (layout == Layout::kStrange) std::reverse(order.begin(), order.end());

  Plan plan;
  plan.strides.assign(rank, 0);
  plan.spelt_out = layout != Layout::kPacked;
  int64_t stride = layout == Layout::kStrange ? 2 : 1;
  for (size_t k = rank; k-- > 0;) {
    plan.strides[order[k]] = stride;
    stride *= std::max<int64_t>(shape[order[k]], 1);
    const bool gap = layout == Layout::kStrange || layout == Layout::kSliced;
    if (gap) stride += layout == Layout::kStrange ? 3 : 4;
  }
  plan.extent = count(shape) == 0 ? 0 : stride;
  if (layout == Layout::kBroadcast && role == Role::kInput && rank > 1) plan.strides[0] = 0;
  if (layout == Layout::kNegative && plan.extent > 0) {
    for (size_t axis = 0; axis < rank; ++axis) {
      plan.first += (std::max<int64_t>(shape[axis], 1) - 1) * plan.strides[axis];
      plan.strides[axis] = -plan.strides[axis];
    }
  }
  return plan;
}

Tensor::Tensor(const Device& device, std::vector<int64_t> shape, flashrnn_dtype dtype,
               Layout layout, Role role)
    : shape_(std::move(shape)),
      dtype_(dtype),
      role_(role),
      plan_(plan(shape_, layout, role)),
      memory_(device, static_cast<size_t>(plan_.extent) * size_of(dtype), 256,
              layout == Layout::kStrange ? size_of(dtype) : 0),
      written_(memory_.size(), GuardedMemory::kPoison) {}

std::vector<size_t> Tensor::offsets() const {
  const size_t size = static_cast<size_t>(count(shape_));
  std::vector<size_t> result;
  result.reserve(size);
  std::vector<int64_t> index(shape_.size(), 0);
  int64_t at = plan_.first;
  for (size_t k = 0; k < size; ++k) {
    result.push_back(static_cast<size_t>(at) * size_of(dtype_));
    for (size_t axis = shape_.size(); axis-- > 0;) {
      at += plan_.strides[axis];
      if (++index[axis] < shape_[axis]) break;
      at -= plan_.strides[axis] * shape_[axis];
      index[axis] = 0;
    }
  }
  return result;
}

void Tensor::write(const std::vector<double>& values) {
  const std::vector<size_t> at = offsets();
  // Backwards, so that of the values that share a place the first one stays.
  for (size_t k = at.size(); k-- > 0;) store(values.at(k), dtype_, &written_[at[k]]);
  memory_.write(written_);
}

void Tensor::poison() {
  memory_.poison();
  std::fill(written_.begin(), written_.end(), GuardedMemory::kPoison);
}

std::vector<double> Tensor::read() const {
  const std::vector<uint8_t> bytes = memory_.read();
  std::vector<double> values;
  for (const size_t at : offsets()) values.push_back(load(dtype_, &bytes[at]));
  return values;
}

bool Tensor::intact() const {
  if (!memory_.guards_intact()) return false;
  std::vector<uint8_t> now = memory_.read();
  if (role_ == Role::kOutput) {  // elements may change, the rest may not
    for (const size_t at : offsets()) std::copy_n(&written_[at], size_of(dtype_), &now[at]);
  }
  return now == written_;
}

flashrnn_tensor Tensor::tensor() const {
  flashrnn_tensor tensor{};
  tensor.data =
      static_cast<uint8_t*>(memory_.data()) + static_cast<size_t>(plan_.first) * size_of(dtype_);
  tensor.dtype = dtype_;
  if (plan_.spelt_out) std::copy(plan_.strides.begin(), plan_.strides.end(), tensor.stride);
  return tensor;
}

}  // namespace flashrnn::test
