// The compiler's working state, shared by terms.cpp, conditions.cpp and compile.cpp.
#ifndef CONSTRINT_COMPILE_COMPILER_HPP
#define CONSTRINT_COMPILE_COMPILER_HPP

#include "compile/compile.hpp"
#include "math/few.hpp"

namespace constrint::detail {

// constant + sum of coefficient * node; nodes ascending, no coefficient 0.
struct Sum {
  struct Term {
    int first;   // the node
    Int second;  // its coefficient
  };
  Few<Term, 2> terms;
  Int constant = 0;
  bool is_constant() const { return terms.empty(); }
};

class Compiler {
 public:
  Compiler(const ModelData& model, const std::vector<char>* active, bool with_objective,
           bool separate)
      : model_(model), active_(active), with_objective_(with_objective), separate_(separate) {}
  Compiled run();

 private:
  // Conditions (nodes) under which the terms compiled so far are defined.
  using Guards = std::vector<int>;

  // terms.cpp
  Sum term(int expr, Guards* guards);
  Sum new_term(int expr, Guards* guards);
  const Sum& variable_term(int index);
  Sum quotient(const Expr& e, Guards* guards);
  Sum remainder(const Expr& e, Guards* guards);
  Sum power(const Expr& e, Guards* guards);
  Sum multiply(std::vector<Sum> factors);
  int node_of(const Sum& sum);
  int product_node(int a, int b);
  void need_nonzero(const Sum& sum, Guards* guards);
  Sum of_node(int node, Int coefficient = 1) const;
  static Sum constant_sum(Int value) { return Sum{{}, value}; }
  static void accumulate(Sum* sum, const Sum& other, Int factor);

  // conditions.cpp
  // low <= node <= high, or a truth value where node is -1.
  struct Interval {
    int node;
    Int low, high;
    bool truth;
  };
  Interval comparison(Op op, const Sum& difference);
  int condition(int expr);
  int new_condition(int expr);
  int comparison_node(const Expr& e);
  int truth_node(bool value) { return graph().constant(value ? 1 : 0); }
  int interval_node(const Interval& interval);
  int all_of(std::vector<int> nodes);
  int any_of(std::vector<int> nodes);
  int none_of(int node);  // not
  std::vector<int> merge_equalities(std::vector<int> nodes);
  void require(int expr, bool truth);
  void require_node(int node, bool truth);
  void require_comparison(const Expr& e, bool truth);
  void restrict_interval(const Interval& interval);
  void restrict(Restriction restriction);
  void refute();
  bool joins(int node, i64 modulus);
  int divides_node(const Sum& divisor, const Sum& value);

  // implied.cpp
  struct Factored;
  using Equations = std::vector<std::pair<const Factored*, Int>>;
  static std::vector<Factored> factored(const Graph& graph);
  void imply_products();
  void imply(int node, Int value);
  void regroup(const std::vector<Factored>& products, const Equations& known);
  void balance(const Equations& known);
  void combine(const std::vector<Factored>& products, Equations known);

  // compile.cpp
  void find_shared();
  void find_definitions();
  void collect_atoms(int expr, int constraint);
  bool depends_on(int expr, int variable, int depth);
  void mention(int expr, std::vector<char>* mentioned);
  bool first_seen(int expr);
  int leaf(int index);
  void restrict_to_domain(int node, const Variable& variable);
  void branches();

  Graph& graph() { return out_.graph; }

  const ModelData& model_;
  const std::vector<char>* active_;
  bool with_objective_, separate_;
  Compiled out_;
  // What stands in several places, as a `let` does, is compiled once: per expression kSingle,
  // kLater, or where in known_ it is; of a condition its node.
  static constexpr int kSingle = -1, kLater = -2;
  struct Known {
    Sum sum;
    Guards guards;
  };
  std::vector<int> shared_;
  std::vector<Known> known_;
  std::vector<std::pair<int, i64>> strides_;  // nodes and the joint modulus asked of them
  std::vector<int> atoms_;                    // conditions that must hold, conjunctions opened
  std::vector<char> atom_used_;               // became a definition
  std::vector<int> atom_source_;              // the constraint that it is part of
  int source_ = -1;                           // the constraint being compiled
  std::vector<int> definition_;               // per variable: the term it equals, or -1
  std::vector<int> definition_depth_;
  std::vector<Sum> variable_sum_;
  std::vector<char> variable_done_;
  std::vector<int> rank_;       // of variables in preference order
  std::vector<int> seen_;       // marks for depends_on
  std::vector<int> seen_expr_;  // the same for terms with arguments
  int seen_serial_ = 0;
};

}  // namespace constrint::detail

#endif  // CONSTRINT_COMPILE_COMPILER_HPP
