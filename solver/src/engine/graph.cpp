#include "engine/graph.hpp"

namespace constrint::detail {

int Graph::intern(Node node, std::span<const int> arguments, const Int* coefficient) {
  std::vector<Int> key;
  key.reserve(4 + 2 * arguments.size());
  key.push_back(static_cast<int>(node.family));
  key.push_back(node.other);
  key.push_back(node.low);
  key.push_back(node.high);
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    key.push_back(arguments[i]);
    if (coefficient != nullptr) key.push_back(coefficient[i]);
  }
  auto [place, is_new] = interned_.try_emplace(std::move(key), size());
  if (!is_new) return place->second;
  node.first = static_cast<int>(args.size());
  node.count = static_cast<int>(arguments.size());
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    args.push_back(arguments[i]);
    coefficients.push_back(coefficient != nullptr ? coefficient[i] : Int{1});
  }
  nodes.push_back(node);
  return size() - 1;
}

int Graph::variable() {
  Node node{Family::variable};
  node.first = static_cast<int>(args.size());
  nodes.push_back(node);
  return size() - 1;
}

int Graph::constant(Int value) {
  Node node{Family::constant};
  node.low = node.high = value;
  return intern(node, {});
}

int Graph::intern_set(std::vector<i64> set) {
  auto [place, is_new] = interned_sets_.try_emplace(set, static_cast<int>(sets.size()));
  if (is_new) sets.push_back(std::move(set));
  return place->second;
}

void Graph::link() {
  parent_first.assign(nodes.size() + 1, 0);
  for (int a : args) ++parent_first[a + 1];
  for (std::size_t i = 1; i < parent_first.size(); ++i) parent_first[i] += parent_first[i - 1];
  parents.resize(args.size());
  std::vector<int> next(parent_first.begin(), parent_first.end() - 1);
  for (int n = 0; n < size(); ++n) {
    for (int a : arguments(n)) parents[next[a]++] = n;
  }
}

}  // namespace constrint::detail
