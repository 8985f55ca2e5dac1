#include "enumerate/space.hpp"

#include <algorithm>

#include "enumerate/axis_order.hpp"
#include "enumerate/ways.hpp"
#include "families/family.hpp"
#include "math/few.hpp"

namespace constrint::detail {
namespace {

// Longer lists are left to the search, which does not look at values one by one.
constexpr Int kAxisMost = 1 << 16;
// Tables of remembered masks may take this many words together.
constexpr std::size_t kTableWords = std::size_t{1} << 21;

class Builder {
 public:
  Builder(const ModelData& model, const Prepared& p, const Reach& reach,
          const std::vector<int>& leaves, const std::vector<Live>& live, AxisOrder order,
          std::size_t solve_from)
      : model_(model),
        p_(p),
        graph_(p.compiled.graph),
        reach_(reach),
        leaves_(leaves),
        live_(live),
        order_(order),
        solve_from_(solve_from) {}

  bool run() {
    space.graph = &graph_;
    space.engine = &p_.engine;
    space.reach = &reach_;
    position_.assign(static_cast<std::size_t>(graph_.size()), -1);
    visibility();
    if (!reach_.fits || !order_axes()) return false;
    open_.assign(static_cast<std::size_t>(graph_.size()), 0);
    space.last.assign(static_cast<std::size_t>(graph_.size()), -1);
    space.constants.assign(static_cast<std::size_t>(graph_.size()), 0);
    seen_.assign(static_cast<std::size_t>(graph_.size()), -1);
    with_target_.assign(static_cast<std::size_t>(graph_.size()), -1);
    for (int n = 0; n < graph_.size(); ++n) analyse(n);
    space.rules.reserve(live_.size());
    for (const Live& l : live_) add_rule(l);
    choose_ways(p_, position_, solve_from_, &space);
    place_rules();
    outputs();
    stages();
    tables();
    return true;
  }

  Space space;

 private:
  void visibility() {
    hidden_.assign(static_cast<std::size_t>(graph_.size()), 1);
    for (int v : model_.visible()) {
      const int n = p_.compiled.variable_nodes[v];
      if (graph_.nodes[n].family == Family::variable) hidden_[n] = 0;
    }
    if (!model_.projected) std::fill(hidden_.begin(), hidden_.end(), char{0});
  }

  bool order_axes() {
    std::vector<OrderItem> items;
    for (int leaf : leaves_) {
      const Int size = p_.engine.size(leaf);
      if (size > kAxisMost) return false;
      items.push_back({leaf, static_cast<std::size_t>(size), hidden_[leaf] != 0});
    }
    std::vector<int> order;
    std::vector<char> largest(static_cast<std::size_t>(graph_.size()), 0);
    if (order_ == AxisOrder::fastest) {
      std::vector<std::vector<int>> scopes;
      for (const Live& l : live_) scopes.push_back(l.leaves);
      order = fastest_order(items, scopes);
    } else if (!preference_order(&order, &largest)) {
      return false;
    }
    space.axes.reserve(order.size());
    for (int leaf : order) {
      Axis axis;
      axis.leaf = leaf;
      const Domain& d = p_.engine[leaf];
      if (d.count != 0) {
        const auto values = p_.engine.values(leaf);
        axis.values.assign(values.begin(), values.end());
      } else {
        axis.values.resize(static_cast<std::size_t>(p_.engine.size(leaf)));
        const i64 step = d.modulus;
        i64 v = static_cast<i64>(d.low) - step;  // within 64 bits, as both are within 63
        for (i64& value : axis.values) value = v += step;
        if (d.divisor_of != 0) {
          std::erase_if(axis.values, [&](i64 v) { return !p_.engine.contains64(leaf, v); });
        }
      }
      if (largest[leaf]) std::reverse(axis.values.begin(), axis.values.end());
      axis.words = static_cast<int>((axis.values.size() + 63) / 64);
      axis.hidden = hidden_[leaf] != 0;
      space.column_length = std::max(space.column_length, axis.values.size());
      position_[leaf] = static_cast<int>(space.axes.size());
      space.axes.push_back(std::move(axis));
    }
    return true;
  }

