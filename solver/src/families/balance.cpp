// Condition: all arguments are at least 1, their sum is at most `high` and their product at least
// `low`. By the inequality of the means k numbers of sum s have a product of at most (s / k)^k, so
// that none of them can be small, or large, without the others falling short.
#include <algorithm>

#include "families/family.hpp"

namespace constrint::detail {
namespace {

// Whether one of `count` numbers may be v: v ((most - v) / (count - 1))^(count - 1) >= least.
struct Share {
  Int count, most, least;

  bool allows(Int v) const {
    const Int others = count - 1;
    return mul(v, pow_wide(most - v, others)) >= mul(least, pow_wide(others, others));
  }
};

bool propagate(Engine& e, int z) {
  const Node& node = e.graph().nodes[z];
  const auto args = e.arguments(z);
  Share share{0, node.high, node.low};
  for (int x : args) {
    if (e.is_true(z) && !e.at_least(x, 1)) return false;
    if (!e.fixed(x)) {
      ++share.count;
    } else if (e.value(x) < 1) {
      return e.assign(z, 0);
    } else {
      share.most = sub(share.most, e.value(x));
      share.least = ceil_div(share.least, e.value(x));
    }
  }
  if (share.count == 0) return e.assign(z, share.most >= 0 && share.least <= 1 ? 1 : 0);
  if (!e.is_true(z)) return true;
  Int low = std::max(share.least, Int{1}), high = share.most;
  if (share.count > 1) {
    // Too large to compare.
    if (saturated(mul(share.least, pow_wide(share.count, share.count)))) return true;
    high = share.most - (share.count - 1);
    if (high < 1) return false;
    // The left side rises up to most / count and falls from there.
    Int peak = share.most / share.count;
    if (!share.allows(peak) && !share.allows(++peak)) return false;
    // Bisect on either side.
    Int bad = 0, good = peak;
    while (good - bad > 1) {
      const Int middle = bad + (good - bad) / 2;
      (share.allows(middle) ? good : bad) = middle;
    }
    low = good;
    good = peak, bad = std::max(high, peak) + 1;
    while (bad - good > 1) {
      const Int middle = good + (bad - good) / 2;
      (share.allows(middle) ? good : bad) = middle;
    }
    high = good;
  }
  for (int x : args) {
    if (!e.fixed(x) && !e.within(x, low, high)) return false;
  }
  return true;
}

Int evaluate(const Graph&, const Node& node, const Int* arguments) {
  Int sum = 0, product = 1;
  for (int i = 0; i < node.count; ++i) {
    if (arguments[i] < 1) return 0;
    sum = add(sum, arguments[i]);
    product = mul(product, arguments[i]);
  }
  return sum <= node.high && product >= node.low ? 1 : 0;
}

}  // namespace

const FamilyInfo kBalance{"balance", true, propagate, evaluate, false, kFixed};

}  // namespace constrint::detail
