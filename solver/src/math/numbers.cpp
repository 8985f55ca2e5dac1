#include "math/numbers.hpp"

#include <algorithm>
#include <numeric>

namespace constrint::detail {
namespace {

using u128 = unsigned __int128;

u64 mul_mod(u64 a, u64 b, u64 m) { return static_cast<u64>(static_cast<u128>(a) * b % m); }

// Multiplication modulo an odd number below 2^63 without division (Montgomery): x stands for
// x / 2^64.
class Montgomery {
 public:
  explicit Montgomery(u64 modulus) : modulus_(modulus), inverse_(modulus) {
    for (int i = 0; i < 5; ++i) inverse_ *= 2 - modulus * inverse_;
    one_ = (~u64{0} % modulus + 1) % modulus;
    square_ = mul_mod(one_, one_, modulus);
  }
  u64 one() const { return one_; }
  u64 from(u64 x) const { return multiply(x % modulus_, square_); }
  u64 multiply(u64 a, u64 b) const {
    const u128 product = static_cast<u128>(a) * b;
    const u64 high = static_cast<u64>(product >> 64);
    const u64 back =
        static_cast<u64>(static_cast<u128>(static_cast<u64>(product) * inverse_) * modulus_ >> 64);
    return high >= back ? high - back : high - back + modulus_;
  }
  u64 add(u64 a, u64 b) const { return a + b >= modulus_ ? a + b - modulus_ : a + b; }
  u64 power(u64 a, u64 e) const {
    u64 result = one_;
    for (; e != 0; e >>= 1) {
      if (e & 1) result = multiply(result, a);
      a = multiply(a, a);
    }
    return result;
  }

