// z = x * y: bounds by the four corners and by division, strides, and divisors of a known result.
#include <algorithm>

#include "families/family.hpp"
#include "math/numbers.hpp"

namespace constrint::detail {
namespace {

// Where no bound is negative or has more bits, products of two are told from too large ones in 64
// bits.
constexpr int kBits = 62;
constexpr Int kMost = Int{1} << kBits;

bool small(const Domain& a, const Domain& b) {
  return static_cast<unsigned __int128>(a.low | a.high | b.low | b.high) >> kBits == 0;
}

// x from z / y where all are small and no product of their bounds leaves 64 bits.
bool divide64(Engine& e, int z, int x, int y) {
  const u64 x_low = static_cast<u64>(e[x].low), x_high = static_cast<u64>(e[x].high);
  const u64 z_low = static_cast<u64>(e[z].low), z_high = static_cast<u64>(e[z].high);
  const u64 y_high = static_cast<u64>(e[y].high);
  // A factor of what is not 0 is not 0.
  const u64 y_low = std::max<u64>(static_cast<u64>(e[y].low), z_low > 0 ? 1 : 0);
  if (y_high < y_low) return false;
  // A multiplication tells whether the division would change anything.
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

// All bounds where they are small, which is nearly always: false where that is not so, *consistent
// otherwise.
bool bounds64(Engine& e, int z, int x, int y, bool* consistent) {
  const Domain &a = e[x], &b = e[y];
  if (!small(a, b)) return false;
  const u64 a_low = static_cast<u64>(a.low), a_high = static_cast<u64>(a.high);
  const u64 b_low = static_cast<u64>(b.low), b_high = static_cast<u64>(b.high);
  u64 high = 0;
  if (__builtin_mul_overflow(a_high, b_high, &high) || high >> kBits != 0) return false;
  *consistent = e.within(z, a_low * b_low, high);
  if (!*consistent) return true;
  // What a division could narrow shows in the products of one's lowest and the other's highest.
  const u64 z_low = static_cast<u64>(e[z].low), z_high = static_cast<u64>(e[z].high);
  const u64 one = a_low * b_high, other = a_high * b_low;
  if (std::min(one, other) >= z_low && std::max(one, other) <= z_high) return true;
  *consistent = divide64(e, z, x, y) && divide64(e, z, y, x);
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
  const i64 m = e.fixed(x) ? 0 : e[x].modulus, n = e.fixed(y) ? 0 : e[y].modulus;
  // Nothing is known of either.
  if (m == 1 && n == 1) return true;
  const Int wide_a = m == 0 ? e.value(x) : Int{e[x].residue};
  const Int wide_b = n == 0 ? e.value(y) : Int{e[y].residue};
  if (!fits64(wide_a) || !fits64(wide_b)) return true;
  // x = a + m s, y = b + n t: x y = a b + a n t + b m s + m n s t.
  const i64 a = static_cast<i64>(wide_a), b = static_cast<i64>(wide_b);
  i64 an = 0, bm = 0, mn = 0;
  if (__builtin_mul_overflow(a, n, &an) || __builtin_mul_overflow(b, m, &bm) ||
      __builtin_mul_overflow(m, n, &mn)) {
    return true;
  }
  i64 g = gcd64(mn, an);
  if (g != 1) g = gcd64(g, bm);
  if (g > 1 && !e.congruent(z, g, static_cast<i64>(floor_mod(Int{a} * b, g)))) return false;
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

// Keeps the values of x of which some product with a value of y is one of z's. Products rise with
// y, as do the values of z: one pass over both looks for them.
bool keep_held(Engine& e, int z, int x, int y) {
  return e.keep_if(x, [&](i64 v) {
    const Domain& d = e[z];
    const i64 least = static_cast<i64>(d.low), most = static_cast<i64>(d.high);
    const i64* listed = e.values(z).data();
    for (i64 w : e.values(y)) {
      const i64 product = v * w;
      if (product > most) return false;
      if (product < least) continue;
      if (d.count == 0) {
        if (e.contains64(z, product)) return true;
        continue;
      }
      while (*listed < product) ++listed;
      if (*listed == product) return true;
    }
    return false;
  });
}

// Whether keep_within() could find anything: what the lowest and highest values allow is no more
// than what z allows.
bool bounds_cut(Engine& e, int z, int x, int y) {
  return static_cast<u64>(e[x].low) * static_cast<u64>(e[y].low) < static_cast<u64>(e[z].low) ||
         static_cast<u64>(e[x].high) * static_cast<u64>(e[y].high) > static_cast<u64>(e[z].high);
}

constexpr std::uint32_t kValuesMost = 256;  // of a list that is looked through
constexpr std::size_t kPairsMost = 64;      // of two lists where z has holes

// What bounds do not see of lists. False where that is not for this to say, *consistent otherwise.
bool filter_lists(Engine& e, int z, int x, int y, bool* consistent) {
  const Domain &a = e[x], &b = e[y], &d = e[z];
  u64 most = 0;
  if (x == y || !small(a, b) || d.low < 0 || d.high > kMost ||
      __builtin_mul_overflow(static_cast<u64>(a.high), static_cast<u64>(b.high), &most) ||
      most > static_cast<u64>(kMost)) {
    return false;
  }
  *consistent = true;
  // Of lists only their values count; of z otherwise its stride and divisors as well.
  if (d.count != 0 && !e.happened(kBounds | kSet)) return true;
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
    if (!e.happened(kBounds | kSet) || !bounds_cut(e, z, x, y)) return true;
    *consistent = keep_within(e, z, x, y) && keep_within(e, z, y, x);
    return true;
  }
  if (std::size_t{a.count} * b.count > kPairsMost) return true;
  *consistent = keep_held(e, z, x, y) && keep_held(e, z, y, x);
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
  const bool paired = e[x].count != 0 && e[y].count != 0 && e.fixed(z) && e.value(z) != 0 &&
                      abs_wide(e.value(z)) <= INT64_MAX;
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

// Which number a factor divides says nothing that its bounds and values do not.
const FamilyInfo kProduct{
    "product", false, propagate, evaluate, true, kEverything, kEverything & ~kDivisors};

}  // namespace constrint::detail
