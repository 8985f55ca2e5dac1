#include "search/components.hpp"

#include <algorithm>
#include <numeric>

#include "families/family.hpp"

namespace constrint::detail {

std::vector<int> open_leaves(const Engine& engine, int node) {
  std::vector<int> leaves, stack{node};
  std::vector<char> seen(static_cast<std::size_t>(engine.graph().size()), 0);
  seen[node] = 1;
  while (!stack.empty()) {
    const int n = stack.back();
    stack.pop_back();
    if (engine.graph().nodes[n].family == Family::variable) {
      if (!engine.fixed(n)) leaves.push_back(n);
      continue;
    }
    for (int a : engine.arguments(n)) {
      if (!seen[a]) seen[a] = 1, stack.push_back(a);
    }
  }
  std::sort(leaves.begin(), leaves.end());
  return leaves;
}

std::vector<Live> live_constraints(const Compiled& compiled, Engine* engine) {
  std::vector<Live> live;
  const Graph& graph = compiled.graph;
  std::vector<char> posted = compiled.posted;
  // Arguments come before the nodes they are arguments of. A settled restriction holds because of
  // what it has made of its arguments' domains, so it lives on in them.
  for (int n = graph.size() - 1; n >= 0; --n) {
    if (!posted[n] || graph.nodes[n].family == Family::variable) continue;
    Live candidate{n, open_leaves(*engine, n)};
    if (candidate.leaves.empty()) continue;
    // What would the arguments alone allow? If no more than the domain has, nothing is left to do.
    const Domain now = (*engine)[n];
    const FamilyInfo& info = family(graph.nodes[n].family);
    Domain free;
    if (info.condition) free.low = 0, free.high = 1;
    engine->push();
    engine->overwrite(n, free);
    const bool consistent = info.propagate(*engine, n);
    const Domain hull = (*engine)[n];
    engine->pop();
    const bool settled = consistent && now.count == 0 && now.divisor_of == 0 &&
                         hull.low >= now.low && hull.high <= now.high &&
                         (now.modulus == 1 || (hull.modulus % now.modulus == 0 &&
                                               hull.residue % now.modulus == now.residue));
    if (!settled) {
      live.push_back(std::move(candidate));
    } else {
      for (int a : graph.arguments(n)) posted[a] = 1;
    }
  }
  std::reverse(live.begin(), live.end());
  return live;
}

std::vector<std::pair<int, Int>> objective_parts(const Compiled& compiled) {
  if (compiled.objective < 0) return {};
  const Graph& graph = compiled.graph;
  if (graph.nodes[compiled.objective].family != Family::linear) return {{compiled.objective, 1}};
  std::vector<std::pair<int, Int>> parts;
  const auto args = graph.arguments(compiled.objective);
  for (std::size_t i = 0; i < args.size(); ++i) {
    parts.push_back({args[i], graph.coefficient(compiled.objective)[i]});
  }
  return parts;
}

Components components(const Compiled& compiled, const Engine& engine,
                      const std::vector<Live>& live) {
  const Graph& graph = compiled.graph;
  std::vector<int> parent(static_cast<std::size_t>(graph.size()));
  std::iota(parent.begin(), parent.end(), 0);
  const auto find = [&](int n) {
    while (parent[n] != n) n = parent[n] = parent[parent[n]];
    return n;
  };
  const auto tie = [&](const std::vector<int>& leaves) {
    for (std::size_t i = 1; i < leaves.size(); ++i) parent[find(leaves[i])] = find(leaves[0]);
  };
  for (const Live& l : live) tie(l.leaves);
  for (const Branch& b : compiled.branches) {
    if (graph.nodes[b.node].family != Family::variable) tie(open_leaves(engine, b.node));
  }
  for (auto [node, c] : objective_parts(compiled)) tie(open_leaves(engine, node));
  Components result;
  result.of_leaf.assign(static_cast<std::size_t>(graph.size()), -1);
  std::vector<int> number(static_cast<std::size_t>(graph.size()), -1);
  for (int n = 0; n < graph.size(); ++n) {
    if (graph.nodes[n].family != Family::variable || engine.fixed(n)) continue;
    int& mine = number[find(n)];
    if (mine < 0) mine = result.count++;
    result.of_leaf[n] = mine;
  }
  return result;
}

}  // namespace constrint::detail
