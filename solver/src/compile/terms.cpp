// Terms become sums over nodes; constants fold, equal nodes meet, and partial operations leave the
// condition under which they are defined.
#include <algorithm>

#include "compile/compiler.hpp"
#include "families/family.hpp"

namespace constrint::detail {

Sum Compiler::of_node(int node, Int coefficient) const {
  const Node& n = out_.graph.nodes[node];
  if (n.family == Family::constant) return constant_sum(mul(n.low, coefficient));
  return Sum{{{node, coefficient}}, 0};
}

void Compiler::accumulate(Sum* sum, const Sum& other, Int factor) {
  sum->constant = add(sum->constant, mul(other.constant, factor));
  for (auto [node, coefficient] : other.terms) {
    const Int c = mul(coefficient, factor);
    auto place = std::lower_bound(sum->terms.begin(), sum->terms.end(), node,
                                  [](const auto& t, int n) { return t.first < n; });
    if (place == sum->terms.end() || place->first != node) {
      if (c != 0) sum->terms.insert(place, {node, c});
    } else {
      place->second = add(place->second, c);
      if (place->second == 0) sum->terms.erase(place);
    }
  }
}

int Compiler::node_of(const Sum& sum) {
  if (sum.is_constant()) return graph().constant(sum.constant);
  if (sum.constant == 0 && sum.terms.size() == 1 && sum.terms[0].second == 1) {
    return sum.terms[0].first;
  }
  Few<int, 8> nodes;
  Few<Int, 8> coefficients;
  for (auto [node, coefficient] : sum.terms) {
    nodes.push_back(node);
    coefficients.push_back(coefficient);
  }
  Node node{Family::linear};
  node.low = sum.constant;
  return graph().intern(node, nodes, coefficients.data());
}

int Compiler::product_node(int a, int b) {
  if (a > b) std::swap(a, b);
  // x * x and x^k * x are powers, which know that they are squares.
  const auto base = [&](int n) {
    const Node& node = graph().nodes[n];
    if (node.family == Family::power && graph().is_constant(graph().args[node.first + 1])) {
      return std::pair(graph().args[node.first], graph().nodes[graph().args[node.first + 1]].low);
    }
    return std::pair(n, Int{1});
  };
  const auto [base_a, exponent_a] = base(a);
  const auto [base_b, exponent_b] = base(b);
  if (base_a == base_b) {
    const int arguments[2] = {base_a, graph().constant(exponent_a + exponent_b)};
    return graph().intern(Node{Family::power}, arguments);
  }
  const int arguments[2] = {a, b};
  return graph().intern(Node{Family::product}, arguments);
}

Sum Compiler::multiply(std::vector<Sum> factors) {
  Int coefficient = 1;
  Few<int, 8> nodes;
  for (const Sum& factor : factors) {
    if (factor.is_constant()) {
      coefficient = mul(coefficient, factor.constant);
    } else if (factor.constant == 0 && factor.terms.size() == 1) {
      coefficient = mul(coefficient, factor.terms[0].second);
      nodes.push_back(factor.terms[0].first);
    } else if (factors.size() == 2 && (factors[0].is_constant() || factors[1].is_constant())) {
      // constant * sum stays a sum.
      Sum scaled;
      accumulate(&scaled, factor, factors[factors[0].is_constant() ? 0 : 1].constant);
      return scaled;
    } else {
      nodes.push_back(node_of(factor));
    }
  }
  if (nodes.empty() || coefficient == 0) return constant_sum(coefficient);
  std::sort(nodes.begin(), nodes.end());
  int product = nodes[0];
  for (std::size_t i = 1; i < nodes.size(); ++i) product = product_node(product, nodes[i]);
  return of_node(product, coefficient);
}

void Compiler::need_nonzero(const Sum& sum, Guards* guards) {
  if (sum.is_constant()) {
    if (sum.constant == 0) guards->push_back(truth_node(false));
    return;
  }
  const int is_zero = interval_node(comparison(Op::eq, sum));
  guards->push_back(none_of(is_zero));
}

Sum Compiler::quotient(const Expr& e, Guards* guards) {
  const int* arg = model_.arguments(e);
  Sum a = term(arg[0], guards);
  const Sum b = term(arg[1], guards);
  if (e.op == Op::exact_div) {
    if (b.is_constant() && b.constant != 0) {
      // A sum whose every part is divisible needs neither a node nor a condition.
      bool divisible = a.constant % b.constant == 0;
      for (auto [node, c] : a.terms) divisible = divisible && c % b.constant == 0;
      if (divisible) {
        for (auto& [node, c] : a.terms) c /= b.constant;
        a.constant /= b.constant;
        return a;
      }
    }
    const int exact = divides_node(b, a);
    guards->push_back(exact);
    if (a.is_constant() && b.is_constant()) return constant_sum(0);  // refuted by the guard
    Node node{Family::floor_div};
    node.other = exact;
    const int arguments[2] = {node_of(a), node_of(b)};
    return of_node(graph().intern(node, arguments));
  }
  need_nonzero(b, guards);
  const bool ceil = e.op == Op::ceil_div;  // ceil(a / b) = -floor(-a / b)
  if (ceil) {
    Sum negative;
    accumulate(&negative, a, -1);
    a = negative;
  }
  if (a.is_constant() && b.is_constant()) {
    if (b.constant == 0) return constant_sum(0);
    const Int q = floor_div(a.constant, b.constant);
    return constant_sum(ceil ? -q : q);
  }
  const int arguments[2] = {node_of(a), node_of(b)};
  return of_node(graph().intern(Node{Family::floor_div}, arguments), ceil ? -1 : 1);
}

Sum Compiler::remainder(const Expr& e, Guards* guards) {
  const int* arg = model_.arguments(e);
  const Sum a = term(arg[0], guards);
  const Sum b = term(arg[1], guards);
  need_nonzero(b, guards);
  if (a.is_constant() && b.is_constant()) {
    return constant_sum(b.constant == 0 ? 0 : floor_mod(a.constant, b.constant));
  }
  const int arguments[2] = {node_of(a), node_of(b)};
  return of_node(graph().intern(Node{Family::mod}, arguments));
}

Sum Compiler::power(const Expr& e, Guards* guards) {
  const int* arg = model_.arguments(e);
  const Sum a = term(arg[0], guards);
  const Sum b = term(arg[1], guards);
  if (b.is_constant()) {
    if (b.constant < 0) {
      guards->push_back(truth_node(false));
      return constant_sum(0);
    }
    if (a.is_constant()) return constant_sum(pow_wide(a.constant, b.constant));
    if (b.constant == 0) return constant_sum(1);
    if (b.constant == 1) return a;
  } else {
    guards->push_back(interval_node(comparison(Op::ge, b)));
  }
  const int arguments[2] = {node_of(a), node_of(b)};
  return of_node(graph().intern(Node{Family::power}, arguments));
}

Sum Compiler::term(int expr, Guards* guards) {
  if (shared_[expr] == kSingle || is_condition(model_.exprs[expr].op)) {
    return new_term(expr, guards);
  }
  if (shared_[expr] == kLater) {
    Known known;
    known.sum = new_term(expr, &known.guards);
    // Guards of what is used twice within are there twice, and so on.
    std::sort(known.guards.begin(), known.guards.end());
    known.guards.erase(std::unique(known.guards.begin(), known.guards.end()), known.guards.end());
    shared_[expr] = static_cast<int>(known_.size());
    known_.push_back(std::move(known));
  }
  const Known& known = known_[shared_[expr]];
  guards->insert(guards->end(), known.guards.begin(), known.guards.end());
  return known.sum;
}

Sum Compiler::new_term(int expr, Guards* guards) {
  const Expr& e = model_.exprs[expr];
  const int* arg = model_.arguments(e);
  switch (e.op) {
    case Op::constant:
      return constant_sum(e.value);
    case Op::parameter: {
      const Parameter& p = model_.parameters[e.value];
      if (!p.value) throw ModelError("parameter '" + p.name + "' has no value");
      return constant_sum(*p.value);
    }
    case Op::variable:
      return variable_term(static_cast<int>(e.value));
    case Op::add: {
      Sum sum;
      for (int i = 0; i < e.count; ++i) accumulate(&sum, term(arg[i], guards), 1);
      return sum;
    }
    case Op::neg: {
      Sum sum;
      accumulate(&sum, term(arg[0], guards), -1);
      return sum;
    }
    case Op::mul: {
      std::vector<Sum> factors;
      factors.reserve(static_cast<std::size_t>(e.count));
      for (int i = 0; i < e.count; ++i) factors.push_back(term(arg[i], guards));
      return multiply(std::move(factors));
    }
    case Op::exact_div:
    case Op::floor_div:
    case Op::ceil_div:
      return quotient(e, guards);
    case Op::mod:
      return remainder(e, guards);
    case Op::pow:
      return power(e, guards);
    case Op::min:
    case Op::max:
    case Op::abs: {
      std::vector<int> nodes;
      bool constant = true;
      for (int i = 0; i < e.count; ++i) {
        nodes.push_back(node_of(term(arg[i], guards)));
        constant = constant && graph().is_constant(nodes.back());
      }
      if (e.op != Op::abs) {
        std::sort(nodes.begin(), nodes.end());
        nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
        if (nodes.size() == 1) return of_node(nodes[0]);
      }
      Node node{e.op == Op::min   ? Family::minimum
                : e.op == Op::max ? Family::maximum
                                  : Family::absolute};
      if (constant) {
        std::vector<Int> values;
        for (int n : nodes) values.push_back(graph().nodes[n].low);
        node.count = static_cast<int>(values.size());
        return constant_sum(family(node.family).evaluate(graph(), node, values.data()));
      }
      return of_node(graph().intern(node, nodes));
    }
    default:
      return of_node(condition(expr));
  }
}

}  // namespace constrint::detail
