// z = min or max of the arguments. Written for max; min is its mirror image.
#include <algorithm>

#include "families/family.hpp"

namespace constrint::detail {
namespace {

// Bounds seen through the mirror: for min, high and low change places.
template <bool kMax>
struct Mirror {
  static Int top(const Engine& e, int n) { return kMax ? e[n].high : -e[n].low; }
  static Int bottom(const Engine& e, int n) { return kMax ? e[n].low : -e[n].high; }
  static bool at_most(Engine& e, int n, Int v) {
    return kMax ? e.at_most(n, v) : e.at_least(n, -v);
  }
  static bool at_least(Engine& e, int n, Int v) {
    return kMax ? e.at_least(n, v) : e.at_most(n, -v);
  }
};

template <bool kMax>
bool propagate(Engine& e, int z) {
  using M = Mirror<kMax>;
  const auto args = e.arguments(z);
  Int top = -kBig, bottom = -kBig;
  for (int x : args) {
    top = std::max(top, M::top(e, x));
    bottom = std::max(bottom, M::bottom(e, x));
  }
  if (!M::at_most(e, z, top) || !M::at_least(e, z, bottom)) return false;
  int candidate = -1, candidates = 0;
  for (int x : args) {
    if (!M::at_most(e, x, M::top(e, z))) return false;
    if (M::top(e, x) >= M::bottom(e, z)) candidate = x, ++candidates;
  }
  if (candidates == 0) return false;
  if (candidates == 1) {
    // Only this argument can be the extreme one.
    if (!M::at_least(e, candidate, M::bottom(e, z))) return false;
    if (e.fixed(candidate) && !e.assign(z, e.value(candidate))) return false;
    if (e.fixed(z) && !e.assign(candidate, e.value(z))) return false;
  }
  // All arguments fixed: the bounds above have fixed z to the extreme value.
  return true;
}

template <bool kMax>
Int evaluate(const Graph&, const Node& node, const Int* arguments) {
  return kMax ? *std::max_element(arguments, arguments + node.count)
              : *std::min_element(arguments, arguments + node.count);
}

}  // namespace

const FamilyInfo kMinimum{"min", false, propagate<false>, evaluate<false>};
const FamilyInfo kMaximum{"max", false, propagate<true>, evaluate<true>};

}  // namespace constrint::detail
