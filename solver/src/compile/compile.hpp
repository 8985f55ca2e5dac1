// From the model as written to the graph the engine works on.
#ifndef CONSTRINT_COMPILE_COMPILE_HPP
#define CONSTRINT_COMPILE_COMPILE_HPP

#include <memory>

#include "engine/engine.hpp"
#include "model/data.hpp"

namespace constrint::detail {

// A domain narrower than what a node's arguments give.
struct Restriction {
  int node;
  Int low = -kBig, high = kBig;
  int set = -1;  // in Graph::sets
  i64 modulus = 1, residue = 0;
  bool implied = false;  // follows from others: for propagation alone
  int source = -1;       // the constraint it comes from; -1: a declared domain
};

struct Branch {
  int node;
  bool largest;
};

struct Compiled {
  Graph graph;
  std::vector<int> variable_nodes;  // for every variable of the model
  std::vector<Branch> branches;     // decision nodes in preference order
  int objective = -1;               // to be minimised
  bool negated_objective = false;   // the model's objective is the negative of that
  std::vector<Restriction> restrictions;
  std::vector<char> posted;  // per node: carries a restriction and is no variable
  bool impossible = false;   // a constraint is false as it stands
  int refuted_by = -1;       // that constraint; -1: a declared domain is empty
};

// active: which of the model's constraints to take, all where null. with_objective: false leaves
// the objective out. separate: every restriction comes from one constraint, which it names: no
// constraint defines a variable for the others, and nothing is implied by several.
Compiled compile(const ModelData& model, const std::vector<char>* active, bool with_objective,
                 bool separate = false);

// Applies the restrictions and propagates; false where that refutes the model. Throws ModelError
// where a term may leave 125 bits in a way that could matter.
bool root(const Compiled& compiled, Engine* engine, const ModelData& model);

// The same for what was compiled separately: where propagation refutes it, reasons tells by what.
bool refuted(const Compiled& compiled, Engine* engine, Reasons* reasons);

// cases.cpp; part of root().
bool narrow_by_cases(Engine* engine);

}  // namespace constrint::detail

#endif  // CONSTRINT_COMPILE_COMPILE_HPP
