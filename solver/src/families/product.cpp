// z = x * y: bounds by the four corners and by division, strides, and divisors of a known result.
#include <algorithm>

#include "families/family.hpp"
#include "math/numbers.hpp"

namespace constrint::detail {
namespace {

// Bounds up to this have products within 64 bits times 64 bits that a u64 tells from too large
// ones.
constexpr Int kMost = Int{1} << 62;

// x from z / y where all are within 0..kMost and no product of their bounds leaves 64 bits. A
// multiplication tells whether the division would change anything.
bool divide64(Engine& e, int z, int x, int y) {
  const u64 x_low = static_cast<u64>(e[x].low), x_high = static_cast<u64>(e[x].high);
  const u64 z_low = static_cast<u64>(e[z].low), z_high = static_cast<u64>(e[z].high);
  const u64 y_high = static_cast<u64>(e[y].high);
  // A factor of what is not 0 is not 0.
  const u64 y_low = std::max<u64>(static_cast<u64>(e[y].low), z_low > 0 ? 1 : 0);
  if (y_high < y_low) return false;
  const bool raises = x_low * y_high<z_low, lowers = x_high * y_low> z_high;
  if (!raises && !lowers) return true;
  u64 low = x_low, high = x_high;
  if (raises) {
    low = z_low / y_high;
    if (low * y_high != z_low) ++low, e.rounded();
  }
  if (lowers) {
    high = z_high / y_low;
    if (high * y_low != z_high) e.rounded();
  }
  if (e[y].low == 0) e.rounded();
  return e.within(x, low, high);
}

// All bounds where nothing is negative or beyond 62 bits, which is nearly always: false where that
// is not so, *consistent otherwise.
bool bounds64(Engine& e, int z, int x, int y, bool* consistent) {
  const Domain &a = e[x], &b = e[y];
  if (a.low < 0 || b.low < 0 || a.high > kMost || b.high > kMost) return false;
  u64 low = 0, high = 0;
  if (__builtin_mul_overflow(static_cast<u64>(a.low), static_cast<u64>(b.low), &low) ||
      __builtin_mul_overflow(static_cast<u64>(a.high), static_cast<u64>(b.high), &high) ||
      high > static_cast<u64>(kMost)) {
    return false;
  }
  *consistent = e.within(z, low, high) && divide64(e, z, x, y) && divide64(e, z, y, x);
  return true;
}

bool forward(Engine& e, int z, int x, int y) {
  const Domain &a = e[x], &b = e[y];
  if (a.low >= 0 && b.low >= 0) return e.within(z, mul(a.low, b.low), mul(a.high, b.high));
  const Int corners[4] = {mul(a.low, b.low), mul(a.low, b.high), mul(a.high, b.low),
                          mul(a.high, b.high)};
  const auto [low, high] = std::minmax_element(corners, corners + 4);
  return e.within(z, *low, *high);
}

// x from z / y, where y does not hold 0.
bool divide(Engine& e, int z, int x, int y) {
  Int y_low = e[y].low, y_high = e[y].high, z_low = e[z].low, z_high = e[z].high;
  // A multiplication tells whether the division would change anything.
  if (y_low > 0 && e[x].low >= 0 && mul(e[x].low, y_high) >= z_low &&
      mul(e[x].high, y_low) <= z_high) {
    return true;
  }
  if (y_low <= 0 && y_high >= 0) {
    if (z_low <= 0 && z_high >= 0) return true;
    // z is not 0, so neither is a factor, and |x| <= |z|.
    if (!e.exclude(y, 0) || !e.exclude(x, 0)) return false;
    const Int most = std::max(abs_wide(z_low), abs_wide(z_high));
    if (!saturated(most) && !e.within(x, -most, most)) return false;
    y_low = e[y].low, y_high = e[y].high;
    if (y_low <= 0 && y_high >= 0) return true;
  }
  if (y_high < 0) {
    std::swap(y_low, y_high);
    y_low = -y_low, y_high = -y_high;
    std::swap(z_low, z_high);
    z_low = -z_low, z_high = -z_high;
  }
  if (y_low <= 0 || z_low < 0 || e[x].low < 0) e.rounded();
  Int low = -kBig, high = kBig;
  if (z_low > -kBig) low = z_low >= 0 ? ceil_div(z_low, y_high) : ceil_div(z_low, y_low);
  if (z_high < kBig) high = z_high >= 0 ? floor_div(z_high, y_low) : floor_div(z_high, y_high);
  // Where a bound was rounded, z or y may follow.
  if ((low > e[x].low && mul(low, y_high) != z_low) ||
      (high < e[x].high && mul(high, y_low) != z_high)) {
    e.rounded();
  }
  return e.within(x, low, high);
}

bool strides(Engine& e, int z, int x, int y) {
  const auto stride = [&](int n) { return e.fixed(n) ? i64{0} : e[n].modulus; };
  const auto base = [&](int n) { return e.fixed(n) ? e.value(n) : Int{e[n].residue}; };
  // x = a + m s, y = b + n t: x y = a b + a n t + b m s + m n s t.
  const Int a = base(x), b = base(y);
  const i64 m = stride(x), n = stride(y);
  if (m == 1 && n == 1 && (e[z].modulus == 1 || e.fixed(z))) return true;
  const Int parts[3] = {mul(a, n), mul(b, m), mul(m, n)};
  i64 g = 0;
  for (Int part : parts) {
    if (!fits64(part)) return true;
    g = gcd64(g, static_cast<i64>(part));
  }
  const Int ab = mul(a, b);
  if (g > 1 && !saturated(ab) && !e.congruent(z, g, static_cast<i64>(floor_mod(ab, g)))) {
    return false;
  }
  // With one factor known, its product being r (mod M) is a linear congruence for the other.
  const i64 modulus = e[z].modulus;
  if (e.fixed(z) || modulus == 1) return true;
  for (auto [known, other] : {std::pair(x, y), std::pair(y, x)}) {
    if (!e.fixed(known) || e.fixed(other)) continue;
    const i64 k = static_cast<i64>(floor_mod(e.value(known), modulus));
    const i64 d = gcd64(k, modulus);
    const i64 r = e[z].residue;
    if (r % d != 0) return false;
    const i64 reduced = modulus / d;
    if (reduced == 1) continue;
    const i64 residue = static_cast<i64>(Int{r / d} * inverse_mod(k / d, reduced) % reduced);
    if (!e.congruent(other, reduced, residue)) return false;
  }
  return true;
}

// Keeps the values of x that n / x goes with. As a positive n / x falls while x rises, one pass
// over both lists finds all.
bool pair_up(Engine& e, i64 n, int x, int y) {
  if (e[y].count == 0 || e[x].low < 0 || e[y].low < 0) {
    return e.keep_if(x, [&](i64 v) {
      if (v == 0 || v == -1 || n % v != 0) return v == -1 && e.contains(y, -Int{n});
      return e.contains(y, n / v);
    });
  }
  const u64 number = static_cast<u64>(n);
  const i64* values = e.values(y).data();
  std::size_t left = n > 0 ? e[y].count : 0;
  return e.keep_if(x, [&, wanted = u64{0}](i64 v) mutable {
    // keep_if may move the values of y with the arena: only what was read stays.
    values = e.values(y).data();
    while (left > 0) {
      wanted = static_cast<u64>(values[left - 1]);
      u64 product = 0;
      const bool more =
          __builtin_mul_overflow(wanted, static_cast<u64>(v), &product) || product > number;
      if (product == number && !more) return true;
      if (!more) return false;
      --left;
    }
    return false;
  });
}

bool divisors(Engine& e, int z, int x, int y) {
  i64 number = e[z].divisor_of;
  if (e.fixed(z)) {
    if (e.value(z) == 0 || !fits64(e.value(z)) || e.value(z) == INT64_MIN) return true;
    number = static_cast<i64>(abs_wide(e.value(z)));
  }
  if (number == 0) return true;
  if (e.happened(kDivisors | kFixed) && (!e.factor_of(x, number) || !e.factor_of(y, number))) {
    return false;
  }
  if (!e.fixed(z)) return true;
  const i64 n = static_cast<i64>(e.value(z));
  return pair_up(e, n, x, y) && pair_up(e, n, y, x);
}

// Keeps the values of x whose products with a value of y lie within z's bounds: no value is
// negative. While x rises, so does its product with any y; the least y that reaches z falls.
bool keep_within(Engine& e, int z, int x, int y) {
  const u64 low = static_cast<u64>(e[z].low), high = static_cast<u64>(e[z].high);
  // keep_if may move the values of y with the arena: a place among them stays good.
  std::size_t next = e[y].count;  // the values from here on reach low
  return e.keep_if(x, [&](i64 v) {
    const i64* values = e.values(y).data();
    while (next > 0 && static_cast<u64>(v) * static_cast<u64>(values[next - 1]) >= low) --next;
    return next < e[y].count && static_cast<u64>(v) * static_cast<u64>(values[next]) <= high;
  });
}

constexpr std::uint32_t kValuesMost = 256;  // of a list that is looked through
constexpr std::size_t kPairsMost = 64;      // of two lists where z has holes

// What bounds do not see of lists. False where that is not for this to say, *consistent otherwise.
bool filter_lists(Engine& e, int z, int x, int y, bool* consistent) {
  const Domain &a = e[x], &b = e[y], &d = e[z];
  if (x == y || a.low < 0 || b.low < 0 || d.low < 0 || a.high > kMost || b.high > kMost ||
      d.high > kMost || mul(a.high, b.high) > kMost) {
    return false;
  }
  *consistent = true;
  if (a.count > kValuesMost || b.count > kValuesMost) return true;
  if (a.fixed() || b.fixed()) {
    // Bounds and strides are exact.
    if (d.count == 0 && d.divisor_of == 0) return true;
    const i64 known = static_cast<i64>(a.fixed() ? a.low : b.low);
    *consistent = e.keep_if(a.fixed() ? y : x, [&](i64 v) { return e.contains64(z, known * v); });
    return true;
  }
  if (a.count == 0 || b.count == 0) return true;
  if (d.count == 0 && d.modulus == 1 && d.divisor_of == 0) {
    *consistent = keep_within(e, z, x, y) && keep_within(e, z, y, x);
    return true;
  }
  if (std::size_t{a.count} * b.count > kPairsMost) return true;
  const auto supported = [&](int other) {
    return [&e, z, other](i64 v) {
      const i64 most = static_cast<i64>(e[z].high);
      for (i64 w : e.values(other)) {
        if (v * w > most) return false;
        if (e.contains64(z, v * w)) return true;
      }
      return false;
    };
  };
  *consistent = e.keep_if(x, supported(y)) && e.keep_if(y, supported(x));
  return true;
}

bool propagate(Engine& e, int z) {
  const auto args = e.arguments(z);
  const int x = args[0], y = args[1];
  if (e.fixed(x) && e.fixed(y)) {
    const Int product = mul(e.value(x), e.value(y));
    if (!saturated(product)) {
      e.settled();
      return e.within(z, product, product);
    }
  }
  if (!propagate_product(e, z, x, y)) return false;
  // Two lists and a known product were paired up: what is left of them has a support.
  const bool paired = e.fixed(z) && e.value(z) != 0 && abs_wide(e.value(z)) <= INT64_MAX &&
                      e[x].count != 0 && e[y].count != 0;
  if (paired) return true;
  bool consistent = true;
  return filter_lists(e, z, x, y, &consistent) ? consistent : filter_small(e, z);
}

Int evaluate(const Graph&, const Node&, const Int* arguments) {
  return mul(arguments[0], arguments[1]);
}

}  // namespace

bool propagate_product(Engine& e, int z, int x, int y) {
  if (e.happened(kBounds)) {
    bool consistent = true;
    if (!bounds64(e, z, x, y, &consistent)) {
      consistent = forward(e, z, x, y) && divide(e, z, x, y) && divide(e, z, y, x);
    }
    if (!consistent) return false;
  }
  if (e.happened(kStride | kFixed) && !strides(e, z, x, y)) return false;
  return !(e.fixed(z) || e.happened(kDivisors)) || divisors(e, z, x, y);
}

const FamilyInfo kProduct{"product", false, propagate, evaluate, true};

}  // namespace constrint::detail
