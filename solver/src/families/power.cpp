// z = x ^ y with 0 ^ 0 = 1 and 0 for negative exponents (which conditions around it rule out).
#include <algorithm>

#include "families/family.hpp"
#include "math/numbers.hpp"

namespace constrint::detail {
namespace {

Int power(Int x, Int y) { return y < 0 ? 0 : pow_wide(x, y); }

// Exponent k >= 1 known: monotone on either side of 0.
bool known_exponent(Engine& e, int z, int x, Int k) {
  const Int low = e[x].low, high = e[x].high;
  const bool odd = floor_mod(k, 2) != 0;
  if (odd || low >= 0) {
    if (!e.within(z, pow_wide(low, k), pow_wide(high, k))) return false;
  } else if (high <= 0) {
    if (!e.within(z, pow_wide(high, k), pow_wide(low, k))) return false;
  } else if (!e.within(z, 0, std::max(pow_wide(low, k), pow_wide(high, k)))) {
    return false;
  }
  const Int z_low = e[z].low, z_high = e[z].high;
  const auto ceil_root = [&](Int a) {  // smallest r >= 0 with r^k >= a
    if (a <= 0) return Int{0};
    const Int r = floor_root(a, k);
    return pow_wide(r, k) == a ? r : r + 1;
  };
  Int x_low = -kBig, x_high = kBig;
  if (odd) {
    if (z_high < kBig) x_high = z_high >= 0 ? floor_root(z_high, k) : -ceil_root(-z_high);
    if (z_low > -kBig) x_low = z_low >= 0 ? ceil_root(z_low) : -floor_root(-z_low, k);
  } else {
    if (z_high < 0) return false;
    if (z_high < kBig) {
      x_high = floor_root(z_high, k);
      x_low = -x_high;
    }
    const Int least = saturated(z_low) ? 0 : ceil_root(z_low);
    if (e[x].low > -least) x_low = std::max(x_low, least);
    if (e[x].high < least) x_high = std::min(x_high, -least);
  }
  if (x_low > x_high) return false;
  return e.within(x, x_low, x_high);
}

bool propagate(Engine& e, int z) {
  const int x = e.arguments(z)[0], y = e.arguments(z)[1];
  if (e.fixed(x) && e.fixed(y)) return e.assign(z, power(e.value(x), e.value(y)));
  if (e.fixed(y)) {
    const Int k = e.value(y);
    if (k <= 0) return e.assign(z, k == 0 ? 1 : 0);
    if (!known_exponent(e, z, x, k)) return false;
  } else if (e[x].low >= 1 && e[y].low >= 0) {
    if (!e.within(z, pow_wide(e[x].low, e[y].low), pow_wide(e[x].high, e[y].high))) return false;
    // x >= 2: exponents that overshoot or fall short even at the best base are out.
    if (e[x].low >= 2 && e[z].high < kBig) {
      Int k = e[y].low;
      if (pow_wide(e[x].low, k) > e[z].high) return false;
      while (k <= 125 && pow_wide(e[x].low, k + 1) <= e[z].high) ++k;
      if (!e.at_most(y, k)) return false;
    }
    if (e[x].high >= 2 && !saturated(e[z].low)) {
      Int k = e[y].low;
      while (pow_wide(e[x].high, k) < e[z].low) ++k;
      if (!e.at_least(y, k)) return false;
    }
    if (e[y].low >= 1 && e[z].high < kBig && !e.at_most(x, floor_root(e[z].high, e[y].low))) {
      return false;
    }
  } else {
    const Int base = std::max(abs_wide(e[x].low), abs_wide(e[x].high));
    const Int most = std::max(Int{1}, pow_wide(base, std::max(Int{0}, e[y].high)));
    if (!e.within(z, e[x].low >= 0 ? Int{0} : -most, most)) return false;
  }
  return filter_small(e, z);
}

Int evaluate(const Graph&, const Node&, const Int* arguments) {
  return power(arguments[0], arguments[1]);
}

}  // namespace

const FamilyInfo kPower{"power", false, propagate, evaluate};

}  // namespace constrint::detail
