// A vector that keeps its first few elements in itself: most terms have one or two parts, and
// asking the heap for each costs more than compiling it.
#ifndef CONSTRINT_MATH_FEW_HPP
#define CONSTRINT_MATH_FEW_HPP

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <type_traits>
#include <vector>

namespace constrint::detail {

template <class T, std::size_t kInside>
class Few {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Few() = default;
  Few(std::initializer_list<T> list) {
    for (const T& value : list) push_back(value);
  }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* begin() { return data(); }
  T* end() { return data() + size_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size_; }
  T* data() { return outside_.empty() ? inside_ : outside_.data(); }
  const T* data() const { return outside_.empty() ? inside_ : outside_.data(); }
  T& operator[](std::size_t i) { return data()[i]; }
  const T& operator[](std::size_t i) const { return data()[i]; }
  T& back() { return data()[size_ - 1]; }

  void clear() { size_ = 0; }
  void push_back(const T& value) { insert(end(), value); }
  void insert(T* place, const T& value) {
    const T copy = value;  // value may lie within
    const std::size_t at = static_cast<std::size_t>(place - data());
    grow();
    std::copy_backward(begin() + at, begin() + size_, begin() + size_ + 1);
    data()[at] = copy;
    ++size_;
  }
  void erase(T* place) {
    std::copy(place + 1, end(), place);
    --size_;
  }

 private:
  // Room for one more.
  void grow() {
    if (outside_.empty()) {
      if (size_ < kInside) return;
      outside_.reserve(2 * kInside);
      outside_.assign(inside_, inside_ + size_);
    }
    if (outside_.size() == size_) outside_.resize(size_ + 1);
  }

  std::size_t size_ = 0;
  T inside_[kInside] = {};
  std::vector<T> outside_;  // everything, once it is not empty
};

}  // namespace constrint::detail

#endif  // CONSTRINT_MATH_FEW_HPP
