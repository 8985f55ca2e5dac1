// Bounds that hold whichever side of an `or` does: `workers == 1 | workers == tiles` leaves few
// workers, though neither side says so alone. Tried for variables whose domains are wide, as the
// others gain less than it costs.
#include <algorithm>

#include "compile/compile.hpp"
#include "search/components.hpp"

namespace constrint::detail {
namespace {

constexpr Int kWide = 256;

bool is_wide(const Engine& e, int leaf) { return e[leaf].count == 0 && e.size(leaf) > kWide; }

bool narrow(Engine* e, int disjunction) {
  std::vector<int> wide = open_leaves(*e, disjunction);
  std::erase_if(wide, [&](int leaf) { return !is_wide(*e, leaf); });
  if (wide.empty()) return true;
  std::vector<Int> low(wide.size(), kBig), high(wide.size(), -kBig);
  bool possible = false;
  for (int side : e->arguments(disjunction)) {
    if (e->is_false(side)) continue;
    e->push();
    if (e->assign(side, 1) && e->propagate()) {
      possible = true;
      for (std::size_t i = 0; i < wide.size(); ++i) {
        low[i] = std::min(low[i], (*e)[wide[i]].low);
        high[i] = std::max(high[i], (*e)[wide[i]].high);
      }
    }
    e->pop();
  }
  if (!possible) return false;
  for (std::size_t i = 0; i < wide.size(); ++i) {
    if (!e->within(wide[i], low[i], high[i])) return false;
  }
  return e->propagate();
}

}  // namespace

bool narrow_by_cases(Engine* e) {
  const Graph& graph = e->graph();
  bool any = false;
  for (int n = 0; n < graph.size() && !any; ++n) {
    any = graph.nodes[n].family == Family::variable && is_wide(*e, n);
  }
  for (int n = 0; n < graph.size() && any; ++n) {
    if (graph.nodes[n].family != Family::disjunction || !e->is_true(n)) continue;
    const auto sides = e->arguments(n);
    if (std::any_of(sides.begin(), sides.end(), [&](int s) { return e->is_true(s); })) continue;
    if (!narrow(e, n)) return false;
  }
  return true;
}

}  // namespace constrint::detail
