// Condition: no two arguments are equal. Fixed values leave the others, and Hall intervals refute:
// k + 1 arguments cannot share k values.
#include <algorithm>

#include "families/family.hpp"

namespace constrint::detail {
namespace {

bool remove_fixed(Engine& e, std::span<const int> args) {
  for (bool again = true; again;) {
    again = false;
    for (std::size_t i = 0; i < args.size(); ++i) {
      if (!e.fixed(args[i])) continue;
      const Int v = e.value(args[i]);
      for (std::size_t j = 0; j < args.size(); ++j) {
        if (j == i) continue;
        if (e.fixed(args[j])) {
          if (e.value(args[j]) == v) return false;
        } else {
          if (!e.exclude(args[j], v)) return false;
          again = again || e.fixed(args[j]);
        }
      }
    }
  }
  return true;
}

// For each lowest bound a, the arguments within [a, b] fill it (then others leave it) or overfill
// it.
bool hall_intervals(Engine& e, std::span<const int> args) {
  std::vector<int> by_high(args.begin(), args.end());
  std::sort(by_high.begin(), by_high.end(), [&](int x, int y) { return e[x].high < e[y].high; });
  for (int start : args) {
    const Int a = e[start].low;
    Int inside = 0;
    for (int x : by_high) {
      if (e[x].low < a) continue;
      ++inside;
      const Int width = e[x].high - a + 1;
      if (inside > width) return false;
      if (inside != width) continue;
      const Int b = e[x].high;
      for (int other : args) {
        if (e[other].low >= a && e[other].high <= b) continue;
        if (e[other].low >= a && e[other].low <= b && !e.at_least(other, b + 1)) return false;
        if (e[other].high <= b && e[other].high >= a && !e.at_most(other, a - 1)) return false;
      }
    }
  }
  return true;
}

bool propagate(Engine& e, int z) {
  const auto args = e.arguments(z);
  if (e.is_true(z)) {
    if (!remove_fixed(e, args)) return false;
    return args.size() > 64 || hall_intervals(e, args);
  }
  bool all_fixed = true;
  std::vector<Int> values;
  for (int x : args) {
    all_fixed = all_fixed && e.fixed(x);
    if (e.fixed(x)) values.push_back(e.value(x));
  }
  std::sort(values.begin(), values.end());
  if (std::adjacent_find(values.begin(), values.end()) != values.end()) return e.assign(z, 0);
  return !all_fixed || e.assign(z, 1);
}

Int evaluate(const Graph&, const Node& node, const Int* arguments) {
  for (int i = 0; i < node.count; ++i) {
    for (int j = i + 1; j < node.count; ++j) {
      if (arguments[i] == arguments[j]) return 0;
    }
  }
  return 1;
}

}  // namespace

const FamilyInfo kAllDifferent{"all_different", true, propagate, evaluate};

}  // namespace constrint::detail
