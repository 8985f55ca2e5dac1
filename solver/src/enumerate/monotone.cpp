#include "enumerate/monotone.hpp"

#include <map>

namespace constrint::detail {
namespace {

constexpr int kMixed = 2;

int join(int a, int b) {
  if (a == 0) return b;
  if (b == 0 || a == b) return a;
  return kMixed;
}
int flip(int a, bool negative) { return negative && a != kMixed ? -a : a; }

}  // namespace

int direction(const Space& space, const Rule& rule) {
  const Graph& graph = *space.graph;
  std::map<int, int> known{{space.axes[rule.target()].leaf, 1}};  // absent: does not depend on it
  const auto of = [&](int n) {
    const auto place = known.find(n);
    return place == known.end() ? 0 : place->second;
  };
  const auto never_negative = [&](int n) { return space.reach->low[n] >= 0; };
  const auto never_positive = [&](int n) { return space.reach->high[n] <= 0; };
  for (int n : rule.column_nodes) {
    const Node& node = graph.nodes[n];
    const auto args = graph.arguments(n);
    int d = kMixed;
    switch (node.family) {
      case Family::linear:
        d = 0;
        for (std::size_t i = 0; i < args.size(); ++i) {
          d = join(d, flip(of(args[i]), graph.coefficient(n)[i] < 0));
        }
        break;
      case Family::product: {
        const int a = of(args[0]), b = of(args[1]);
        // d(xy) = x dy + y dx: each part's sign is that of the other factor.
        const auto part = [&](int own, int other) {
          if (own == 0) return 0;
          if (never_negative(other)) return own;
          return never_positive(other) ? flip(own, true) : kMixed;
        };
        d = join(part(a, args[1]), part(b, args[0]));
        break;
      }
      case Family::power:
        if (of(args[1]) == 0 && never_negative(args[0]) && never_negative(args[1])) d = of(args[0]);
        break;
      case Family::floor_div:
        if (of(args[1]) == 0 && space.reach->low[args[1]] > 0) d = of(args[0]);
        if (of(args[0]) == 0 && never_negative(args[0]) && space.reach->low[args[1]] > 0) {
          d = flip(of(args[1]), true);
        }
        break;
      case Family::absolute:
        if (never_negative(args[0])) d = of(args[0]);
        break;
      case Family::negation:
        d = flip(of(args[0]), true);
        break;
      case Family::range:
        // One-sided as far as the argument reaches.
        if (node.high >= space.reach->high[args[0]]) {
          d = of(args[0]);
        } else if (node.low <= space.reach->low[args[0]]) {
          d = flip(of(args[0]), true);
        }
        break;
      case Family::minimum:
      case Family::maximum:
      case Family::conjunction:
      case Family::disjunction:
        d = 0;
        for (int a : args) d = join(d, of(a));
        break;
      default:
        break;
    }
    if (d == kMixed) return 0;
    known[n] = d;
  }
  return of(rule.node);
}

}  // namespace constrint::detail
