// The normalised model: a graph of terms in which equal terms are one node.
//
// Every node has a domain; a constraint is a domain narrower than what the node's arguments allow
// (a condition that must hold is a node whose domain is {1}). That is all the solver knows, so a
// constraint, a reified constraint and a named intermediate value are the same thing.
#ifndef CONSTRINT_ENGINE_GRAPH_HPP
#define CONSTRINT_ENGINE_GRAPH_HPP

#include <map>
#include <span>
#include <vector>

#include "math/wide.hpp"

namespace constrint::detail {

// A new family needs a name here, a row in families/registry.cpp and its own file.
enum class Family : std::uint8_t {
  variable,
  constant,
  linear,     // low + sum of coefficient * argument
  product,    // of two
  power,      // argument 0 to the power argument 1; 0 for a negative exponent
  floor_div,  // 0 for a divisor of 0; other = node that holds where the quotient is exact, or -1
  mod,        // 0 for a divisor of 0
  divides,    // condition: argument 0 is not 0 and divides argument 1
  minimum,
  maximum,
  absolute,
  range,   // condition: low <= argument <= high
  member,  // condition: argument in set number `other`
  conjunction,
  disjunction,
  negation,
  equivalence,
  all_different,
  table,    // condition: arguments are a row of set number `other`
  balance,  // condition, implied ones only: arguments >= 1, sum <= high, product >= low
};
inline constexpr int kFamilies = static_cast<int>(Family::balance) + 1;

struct Node {
  Family family;
  int first = 0, count = 0;  // arguments
  int other = -1;
  Int low = 0,
      high = 0;  // of a range or balance; low alone: the constant of a sum, or a constant's value
};

struct Graph {
  std::vector<Node> nodes;
  std::vector<int> args;
  std::vector<Int> coefficients;  // beside args; 1 outside linear
  std::vector<std::vector<i64>> sets;
  std::vector<int> parent_first, parents;  // filled by link()

  int size() const { return static_cast<int>(nodes.size()); }
  std::span<const int> arguments(int n) const {
    return {args.data() + nodes[n].first, static_cast<std::size_t>(nodes[n].count)};
  }
  const Int* coefficient(int n) const { return coefficients.data() + nodes[n].first; }
  std::span<const int> parents_of(int n) const {
    return {parents.data() + parent_first[n],
            static_cast<std::size_t>(parent_first[n + 1] - parent_first[n])};
  }

  // The node for this operation, new or already there.
  int intern(Node node, std::span<const int> arguments, const Int* coefficients = nullptr);
  int variable();
  int constant(Int value);
  bool is_constant(int n) const { return nodes[n].family == Family::constant; }
  int intern_set(std::vector<i64> set);
  void link();

 private:
  std::size_t slot_of(const Node& node, std::span<const int> arguments,
                      const Int* coefficients) const;

  std::vector<int> slots_;  // a hash table of the interned nodes; -1: free
  std::size_t interned_ = 0;
  std::map<std::vector<i64>, int> interned_sets_;
};

}  // namespace constrint::detail

#endif  // CONSTRINT_ENGINE_GRAPH_HPP
