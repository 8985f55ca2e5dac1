// One operation of a compiled rule, over a column of values or a single one.
#ifndef CONSTRINT_ENUMERATE_STEP_HPP
#define CONSTRINT_ENUMERATE_STEP_HPP

#include "engine/graph.hpp"

namespace constrint::detail {

struct Step;
using StepFunction = void (*)(const Step& step, std::size_t count);

// An argument: its values, or one value for all.
struct Operand64 {
  const i64* values;
  bool column;
  i64 at(std::size_t i) const { return values[column ? i : 0]; }
};

// Arguments and coefficients lie with whoever made the step: a rule has a dozen of them, and asking
// the heap for each cost more than running it.
struct Step {
  StepFunction run = nullptr;
  i64* out = nullptr;
  const Operand64* operands = nullptr;
  int count = 0;  // of the operands
  int node = -1;
  i64 low = 0, high = 0;              // of a range; low: the constant of a sum
  const Int* coefficients = nullptr;  // of sums
  const Graph* graph = nullptr;       // for families without a form of their own
};

// arguments: one for each of the node's. All values must stay within 62 bits, unless the step is to
// hold its result at 2^62 (sums, products and powers of terms that are never negative).
Step make_step(const Graph& graph, int node, std::span<const Operand64> arguments, bool saturating,
               i64* out);

}  // namespace constrint::detail

#endif  // CONSTRINT_ENUMERATE_STEP_HPP
