// First and best solution, component by component.
#include <algorithm>

#include "api/prepare.hpp"
#include "families/family.hpp"

namespace constrint::detail {

std::vector<Branch> Prepared::branches_of(int component) const {
  std::vector<Branch> result;
  for (std::size_t i = 0; i < compiled.branches.size(); ++i) {
    if (parts.of_branch[i] == component) result.push_back(compiled.branches[i]);
  }
  return result;
}

std::vector<i64> Prepared::values(const ModelData& model) const {
  std::vector<i64> result;
  result.reserve(model.variables.size());
  for (int n : compiled.variable_nodes) result.push_back(static_cast<i64>(engine.value(n)));
  return result;
}

void Prepared::statistics(const ModelData& model, const Control& control, Statistics* s) const {
  s->nodes = control.nodes;
  s->failures = control.failures;
  s->propagations = engine.propagations;
  s->solve_microseconds = control.microseconds();
  s->parse_microseconds = model.parse_microseconds;
  s->variables = static_cast<int>(model.variables.size());
  s->constraints = static_cast<int>(model.constraints.size());
  s->components = parts.count;
}

namespace {

// The parts of the objective that this component decides.
std::vector<std::pair<int, Int>> parts_of(const Prepared& p, int component) {
  std::vector<std::pair<int, Int>> parts;
  for (auto [node, c] : objective_parts(p.compiled)) {
    const std::vector<int> leaves = open_leaves(p.engine, node);
    if (!leaves.empty() && p.parts.of_leaf[leaves[0]] == component) parts.push_back({node, c});
  }
  return parts;
}

// Solves one component and leaves its leaves assigned in the engine.
Verdict solve_component(Prepared* p, Control* control, int component,
                        std::vector<std::pair<int, Int>> objective, bool* found) {
  Engine& engine = p->engine;
  SearchPlan plan;
  plan.order = p->branches_of(component);
  plan.listed = plan.order.size();
  plan.smallest_domain = control->options().order == Order::fastest;
  plan.objective = std::move(objective);
  if (plan.objective.size() == 1 && plan.objective[0].second > 0) {
    plan.objective_node = plan.objective[0].first;
  } else if (!plan.objective.empty() &&
             plan.objective.size() == objective_parts(p->compiled).size()) {
    plan.objective_node = p->compiled.objective;
  }
  std::vector<int> leaves;
  for (int n = 0; n < p->compiled.graph.size(); ++n) {
    if (p->parts.of_leaf[n] == component) leaves.push_back(n);
  }
  std::vector<Int> best;
  engine.push();
  const Verdict verdict = search(&engine, &plan, control, [&] {
    best.clear();
    for (int n : leaves) best.push_back(engine.value(n));
    if (plan.objective.empty()) return false;
    plan.bound = 0;
    for (auto [node, c] : plan.objective) plan.bound = add(plan.bound, mul(c, engine.value(node)));
    return true;
  });
  *found = !best.empty();
  if (verdict == Verdict::stopped) return verdict;
  engine.pop();
  if (!*found) return verdict;
  engine.push();
  for (std::size_t i = 0; i < leaves.size(); ++i) engine.assign(leaves[i], best[i]);
  engine.propagate();
  return verdict;
}

// Per component: whether it has a solution for sure, as nothing is left to hold and its domains are
// known to have values.
std::vector<char> free_components(const Prepared& p) {
  std::vector<char> is_free(static_cast<std::size_t>(p.parts.count), 1);
  for (const Live& l : p.live) is_free[p.parts.of_leaf[l.leaves[0]]] = 0;
  for (int n = 0; n < p.compiled.graph.size(); ++n) {
    const Domain& d = p.engine[n];
    if (p.parts.of_leaf[n] >= 0 && d.count == 0 && d.divisor_of != 0) {
      is_free[p.parts.of_leaf[n]] = 0;
    }
  }
  return is_free;
}

}  // namespace

One solve_one(const ModelData& model, Prepared* p, Control* control, Wanted wanted) {
  One result;
  if (!p->feasible) return result;
  const bool best = wanted == Wanted::best;
  // Components without a part in the objective go first, so that a limit in the others leaves an
  // incumbent.
  std::vector<std::vector<std::pair<int, Int>>> objectives(
      static_cast<std::size_t>(p->parts.count));
  std::vector<int> order;
  for (int c = 0; best && c < p->parts.count; ++c) objectives[c] = parts_of(*p, c);
  for (int c = 0; c < p->parts.count; ++c) {
    if (objectives[c].empty()) order.push_back(c);
  }
  for (int c = 0; c < p->parts.count; ++c) {
    if (!objectives[c].empty()) order.push_back(c);
  }
  bool out = false;
  std::vector<char> skipped(order.size(), 0);
  if (wanted == Wanted::any) skipped = free_components(*p);
  for (int component : order) {
    if (skipped[component] != 0) continue;
    bool found = false;
    const Verdict verdict = solve_component(p, control, component, objectives[component], &found);
    out = out || verdict == Verdict::limit;
    if (!found) {
      result.status = out ? Status::limit : Status::infeasible;
      return result;
    }
  }
  result.status = out ? Status::limit : Status::solved;
  result.found = true;
  if (wanted == Wanted::any) return result;
  result.values = p->values(model);
  if (p->compiled.objective >= 0) {
    const Int v = p->engine.value(p->compiled.objective);
    result.objective = p->compiled.negated_objective ? -v : v;
  }
  return result;
}

}  // namespace constrint::detail
