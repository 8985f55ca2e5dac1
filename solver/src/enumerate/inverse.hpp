// Equations solved for their last variable: instead of trying its values, the value is computed
// from what is bound and looked up.
#ifndef CONSTRINT_ENUMERATE_INVERSE_HPP
#define CONSTRINT_ENUMERATE_INVERSE_HPP

#include <cmath>
#include <vector>

#include "math/wide.hpp"

namespace constrint::detail {

struct Space;
struct Rule;

// One operation taken back from the value that the term must have.
struct Undo {
  enum class Kind : std::uint8_t {
    sum,     // (value - constant - sum of coefficient * scalar) / divisor
    factor,  // value / scalar
    root     // the exponent-th root
  } kind;
  i64 constant = 0, divisor = 1;
  int exponent = 1;
  std::vector<std::pair<int, i64>> scalars;  // node, coefficient
};

// How to get the target of an equation from the rest of it.
struct Inversion {
  i64 value = 0;  // of the whole term
  std::vector<Undo> steps;
  bool possible = false;

  // False where no integer does it. scalars: per node.
  bool solve(const i64* scalars, i64* target) const;
};

// The root of a square of at most 62 bits, or something near the root of what is none or negative:
// a double holds the root's first 53 bits, so that half a step is far more than it may be off.
inline i64 nearest_root(i64 value) {
  return static_cast<i64>(std::sqrt(static_cast<double>(value < 0 ? 0 : value)) + 0.5);
}
bool exact_root(i64 value, int exponent, i64* root);

// Possible where the rule asks for one value and the target is reached from it through sums,
// products without zero and powers of what is never negative.
Inversion invert(const Space& space, const Rule& rule);

// From a value to its place in an ascending or descending list.
class PlaceOf {
 public:
  PlaceOf() = default;
  explicit PlaceOf(const std::vector<i64>& values);
  // -1 where it is not there.
  int operator()(i64 value) const {
    if (step_ != 0) {
      i64 at = 0;
      if (__builtin_sub_overflow(value, first_, &at)) return -1;
      if (step_ != 1) {
        if (at % step_ != 0) return -1;
        at /= step_;
      }
      return at >= 0 && at < count_ ? static_cast<int>(at) : -1;
    }
    for (std::size_t slot = slot_of(value);; slot = (slot + 1) & (keys_.size() - 1)) {
      if (places_[slot] < 0 || keys_[slot] == value) return places_[slot];
    }
  }

 private:
  std::size_t slot_of(i64 value) const {
    return static_cast<std::size_t>((static_cast<u64>(value) * 0x9E3779B97F4A7C15u) >> shift_);
  }
  i64 first_ = 0, step_ = 0, count_ = 0;  // where the list is a progression
  std::vector<i64> keys_;                 // else an open hash table
  std::vector<int> places_;
  int shift_ = 0;
};

// Which of fixed divisors divide a number: a multiplication each instead of a division. For odd d,
// d divides x exactly where x times d's inverse modulo 2^64 is at most (2^64 - 1) / d; a factor of
// two adds a rotation (Granlund and Montgomery).
class Divisors {
 public:
  Divisors() = default;
  // Each value's exponent-th power; what leaves 62 bits divides nothing (but zero).
  Divisors(const std::vector<i64>& values, int exponent);
  bool divides(std::size_t i, u64 x) const {
    const Test& t = tests_[i];
    const u64 product = x * t.inverse;
    return ((product >> t.twos) | (product << ((64 - t.twos) & 63))) <= t.most;
  }
  // Bits of `in` from first to before last whose value divides x; false where none does.
  bool filter(u64 x, std::size_t first, std::size_t last, const u64* in, u64* out) const;

 private:
  struct Test {
    u64 inverse, most;
    int twos;
  };
  std::vector<Test> tests_;
  std::vector<u64> least_;  // per word of a mask: the smallest divisor in it
};

}  // namespace constrint::detail

#endif  // CONSTRINT_ENUMERATE_INVERSE_HPP
