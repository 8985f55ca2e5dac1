#include "compile/compile.hpp"

#include <algorithm>
#include <utility>

#include "compile/compiler.hpp"
#include "families/family.hpp"

namespace constrint::detail {
namespace {

// Chains of definitions are followed by recursion, so their length is bounded.
constexpr int kMaxDefinitions = 200;
// Unions of ranges up to this many values are kept as explicit sets.
constexpr Int kUnionMost = 1 << 16;

}  // namespace

void Compiler::find_shared() {
  // A leaf costs no more to make than to look up.
  std::vector<std::uint8_t> uses(model_.exprs.size(), 0);
  for (int a : model_.args) uses[a] = static_cast<std::uint8_t>(std::min(uses[a] + 1, 2));
  shared_.assign(model_.exprs.size(), kSingle);
  for (std::size_t e = 0; e < uses.size(); ++e) {
    if (uses[e] > 1 && model_.exprs[e].count > 0) shared_[e] = kLater;
  }
}

// The first time since seen_serial_ was raised. A `let` may stand in a term many times over, and in
// another that does so itself: none is walked twice.
bool Compiler::first_seen(int expr) {
  return model_.exprs[expr].count == 0 ||
         std::exchange(seen_expr_[expr], seen_serial_) != seen_serial_;
}

void Compiler::collect_atoms(int expr, int constraint) {
  if (!first_seen(expr)) return;
  const Expr& e = model_.exprs[expr];
  if (e.op == Op::logic_and) {
    for (int i = 0; i < e.count; ++i) collect_atoms(model_.arguments(e)[i], constraint);
  } else {
    atoms_.push_back(expr);
    atom_source_.push_back(constraint);
  }
}

// Whether the term mentions the variable, through definitions as well.
bool Compiler::depends_on(int expr, int variable, int depth) {
  const Expr& e = model_.exprs[expr];
  if (e.op == Op::variable) {
    const int v = static_cast<int>(e.value);
    if (v == variable) return true;
    if (seen_[v] == seen_serial_) return false;
    seen_[v] = seen_serial_;
    return definition_[v] >= 0 && depends_on(definition_[v], variable, depth + 1);
  }
  if (!first_seen(expr)) return false;
  for (int i = 0; i < e.count; ++i) {
    if (depends_on(model_.arguments(e)[i], variable, depth)) return true;
  }
  return false;
}

// The variables that stand in the term itself.
void Compiler::mention(int expr, std::vector<char>* mentioned) {
  const Expr& e = model_.exprs[expr];
  if (!first_seen(expr)) return;
  if (e.op == Op::variable) (*mentioned)[e.value] = 1;
  for (int i = 0; i < e.count; ++i) mention(model_.arguments(e)[i], mentioned);
}

// `v == term` makes v a name for the term: one node instead of two and an equation.
void Compiler::find_definitions() {
  const auto depth_of = [&](auto& self, int expr) -> int {
    const Expr& e = model_.exprs[expr];
    if (e.op == Op::variable) {
      return definition_[e.value] < 0 ? 0 : definition_depth_[e.value];
    }
    int depth = 0;
    if (!first_seen(expr)) return depth;
    for (int i = 0; i < e.count; ++i) depth = std::max(depth, self(self, model_.arguments(e)[i]));
    return depth;
  };
  std::vector<char> mentioned(definition_.size(), 0);  // in a definition
  for (std::size_t i = 0; i < atoms_.size(); ++i) {
    const Expr& e = model_.exprs[atoms_[i]];
    if (e.op != Op::eq) continue;
    const int* arg = model_.arguments(e);
    int best = -1, term = -1;
    for (int side = 0; side < 2; ++side) {
      const Expr& name = model_.exprs[arg[side]];
      if (name.op != Op::variable || definition_[name.value] >= 0) continue;
      const int v = static_cast<int>(name.value);
      if (best >= 0 && rank_[v] < rank_[best]) continue;
      ++seen_serial_;
      if (depends_on(arg[1 - side], v, 0)) continue;
      ++seen_serial_;
      if (depth_of(depth_of, arg[1 - side]) >= kMaxDefinitions) continue;
      best = v;
      term = arg[1 - side];
    }
    if (best < 0) continue;
    definition_[best] = term;
    ++seen_serial_;
    definition_depth_[best] = depth_of(depth_of, term) + 1;
    // A later definition below an earlier one lengthens its chain.
    for (std::size_t v = 0; mentioned[best] != 0 && v < definition_.size(); ++v) {
      if (definition_[v] >= 0 && static_cast<int>(v) != best && definition_depth_[v] > 0) {
        ++seen_serial_;
        if (depends_on(definition_[v], best, 0)) definition_depth_[v] += definition_depth_[best];
      }
    }
    ++seen_serial_;
    mention(term, &mentioned);
    atom_used_[i] = 1;
  }
}

const Sum& Compiler::variable_term(int index) {
  if (variable_done_[index]) return variable_sum_[index];
  Sum sum;
  if (definition_[index] >= 0) {
    Guards guards;
    sum = term(definition_[index], &guards);
    for (int g : guards) require_node(g, true);
    restrict_to_domain(node_of(sum), model_.variables[index]);
  } else {
    const int node = graph().variable();
    restrict_to_domain(node, model_.variables[index]);
    sum = of_node(node);
  }
  variable_done_[index] = 1;
  return variable_sum_[index] = std::move(sum);
}

void Compiler::restrict_to_domain(int node, const Variable& v) {
  if (v.implicit) return restrict({node, 1, kImplicitHighest});
  std::vector<i64> values = v.values;
  struct Stretch {
    i64 low, high, step;
  };
  Few<Stretch, 4> stretches;
  Int total = static_cast<Int>(values.size());
  for (const Piece& piece : v.pieces) {
    const i64 low = evaluate_constant(model_, piece.lowest);
    const i64 high = piece.highest < 0 ? low : evaluate_constant(model_, piece.highest);
    const i64 step = piece.step < 0 ? 1 : evaluate_constant(model_, piece.step);
    if (step < 1) throw ModelError("the step of a range of '" + v.name + "' must be at least 1");
    if (low > high) continue;
    stretches.push_back({low, high, step});
    total += (Int{high} - low) / step + 1;
  }
  if (total == 0) {
    refute();
    return restrict({node, 0, 0});
  }
  if (values.empty() && stretches.size() == 1) {
    const Stretch& s = stretches[0];
    return restrict({node, s.low, s.high, -1, s.step, static_cast<i64>(floor_mod(s.low, s.step))});
  }
  if (total <= kUnionMost) {
    for (const Stretch& s : stretches) {
      for (Int x = s.low; x <= s.high; x += s.step) values.push_back(static_cast<i64>(x));
    }
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    return restrict({node, -kBig, kBig, graph().intern_set(std::move(values))});
  }
  i64 lowest = kLimit, highest = -kLimit;
  std::vector<int> alternatives;
  for (const Stretch& s : stretches) {
    lowest = std::min(lowest, s.low);
    highest = std::max(highest, s.high);
    std::vector<int> parts{interval_node({node, s.low, s.high, false})};
    if (s.step > 1) {
      Sum shifted = of_node(node);
      shifted.constant = -Int{s.low};
      parts.push_back(divides_node(constant_sum(s.step), shifted));
    }
    alternatives.push_back(all_of(std::move(parts)));
  }
  restrict({node, lowest, highest});
  require_node(any_of(std::move(alternatives)), true);
}

void Compiler::branches() {
  std::vector<char> listed(static_cast<std::size_t>(graph().size()), 0);
  const auto append = [&](int node, bool largest) {
    if (graph().is_constant(node)) return;
    listed.resize(static_cast<std::size_t>(graph().size()), 0);
    if (!listed[node]) out_.branches.push_back({node, largest});
    listed[node] = 1;
  };
  for (const Preference& p : model_.preferences) {
    Guards guards;
    const Sum sum = term(p.expr, &guards);
    if (sum.is_constant()) continue;
    const int node = node_of(sum);
    if (p.prefer != Prefer::nearest) {
      append(node, p.prefer == Prefer::largest);
      continue;
    }
    // Nearest first, the smaller of two equally near: smallest 2 |x - v| + (x > v).
    Sum shifted = sum;
    shifted.constant = sub(shifted.constant, evaluate_constant(model_, p.nearest_to));
    const int away = node_of(shifted);
    const int above = interval_node({away, 1, kBig, false});
    const int distance = graph().intern(Node{Family::absolute}, {&away, 1});
    Sum key = of_node(above);
    accumulate(&key, of_node(distance), 2);
    append(node_of(key), false);
  }
  for (int n : out_.variable_nodes) append(n, false);
  // Terms with several variables are not fixed by the branches above unless their leaves are.
  const int leaves = graph().size();
  for (int n = 0; n < leaves; ++n) {
    if (graph().nodes[n].family == Family::variable) append(n, false);
  }
}

Compiled Compiler::run() {
  const std::size_t count = model_.variables.size();
  definition_.assign(count, -1);
  definition_depth_.assign(count, 0);
  variable_sum_.resize(count);
  variable_done_.assign(count, 0);
  seen_.assign(count, 0);
  seen_expr_.assign(model_.exprs.size(), 0);
  rank_.resize(count);
  for (std::size_t v = 0; v < count; ++v) {
    rank_[v] = static_cast<int>(model_.preferences.size() + v);
  }
  for (std::size_t i = model_.preferences.size(); i-- > 0;) {
    const Expr& e = model_.exprs[model_.preferences[i].expr];
    if (e.op == Op::variable) rank_[e.value] = static_cast<int>(i);
  }
  for (std::size_t c = 0; c < model_.constraints.size(); ++c) {
    if (active_ == nullptr || (*active_)[c]) {
      ++seen_serial_;
      collect_atoms(model_.constraints[c].expr, static_cast<int>(c));
    }
  }
  atom_used_.assign(atoms_.size(), 0);
  find_shared();
  if (!separate_) find_definitions();
  out_.restrictions.reserve(2 * (count + atoms_.size()));
  out_.variable_nodes.reserve(count);
  graph().nodes.reserve(4 * (count + atoms_.size()));
  for (std::size_t v = 0; v < count; ++v) {
    out_.variable_nodes.push_back(node_of(variable_term(static_cast<int>(v))));
  }
  for (std::size_t i = 0; i < atoms_.size(); ++i) {
    if (!atom_used_[i]) {
      source_ = atom_source_[i];
      const Expr& e = model_.exprs[atoms_[i]];
      const bool compares = e.op >= Op::eq && e.op <= Op::ge;
      if (compares && model_.exprs[model_.args[e.first]].op != Op::mod) {
        require_comparison(e, true);
      } else {
        require(atoms_[i], true);
      }
    }
  }
  source_ = -1;
  if (with_objective_ && model_.objective >= 0) {
    Guards guards;
    Sum sum = term(model_.objective, &guards);
    for (int g : guards) require_node(g, true);
    if (model_.maximise) {
      Sum negative;
      accumulate(&negative, sum, -1);
      sum = negative;
    }
    out_.objective = node_of(sum);
    out_.negated_objective = model_.maximise;
  }
  branches();
  if (!separate_) imply_products();
  graph().link();
  out_.posted.assign(static_cast<std::size_t>(graph().size()), 0);
  for (const Restriction& r : out_.restrictions) {
    if (!r.implied && graph().nodes[r.node].family != Family::variable) out_.posted[r.node] = 1;
  }
  return std::move(out_);
}

Compiled compile(const ModelData& model, const std::vector<char>* active, bool with_objective,
                 bool separate) {
  return Compiler(model, active, with_objective, separate).run();
}

namespace {

// A value at the limit of 125 bits may decide a comparison with a smaller bound and nothing else.
void check_width(const Compiled& compiled, const Engine& engine) {
  const Graph& graph = compiled.graph;
  for (int n = 0; n < graph.size(); ++n) {
    if (!saturated(engine[n].low) && !saturated(engine[n].high)) continue;
    bool harmless = n != compiled.objective;
    for (int p : graph.parents_of(n)) harmless = harmless && graph.nodes[p].family == Family::range;
    for (const Branch& b : compiled.branches) harmless = harmless && b.node != n;
    if (!harmless) {
      throw ModelError("a " + std::string(family(graph.nodes[n].family).name) +
                       " may leave 125 bits: narrow the domains of its variables");
    }
  }
}

bool apply(const Compiled& compiled, const Restriction& r, Engine* engine) {
  return engine->within(r.node, r.low, r.high) &&
         (r.set < 0 || engine->among(r.node, compiled.graph.sets[r.set])) &&
         engine->congruent(r.node, r.modulus, r.residue);
}

}  // namespace

bool root(const Compiled& compiled, Engine* engine, const ModelData&) {
  if (compiled.impossible) return false;
  for (const Restriction& r : compiled.restrictions) {
    if (!apply(compiled, r, engine)) return false;
  }
  engine->schedule_all();
  if (!engine->propagate()) return false;
  check_width(compiled, *engine);
  return narrow_by_cases(engine);
}

bool refuted(const Compiled& compiled, Engine* engine, Reasons* reasons) {
  engine->note(reasons);
  reasons->begin(compiled.refuted_by);
  if (compiled.impossible) return true;
  for (const Restriction& r : compiled.restrictions) {
    reasons->begin(r.source);
    if (apply(compiled, r, engine)) continue;
    reasons->join(r.node);
    return true;
  }
  engine->schedule_all();
  return !engine->propagate();
}

}  // namespace constrint::detail