 private:
  u64 modulus_, inverse_, one_ = 0, square_ = 0;
};

// Brent's variant of Pollard's rho: one gcd for a batch of steps, and a step-by-step walk back
// where a batch jumped over the factor. n is odd and composite.
u64 pollard_rho(u64 n) {
  const Montgomery m(n);
  // The sequence runs on representatives: which numbers they stand for does not matter.
  for (u64 c = 1;; ++c) {
    u64 y = 2, x = 2, saved = 2, product = m.one(), g = 1;
    for (u64 r = 1; g == 1; r <<= 1) {
      x = y;
      for (u64 i = 0; i < r; ++i) y = m.add(m.multiply(y, y), c);
      for (u64 k = 0; k < r && g == 1; k += 128) {
        saved = y;
        for (u64 i = 0; i < std::min<u64>(128, r - k); ++i) {
          y = m.add(m.multiply(y, y), c);
          product = m.multiply(product, x > y ? x - y : y - x);
        }
        g = std::gcd(product, n);
      }
    }
    if (g == n) {
      do {
        saved = m.add(m.multiply(saved, saved), c);
        g = std::gcd(x > saved ? x - saved : saved - x, n);
      } while (g == 1);
    }
    if (g != n) return g;
  }
}

void split(u64 n, std::vector<u64>* primes) {
  if (n == 1) return;
  if (is_prime(n)) {
    primes->push_back(n);
    return;
  }
  const u64 d = pollard_rho(n);
  split(d, primes);
  split(n / d, primes);
}

}  // namespace

i64 gcd64(i64 a, i64 b) { return std::gcd(a, b); }

i64 lcm64(i64 a, i64 b) {
  if (a == 0 || b == 0) return 0;
  const Int product = Int{a / gcd64(a, b)} * b;
  const Int size = abs_wide(product);
  return size > (Int{1} << 62) ? 0 : static_cast<i64>(size);
}

i64 inverse_mod(i64 a, i64 m) {
  if (m == 1) return 0;
  i64 r0 = m, r1 = static_cast<i64>(floor_mod(a, m));
  Int t0 = 0, t1 = 1;
  while (r1 != 0) {
    const i64 q = r0 / r1;
    r0 = std::exchange(r1, r0 - q * r1);
    t0 = std::exchange(t1, t0 - q * t1);
  }
  return static_cast<i64>(floor_mod(t0, m));
}

bool is_prime(u64 n) {
  if (n < 2) return false;
  for (u64 p : {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37}) {
    if (n % p == 0) return n == p;
  }
  if (n < 41 * 41) return true;
  u64 d = n - 1;
  int twos = 0;
  while ((d & 1) == 0) d >>= 1, ++twos;
  const Montgomery m(n);
  const u64 one = m.one(), minus_one = n - one;
  // These twelve bases decide every n below 3.3e24 (Sorenson and Webster, 2015), the first four
  // every n below 3215031751 (Jaeschke, 1993).
  int bases = n < 3215031751u ? 4 : 12;
  for (u64 base : {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37}) {
    if (bases-- == 0) break;
    u64 x = m.power(m.from(base), d);
    if (x == one || x == minus_one) continue;
    bool composite = true;
    for (int i = 1; i < twos && composite; ++i) {
      x = m.multiply(x, x);
      composite = x != minus_one;
    }
    if (composite) return false;
  }
  return true;
}

std::vector<std::pair<u64, int>> factorise(u64 n) {
  std::vector<u64> primes;
  for (u64 p = 2; p < 256 && p * p <= n; p += 1 + (p & 1)) {
    while (n % p == 0) primes.push_back(p), n /= p;
  }
  split(n, &primes);
  std::sort(primes.begin(), primes.end());
  std::vector<std::pair<u64, int>> result;
  for (u64 p : primes) {
    if (result.empty() || result.back().first != p) result.emplace_back(p, 0);
    ++result.back().second;
  }
  return result;
}

u64 divisor_count(u64 n) {
  u64 count = 1;
  for (auto [p, e] : factorise(n)) count *= static_cast<u64>(e) + 1;
  return count;
}

bool divisors_between(u64 n, u64 lowest, u64 highest, std::size_t most, std::vector<i64>* out) {
  out->clear();
  if (n == 0 || highest < lowest) return true;
  // A short window is cheaper to test value by value than n is to factorise.
  if (highest - lowest < 64) {
    for (u64 d = std::max<u64>(lowest, 1); d <= highest && d <= n; ++d) {
      if (n % d == 0) out->push_back(static_cast<i64>(d));
    }
    return out->size() <= most;
  }
  std::vector<u64> all{1};
  for (auto [p, e] : factorise(n)) {
    const std::vector<u64> before = all;
    u64 power = 1;
    for (int i = 0; i < e; ++i) {
      power *= p;
      if (power > highest) break;
      const auto sorted = static_cast<std::ptrdiff_t>(all.size());
      for (u64 d : before) {
        // Divisors above the window only grow, so they are dropped early.
        if (static_cast<u128>(d) * power > highest) break;
        all.push_back(d * power);
      }
      std::inplace_merge(all.begin(), all.begin() + sorted, all.end());
    }
  }
  for (u64 d : all) {
    if (d < lowest) continue;
    if (out->size() == most) return false;
    out->push_back(static_cast<i64>(d));
  }
  return true;
}

Int floor_root(Int a, Int k) {
  if (k == 1 || a <= 1) return a;
  Int low = 1, high = 2;
  while (pow_wide(high, k) <= a && !saturated(pow_wide(high, k))) high = mul(high, 2);
  while (high - low > 1) {
    const Int middle = low + (high - low) / 2;
    (pow_wide(middle, k) <= a ? low : high) = middle;
  }
  return low;
}

std::string to_text_unsigned(unsigned __int128 value) {
  std::string digits;
  do digits.push_back(static_cast<char>('0' + static_cast<int>(value % 10)));
  while ((value /= 10) != 0);
  std::reverse(digits.begin(), digits.end());
  return digits;
}

std::string to_text(Int value) {
  const bool negative = value < 0;
  const u128 size = negative ? -static_cast<u128>(value) : static_cast<u128>(value);
  return (negative ? "-" : "") + to_text_unsigned(size);
}

}  // namespace constrint::detail