  bool preference_order(std::vector<int>* order, std::vector<char>* largest) {
    std::vector<char> wanted(static_cast<std::size_t>(graph_.size()), 0), placed = wanted;
    for (int leaf : leaves_) wanted[leaf] = 1;
    for (const Branch& b : p_.compiled.branches) {
      if (graph_.nodes[b.node].family != Family::variable) {
        // A preferred term is harmless once its variables are bound.
        for (int leaf : open_leaves(p_.engine, b.node)) {
          if (wanted[leaf] && !placed[leaf]) return false;
        }
        continue;
      }
      if (!wanted[b.node] || placed[b.node]) continue;
      if (hidden_[b.node]) continue;
      order->push_back(b.node);
      placed[b.node] = 1;
      (*largest)[b.node] = b.largest;
    }
    for (int leaf : leaves_) {
      if (!placed[leaf]) order->push_back(leaf);
    }
    return true;
  }

  // Which terms vary, the last position they depend on, and the value of those that do not vary.
  void analyse(int n) {
    const Node& node = graph_.nodes[n];
    if (node.family == Family::variable) {
      if (position_[n] >= 0) {
        open_[n] = 1;
        space.last[n] = position_[n];
      } else if (p_.engine.fixed(n)) {
        space.constants[n] = static_cast<i64>(p_.engine.value(n));
      }
      return;
    }
    for (int a : graph_.arguments(n)) {
      open_[n] |= open_[a];
      space.last[n] = std::max(space.last[n], space.last[a]);
    }
    if (!open_[n]) {
      if (p_.engine.fixed(n)) {
        const Int known = p_.engine.value(n);
        space.constants[n] = fits64(known) ? static_cast<i64>(known) : 0;
        return;
      }
      Few<Int, 8> values;
      for (int a : graph_.arguments(n)) values.push_back(space.constants[a]);
      const Int v = family(node.family).evaluate(graph_, node, values.data());
      space.constants[n] = fits64(v) ? static_cast<i64>(v) : 0;
    }
  }

  // The varying terms below n in evaluation order (a node's arguments have smaller numbers).
  const std::vector<int>& below(int n) {
    below_.clear();
    stack_.assign(1, n);
    seen_[n] = ++serial_;
    while (!stack_.empty()) {
      const int at = stack_.back();
      stack_.pop_back();
      if (!open_[at] || graph_.nodes[at].family == Family::variable) continue;
      below_.push_back(at);
      for (int a : graph_.arguments(at)) {
        if (seen_[a] != serial_) seen_[a] = serial_, stack_.push_back(a);
      }
    }
    std::sort(below_.begin(), below_.end());
    return below_;
  }

  void add_rule(const Live& live) {
    Rule rule;
    rule.node = live.node;
    for (int leaf : live.leaves) rule.scope.push_back(position_[leaf]);
    std::sort(rule.scope.begin(), rule.scope.end());
    const int number = static_cast<int>(space.rules.size());
    with_target_[space.axes[rule.target()].leaf] = number;
    for (int n : below(live.node)) {
      const auto args = graph_.arguments(n);
      const bool with =
          std::any_of(args.begin(), args.end(), [&](int a) { return with_target_[a] == number; });
      if (with) with_target_[n] = number;
      (with ? rule.column_nodes : rule.scalar_nodes).push_back(n);
    }
    space.rules.push_back(std::move(rule));
  }

  void place_rules() {
    for (std::size_t r = 0; r < space.rules.size(); ++r) {
      const Rule& rule = space.rules[r];
      if (rule.trigger() < 0) {
        space.initial.push_back(static_cast<int>(r));
        continue;
      }
      Axis& axis = space.axes[rule.trigger()];
      axis.triggers.push_back(static_cast<int>(r));
      if (rule.how == Rule::How::mask || rule.how == Rule::How::filter) {
        axis.touches.push_back(rule.target());
      }
      space.tail = std::max(space.tail, rule.trigger() + 1);
    }
  }

