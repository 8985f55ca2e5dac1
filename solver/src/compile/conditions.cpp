// Conditions become nodes of value 0 or 1, or, where they must hold, restrictions of the terms they
// speak of: a required comparison needs no node of its own.
#include <algorithm>
#include <map>

#include "compile/compiler.hpp"
#include "math/numbers.hpp"

namespace constrint::detail {
namespace {

Int gcd_wide(Int a, Int b) {
  a = abs_wide(a), b = abs_wide(b);
  while (b != 0) a = std::exchange(b, a % b);
  return a;
}

bool is_comparison(Op op) { return op >= Op::eq && op <= Op::ge; }

Op opposite(Op op) {
  switch (op) {
    case Op::eq:
      return Op::ne;
    case Op::ne:
      return Op::eq;
    case Op::lt:
      return Op::ge;
    case Op::le:
      return Op::gt;
    case Op::gt:
      return Op::le;
    default:
      return Op::lt;
  }
}

}  // namespace

// `difference op 0` with the coefficients' common factor taken out and the first one positive, so
// that comparisons of the same sum with different bounds share its node. For ne: where it is equal.
Compiler::Interval Compiler::comparison(Op op, const Sum& difference) {
  const Int c = difference.constant;
  if (difference.is_constant()) {
    bool truth = false;
    switch (op) {
      case Op::eq:
      case Op::ne:
        truth = c == 0;
        break;
      case Op::lt:
        truth = c < 0;
        break;
      case Op::le:
        truth = c <= 0;
        break;
      case Op::gt:
        truth = c > 0;
        break;
      default:
        truth = c >= 0;
        break;
    }
    return {-1, 0, 0, truth};
  }
  Int g = 0;
  for (auto [node, coefficient] : difference.terms) g = gcd_wide(g, coefficient);
  if (difference.terms[0].second < 0) g = -g;
  Sum reduced;
  for (auto [node, coefficient] : difference.terms)
    reduced.terms.push_back({node, coefficient / g});
  // sum * g + c op 0.
  Interval interval{-1, -kBig, kBig, false};
  const bool at_most = op == Op::lt || op == Op::le;
  const bool at_least = op == Op::gt || op == Op::ge;
  if (!at_most && !at_least) {
    if (c % g != 0) return {-1, 0, 0, false};
    interval.low = interval.high = -c / g;
  } else {
    const Int bound = op == Op::lt ? -c - 1 : op == Op::gt ? -c + 1 : -c;
    if (at_most == (g > 0)) {
      interval.high = floor_div(bound, g);
    } else {
      interval.low = ceil_div(bound, g);
    }
  }
  interval.node = node_of(reduced);
  return interval;
}

int Compiler::interval_node(const Interval& interval) {
  if (interval.node < 0) return truth_node(interval.truth);
  Node node{Family::range};
  node.low = interval.low;
  node.high = interval.high;
  return graph().intern(node, {&interval.node, 1});
}

int Compiler::none_of(int node) {
  if (graph().is_constant(node)) return truth_node(graph().nodes[node].low == 0);
  if (graph().nodes[node].family == Family::negation) return graph().arguments(node)[0];
  return graph().intern(Node{Family::negation}, {&node, 1});
}

int Compiler::all_of(std::vector<int> nodes) {
  std::sort(nodes.begin(), nodes.end());
  nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
  for (int n : nodes) {
    if (graph().is_constant(n) && graph().nodes[n].low == 0) return n;
  }
  std::erase_if(nodes, [&](int n) { return graph().is_constant(n); });
  if (nodes.empty()) return truth_node(true);
  if (nodes.size() == 1) return nodes[0];
  return graph().intern(Node{Family::conjunction}, nodes);
}

// x == 1 | x == 2 | x == 8 is membership, whose propagation sees all alternatives at once.
std::vector<int> Compiler::merge_equalities(std::vector<int> nodes) {
  std::map<int, std::vector<i64>> values;
  std::vector<int> rest;
  for (int n : nodes) {
    const Node& node = graph().nodes[n];
    if (node.family == Family::range && node.low == node.high && fits64(node.low)) {
      values[graph().args[node.first]].push_back(static_cast<i64>(node.low));
    } else if (node.family == Family::member) {
      auto& list = values[graph().args[node.first]];
      const auto& set = graph().sets[node.other];
      list.insert(list.end(), set.begin(), set.end());
    } else {
      rest.push_back(n);
    }
  }
  for (auto& [argument, list] : values) {
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
    if (list.size() == 1) {
      rest.push_back(interval_node({argument, list[0], list[0], false}));
    } else {
      Node node{Family::member};
      node.other = graph().intern_set(list);
      rest.push_back(graph().intern(node, {&argument, 1}));
    }
  }
  return rest;
}

int Compiler::any_of(std::vector<int> nodes) {
  nodes = merge_equalities(std::move(nodes));
  std::sort(nodes.begin(), nodes.end());
  nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
  for (int n : nodes) {
    if (graph().is_constant(n) && graph().nodes[n].low != 0) return n;
  }
  std::erase_if(nodes, [&](int n) { return graph().is_constant(n); });
  if (nodes.empty()) return truth_node(false);
  if (nodes.size() == 1) return nodes[0];
  return graph().intern(Node{Family::disjunction}, nodes);
}

int Compiler::divides_node(const Sum& divisor, const Sum& value) {
  if (divisor.is_constant()) {
    const Int d = divisor.constant;
    if (d == 0) return truth_node(false);
    if (d == 1 || d == -1) return truth_node(true);
    if (value.is_constant()) return truth_node(value.constant % d == 0);
  }
  const int arguments[2] = {node_of(divisor), node_of(value)};
  return graph().intern(Node{Family::divides}, arguments);
}

int Compiler::comparison_node(const Expr& e) {
  const int* arg = model_.arguments(e);
  Guards guards;
  const Expr& left = model_.exprs[arg[0]];
  const Expr& right = model_.exprs[arg[1]];
  int raw = -1;
  if ((e.op == Op::eq || e.op == Op::ne) && left.op == Op::mod && right.op == Op::constant &&
      right.value == 0) {
    const Sum value = term(model_.arguments(left)[0], &guards);
    const Sum divisor = term(model_.arguments(left)[1], &guards);
    raw = divides_node(divisor, value);
    if (e.op == Op::ne) {
      need_nonzero(divisor, &guards);
      raw = none_of(raw);
    }
  } else {
    Sum difference = term(arg[0], &guards);
    accumulate(&difference, term(arg[1], &guards), -1);
    raw = interval_node(comparison(e.op, difference));
    if (e.op == Op::ne) raw = none_of(raw);
  }
  guards.push_back(raw);
  return all_of(std::move(guards));
}

int Compiler::condition(int expr) {
  if (shared_[expr] == kSingle) return new_condition(expr);
  if (shared_[expr] == kLater) shared_[expr] = new_condition(expr);
  return shared_[expr];
}

int Compiler::new_condition(int expr) {
  const Expr& e = model_.exprs[expr];
  const int* arg = model_.arguments(e);
  if (is_comparison(e.op)) return comparison_node(e);
  Guards guards;
  int raw = -1;
  switch (e.op) {
    case Op::logic_and:
    case Op::logic_or: {
      std::vector<int> nodes;
      for (int i = 0; i < e.count; ++i) nodes.push_back(condition(arg[i]));
      return e.op == Op::logic_and ? all_of(std::move(nodes)) : any_of(std::move(nodes));
    }
    case Op::logic_not:
      return none_of(condition(arg[0]));
    case Op::implies:
      return any_of({none_of(condition(arg[0])), condition(arg[1])});
    case Op::iff: {
      int nodes[2] = {condition(arg[0]), condition(arg[1])};
      if (nodes[0] == nodes[1]) return truth_node(true);
      for (int i = 0; i < 2; ++i) {
        if (!graph().is_constant(nodes[i])) continue;
        return graph().nodes[nodes[i]].low != 0 ? nodes[1 - i] : none_of(nodes[1 - i]);
      }
      if (nodes[0] > nodes[1]) std::swap(nodes[0], nodes[1]);
      return graph().intern(Node{Family::equivalence}, nodes);
    }
    case Op::in_set: {
      const int x = node_of(term(arg[0], &guards));
      std::vector<i64> set = model_.rows[e.value].cells;
      std::sort(set.begin(), set.end());
      set.erase(std::unique(set.begin(), set.end()), set.end());
      Node node{Family::member};
      node.other = graph().intern_set(std::move(set));
      raw = graph().intern(node, {&x, 1});
      break;
    }
    case Op::divides: {
      const Sum divisor = term(arg[0], &guards);
      raw = divides_node(divisor, term(arg[1], &guards));
      break;
    }
    case Op::all_different: {
      std::vector<int> nodes;
      for (int i = 0; i < e.count; ++i) nodes.push_back(node_of(term(arg[i], &guards)));
      std::sort(nodes.begin(), nodes.end());
      raw = std::adjacent_find(nodes.begin(), nodes.end()) != nodes.end()
                ? truth_node(false)
                : graph().intern(Node{Family::all_different}, nodes);
      break;
    }
    case Op::table: {
      std::vector<int> nodes;
      for (int i = 0; i < e.count; ++i) nodes.push_back(node_of(term(arg[i], &guards)));
      Node node{Family::table};
      node.other = graph().intern_set(model_.rows[e.value].cells);
      raw = graph().intern(node, nodes);
      break;
    }
    default:
      throw ModelError("'" + print_expr(model_, expr) + "' is not a condition");
  }
  guards.push_back(raw);
  return all_of(std::move(guards));
}

void Compiler::refute() {
  if (!out_.impossible) out_.refuted_by = source_;
  out_.impossible = true;
}

void Compiler::restrict(Restriction r) {
  r.source = source_;
  if (graph().is_constant(r.node)) {
    const Int v = graph().nodes[r.node].low;
    bool holds = v >= r.low && v <= r.high && floor_mod(v - r.residue, r.modulus) == 0;
    if (holds && r.set >= 0) {
      const auto& set = graph().sets[r.set];
      holds = fits64(v) && std::binary_search(set.begin(), set.end(), static_cast<i64>(v));
    }
    if (!holds) refute();
    return;
  }
  if (r.modulus > 1 && !joins(r.node, r.modulus)) {
    Restriction rest = r;
    rest.modulus = 1;
    rest.residue = 0;
    out_.restrictions.push_back(rest);
    Sum shifted = of_node(r.node);
    shifted.constant = -Int{r.residue};
    return restrict({divides_node(constant_sum(r.modulus), shifted), 1, 1});
  }
  out_.restrictions.push_back(r);
}

// Whether a domain can hold this stride beside those asked for so far. One that it cannot hold
// would be lost: it must be a condition of its own.
bool Compiler::joins(int node, i64 modulus) {
  const auto place = std::find_if(strides_.begin(), strides_.end(),
                                  [&](const auto& stride) { return stride.first == node; });
  if (place == strides_.end()) {
    strides_.emplace_back(node, modulus);
    return true;
  }
  const i64 joint = lcm64(place->second, modulus);
  if (joint != 0) place->second = joint;
  return joint != 0;
}

void Compiler::restrict_interval(const Interval& interval) {
  if (interval.node < 0) {
    if (!interval.truth) refute();
  } else {
    restrict({interval.node, interval.low, interval.high});
  }
}

void Compiler::require_node(int node, bool truth) {
  const Node& n = graph().nodes[node];
  if (n.family == Family::negation) return require_node(graph().arguments(node)[0], !truth);
  const bool opens =
      (n.family == Family::conjunction && truth) || (n.family == Family::disjunction && !truth);
  if (opens) {
    const auto span = graph().arguments(node);
    for (int a : std::vector<int>(span.begin(), span.end())) require_node(a, truth);
    return;
  }
  if (n.family == Family::range && truth) {
    return restrict({graph().args[n.first], n.low, n.high});
  }
  if (n.family == Family::member && truth) {
    return restrict({graph().args[n.first], -kBig, kBig, n.other});
  }
  if (n.family == Family::divides && truth) {
    // A known divisor is a stride of the dividend and nothing more.
    const int d = graph().args[n.first], x = graph().args[n.first + 1];
    const Int m = abs_wide(graph().nodes[d].low);
    if (graph().is_constant(d) && fits64(m)) {
      return restrict({x, -kBig, kBig, -1, static_cast<i64>(m), 0});
    }
  }
  restrict({node, truth ? 1 : 0, truth ? 1 : 0});
}

void Compiler::require(int expr, bool truth) { require_node(condition(expr), truth); }

void Compiler::require_comparison(const Expr& e, bool truth) {
  const int* arg = model_.arguments(e);
  Guards guards;
  Sum difference = term(arg[0], &guards);
  accumulate(&difference, term(arg[1], &guards), -1);
  if (!truth && !guards.empty()) return require_node(comparison_node(e), false);
  for (int g : guards) require_node(g, true);
  const Op op = truth ? e.op : opposite(e.op);
  const Interval interval = comparison(op, difference);
  if (op != Op::ne) return restrict_interval(interval);
  require_node(interval_node(interval), false);
}

}  // namespace constrint::detail
