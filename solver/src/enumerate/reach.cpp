#include "enumerate/reach.hpp"

#include <algorithm>

#include "families/family.hpp"
#include "math/few.hpp"

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

struct Hull {
  Int low, high;
};

Hull around(std::initializer_list<Int> values) { return {std::min(values), std::max(values)}; }

Hull power(Hull x, Hull k) {
  const Int most = std::max(k.high, Int{0});
  if (x.low >= 0) {
    // Rises with the exponent from 1 on; 0 for a negative one, and 0 to the power 0 is 1.
    const Int least = k.low < 0 || (x.low == 0 && k.high > 0) ? 0 : pow_wide(x.low, k.low);
    return {least, std::max(Int{k.low <= 0 ? 1 : 0}, pow_wide(x.high, most))};
  }
  const Int widest = pow_wide(std::max(-x.low, abs_wide(x.high)), most);
  const bool even = k.low == k.high && k.low >= 0 && floor_mod(k.low, 2) == 0;
  return {even ? 0 : -widest, widest};
}

Hull quotient(Hull x, Hull y) {
  if (y.low <= 0) {
    const Int most = std::max(abs_wide(x.low), abs_wide(x.high));
    return {-most, most};
  }
  if (saturated(x.low) || saturated(x.high)) return {-kBig, kBig};
  return {floor_div(x.low, x.low >= 0 ? y.high : y.low),
          floor_div(x.high, x.high >= 0 ? y.low : y.high)};
}

Hull remainder(Hull x, Hull y) {
  Hull h{std::min(Int{0}, add(y.low, 1)), std::max(Int{0}, sub(y.high, 1))};
  if (y.low > 0 && x.low >= 0) h.high = std::min(h.high, x.high);
  return h;
}

// What a node can be for any values of its arguments within theirs: interval arithmetic, forward
// only.
Hull hull_of(const Graph& graph, int n, const std::vector<Int>& low, const std::vector<Int>& high) {
  const Node& node = graph.nodes[n];
  const auto args = graph.arguments(n);
  if (node.family == Family::constant) return {node.low, node.low};
  const auto of = [&](std::size_t i) { return Hull{low[args[i]], high[args[i]]}; };
  if (std::all_of(args.begin(), args.end(), [&](int a) { return low[a] == high[a]; })) {
    Few<Int, 8> values;
    for (int a : args) values.push_back(low[a]);
    const Int v = family(node.family).evaluate(graph, node, values.data());
    return {v, v};
  }
  switch (node.family) {
    case Family::linear: {
      Hull sum{node.low, node.low};
      for (std::size_t i = 0; i < args.size(); ++i) {
        const Int c = graph.coefficient(n)[i];
        sum.low = add(sum.low, mul(c, c > 0 ? of(i).low : of(i).high));
        sum.high = add(sum.high, mul(c, c > 0 ? of(i).high : of(i).low));
      }
      return sum;
    }
    case Family::product: {
      const Hull x = of(0), y = of(1);
      return around(
          {mul(x.low, y.low), mul(x.low, y.high), mul(x.high, y.low), mul(x.high, y.high)});
    }
    case Family::power:
      return power(of(0), of(1));
    case Family::floor_div:
      return quotient(of(0), of(1));
    case Family::mod:
      return remainder(of(0), of(1));
    case Family::minimum:
    case Family::maximum: {
      Hull extreme = of(0);
      for (std::size_t i = 1; i < args.size(); ++i) {
        const bool most = node.family == Family::maximum;
        extreme.low = most ? std::max(extreme.low, of(i).low) : std::min(extreme.low, of(i).low);
        extreme.high =
            most ? std::max(extreme.high, of(i).high) : std::min(extreme.high, of(i).high);
      }
      return extreme;
    }
    case Family::absolute: {
      const Hull x = of(0);
      return {std::max({Int{0}, x.low, -x.high}), std::max(abs_wide(x.low), abs_wide(x.high))};
    }
    case Family::range: {
      const Hull x = of(0);
      return {x.low >= node.low && x.high <= node.high ? 1 : 0,
              x.low > node.high || x.high < node.low ? 0 : 1};
    }
    case Family::conjunction:
    case Family::disjunction: {
      // Where one argument decides, the others do not matter.
      const Int decides = node.family == Family::disjunction ? 1 : 0;
      for (int a : args) {
        if (low[a] == decides && high[a] == decides) return {decides, decides};
      }
      return {0, 1};
    }
    default:
      return {0, 1};  // a condition
  }
}

}  // namespace

Reach::Reach(const Prepared& p) {
  const Graph& graph = p.compiled.graph;
  const auto size = static_cast<std::size_t>(graph.size());
  low.assign(size, 0);
  high.assign(size, 0);
  saturating.assign(size, 0);
  for (int n = 0; n < graph.size() && fits; ++n) {
    const Node& node = graph.nodes[n];
    const Hull hull = node.family == Family::variable ? Hull{p.engine[n].low, p.engine[n].high}
                                                      : hull_of(graph, n, low, high);
    low[n] = hull.low;
    high[n] = hull.high;
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
