// Depth-first search over the engine: decide, propagate, refute, go back.
#ifndef CONSTRINT_SEARCH_SEARCH_HPP
#define CONSTRINT_SEARCH_SEARCH_HPP

#include <functional>

#include "compile/compile.hpp"
#include "search/control.hpp"

namespace constrint::detail {

enum class Verdict : std::uint8_t { exhausted, stopped, limit };

struct SearchPlan {
  std::vector<Branch> order;
  // Solutions differ in the first `listed` branches only: the rest is searched for one completion.
  std::size_t listed = 0;
  // Choose the smallest domain first instead of the given order (listed ones still come first).
  bool smallest_domain = false;
  // Branch and bound: the sum of coefficient * node is kept below `bound`.
  std::vector<std::pair<int, Int>> objective;
  Int bound = kBig;
  // A node that is smallest where that sum is, or -1.
  int objective_node = -1;
};

// on_solution returns false to stop; the engine then stays at the solution. Otherwise the engine is
// back at the level it was given in.
Verdict search(Engine* engine, SearchPlan* plan, Control* control,
               const std::function<bool()>& on_solution);

}  // namespace constrint::detail

#endif  // CONSTRINT_SEARCH_SEARCH_HPP
