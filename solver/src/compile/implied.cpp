// Equations that follow from those written and tell propagation more: where x y z == n and some
// other term is y z, then x (y z) == n too, and a bound of that term is one of x.
#include <algorithm>

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

}  // namespace constrint::detail
