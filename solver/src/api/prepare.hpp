// What every solve begins with: compile, propagate, split into components.
#ifndef CONSTRINT_API_PREPARE_HPP
#define CONSTRINT_API_PREPARE_HPP

#include <memory>

#include "search/components.hpp"
#include "search/search.hpp"

namespace constrint::detail {

struct Prepared {
  Prepared(const ModelData& model, const std::vector<char>* active, bool with_objective)
      : compiled(compile(model, active, with_objective)), engine(compiled.graph) {
    feasible = root(compiled, &engine, model);
    if (!feasible) return;
    live = live_constraints(compiled, &engine);
    parts = components(compiled, engine, live);
  }
  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;

  // The branches of one component, in preference order.
  std::vector<Branch> branches_of(int component) const;
  // The value of every model variable, all being fixed.
  std::vector<i64> values(const ModelData& model) const;
  void statistics(const ModelData& model, const Control& control, Statistics* s) const;

  Compiled compiled;
  Engine engine;
  bool feasible = false;
  std::vector<Live> live;
  Components parts;
};

// One solution, or the best; refuted or not found in time.
struct One {
  Status status = Status::infeasible;
  bool found = false;
  std::vector<i64> values;
  Int objective = 0;
};
// any: only whether there is one; what nothing ties is left open.
enum class Wanted : std::uint8_t { any, first, best };
One solve_one(const ModelData& model, Prepared* p, Control* control, Wanted wanted);

// Every solution over the visible variables, in blocks of rows.
using Sink = std::function<bool(const i64* rows, std::size_t count)>;
Status solve_every(const ModelData& model, Prepared* p, Control* control, const Sink& sink,
                   std::uint64_t* found);
// The same by propagation and search alone, whatever the domains.
Verdict search_every(const ModelData& model, Prepared* p, Control* control, const Sink& sink);
Status count_every(const ModelData& model, Prepared* p, Control* control, unsigned __int128* count);

}  // namespace constrint::detail

#endif  // CONSTRINT_API_PREPARE_HPP
