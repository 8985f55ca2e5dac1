// The compiled form of a model whose open variables have short lists of values: nested loops with
// every constraint evaluated as soon as one variable of its scope is left, for all values of that
// variable at once.
//
// A constraint over positions p1 < ... < pm of the loop order becomes a mask over the values of
// variable pm (its target), worked out when p(m-1) (its trigger) is bound and remembered in a table
// by the indices of p1 ... p(m-1) where that is small enough. A loop runs over the bits that all
// masks of its variable left standing; an empty mask prunes at the trigger already.
//
// Along a long axis less is done: an equation that can be solved for its target gives the one value
// left (and other rules only check that value), and what must divide a known number is filtered by
// multiplication.
#ifndef CONSTRINT_ENUMERATE_SPACE_HPP
#define CONSTRINT_ENUMERATE_SPACE_HPP

#include <optional>

#include "api/prepare.hpp"
#include "enumerate/inverse.hpp"
#include "enumerate/reach.hpp"

namespace constrint::detail {

using Word = std::uint64_t;

// Axes of more values than this are worth solving for.
inline constexpr std::size_t kSolveFrom = 64;

struct Axis {
  int leaf;                   // the variable's node
  std::vector<i64> values;    // in the order they are visited
  int words;                  // of a mask over them
  bool hidden = false;        // not part of a solution: need only exist
  std::vector<int> triggers;  // rules to work out once this is bound
  std::vector<int> computed;  // terms of the solution whose last variable this is
  std::vector<int> touches;   // positions whose masks the triggers narrow, ascending, unique
  int solver = -1;            // the rule that computes this variable, where one does
};

// What the target's power must divide: a number, or a term's value, over known factors.
struct Filter {
  i64 number = 0;
  int node = -1;                             // the term; -1: the number
  std::vector<std::pair<int, int>> factors;  // node, how often
  int exponent = 1;
  // Factors of the number that are never below the target, itself included and each as often as it
  // is one: the target to this power is at most the number. 1: not known.
  int ordered = 1;
};

// A constraint: the node's value must lie in its domain.
struct Rule {
  // Of several on one target, those that narrow its mask come first.
  enum class How : std::uint8_t {
    mask,    // for every value of the target
    filter,  // the same for divisibility
    solve,   // the target's only value
    check    // for the target's only value
  };
  int node;  // -1: implied by other rules, a filter
  How how = How::mask;
  Filter filter;
  std::vector<int> scope;            // positions, ascending
  std::vector<int> scalar_nodes;     // terms without the target, in evaluation order
  std::vector<int> column_nodes;     // terms with it
  std::size_t table_offset = 0;      // first entry; entries are `words` of the target each
  std::size_t table_entries = 0;     // 0: not remembered
  std::vector<std::size_t> strides;  // of the indices of scope, the target excluded
  int target() const { return scope.back(); }
  int trigger() const { return scope.size() < 2 ? -1 : scope[scope.size() - 2]; }
};

// Where a column of a solution comes from.
struct Output {
  enum class Kind : std::uint8_t { fixed, axis, computed } kind;
  int index;  // position or node
  i64 value;
};

struct Space {
  const Graph* graph;
  const Engine* engine;  // domains of rule nodes; not changed while the space is in use
  std::vector<Axis> axes;
  std::vector<Rule> rules;
  std::vector<Output> outputs;
  std::vector<int> initial;                      // rules over one variable
  std::vector<std::vector<int>> computed_nodes;  // per position: terms to evaluate, in order
  std::vector<int> last;                         // per node: the last position it depends on, or -1
  // Per node: what its value can be, over all combinations of the axes' values, and whether it is
  // held at 2^62, where only its staying below a smaller bound matters.
  const Reach* reach;
  std::vector<i64> constants;  // per node: value of terms without open variables
  std::size_t table_words = 0, table_entries = 0;
  // From here on no rule is triggered: what is left is a product of masks.
  int tail = 0;
  // For each position, its masks' stages: one for the start and one for each earlier position that
  // touches it.
  std::vector<std::size_t> stage_offset;
  std::vector<std::vector<int>> stage_of_touch;  // per position, beside touches: stage written
  std::vector<int> stages;
  std::size_t stage_words = 0;
  std::size_t column_length = 0;  // the longest axis
};

enum class AxisOrder : std::uint8_t { preference, fastest };

// Builds the space over these leaves (all open leaves below `live` must be among them), or nothing
// where a domain is too long, a term could overflow 64 bits or the order cannot be had.
std::optional<Space> build_space(const ModelData& model, const Prepared& prepared,
                                 const Reach& reach, const std::vector<int>& leaves,
                                 const std::vector<Live>& live, AxisOrder order,
                                 std::size_t solve_from = kSolveFrom);

}  // namespace constrint::detail

#endif  // CONSTRINT_ENUMERATE_SPACE_HPP
