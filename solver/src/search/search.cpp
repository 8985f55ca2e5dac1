#include "search/search.hpp"

namespace constrint::detail {
namespace {

// Wider intervals are halved instead of tried value by value; halving towards the preferred side
// visits the values in the same order.
constexpr int kTryValues = 64;
// After a better solution the best quarter of what the objective can still be is tried apart.
constexpr int kLeap = 4;
// Where what is open of the objective is at most this part of it, its best value is tried first.
constexpr int kNearly = 4;

struct Decision {
  int node;
  Int value;
  enum class Kind : std::uint8_t { equal, at_most, at_least } kind;
  bool listed;
};

bool apply(Engine* e, const Decision& d) {
  switch (d.kind) {
    case Decision::Kind::equal:
      return e->assign(d.node, d.value);
    case Decision::Kind::at_most:
      return e->at_most(d.node, d.value);
    case Decision::Kind::at_least:
      return e->at_least(d.node, d.value);
  }
  return false;
}

bool refute(Engine* e, const Decision& d) {
  switch (d.kind) {
    case Decision::Kind::equal:
      return e->exclude(d.node, d.value);
    case Decision::Kind::at_most:
      return e->at_least(d.node, d.value + 1);
    case Decision::Kind::at_least:
      return e->at_most(d.node, d.value - 1);
  }
  return false;
}

Decision decide(const Engine& e, const Branch& branch, bool listed) {
  const Domain& d = e[branch.node];
  if (d.count != 0 || d.high - d.low < Int{kTryValues} * d.modulus) {
    return {branch.node, branch.largest ? d.high : d.low, Decision::Kind::equal, listed};
  }
  const Int middle = floor_div(add(d.low, d.high), 2);
  if (branch.largest) return {branch.node, middle + 1, Decision::Kind::at_least, listed};
  return {branch.node, middle, Decision::Kind::at_most, listed};
}

class Depth {
 public:
  Depth(Engine* engine, SearchPlan* plan, Control* control)
      : engine_(*engine), plan_(*plan), control_(*control), base_(engine->level()) {}

  Verdict run(const std::function<bool()>& on_solution) {
    bool consistent = settle();
    while (true) {
      if (!consistent) {
        ++control_.failures;
        if (!backtrack(&consistent)) return Verdict::exhausted;
        continue;
      }
      std::size_t next = 0;
      if (!choose(&next)) {
        if (!on_solution()) return Verdict::stopped;
        leap_ = plan_.objective_node >= 0;
        // One completion per listed assignment is enough.
        while (!decisions_.empty() && !decisions_.back().listed) drop();
        if (!backtrack(&consistent)) return Verdict::exhausted;
        continue;
      }
      if (!control_.node()) {
        while (!decisions_.empty()) drop();
        return Verdict::limit;
      }
      decisions_.push_back(wants_best() ? best()
                           : wants_leap()
                               ? leap()
                               : decide(engine_, plan_.order[next], next < plan_.listed));
      cursors_.push_back(cursor_);
      best_tried_.push_back(false);
      engine_.push();
      consistent = apply(&engine_, decisions_.back()) && settle();
    }
  }

 private:
  void drop() {
    engine_.pop();
    cursor_ = cursors_.back();
    cursors_.pop_back();
    best_tried_.pop_back();
    decisions_.pop_back();
  }

  // Undoes the last decision and takes its opposite; false where none is left.
  bool backtrack(bool* consistent) {
    if (decisions_.empty()) return false;
    const Decision last = decisions_.back();
    drop();
    *consistent = refute(&engine_, last) && settle();
    return true;
  }

  bool settle() {
    if (plan_.objective.empty() || plan_.bound >= kBig) return engine_.propagate();
    // Once before, so that a new bound is seen, and once after, when the parts know more.
    return tighten_bound() && engine_.propagate() && tighten_bound() && engine_.propagate() &&
           best_case() < plan_.bound;
  }

  // The least the objective can be; its value once everything is fixed.
  Int best_case() const {
    Int low = 0;
    for (auto [node, c] : plan_.objective) low = add(low, part_low(node, c));
    return low;
  }

  // Each part of the objective gets what the others at their best leave of the bound.
  bool tighten_bound() {
    const Int low = best_case();
    const Int slack = sub(plan_.bound - 1, low);
    if (slack < 0) return false;
    if (saturated(low)) return true;
    for (auto [node, c] : plan_.objective) {
      const Int most = add(part_low(node, c), slack);
      const bool good = c > 0 ? engine_.at_most(node, floor_div(most, c))
                              : engine_.at_least(node, ceil_div(most, c));
      if (!good) return false;
    }
    return true;
  }
  Int part_low(int node, Int c) const {
    return mul(c, c > 0 ? engine_[node].low : engine_[node].high);
  }

  // Solutions that improve by a step at a time are skipped by splitting on the objective once after
  // each. Among equals the first in the order of preference is still found first: they are on the
  // same side of every such split.
  bool wants_leap() const { return leap_ && !engine_.fixed(plan_.objective_node); }
  Decision leap() {
    leap_ = false;
    const Domain& d = engine_[plan_.objective_node];
    const Int target = add(d.low, sub(d.high, d.low) / kLeap);
    return {plan_.objective_node, target, Decision::Kind::at_most, true};
  }

  // Once the objective is nearly decided, orders of preference find its values one by one. Tried
  // once at each level, so that an objective of many values is not walked.
  bool wants_best() const {
    if (plan_.objective_node < 0 || best_tried_.back()) return false;
    const Domain& d = engine_[plan_.objective_node];
    return d.low < d.high && mul(sub(d.high, d.low), kNearly) <= abs_wide(d.low);
  }
  Decision best() {
    leap_ = false;
    best_tried_.back() = true;
    return {plan_.objective_node, engine_[plan_.objective_node].low, Decision::Kind::at_most, true};
  }

  bool choose(std::size_t* next) {
    while (cursor_ < plan_.order.size() && engine_.fixed(plan_.order[cursor_].node)) ++cursor_;
    if (cursor_ == plan_.order.size()) return false;
    *next = cursor_;
    if (!plan_.smallest_domain) return true;
    const std::size_t end = cursor_ < plan_.listed ? plan_.listed : plan_.order.size();
    Int best = kBig;
    for (std::size_t i = cursor_; i < end; ++i) {
      if (engine_.fixed(plan_.order[i].node)) continue;
      const Int size = engine_.size(plan_.order[i].node);
      if (size < best) best = size, *next = i;
    }
    return true;
  }

  Engine& engine_;
  SearchPlan& plan_;
  Control& control_;
  int base_;
  std::vector<Decision> decisions_;
  std::vector<std::size_t> cursors_;
  std::vector<bool> best_tried_{false};  // per level, as is the root's
  std::size_t cursor_ = 0;               // everything before it is fixed
  bool leap_ = false;                    // a better solution was found since the last leap
};

}  // namespace

Verdict search(Engine* engine, SearchPlan* plan, Control* control,
               const std::function<bool()>& on_solution) {
  return Depth(engine, plan, control).run(on_solution);
}

}  // namespace constrint::detail
