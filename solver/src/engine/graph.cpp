#include "engine/graph.hpp"

#include <algorithm>

namespace constrint::detail {

namespace {

constexpr std::size_t kSlotsAtFirst = 256;

u64 mixed(u64 hash, Int value) {
  const auto bits = static_cast<unsigned __int128>(value);
  hash = (hash ^ static_cast<u64>(bits)) * 0x9E3779B97F4A7C15u;
  return (hash ^ (hash >> 29) ^ static_cast<u64>(bits >> 64)) * 0xBF58476D1CE4E5B9u;
}

}  // namespace

// Where the node is in the table, or the free slot that it belongs to.
std::size_t Graph::slot_of(const Node& node, std::span<const int> arguments,
                           const Int* coefficient) const {
  u64 hash = mixed(static_cast<u64>(node.family), node.other);
  hash = mixed(mixed(hash, node.low), node.high);
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    hash = mixed(hash, arguments[i]);
    if (node.family == Family::linear) hash = mixed(hash, coefficient[i]);
  }
  const auto same = [&](int n) {
    const Node& other = nodes[n];
    if (other.family != node.family || other.other != node.other || other.low != node.low ||
        other.high != node.high || static_cast<std::size_t>(other.count) != arguments.size()) {
      return false;
    }
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      const std::size_t at = static_cast<std::size_t>(other.first) + i;
      if (args[at] != arguments[i]) return false;
      if (coefficients[at] != (coefficient != nullptr ? coefficient[i] : Int{1})) return false;
    }
    return true;
  };
  std::size_t slot = (hash >> 32) & (slots_.size() - 1);
  while (slots_[slot] >= 0 && !same(slots_[slot])) slot = (slot + 1) & (slots_.size() - 1);
  return slot;
}

int Graph::intern(Node node, std::span<const int> arguments, const Int* coefficient) {
  if (2 * interned_ >= slots_.size()) {
    const std::vector<int> before = std::move(slots_);
    slots_.assign(std::max(kSlotsAtFirst, 2 * before.size()), -1);
    for (int n : before) {
      if (n >= 0) slots_[slot_of(nodes[n], this->arguments(n), this->coefficient(n))] = n;
    }
  }
  const std::size_t slot = slot_of(node, arguments, coefficient);
  if (slots_[slot] >= 0) return slots_[slot];
  node.first = static_cast<int>(args.size());
  node.count = static_cast<int>(arguments.size());
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    args.push_back(arguments[i]);
    coefficients.push_back(coefficient != nullptr ? coefficient[i] : Int{1});
  }
  nodes.push_back(node);
  ++interned_;
  return slots_[slot] = size() - 1;
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
