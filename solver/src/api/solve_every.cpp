// All solutions and their number: by compiled loops where domains are short lists, else by
// propagation and search.
#include <algorithm>
#include <thread>

#include "api/prepare.hpp"
#include "enumerate/factored.hpp"
#include "enumerate/parallel.hpp"
#include "families/family.hpp"

namespace constrint::detail {
namespace {

// The branches with those that fix the visible variables first.
SearchPlan listing_plan(const ModelData& model, const Prepared& p, const Control& control,
                        const std::vector<Branch>& branches) {
  SearchPlan plan;
  std::vector<char> visible(static_cast<std::size_t>(p.compiled.graph.size()), 0);
  for (int v : model.visible()) visible[p.compiled.variable_nodes[v]] = 1;
  for (const Branch& b : branches) {
    if (visible[b.node]) plan.order.push_back(b);
  }
  plan.listed = plan.order.size();
  for (const Branch& b : branches) {
    if (!visible[b.node]) plan.order.push_back(b);
  }
  plan.smallest_domain = control.options().order != Order::preference;
  return plan;
}

// A projected term has distinct values, not distinct variables: the loops cannot list those.
bool projects_terms(const ModelData& model, const Prepared& p) {
  if (!model.projected) return false;
  for (int v : model.visible()) {
    const int n = p.compiled.variable_nodes[v];
    if (p.compiled.graph.nodes[n].family != Family::variable && !open_leaves(p.engine, n).empty()) {
      return true;
    }
  }
  return false;
}

// So few combinations are left that searching them is done before loops would be compiled.
bool few_left(const Prepared& p) {
  constexpr Int kFew = 8;
  Int combinations = 1;
  for (int n = 0; n < p.compiled.graph.size() && combinations <= kFew; ++n) {
    if (p.parts.of_leaf[n] >= 0) combinations = mul(combinations, p.engine.size(n));
  }
  return combinations <= kFew;
}

unsigned thread_count(const Options& options) {
  return options.threads != 0 ? options.threads : std::max(1u, std::thread::hardware_concurrency());
}

}  // namespace

Verdict search_every(const ModelData& model, Prepared* p, Control* control, const Sink& sink) {
  SearchPlan plan = listing_plan(model, *p, *control, p->compiled.branches);
  const std::vector<int> visible = model.visible();
  std::vector<i64> row(visible.size() + 1);
  return search(&p->engine, &plan, control, [&] {
    for (std::size_t i = 0; i < visible.size(); ++i) {
      row[i] = static_cast<i64>(p->engine.value(p->compiled.variable_nodes[visible[i]]));
    }
    return sink(row.data(), 1) && plan.listed != 0;
  });
}

Status solve_every(const ModelData& model, Prepared* p, Control* control, const Sink& sink,
                   std::uint64_t* found) {
  *found = 0;
  if (!p->feasible) return Status::infeasible;
  const std::uint64_t most = control->options().max_solutions;
  bool limited = false, refused = false;
  const Lister::Flush counted = [&](const i64* rows, std::size_t count) {
    if (most != 0 && *found + count > most) {
      limited = true;
      count = static_cast<std::size_t>(most - *found);
      if (count == 0) return false;
    }
    *found += count;
    refused = !sink(rows, count);
    return !refused && !limited;
  };
  const AxisOrder order =
      control->options().order == Order::preference ? AxisOrder::preference : AxisOrder::fastest;
  bool out = false;
  std::optional<Reach> reach;  // the spaces point to it
  std::optional<Factored> factored;
  if (!few_left(*p) && !projects_terms(model, *p)) {
    reach.emplace(*p);
    if (order == AxisOrder::fastest) {
      bool infeasible = false;
      factored = factor_space(model, *p, *reach, control, &infeasible);
      if (infeasible) return Status::infeasible;
      if (control->out()) return Status::limit;
    }
    if (!factored) {
      auto whole = build_space(model, *p, *reach, leaves_of(*p, -1), p->live, order);
      if (whole) factored.emplace(Factored{std::move(*whole), std::nullopt});
    }
  }
  if (factored) {
    const Factors* factors = factored->factors ? &*factored->factors : nullptr;
    out = list_space(factored->space, factors, thread_count(control->options()), control,
                     counted) == Listed::limit;
  } else {
    out = search_every(model, p, control, counted) == Verdict::limit;
  }
  if (refused) return Status::stopped;
  if (limited || out) return Status::limit;
  return *found == 0 ? Status::infeasible : Status::solved;
}

namespace {

// False where a limit was met.
bool count_component(const ModelData& model, Prepared* p, const Reach& reach, Control* control,
                     int component, bool by_search, unsigned __int128* count) {
  const std::vector<int> leaves = leaves_of(*p, component);
  const std::vector<Live> live = live_of(*p, component);
  if (!by_search && live.empty() && !model.projected) {
    // Nothing ties the variables: their domains multiply, however wide.
    *count = 1;
    bool exact = true;
    for (int leaf : leaves) {
      const Domain& d = p->engine[leaf];
      exact = exact && (d.count != 0 || d.divisor_of == 0);
      *count *= static_cast<unsigned __int128>(p->engine.size(leaf));
    }
    if (exact) return true;
  }
  if (!by_search) {
    if (const auto space = build_space(model, *p, reach, leaves, live, AxisOrder::fastest)) {
      Counter counter(*space, control);
      *count = 0;
      return !counter.start() || counter.run(count);
    }
  }
  SearchPlan plan = listing_plan(model, *p, *control, p->branches_of(component));
  const int level = p->engine.level();
  p->engine.push();
  unsigned __int128 here = 0;
  const Verdict verdict = search(&p->engine, &plan, control, [&] {
    ++here;
    return plan.listed != 0;
  });
  while (p->engine.level() > level) p->engine.pop();
  *count = here;
  return verdict != Verdict::limit;
}

}  // namespace

Status count_every(const ModelData& model, Prepared* p, Control* control,
                   unsigned __int128* count) {
  *count = 0;
  if (!p->feasible) return Status::infeasible;
  const bool by_search = projects_terms(model, *p);
  const Reach reach(*p);
  unsigned __int128 product = 1;
  for (int c = 0; c < p->parts.count; ++c) {
    unsigned __int128 here = 0;
    if (!count_component(model, p, reach, control, c, by_search, &here)) return Status::limit;
    if (here == 0) return Status::infeasible;
    if (product > ~static_cast<unsigned __int128>(0) / here) {
      throw ModelError("the number of solutions exceeds 2^128");
    }
    product *= here;
  }
  *count = product;
  return Status::solved;
}

}  // namespace constrint::detail
