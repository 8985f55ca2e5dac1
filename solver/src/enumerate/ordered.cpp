#include "enumerate/ordered.hpp"

#include "enumerate/space.hpp"

namespace constrint::detail {

Ordered::Ordered(const Space& space) : positions_(space.axes.size()) {
  const Graph& graph = *space.graph;
  for (const Rule& rule : space.rules) {
    if (rule.node < 0 || rule.scope.size() != 2) continue;
    const Node& node = graph.nodes[rule.node];
    if (node.family != Family::linear || node.count != 2) continue;
    const auto args = graph.arguments(rule.node);
    const Int* c = graph.coefficient(rule.node);
    const bool falls = c[0] == -1 && c[1] == 1;
    if (!falls && !(c[0] == 1 && c[1] == -1)) continue;
    if (graph.nodes[args[0]].family != Family::variable ||
        graph.nodes[args[1]].family != Family::variable) {
      continue;
    }
    const auto [p, q] = falls ? std::pair(space.last[args[1]], space.last[args[0]])
                              : std::pair(space.last[args[0]], space.last[args[1]]);
    if (p < 0 || q < 0) continue;
    // p - q lies between the domain's bounds less the sum's constant.
    const Domain& d = (*space.engine)[rule.node];
    if (d.high <= node.low) pairs_.emplace_back(p, q);
    if (d.low >= node.low) pairs_.emplace_back(q, p);
  }
}

std::vector<char> Ordered::from(int position) const {
  std::vector<char> reached(positions_, 0);
  std::vector<int> open{position};
  reached[position] = 1;
  while (!open.empty()) {
    const int at = open.back();
    open.pop_back();
    for (auto [low, high] : pairs_) {
      if (low == at && !reached[high]) reached[high] = 1, open.push_back(high);
    }
  }
  return reached;
}

}  // namespace constrint::detail
