#include "enumerate/reach.hpp"

#include <algorithm>

#include "families/family.hpp"

namespace constrint::detail {
namespace {

constexpr Int kSafe = Int{1} << 62;

bool grows_only(const Prepared& p, int n) {
  const Graph& graph = p.compiled.graph;
  const Node& node = graph.nodes[n];
  if (node.family != Family::product && node.family != Family::power &&
      node.family != Family::linear) {
    return false;
  }
  const auto args = graph.arguments(n);
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (p.engine[args[i]].low < 0 || graph.coefficient(n)[i] < 0 ||
        graph.coefficient(n)[i] >= kSafe) {
      return false;
    }
  }
  return node.family != Family::linear || (node.low >= 0 && node.low < kSafe);
}

bool may_saturate(const Prepared& p, int n) {
  const Graph& graph = p.compiled.graph;
  const auto small_or_none = [](Int bound) { return bound < kSafe || saturated(bound); };
  if (!grows_only(p, n) || !small_or_none(p.engine[n].high) || p.engine[n].low >= kSafe) {
    return false;
  }
  for (int parent : graph.parents_of(n)) {
    const Node& asker = graph.nodes[parent];
    const bool asks =
        asker.family == Family::range && small_or_none(asker.high) && asker.low < kSafe;
    if (!asks && !grows_only(p, parent)) return false;
  }
  return true;
}

}  // namespace

Reach::Reach(const Prepared& p) {
  const Graph& graph = p.compiled.graph;
  Engine hull(graph, false);
  const auto size = static_cast<std::size_t>(graph.size());
  low.assign(size, 0);
  high.assign(size, 0);
  saturating.assign(size, 0);
  for (int n = 0; n < graph.size() && fits; ++n) {
    const Node& node = graph.nodes[n];
    if (node.family == Family::variable) {
      const Domain& d = p.engine[n];
      fits = hull.within(n, d.low, d.high);
    } else if (node.family != Family::constant) {
      fits = family(node.family).propagate(hull, n);
      hull.clear_queue();
    }
    low[n] = hull[n].low;
    high[n] = hull[n].high;
    Int reach = std::max(abs_wide(low[n]), abs_wide(high[n]));
    if (node.family == Family::linear) {
      reach = abs_wide(node.low);
      const auto args = graph.arguments(n);
      for (std::size_t i = 0; i < args.size(); ++i) {
        const Int most = std::max(abs_wide(low[args[i]]), abs_wide(high[args[i]]));
        reach = add(reach, mul(abs_wide(graph.coefficient(n)[i]), most));
      }
    }
    if (reach < kSafe) continue;
    fits = fits && may_saturate(p, n);
    saturating[n] = 1;
  }
}

}  // namespace constrint::detail