  void outputs() {
    space.computed_nodes.resize(space.axes.size());
    for (int v : model_.visible()) {
      const int n = p_.compiled.variable_nodes[v];
      if (position_[n] >= 0) {
        space.outputs.push_back({Output::Kind::axis, position_[n], 0});
      } else if (!open_[n]) {
        space.outputs.push_back({Output::Kind::fixed, n, space.constants[n]});
      } else {
        space.outputs.push_back({Output::Kind::computed, n, 0});
        for (int m : below(n)) space.computed_nodes[space.last[m]].push_back(m);
      }
    }
    for (auto& nodes : space.computed_nodes) {
      std::sort(nodes.begin(), nodes.end());
      nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
    }
  }

  void stages() {
    space.stages.assign(space.axes.size(), 1);
    space.stage_of_touch.resize(space.axes.size());
    for (std::size_t d = 0; d < space.axes.size(); ++d) {
      auto& touches = space.axes[d].touches;
      std::sort(touches.begin(), touches.end());
      touches.erase(std::unique(touches.begin(), touches.end()), touches.end());
      for (int f : touches) space.stage_of_touch[d].push_back(space.stages[f]++);
      // Rules of one target together, so that a stage is written once.
      std::stable_sort(space.axes[d].triggers.begin(), space.axes[d].triggers.end(),
                       [&](int a, int b) {
                         const Rule &x = space.rules[a], &y = space.rules[b];
                         return std::pair(x.target(), x.how) < std::pair(y.target(), y.how);
                       });
    }
    for (std::size_t f = 0; f < space.axes.size(); ++f) {
      space.stage_offset.push_back(space.stage_words);
      space.stage_words += static_cast<std::size_t>(space.stages[f] * space.axes[f].words);
    }
  }

  // Small tables first: each word spent remembers the most.
  void tables() {
    std::vector<std::pair<std::size_t, int>> sizes;
    for (std::size_t r = 0; r < space.rules.size(); ++r) {
      const Rule& rule = space.rules[r];
      // Each entry would be asked for once only where the scope is all that is bound.
      const bool once = static_cast<int>(rule.scope.size()) == rule.trigger() + 2;
      if (rule.trigger() < 0 || once || rule.how > Rule::How::filter) continue;
      std::size_t words = static_cast<std::size_t>(space.axes[rule.target()].words);
      for (std::size_t i = 0; i + 1 < rule.scope.size() && words <= kTableWords; ++i) {
        words *= space.axes[rule.scope[i]].values.size();
      }
      if (words <= kTableWords) sizes.emplace_back(words, static_cast<int>(r));
    }
    std::sort(sizes.begin(), sizes.end());
    for (auto [words, r] : sizes) {
      if (space.table_words + words > kTableWords) break;
      Rule& rule = space.rules[r];
      // The number of an entry and its first word, from the indices of all but the target.
      rule.table_offset = space.table_words;
      const auto target_words = static_cast<std::size_t>(space.axes[rule.target()].words);
      std::size_t stride = target_words;
      rule.strides.resize(rule.scope.size() - 1);
      // Neighbours of the innermost loop lie side by side.
      for (std::size_t i = rule.strides.size(); i-- > 0;) {
        rule.strides[i] = stride;
        stride *= space.axes[rule.scope[i]].values.size();
      }
      rule.table_entries = stride / target_words;
      space.table_words += words;
    }
  }

  const ModelData& model_;
  const Prepared& p_;
  const Graph& graph_;
  const Reach& reach_;
  const std::vector<int>& leaves_;
  const std::vector<Live>& live_;
  AxisOrder order_;
  std::size_t solve_from_;
  std::vector<char> hidden_, open_;
  std::vector<int> position_;
  std::vector<int> with_target_;  // per node: the rule that found its target below it last
  std::vector<int> seen_;         // per node: the call of below() that saw it last
  int serial_ = -1;
  std::vector<int> below_, stack_;
};

}  // namespace

std::optional<Space> build_space(const ModelData& model, const Prepared& prepared,
                                 const Reach& reach, const std::vector<int>& leaves,
                                 const std::vector<Live>& live, AxisOrder order,
                                 std::size_t solve_from) {
  Builder builder(model, prepared, reach, leaves, live, order, solve_from);
  if (!builder.run()) return std::nullopt;
  return std::move(builder.space);
}

}  // namespace constrint::detail
