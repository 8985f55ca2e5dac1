// z = x mod y with the divisor's sign, 0 for y = 0 (which conditions around it rule out).
#include <algorithm>

#include "families/family.hpp"
#include "math/numbers.hpp"

namespace constrint::detail {
namespace {

Int remainder(Int x, Int y) { return y == 0 ? 0 : floor_mod(x, y); }

bool propagate(Engine& e, int z) {
  const int x = e.arguments(z)[0], y = e.arguments(z)[1];
  if (e.fixed(x) && e.fixed(y)) return e.assign(z, remainder(e.value(x), e.value(y)));
  const Int y_low = e[y].low, y_high = e[y].high;
  if (!e.within(z, std::min(Int{0}, add(y_low, 1)), std::max(Int{0}, sub(y_high, 1)))) return false;
  if (y_low > 0) {
    // A remainder reaches its divisor never, and the dividend only from within [0, y).
    if (e[x].low >= 0 && !e.at_most(z, e[x].high)) return false;
    if (!e.at_least(y, add(e[z].low, 1))) return false;
    if (e[x].low >= 0 && e[x].high < e[y].low)
      return e.within(z, e[x].low, e[x].high) && e.within(x, e[z].low, e[z].high);
    if (e[x].low >= 0 && !e.at_least(x, e[z].low)) return false;
    // A known remainder of a known number leaves the divisors of their difference.
    if (e.fixed(x) && e.fixed(z)) {
      const Int difference = abs_wide(sub(e.value(x), e.value(z)));
      if (difference > 0 && difference < (Int{1} << 62) &&
          !e.factor_of(y, static_cast<i64>(difference))) {
        return false;
      }
    }
  }
  if (e.fixed(y) && e.value(y) > 0 && fits64(e.value(y))) {
    const i64 m = static_cast<i64>(e.value(y));
    const Domain& d = e[x];
    if (!saturated(d.low) && !saturated(d.high) && !e.fixed(x)) {
      // Within one period the remainder is a shift.
      const Int q = floor_div(d.low, m);
      if (q == floor_div(d.high, m)) {
        if (!e.within(z, d.low - q * m, d.high - q * m)) return false;
        if (!e.within(x, e[z].low + q * m, e[z].high + q * m)) return false;
      }
    }
    const i64 shared = gcd64(m, e[x].modulus);
    if (shared > 1 && !e.fixed(x) && !e.congruent(z, shared, e[x].residue % shared)) return false;
    if (e.fixed(z)) {
      if (!e.congruent(x, m, static_cast<i64>(e.value(z)))) return false;
    } else {
      const i64 known = gcd64(m, e[z].modulus);
      if (known > 1 && !e.congruent(x, known, e[z].residue % known)) return false;
    }
  }
  return filter_small(e, z);
}

Int evaluate(const Graph&, const Node&, const Int* arguments) {
  return remainder(arguments[0], arguments[1]);
}

}  // namespace

const FamilyInfo kMod{"mod", false, propagate, evaluate};

}  // namespace constrint::detail
