// Condition: x is in a fixed set.
#include <algorithm>

#include "families/family.hpp"

namespace constrint::detail {
namespace {

bool in(const std::vector<i64>& set, Int v) {
  return fits64(v) && std::binary_search(set.begin(), set.end(), static_cast<i64>(v));
}

bool propagate(Engine& e, int z) {
  const auto& set = e.graph().sets[e.graph().nodes[z].other];
  const int x = e.arguments(z)[0];
  if (e.is_true(z)) return e.among(x, set);
  if (e.is_false(z)) {
    while (in(set, e[x].low)) {
      if (e.fixed(x) || !e.at_least(x, e[x].low + 1)) return false;
    }
    while (in(set, e[x].high)) {
      if (e.fixed(x) || !e.at_most(x, e[x].high - 1)) return false;
    }
    return e.keep_if(x, [&](i64 v) { return !in(set, v); });
  }
  const bool any = std::any_of(set.begin(), set.end(), [&](i64 v) { return e.contains(x, v); });
  if (!any) return e.assign(z, 0);
  if (e.fixed(x)) return e.assign(z, 1);
  if (e[x].count != 0) {
    const auto values = e.values(x);
    if (std::all_of(values.begin(), values.end(), [&](i64 v) { return in(set, v); })) {
      return e.assign(z, 1);
    }
  }
  return true;
}

Int evaluate(const Graph& graph, const Node& node, const Int* arguments) {
  return in(graph.sets[node.other], arguments[0]) ? 1 : 0;
}

}  // namespace

const FamilyInfo kMember{"member", true, propagate, evaluate};

}  // namespace constrint::detail
