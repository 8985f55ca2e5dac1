// Independent sub-problems: variables that no live constraint ties together.
#ifndef CONSTRINT_SEARCH_COMPONENTS_HPP
#define CONSTRINT_SEARCH_COMPONENTS_HPP

#include "compile/compile.hpp"

namespace constrint::detail {

struct Live {
  int node;                 // its domain is narrower than what its arguments allow
  std::vector<int> leaves;  // the open variables below it
};

// The constraints that root propagation has not settled. The engine must be at its fixpoint.
std::vector<Live> live_constraints(const Compiled& compiled, Engine* engine);

// Open variable nodes below a node, ascending.
std::vector<int> open_leaves(const Engine& engine, int node);

// For every node of the graph, the number of its component (leaves only; -1 elsewhere). Branch
// nodes that are terms tie their leaves together; so does the objective when asked.
struct Components {
  std::vector<int> of_leaf;
  std::vector<int> of_branch;  // beside Compiled::branches; -1 where nothing is open
  int count = 0;
};
// The objective as a sum of coefficient * node, empty where there is none.
std::vector<std::pair<int, Int>> objective_parts(const Compiled& compiled);
Components components(const Compiled& compiled, const Engine& engine,
                      const std::vector<Live>& live);

}  // namespace constrint::detail

#endif  // CONSTRINT_SEARCH_COMPONENTS_HPP
