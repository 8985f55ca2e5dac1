// Condition: d is not 0 and d divides x. The divisors of a known x become d's values; a common
// factor of all d becomes x's stride.
#include <algorithm>

#include "families/family.hpp"
#include "math/numbers.hpp"

namespace constrint::detail {
namespace {

constexpr std::size_t kPairsMost = 4096;

bool holds_for(Int d, Int x) { return d != 0 && x % d == 0; }

// x's bounds move to the nearest multiple of some d.
bool bounds_from_set(Engine& e, int d, int x) {
  if (e[d].count == 0 || e[d].count > 64 || saturated(e[x].low) || saturated(e[x].high))
    return true;
  const Int low = e[x].low, high = e[x].high;
  Int first = kBig, last = -kBig;
  i64 common = 0;
  for (i64 v : e.values(d)) {
    const Int m = abs_wide(v);
    common = gcd64(common, v);
    first = std::min(first, ceil_div(low, m) * m);
    last = std::max(last, floor_div(high, m) * m);
  }
  if (!e.within(x, first, last)) return false;
  return common <= 1 || e.congruent(x, common, 0);
}

bool must_divide(Engine& e, int d, int x) {
  if (!e.exclude(d, 0)) return false;
  if (e.fixed(d)) {
    const Int m = abs_wide(e.value(d));
    if (e.fixed(x)) return holds_for(m, e.value(x));
    if (!fits64(m)) return e[x].high >= m || e[x].low <= -m || e.assign(x, 0);
    return e.congruent(x, static_cast<i64>(m), 0);
  }
  if (e[d].residue == 0 && e[d].modulus > 1 && !e.congruent(x, e[d].modulus, 0)) return false;
  if (!e.contains(x, 0) || e[x].low > 0 || e[x].high < 0) {
    const Int most = std::max(abs_wide(e[x].low), abs_wide(e[x].high));
    if (!saturated(most) && !e.within(d, -most, most)) return false;
    // Everything x can be divides `number`, so d does.
    i64 number = e[x].divisor_of;
    if (e.fixed(x)) {
      number = fits64(e.value(x)) ? static_cast<i64>(most) : 0;
    } else if (e[x].count != 0 && e[x].count <= 32) {
      i64 multiple = 1;
      for (i64 v : e.values(x)) multiple = multiple == 0 || v == 0 ? 0 : lcm64(multiple, v);
      if (multiple != 0) number = number == 0 ? multiple : gcd64(number, multiple);
    }
    if (number != 0 && !e.factor_of(d, number)) return false;
  }
  if (!bounds_from_set(e, d, x)) return false;
  if (e[d].count != 0 && e[x].count != 0 && std::size_t{e[d].count} * e[x].count <= kPairsMost) {
    const auto some = [&](int other, auto test) {
      const auto values = e.values(other);
      return std::any_of(values.begin(), values.end(), test);
    };
    return e.keep_if(d, [&](i64 v) { return some(x, [&](i64 w) { return holds_for(v, w); }); }) &&
           e.keep_if(x, [&](i64 w) { return some(d, [&](i64 v) { return holds_for(v, w); }); });
  }
  if (e.fixed(x) && e[d].count != 0) {
    return e.keep_if(d, [&](i64 v) { return holds_for(v, e.value(x)); });
  }
  return true;
}

bool must_not_divide(Engine& e, int d, int x) {
  if (e.fixed(x) && e[d].count != 0) {
    return e.keep_if(d, [&](i64 v) { return !holds_for(v, e.value(x)); });
  }
  if (!e.fixed(d) || e.value(d) == 0) return true;
  const Int m = e.value(d);
  if (e[x].count != 0) return e.keep_if(x, [&](i64 v) { return !holds_for(m, v); });
  while (!saturated(e[x].low) && holds_for(m, e[x].low)) {
    if (e.fixed(x) || !e.at_least(x, e[x].low + 1)) return false;
    if (abs_wide(m) == 1) return false;
  }
  while (!saturated(e[x].high) && holds_for(m, e[x].high)) {
    if (e.fixed(x) || !e.at_most(x, e[x].high - 1)) return false;
  }
  return true;
}

// 1, 0, or -1 for not known yet.
int decided(const Engine& e, int d, int x) {
  if (e.fixed(d) && e.value(d) == 0) return 0;
  if (e.fixed(d) && e.fixed(x)) return holds_for(e.value(d), e.value(x)) ? 1 : 0;
  if (e.fixed(d) && fits64(e.value(d))) {
    const i64 m = static_cast<i64>(abs_wide(e.value(d)));
    if (m == 1) return 1;
    if (e[x].modulus % m == 0) return e[x].residue % m == 0 ? 1 : 0;
    const i64 g = gcd64(e[x].modulus, m);
    if (g > 1 && e[x].residue % g != 0) return 0;
    if (e[x].low > 0 && e[x].high < m) return 0;
  }
  return -1;
}

bool propagate(Engine& e, int z) {
  const int d = e.arguments(z)[0], x = e.arguments(z)[1];
  if (e.is_true(z)) return must_divide(e, d, x);
  if (e.is_false(z)) return must_not_divide(e, d, x);
  const int known = decided(e, d, x);
  return known < 0 || e.assign(z, known);
}

Int evaluate(const Graph&, const Node&, const Int* arguments) {
  return holds_for(arguments[0], arguments[1]) ? 1 : 0;
}

}  // namespace

const FamilyInfo kDivides{"divides", true, propagate, evaluate};

}  // namespace constrint::detail
