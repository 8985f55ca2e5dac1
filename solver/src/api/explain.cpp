// Deletion filter: a constraint without which the rest still clashes is not part of the reason.
// Where propagation alone finds the clash it tells what that hangs on, and all else goes at once;
// of what is left, halves are tried first. What is left of a model may be much harder than the
// whole, so each test has a budget; a constraint whose test ran out of it stays, and the set is
// then not called minimal.
#include "api/explain.hpp"

#include <algorithm>
#include <optional>

#include "api/prepare.hpp"

namespace constrint::detail {
namespace {

constexpr std::uint64_t kNodesPerTest = 3000;

enum class Answer : std::uint8_t { clashes, solvable, unknown };

class Filter {
 public:
  Filter(const ModelData& model, Control* control, Statistics* statistics)
      : model_(model),
        control_(*control),
        statistics_(*statistics),
        active_(model.constraints.size(), 1) {}

  Answer test() {
    Prepared p(model_, &active_, false);
    Options budget = control_.options();
    budget.order = Order::fastest;
    if (!whole_ && (budget.max_nodes == 0 || budget.max_nodes > kNodesPerTest)) {
      budget.max_nodes = kNodesPerTest;
    }
    whole_ = false;
    Control control(budget, control_.deadline());
    const One one = solve_one(model_, &p, &control, Wanted::any);
    statistics_.propagations += p.engine.propagations;
    control_.nodes += control.nodes;
    control_.failures += control.failures;
    if (one.status == Status::limit) return Answer::unknown;
    return one.found ? Answer::solvable : Answer::clashes;
  }

  // Drops what a clash found by propagation does not hang on, as long as that gets less; nothing of
  // a clash that takes a search.
  void narrow() {
    std::vector<char> before;
    while (true) {
      const Compiled compiled = compile(model_, &active_, false, true);
      Engine engine(compiled.graph, false);
      Reasons reasons(compiled.graph.size(), active_.size());
      const bool clashes = refuted(compiled, &engine, &reasons);
      statistics_.propagations += engine.propagations;
      if (!clashes) {
        // Fewer constraints propagate in another order; without this proof they are not believed.
        if (!before.empty() && test() != Answer::clashes) active_ = before;
        return;
      }
      before = active_;
      bool less = false;
      for (std::size_t c = 0; c < active_.size(); ++c) {
        if (active_[c] == 0 || reasons.holds(c)) continue;
        active_[c] = 0;
        less = true;
      }
      if (!less) return;
    }
  }

  // Drops as much as it can of [first, last) while the rest clashes. known: what the model is
  // without all of them, where that was tested.
  void reduce(std::size_t first, std::size_t last, std::optional<Answer> known = std::nullopt) {
    if (!any(first, last)) return;
    if (!known) {
      const std::vector<char> before = active_;
      for (std::size_t c = first; c < last; ++c) active_[c] = 0;
      known = test();
      if (known == Answer::clashes) return narrow();
      active_ = before;
    }
    if (last - first == 1) {
      minimal_ = minimal_ && known == Answer::solvable;
      return;
    }
    // Where one half is empty, the other is all that there is.
    const std::size_t middle = first + (last - first) / 2;
    reduce(first, middle, any(middle, last) ? std::nullopt : known);
    reduce(middle, last, any(first, middle) ? std::nullopt : known);
  }
  bool minimal() const { return minimal_; }

  const std::vector<char>& active() const { return active_; }

 private:
  bool any(std::size_t first, std::size_t last) const {
    return std::find(active_.begin() + static_cast<long>(first),
                     active_.begin() + static_cast<long>(last),
                     char{1}) != active_.begin() + static_cast<long>(last);
  }

  const ModelData& model_;
  Control& control_;
  Statistics& statistics_;
  std::vector<char> active_;
  bool whole_ = true;  // the first test is of the whole model, without the budget
  bool minimal_ = true;
};

}  // namespace

Explanation explain(const ModelData& model, const Options& options) {
  Explanation result;
  Control control(options);
  Filter filter(model, &control, &result.statistics);
  const Answer whole = filter.test();
  if (whole == Answer::clashes) {
    filter.narrow();
    filter.reduce(0, model.constraints.size());
    result.status = filter.minimal() ? Status::infeasible : Status::limit;
    for (std::size_t c = 0; c < model.constraints.size(); ++c) {
      if (filter.active()[c]) result.clash.push_back(model.constraints[c].source);
    }
  } else {
    result.status = whole == Answer::solvable ? Status::solved : Status::limit;
  }
  result.statistics.nodes = control.nodes;
  result.statistics.failures = control.failures;
  result.statistics.solve_microseconds = control.microseconds();
  result.statistics.variables = static_cast<int>(model.variables.size());
  result.statistics.constraints = static_cast<int>(model.constraints.size());
  return result;
}

}  // namespace constrint::detail
