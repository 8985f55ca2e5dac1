// z = floor(x / y), 0 for y = 0 (which conditions around it rule out). Where the quotient is known
// to be exact, x = z * y as well.
#include <algorithm>

#include "families/family.hpp"

namespace constrint::detail {
namespace {

Int quotient(Int x, Int y) { return y == 0 ? 0 : floor_div(x, y); }

// y > 0 throughout.
bool positive_divisor(Engine& e, int z, int x, int y) {
  const Int y_low = e[y].low, y_high = e[y].high;
  const auto least = [&](Int a) { return floor_div(a, a >= 0 ? y_high : y_low); };
  const auto most = [&](Int a) { return floor_div(a, a >= 0 ? y_low : y_high); };
  const Int low = saturated(e[x].low) ? -kBig : least(e[x].low);
  const Int high = saturated(e[x].high) ? kBig : most(e[x].high);
  if (!e.within(z, low, high)) return false;
  const Int z_low = e[z].low, z_high = e[z].high;
  // z y <= x < (z + 1) y.
  const Int x_low = saturated(z_low) ? -kBig : mul(z_low, z_low >= 0 ? y_low : y_high);
  const Int next = add(z_high, 1);
  const Int x_high = saturated(next) ? kBig : sub(mul(next, next >= 0 ? y_high : y_low), 1);
  if (!e.within(x, x_low, x_high)) return false;
  const Int a = e[x].low, b = e[x].high;
  if (b >= 0 && z_low >= 1 && !saturated(b) && !e.at_most(y, floor_div(b, z_low))) return false;
  if (a >= 0 && z_high >= 0 && !saturated(next) && !saturated(a) &&
      !e.at_least(y, floor_div(a, next) + 1)) {
    return false;
  }
  return true;
}

bool propagate(Engine& e, int z) {
  const int x = e.arguments(z)[0], y = e.arguments(z)[1];
  if (e.fixed(x) && e.fixed(y)) return e.assign(z, quotient(e.value(x), e.value(y)));
  const int exact = e.graph().nodes[z].other;
  if (exact >= 0 && e.is_true(exact)) {
    if (!e.exclude(y, 0) || !propagate_product(e, x, z, y)) return false;
  }
  if (e[y].low > 0) {
    if (!positive_divisor(e, z, x, y)) return false;
  } else {
    const Int most = std::max(abs_wide(e[x].low), abs_wide(e[x].high));
    if (!e.within(z, -most, most)) return false;
  }
  return filter_small(e, z);
}

Int evaluate(const Graph&, const Node&, const Int* arguments) {
  return quotient(arguments[0], arguments[1]);
}

}  // namespace

const FamilyInfo kFloorDiv{"floor_div", false, propagate, evaluate};

}  // namespace constrint::detail
