// SPDX-License-Identifier: Apache-2.0
// Part of flashrnn.hpp: views of tensors, and the check that the elements behind them suffice.
#ifndef FLASHRNN_TENSOR_HPP_
#define FLASHRNN_TENSOR_HPP_

#include <flashrnn/device.hpp>
#include <initializer_list>
#include <ranges>
#include <type_traits>

// Strides are in elements, one per axis of the argument that the view is given for; none means
// packed in the order of axes that the argument states. 0 broadcasts an input.
namespace flashrnn {

namespace detail {

template <class T>
constexpr flashrnn_dtype dtype_of() {
  using U = std::remove_cv_t<T>;
  if constexpr (std::is_same_v<U, float>) return FLASHRNN_FLOAT32;
  if constexpr (std::is_same_v<U, double>) return FLASHRNN_FLOAT64;
  if constexpr (std::is_same_v<U, std::uint8_t>) return FLASHRNN_UINT8;
  if constexpr (std::is_same_v<U, std::int32_t>) return FLASHRNN_INT32;
  if constexpr (std::is_same_v<U, std::int64_t>) return FLASHRNN_INT64;
  return FLASHRNN_DTYPE_DEFAULT;
}

template <class T>
inline constexpr bool is_element = dtype_of<T>() != FLASHRNN_DTYPE_DEFAULT;
template <class T>
concept Element = is_element<T>;
template <class R>
concept Readable = std::ranges::contiguous_range<R> && is_element<std::ranges::range_value_t<R>>;
template <class R>
inline constexpr bool is_const_range =
    std::is_const_v<std::remove_reference_t<std::ranges::range_reference_t<R>>>;
template <class R>
concept Writable = Readable<R> && !is_const_range<R>;

// What Input and Output share: the C tensor, and how many elements lie behind it (-1: not known).
struct View {
  flashrnn_tensor tensor{};
  std::int64_t count = -1;

  View() = default;
  View(const void* data, flashrnn_dtype dtype, std::int64_t elements,
       std::initializer_list<std::int64_t> strides)
      : count(elements) {
    if (strides.size() > FLASHRNN_MAX_AXES)
      throw Error(FLASHRNN_INVALID_ARGUMENT, std::to_string(strides.size()) +
                                                 " strides: a tensor has at most " +
                                                 std::to_string(FLASHRNN_MAX_AXES) + " axes");
    // The C struct is used for inputs as well, and the library only reads those.
    tensor.data = const_cast<void*>(data);
    tensor.dtype = dtype;
    std::size_t axis = 0;
    for (std::int64_t stride : strides) tensor.stride[axis++] = stride;
  }

  // The C tensor, once the elements behind it are seen to suffice for `shape`.
  flashrnn_tensor checked(const char* name, std::initializer_list<std::int64_t> shape) const {
    if (count < 0 || tensor.data == nullptr) return tensor;
    bool packed = true;
    for (std::int64_t stride : tensor.stride) packed = packed && stride == 0;
    std::int64_t product = 1, low = 0, high = 0;  // offsets of the first and last element in use
    std::size_t axis = 0;
    for (std::int64_t extent : shape) {
      product *= extent;
      const std::int64_t reach = (extent - 1) * tensor.stride[axis++];
      (reach < 0 ? low : high) += reach;
    }
    if (packed) high = product - 1;
    if (product > 0 && (low < 0 || high >= count))
      throw Error(FLASHRNN_INVALID_ARGUMENT,
                  std::string(name) + ": its shape and strides reach from element " +
                      std::to_string(low) + " to " + std::to_string(high) +
                      ", and the range given has elements 0 to " + std::to_string(count - 1));
    return tensor;
  }
};

}  // namespace detail

// A tensor that is written, or written and read. Absent where default-constructed.
struct Output : detail::View {
  Output() = default;
  template <detail::Writable R>  // which an Output is not, so this hides no copy
  // NOLINTNEXTLINE(bugprone-forwarding-reference-overload)
  Output(R&& range, std::initializer_list<std::int64_t> strides = {})
      : View(std::ranges::data(range), detail::dtype_of<std::ranges::range_value_t<R>>(),
             static_cast<std::int64_t>(std::ranges::size(range)), strides) {}
  // Any address and dtype, not checked against the shape.
  Output(void* data, flashrnn_dtype dtype, std::initializer_list<std::int64_t> strides = {})
      : View(data, dtype, -1, strides) {}
};

// A tensor that is only read. Absent where default-constructed. An Output is an Input too.
struct Input : detail::View {
  Input() = default;
  Input(const Output& output) : View(output) {}
  template <detail::Readable R>
  Input(const R& range, std::initializer_list<std::int64_t> strides = {})
      : View(std::ranges::data(range), detail::dtype_of<std::ranges::range_value_t<R>>(),
             static_cast<std::int64_t>(std::ranges::size(range)), strides) {}
  // Any address and dtype, not checked against the shape.
  Input(const void* data, flashrnn_dtype dtype, std::initializer_list<std::int64_t> strides = {})
      : View(data, dtype, -1, strides) {}
};

// A view of elements from `data` on; not checked against the shape.
template <detail::Element T>
auto strided(T* data, std::initializer_list<std::int64_t> strides) {
  using View = std::conditional_t<std::is_const_v<T>, Input, Output>;
  return View(data, detail::dtype_of<T>(), strides);
}

}  // namespace flashrnn

#endif  // FLASHRNN_TENSOR_HPP_
