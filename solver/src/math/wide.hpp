// 128-bit integers that saturate: every bound, coefficient and term value inside the engine.
//
// Values stay within +-kBig = 2^125, so the sum of two never overflows before it is clamped. A
// value equal to kBig or -kBig means "at least this large"; compile/ refuses models in which such a
// value could decide anything but a comparison with a smaller one.
#ifndef CONSTRINT_MATH_WIDE_HPP
#define CONSTRINT_MATH_WIDE_HPP

#include <cstdint>
#include <string>

namespace constrint::detail {

using Int = __int128;
using i64 = std::int64_t;
using u64 = std::uint64_t;

inline constexpr Int kBig = Int{1} << 125;

inline bool fits64(Int a) { return a >= INT64_MIN && a <= INT64_MAX; }
inline bool saturated(Int a) { return a >= kBig || a <= -kBig; }
inline Int clamp_wide(Int a) { return a > kBig ? kBig : a < -kBig ? -kBig : a; }
inline Int add(Int a, Int b) { return clamp_wide(a + b); }
inline Int sub(Int a, Int b) { return clamp_wide(a - b); }
inline Int abs_wide(Int a) { return a < 0 ? -a : a; }

// Both factors within 64 bits is by far the common case and cannot overflow 128.
inline Int mul(Int a, Int b) {
  if (fits64(a) && fits64(b)) return clamp_wide(a * b);
  if (a == 0 || b == 0) return 0;
  const bool negative = (a < 0) != (b < 0);
  const Int x = abs_wide(a);
  const Int y = abs_wide(b);
  if (x > kBig / y) return negative ? -kBig : kBig;
  return negative ? -(x * y) : x * y;
}

// Division is a library call in 128 bits; most operands fit in 64.
inline Int floor_div(Int a, Int b) {
  if (fits64(a) && fits64(b) && b > 0) {
    const i64 x = static_cast<i64>(a), y = static_cast<i64>(b);
    const i64 q = x / y;
    return q - (x % y < 0 ? 1 : 0);
  }
  const Int q = a / b;
  return q - (((a % b) != 0 && ((a < 0) != (b < 0))) ? 1 : 0);
}
inline Int ceil_div(Int a, Int b) { return -floor_div(-a, b); }
inline Int floor_mod(Int a, Int b) {
  if (fits64(a) && fits64(b) && b > 0) {
    const i64 r = static_cast<i64>(a) % static_cast<i64>(b);
    return r < 0 ? r + static_cast<i64>(b) : r;
  }
  const Int r = a % b;
  return (r != 0 && ((r < 0) != (b < 0))) ? r + b : r;
}

// a^k for k >= 0, with 0^0 = 1.
inline Int pow_wide(Int a, Int k) {
  if (a == 0) return k == 0 ? 1 : 0;
  if (a == 1) return 1;
  if (a == -1) return floor_mod(k, 2) == 0 ? 1 : -1;
  Int result = 1;
  for (Int i = 0; i < k && !saturated(result); ++i) result = mul(result, a);
  // |a| >= 2, so at most 125 steps; the sign of a saturated power follows the exponent.
  if (saturated(result)) return (a < 0 && floor_mod(k, 2) != 0) ? -kBig : kBig;
  return result;
}

std::string to_text(Int value);
std::string to_text_unsigned(unsigned __int128 value);

}  // namespace constrint::detail

#endif  // CONSTRINT_MATH_WIDE_HPP
