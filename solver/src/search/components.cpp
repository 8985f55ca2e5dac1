#include "search/components.hpp"

#include <algorithm>
#include <numeric>

#include "families/family.hpp"

namespace constrint::detail {

namespace {

// Finds the open variables below one node after another.
class Leaves {
 public:
  explicit Leaves(const Engine& engine)
      : engine_(engine), seen_(static_cast<std::size_t>(engine.graph().size()), -1) {}

  const std::vector<int>& below(int node) {
    ++serial_;
    leaves_.clear();
    stack_.assign(1, node);
    seen_[node] = serial_;
    while (!stack_.empty()) {
      const int n = stack_.back();
      stack_.pop_back();
      if (engine_.graph().nodes[n].family == Family::variable) {
        if (!engine_.fixed(n)) leaves_.push_back(n);
        continue;
      }
      for (int a : engine_.arguments(n)) {
        if (seen_[a] != serial_) seen_[a] = serial_, stack_.push_back(a);
      }
    }
    std::sort(leaves_.begin(), leaves_.end());
    return leaves_;
  }

 private:
  const Engine& engine_;
  std::vector<int> seen_;  // per node: the search that saw it last
  int serial_ = -1;
  std::vector<int> leaves_, stack_;
};

}  // namespace

std::vector<int> open_leaves(const Engine& engine, int node) { return Leaves(engine).below(node); }

std::vector<Live> live_constraints(const Compiled& compiled, Engine* engine) {
  std::vector<Live> live;
  const Graph& graph = compiled.graph;
  std::vector<char> posted = compiled.posted;
  Leaves leaves(*engine);
  // Arguments come before the nodes they are arguments of. A settled restriction holds because of
  // what it has made of its arguments' domains, so it lives on in them.
  for (int n = graph.size() - 1; n >= 0; --n) {
    if (!posted[n] || graph.nodes[n].family == Family::variable) continue;
    Live candidate{n, leaves.below(n)};
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
  Leaves leaves(engine);
  std::vector<int> some_leaf;  // of each branch
  some_leaf.reserve(compiled.branches.size());
  for (const Branch& b : compiled.branches) {
    if (graph.nodes[b.node].family == Family::variable) {
      some_leaf.push_back(b.node);
      continue;
    }
    const std::vector<int>& all = leaves.below(b.node);
    tie(all);
    some_leaf.push_back(all.empty() ? -1 : all[0]);
  }
  for (auto [node, c] : objective_parts(compiled)) tie(leaves.below(node));
  Components result;
  result.of_leaf.assign(static_cast<std::size_t>(graph.size()), -1);
  std::vector<int> number(static_cast<std::size_t>(graph.size()), -1);
  for (int n = 0; n < graph.size(); ++n) {
    if (graph.nodes[n].family != Family::variable || engine.fixed(n)) continue;
    int& mine = number[find(n)];
    if (mine < 0) mine = result.count++;
    result.of_leaf[n] = mine;
  }
  for (int leaf : some_leaf) result.of_branch.push_back(leaf < 0 ? -1 : result.of_leaf[leaf]);
  return result;
}

}  // namespace constrint::detail
