// What a constraint family provides. Adding one: a name in engine/graph.hpp, a file here with these
// functions, a row in registry.cpp, a line in tests/families_test.cpp.
#ifndef CONSTRINT_FAMILIES_FAMILY_HPP
#define CONSTRINT_FAMILIES_FAMILY_HPP

#include "engine/engine.hpp"

namespace constrint::detail {

struct FamilyInfo {
  const char* name;
  bool condition;  // the node's value is 0 or 1
  // Narrows the node and its arguments as far as is cheap; false where no value is left. It must
  // decide exactly once all arguments are fixed, and must never remove a value with a support.
  bool (*propagate)(Engine& engine, int node);
  // The node's value for given argument values: the family's own check, apart from propagation.
  Int (*evaluate)(const Graph& graph, const Node& node, const Int* arguments);
  // One execution reaches the node's fixpoint unless it calls Engine::rounded() or a domain takes
  // other bounds than it was given.
  bool exact = false;
  // What must have happened to the node, or to an argument, for an execution to be worth it.
  std::uint8_t cares = kEverything;
  std::uint8_t cares_below = cares;
};

// One row per file, collected in registry.cpp.
extern const FamilyInfo kLinear, kProduct, kPower, kFloorDiv, kMod, kDivides, kMinimum, kMaximum,
    kAbsolute, kRange, kMember, kConjunction, kDisjunction, kNegation, kEquivalence, kAllDifferent,
    kTable, kBalance;

// In the order of enum Family.
extern const FamilyInfo* const kRegistry[kFamilies];
inline const FamilyInfo& family(Family f) { return *kRegistry[static_cast<int>(f)]; }

// Enumerates small explicit arguments: keeps exactly the values that have a support. Cheap
// insurance that every family is exact near the leaves of the search.
bool filter_small(Engine& engine, int node);

// The relation z = x * y, shared by products and exact quotients.
bool propagate_product(Engine& engine, int z, int x, int y);

}  // namespace constrint::detail

#endif  // CONSTRINT_FAMILIES_FAMILY_HPP
