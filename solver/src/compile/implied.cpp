// Equations that follow from those written and tell propagation more.
// - Where x y z == n and some other term is y z, then x (y z) == n too, and a bound of that term is
//   one of x.
// - Where a b == m and x y == n, then (a x) (b y) == m n: if a x is small, b y is not. Tilings are
//   full of this: what is not shared out over processors is left to each of them.
#include <algorithm>
#include <numeric>

#include "compile/compiler.hpp"

namespace constrint::detail {
namespace {

constexpr std::size_t kFactorsMost = 16;
constexpr int kAddedMost = 16;

void factors(const Graph& graph, int n, std::vector<int>* out) {
  if (graph.nodes[n].family != Family::product) {
    out->push_back(n);
    return;
  }
  for (int a : graph.arguments(n)) factors(graph, a, out);
}

bool below(const Graph& graph, int n, int wanted) {
  if (n == wanted) return true;
  if (graph.nodes[n].family != Family::product) return false;
  const auto args = graph.arguments(n);
  return std::any_of(args.begin(), args.end(), [&](int a) { return below(graph, a, wanted); });
}

// A product whose value is known, or one that takes its factors from several such.
struct Factored {
  int node;
  std::vector<int> factors;  // ascending, all different
  Int most = kBig;           // what the model says of it
};

// The smallest first, then the longest; the order of nodes decides between equals.
void sort_by_use(std::vector<Factored>* list) {
  std::stable_sort(list->begin(), list->end(), [](const Factored& a, const Factored& b) {
    return a.most != b.most ? a.most < b.most : a.factors.size() > b.factors.size();
  });
}

// Empty where a factor comes twice or there are too many.
std::vector<int> distinct_factors(const Graph& graph, int n) {
  std::vector<int> all;
  factors(graph, n, &all);
  std::sort(all.begin(), all.end());
  const bool twice = std::adjacent_find(all.begin(), all.end()) != all.end();
  if (twice || all.size() > kFactorsMost) all.clear();
  return all;
}

}  // namespace

void Compiler::regroup_products() {
  const std::size_t written = out_.restrictions.size();
  // All products there are, with their factors: worked out once there is something to regroup.
  std::vector<std::pair<int, std::vector<int>>> products;
  const int nodes = graph().size();
  int added = 0;
  for (std::size_t r = 0; r < written; ++r) {
    const Restriction whole = out_.restrictions[r];
    if (whole.low != whole.high || graph().nodes[whole.node].family != Family::product) continue;
    std::vector<int> all;
    factors(graph(), whole.node, &all);
    if (all.size() < 3 || all.size() > kFactorsMost) continue;
    std::sort(all.begin(), all.end());
    if (products.empty()) {
      for (int n = 0; n < nodes; ++n) {
        if (graph().nodes[n].family != Family::product) continue;
        products.push_back({n, {}});
        factors(graph(), n, &products.back().second);
        std::sort(products.back().second.begin(), products.back().second.end());
      }
    }
    for (const auto& [n, part] : products) {
      if (added == kAddedMost || part.size() >= all.size()) continue;
      if (!std::includes(all.begin(), all.end(), part.begin(), part.end())) continue;
      if (below(graph(), whole.node, n)) continue;
      std::vector<int> rest;
      std::set_difference(all.begin(), all.end(), part.begin(), part.end(),
                          std::back_inserter(rest));
      int product = rest[0];
      for (std::size_t i = 1; i < rest.size(); ++i) product = product_node(product, rest[i]);
      Restriction again = whole;
      again.node = product_node(product, n);
      again.implied = true;
      out_.restrictions.push_back(again);
      ++added;
    }
  }
}

void Compiler::combine_products() {
  std::vector<Factored> known;
  std::vector<Int> value(static_cast<std::size_t>(graph().size()), 0);
  for (const Restriction& r : out_.restrictions) {
    const bool usable = r.low == r.high && r.low > 0 && r.low <= kLimit && !r.implied;
    if (!usable || graph().nodes[r.node].family != Family::product || value[r.node] != 0) continue;
    std::vector<int> all = distinct_factors(graph(), r.node);
    if (all.empty()) continue;
    value[r.node] = r.low;
    known.push_back({r.node, std::move(all), r.low});
  }
  if (known.size() < 2) return;
  // Equations without a factor in common can be multiplied: `of` tells whose factor a node is.
  std::stable_sort(known.begin(), known.end(), [](const Factored& a, const Factored& b) {
    return a.factors.size() > b.factors.size();
  });
  std::vector<int> of(static_cast<std::size_t>(graph().size()), -1);
  std::vector<Factored> wholes;
  for (Factored& f : known) {
    if (std::any_of(f.factors.begin(), f.factors.end(), [&](int n) { return of[n] >= 0; }))
      continue;
    for (int n : f.factors) of[n] = static_cast<int>(wholes.size());
    wholes.push_back(std::move(f));
  }
  // Products across equations tie these together.
  std::vector<int> group(wholes.size());
  std::iota(group.begin(), group.end(), 0);
  std::vector<Factored> across;
  for (int n = 0; n < graph().size(); ++n) {
    if (graph().nodes[n].family != Family::product) continue;
    std::vector<int> all = distinct_factors(graph(), n);
    if (all.empty()) continue;
    if (std::any_of(all.begin(), all.end(), [&](int f) { return of[f] < 0; })) continue;
    const int first = group[of[all[0]]];
    bool several = false;
    for (int f : all) {
      const int other = group[of[f]];
      several = several || of[f] != of[all[0]];
      if (other != first) std::replace(group.begin(), group.end(), other, first);
    }
    if (several) across.push_back({n, std::move(all)});
  }
  for (const Restriction& r : out_.restrictions) {
    for (Factored& f : across) {
      if (f.node == r.node) f.most = std::min(f.most, r.high);
    }
  }
  sort_by_use(&across);
  int added = 0;
  for (int g = 0; g < static_cast<int>(wholes.size()) && added < kAddedMost; ++g) {
    Int product = 1;
    std::size_t equations = 0, parts = 0;
    std::vector<int> left;
    for (std::size_t w = 0; w < wholes.size(); ++w) {
      if (group[w] != g) continue;
      ++equations;
      product = mul(product, value[wholes[w].node]);
      left.insert(left.end(), wholes[w].factors.begin(), wholes[w].factors.end());
    }
    if (equations < 2 || product > kLimit) continue;
    std::sort(left.begin(), left.end());
    int node = -1;
    for (const Factored& f : across) {
      if (!std::includes(left.begin(), left.end(), f.factors.begin(), f.factors.end())) continue;
      std::vector<int> rest;
      std::set_difference(left.begin(), left.end(), f.factors.begin(), f.factors.end(),
                          std::back_inserter(rest));
      left = std::move(rest);
      node = node < 0 ? f.node : product_node(node, f.node);
      ++parts;
    }
    if (parts < 2) continue;
    for (int n : left) node = product_node(node, n);
    Restriction whole{node, product, product};
    whole.implied = true;
    out_.restrictions.push_back(whole);
    ++added;
  }
}

}  // namespace constrint::detail
