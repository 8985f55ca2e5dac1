// Condition: low <= x <= high. Every comparison becomes one, over a sum or a single term.
#include <algorithm>

#include "families/family.hpp"

namespace constrint::detail {
namespace {

bool outside(Engine& e, int x, Int low, Int high) {
  if (e[x].low >= low && !(high < kBig && e.at_least(x, high + 1))) return false;
  if (e[x].high <= high && !(low > -kBig && e.at_most(x, low - 1))) return false;
  return e.keep_if(x, [&](i64 v) { return v < low || v > high; });
}

bool propagate(Engine& e, int z) {
  const Node& node = e.graph().nodes[z];
  const int x = e.arguments(z)[0];
  if (e.is_true(z)) return e.within(x, node.low, node.high);
  if (e.is_false(z)) return outside(e, x, node.low, node.high);
  if (e[x].low >= node.low && e[x].high <= node.high) return e.assign(z, 1);
  if (e[x].low > node.high || e[x].high < node.low) return e.assign(z, 0);
  if (node.low == node.high && !e.contains(x, node.low)) return e.assign(z, 0);
  if (e[x].count != 0) {
    const auto values = e.values(x);
    const auto first = std::lower_bound(values.begin(), values.end(), node.low);
    if (first == values.end() || *first > node.high) return e.assign(z, 0);
  }
  return true;
}

Int evaluate(const Graph&, const Node& node, const Int* arguments) {
  return arguments[0] >= node.low && arguments[0] <= node.high ? 1 : 0;
}

}  // namespace

const FamilyInfo kRange{"range", true, propagate, evaluate};

}  // namespace constrint::detail
