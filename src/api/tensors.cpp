// SPDX-License-Identifier: Apache-2.0
#include "api/tensors.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "api/error.hpp"

namespace flashrnn {

namespace {

// The elements of an output are distinct when, from the smallest stride up, each stride steps over
// all that lies below.
void require_distinct(const char* name, const Tensor& tensor, std::initializer_list<Axis> shape) {
  struct Step {
    int64_t stride;
    const Axis* axis;
  };
  std::array<Step, kMaxAxes> steps{};
  size_t count = 0;
  size_t index = 0;
  for (const Axis& axis : shape) {
    const int64_t stride = tensor.stride[index++];
    if (axis.size <= 1) continue;
    const Step step{stride < 0 ? -stride : stride, &axis};
    size_t place = count++;
    for (; place > 0 && steps[place - 1].stride > step.stride; --place)
      steps[place] = steps[place - 1];
    steps[place] = step;
  }
  int64_t reach = 0;
  for (size_t i = 0; i < count; ++i) {
    require(steps[i].stride > reach,
            "{} has stride {} on axis {}: must be more than {}, for its elements to be distinct",
            name, steps[i].stride, steps[i].axis->name, reach);
    reach += steps[i].stride * (steps[i].axis->size - 1);
  }
}

}  // namespace

Tensor CallChecker::input(const char* name, const flashrnn_tensor& tensor, DType dtype,
                          std::initializer_list<Axis> shape, Need need) {
  return check(name, tensor, dtype, shape, need, false);
}

Tensor CallChecker::output(const char* name, const flashrnn_tensor& tensor, DType dtype,
                           std::initializer_list<Axis> shape, Need need) {
  const Tensor checked = check(name, tensor, dtype, shape, need, true);
  if (checked) require_distinct(name, checked, shape);
  return checked;
}

Tensor CallChecker::check(const char* name, const flashrnn_tensor& tensor, DType dtype,
                          std::initializer_list<Axis> shape, Need need, bool is_written) {
  Tensor out;
  out.dtype = dtype;
  int64_t elements = 1;
  for (const Axis& axis : shape) {
    require(!__builtin_mul_overflow(elements, axis.size, &elements),
            "{} has more than 2^63 elements: must be addressable", name);
  }
  require(tensor.reserved == 0, "{}.reserved is {}: must be 0", name, tensor.reserved);
  if (tensor.data == nullptr) {
    require(need == Need::kOptional || elements == 0, "{}.data is NULL: this tensor is required",
            name);
    return out;
  }
  require(tensor.dtype == 0 || tensor.dtype == static_cast<int32_t>(dtype),
          "{}.dtype is {} ({}): must be {} ({}) as the plan has it, or 0", name, tensor.dtype,
          dtype_name(static_cast<DType>(tensor.dtype)), static_cast<int32_t>(dtype),
          dtype_name(dtype));
  for (size_t i = shape.size(); i < kMaxAxes; ++i) {
    require(tensor.stride[i] == 0, "{}.stride[{}] is {}: must be 0, the tensor has {} axes", name,
            i, tensor.stride[i], shape.size());
  }
  const auto address = reinterpret_cast<uintptr_t>(tensor.data);
  const auto size = static_cast<int64_t>(dtype_size(dtype));
  require(address % static_cast<uintptr_t>(size) == 0,
          "{}.data is {}: must be aligned to its element of {} bytes", name, fmt::ptr(tensor.data),
          size);
  if (elements == 0) return out;

  const bool is_packed =
      std::all_of(tensor.stride, tensor.stride + kMaxAxes, [](int64_t s) { return s == 0; });
  int64_t lowest = 0;
  int64_t highest = 0;
  int64_t packed = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    const Axis& axis = shape.begin()[i];
    out.stride[i] = is_packed ? packed : tensor.stride[i];
    packed *= axis.size;
    int64_t span = 0;
    int64_t& end = out.stride[i] < 0 ? lowest : highest;
    require(!__builtin_mul_overflow(out.stride[i], axis.size - 1, &span) &&
                !__builtin_add_overflow(end, span, &end),
            "{}.stride[{}] is {} over {} elements: offsets must fit 63 bits", name, i,
            out.stride[i], axis.size);
    // One element has no next: whatever the caller gives, kernels may multiply by it.
    if (axis.size == 1 && !is_packed) out.stride[i] = 0;
  }
  int64_t below = 0;
  int64_t above = 0;
  const bool fits = !__builtin_mul_overflow(lowest, size, &below) &&
                    !__builtin_mul_overflow(highest + 1, size, &above) && highest < INT64_MAX &&
                    static_cast<uintptr_t>(-below) <= address &&
                    static_cast<uintptr_t>(above) <= UINTPTR_MAX - address;
  require(fits, "{} spans elements {} to {}: its bytes must lie within the address space", name,
          lowest, highest);
  out.data = static_cast<std::byte*>(tensor.data);
  add({name, address - static_cast<uintptr_t>(-below), address + static_cast<uintptr_t>(above),
       is_written, out});
  return out;
}

void CallChecker::absent(const char* name, const flashrnn_tensor& tensor, const char* rule) {
  require(tensor.data == nullptr, "{}.data is {}: must be NULL, {}", name, fmt::ptr(tensor.data),
          rule);
}

std::byte* CallChecker::buffer(const char* name, void* data, size_t size, size_t needed,
                               size_t alignment, bool is_written) {
  require(size >= needed, "{}_size is {}: must be at least {}", name, size, needed);
  if (needed == 0) return nullptr;
  require(data != nullptr, "{} is NULL: must hold {} bytes", name, needed);
  const auto address = reinterpret_cast<uintptr_t>(data);
  require(address % alignment == 0, "{} is {}: must be aligned to {} bytes", name, fmt::ptr(data),
          alignment);
  require(needed <= UINTPTR_MAX - address, "{} of {} bytes: must lie within the address space",
          name, needed);
  add({name, address, address + needed, is_written, Tensor{}});
  return static_cast<std::byte*>(data);
}

void CallChecker::allow_same(const char* input_name, const char* output_name) {
  same_input_ = input_name;
  same_output_ = output_name;
}

void CallChecker::add(const Region& region) {
  if (count_ == regions_.size()) fail(Status::kInternal, "a call has more than {} regions", count_);
  regions_[count_++] = region;
}

bool CallChecker::may_be_same(const Region& a, const Region& b) const {
  if (same_input_ == nullptr || !a.tensor || a.tensor.data != b.tensor.data ||
      a.tensor.stride != b.tensor.stride) {
    return false;
  }
  // Regions are in the order of their checks: inputs before outputs.
  return std::strcmp(same_input_, a.name) == 0 && std::strcmp(same_output_, b.name) == 0;
}

void CallChecker::finish() const {
  for (size_t i = 0; i < count_; ++i) {
    for (size_t j = i + 1; j < count_; ++j) {
      const Region& a = regions_[i];
      const Region& b = regions_[j];
      if (!a.is_written && !b.is_written) continue;
      const bool is_apart = a.end <= b.begin || b.end <= a.begin;
      require(is_apart || may_be_same(a, b),
              "{} and {} overlap in memory: what is written must lie apart from all else", a.name,
              b.name);
    }
  }
}

}  // namespace flashrnn
