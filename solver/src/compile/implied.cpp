// Equations that follow from those written and tell propagation more.
// - Where x y z == n and some other term is y z, then x (y z) == n too, and a bound of that term is
//   one of x.
// - Where a b == m and x y == n, then (a x) (b y) == m n: if a x is small, b y is not. Tilings are
//   full of this: what is not shared out over processors is left to each of them.
// - Where x y z == n and x + y + z <= s, none of them is far from the others.
#include <algorithm>
#include <array>
#include <numeric>

#include "compile/compiler.hpp"

namespace constrint::detail {
namespace {

constexpr std::size_t kFactorsMost = 16;
constexpr int kAddedMost = 16;

}  // namespace

// A product of at most kFactorsMost terms that are no products themselves.
struct Compiler::Factored {
  int node;
  std::size_t count = 0;
  std::array<int, kFactorsMost> list;  // ascending
  Int most = kBig;                     // what the model says of its value

  const int* begin() const { return list.data(); }
  const int* end() const { return list.data() + count; }
  bool distinct() const { return std::adjacent_find(begin(), end()) == end(); }
};

// All products. Arguments come before the nodes they are arguments of.
std::vector<Compiler::Factored> Compiler::factored(const Graph& graph) {
  std::vector<Factored> all;
  all.reserve(static_cast<std::size_t>(
      std::count_if(graph.nodes.begin(), graph.nodes.end(),
                    [](const Node& n) { return n.family == Family::product; })));
  std::vector<int> place(static_cast<std::size_t>(graph.size()), -1);
  for (int n = 0; n < graph.size(); ++n) {
    if (graph.nodes[n].family != Family::product) continue;
    Factored& f = all.emplace_back();
    f.node = n;
    std::array<int, 2 * kFactorsMost> joined;
    int* end = joined.data();
    for (int a : graph.arguments(n)) {
      if (graph.nodes[a].family != Family::product) {
        *end++ = a;
      } else if (place[a] >= 0) {
        end = std::copy(all[place[a]].begin(), all[place[a]].end(), end);
      } else {
        end = joined.data() + joined.size();  // the part is too long already
        break;
      }
    }
    const auto count = static_cast<std::size_t>(end - joined.data());
    if (count > kFactorsMost) {
      all.pop_back();
      continue;
    }
    std::sort(joined.data(), end);
    std::copy(joined.data(), end, f.list.begin());
    f.count = count;
    place[n] = static_cast<int>(all.size()) - 1;
  }
  return all;
}

namespace {

bool below(const Graph& graph, int n, int wanted) {
  if (n == wanted) return true;
  if (graph.nodes[n].family != Family::product) return false;
  const auto args = graph.arguments(n);
  return std::any_of(args.begin(), args.end(), [&](int a) { return below(graph, a, wanted); });
}

}  // namespace

void Compiler::imply_products() {
  const bool equations =
      std::any_of(out_.restrictions.begin(), out_.restrictions.end(), [&](const Restriction& r) {
        return r.low == r.high && graph().nodes[r.node].family == Family::product;
      });
  if (!equations) return;
  std::vector<Factored> products = factored(graph());
  std::vector<int> place(static_cast<std::size_t>(graph().size()), -1);
  for (std::size_t i = 0; i < products.size(); ++i) place[products[i].node] = static_cast<int>(i);
  Equations known;  // those whose value the model tells
  for (const Restriction& r : out_.restrictions) {
    if (place[r.node] < 0) continue;
    Factored& f = products[place[r.node]];
    f.most = std::min(f.most, r.high);
    if (r.low == r.high) known.push_back({&f, r.low});
  }
  regroup(products, known);
  balance(known);
  // For bounds of what is to be small: without an objective this costs more than it saves.
  if (out_.objective >= 0) combine(products, known);
}

void Compiler::imply(int node, Int value) {
  Restriction restriction{node, value, value};
  restriction.implied = true;
  out_.restrictions.push_back(restriction);
}

void Compiler::regroup(const std::vector<Factored>& products, const Equations& known) {
  int added = 0;
  for (auto [whole, value] : known) {
    // A product of 0 bounds none of its factors: regrouped, they could be too wide to work out.
    if (whole->count < 3 || value == 0) continue;
    for (const Factored& part : products) {
      if (added == kAddedMost || part.count >= whole->count) continue;
      if (!std::includes(whole->begin(), whole->end(), part.begin(), part.end())) continue;
      if (below(graph(), whole->node, part.node)) continue;
      std::array<int, kFactorsMost> rest{};
      const int* end =
          std::set_difference(whole->begin(), whole->end(), part.begin(), part.end(), rest.data());
      int product = rest[0];
      for (const int* n = rest.data() + 1; n < end; ++n) product = product_node(product, *n);
      imply(product_node(product, part.node), value);
      ++added;
    }
  }
}

void Compiler::balance(const Equations& known) {
  const std::size_t written = out_.restrictions.size();
  std::vector<char> positive(static_cast<std::size_t>(graph().size()), 0);
  for (const Restriction& r : out_.restrictions) positive[r.node] |= r.low >= 1 ? 1 : 0;
  for (std::size_t i = 0; i < written; ++i) {
    const Restriction r = out_.restrictions[i];
    const Node& sum = graph().nodes[r.node];
    if (sum.family != Family::linear || sum.count < 2 || r.high >= kLimit) continue;
    const Int* c = graph().coefficient(r.node);
    if (std::any_of(c, c + sum.count, [](Int k) { return k != 1; })) continue;
    const auto parts = graph().arguments(r.node);  // ascending
    if (std::any_of(parts.begin(), parts.end(), [&](int n) { return positive[n] == 0; })) continue;
    for (auto [f, value] : known) {
      if (value <= 0 || !std::equal(parts.begin(), parts.end(), f->begin(), f->end())) continue;
      Node node{Family::balance};
      node.low = value;
      node.high = sub(r.high, sum.low);
      const std::vector<int> arguments(f->begin(), f->end());
      imply(graph().intern(node, arguments), 1);
      break;
    }
  }
}

void Compiler::combine(const std::vector<Factored>& products, Equations known) {
  // Equations without a factor in common can be multiplied, the longest first: `of` tells in which
  // of them a factor is.
  std::stable_sort(known.begin(), known.end(),
                   [](const auto& a, const auto& b) { return a.first->count > b.first->count; });
  std::vector<int> of(static_cast<std::size_t>(graph().size()), -1);
  const auto taken = [&](int n) { return of[n] >= 0; };
  Equations equations;
  for (auto [f, value] : known) {
    if (value <= 0 || !f->distinct() || std::any_of(f->begin(), f->end(), taken)) continue;
    for (int n : *f) of[n] = static_cast<int>(equations.size());
    equations.push_back({f, value});
  }
  if (equations.size() < 2) return;
  // Products across equations tie these together.
  std::vector<int> group(equations.size());
  std::iota(group.begin(), group.end(), 0);
  std::vector<const Factored*> across;
  for (const Factored& f : products) {
    if (!f.distinct() || !std::all_of(f.begin(), f.end(), taken)) continue;
    const auto elsewhere = [&](int n) { return of[n] != of[*f.begin()]; };
    if (std::none_of(f.begin(), f.end(), elsewhere)) continue;
    for (int n : f) {
      // Copies: std::replace takes what it compares with by reference, and writes over it.
      const int from = group[of[n]], to = group[of[*f.begin()]];
      std::replace(group.begin(), group.end(), from, to);
    }
    across.push_back(&f);
  }
  // The smallest first, then the longest; the order of nodes decides between equals.
  std::stable_sort(across.begin(), across.end(), [](const Factored* a, const Factored* b) {
    return a->most != b->most ? a->most < b->most : a->count > b->count;
  });
  int added = 0;
  for (int g = 0; g < static_cast<int>(equations.size()) && added < kAddedMost; ++g) {
    Int value = 1;
    std::vector<int> left;
    for (std::size_t i = 0; i < equations.size(); ++i) {
      if (group[i] != g) continue;
      value = mul(value, equations[i].second);
      left.insert(left.end(), equations[i].first->begin(), equations[i].first->end());
    }
    if (left.empty() || value > kLimit) continue;
    std::sort(left.begin(), left.end());
    std::vector<int> parts, rest;
    for (const Factored* f : across) {
      if (!std::includes(left.begin(), left.end(), f->begin(), f->end())) continue;
      rest.clear();
      std::set_difference(left.begin(), left.end(), f->begin(), f->end(), std::back_inserter(rest));
      std::swap(left, rest);
      parts.push_back(f->node);
    }
    if (parts.size() < 2) continue;
    parts.insert(parts.end(), left.begin(), left.end());
    int product = parts[0];
    for (std::size_t i = 1; i < parts.size(); ++i) product = product_node(product, parts[i]);
    imply(product, value);
    ++added;
  }
}

}  // namespace constrint::detail
