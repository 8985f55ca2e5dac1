// How each rule of a space is to be worked out along long axes.
#include "enumerate/ways.hpp"

#include <algorithm>
#include <map>

#include "enumerate/ordered.hpp"
#include "math/numbers.hpp"

namespace constrint::detail {
namespace {

constexpr Int kSafe = Int{1} << 62;
// Of longer products no filters are made: a product may hold another twice, and that one a third.
constexpr int kFactorsMost = 256;

class Ways {
 public:
  Ways(const Prepared& p, const std::vector<int>& position, std::size_t solve_from, Space* space)
      : engine_(p.engine),
        graph_(p.compiled.graph),
        position_(position),
        solve_from_(solve_from),
        space_(*space) {}

  // Equations along long axes are solved; what comes after them only checks.
  void run() {
    for (std::size_t r = 0; r < space_.rules.size(); ++r) {
      Rule& rule = space_.rules[r];
      if (rule.trigger() < 0 || !is_long(rule.target())) continue;
      int& solver = space_.axes[rule.target()].solver;
      if (solver >= 0 && space_.rules[solver].trigger() <= rule.trigger()) continue;
      if (invert(space_, rule).possible) solver = static_cast<int>(r);
    }
    const std::size_t written = space_.rules.size();
    for (std::size_t r = 0; r < written; ++r) {
      Rule& rule = space_.rules[r];
      if (rule.trigger() < 0 || !is_long(rule.target())) continue;
      const int solver = space_.axes[rule.target()].solver;
      if (solver == static_cast<int>(r)) {
        rule.how = Rule::How::solve;
      } else if (solver >= 0 && space_.rules[solver].trigger() <= rule.trigger()) {
        rule.how = Rule::How::check;
      } else if (filters(rule)) {
        rule.how = Rule::How::filter;
      }
    }
    const Ordered order(space_);
    for (std::size_t r = 0; r < written; ++r) add_implied(static_cast<int>(r), order);
  }

 private:
  bool is_long(int position) const { return space_.axes[position].values.size() > solve_from_; }

  // "target divides a term without it", or "target times other variables divides a number".
  bool filters(Rule& rule) {
    if (graph_.nodes[rule.node].family == Family::product) return filters_product(rule);
    if (graph_.nodes[rule.node].family != Family::divides || !engine_.is_true(rule.node)) {
      return false;
    }
    const auto args = graph_.arguments(rule.node);
    const int leaf = space_.axes[rule.target()].leaf;
    if (args[0] != leaf || engine_.contains(leaf, 0)) return false;
    if (std::count(rule.column_nodes.begin(), rule.column_nodes.end(), args[1]) != 0) return false;
    if (args[1] == leaf || space_.reach->saturating[args[1]]) return false;
    rule.filter.node = args[1];
    return true;
  }

  // Where the product may be any divisor of the number, its list says nothing more.
  bool filters_product(Rule& rule) {
    const Domain& d = engine_[rule.node];
    if (d.divisor_of <= 0 || d.modulus != 1 || d.low != 1 || d.high != d.divisor_of) return false;
    if (d.count == 0 || d.count != divisor_count(static_cast<u64>(d.divisor_of))) return false;
    const auto times = positive_factors(rule.node, nullptr);
    if (times.empty()) return false;
    for (auto [position, exponent] : times) {
      if (position == rule.target()) {
        rule.filter.exponent = exponent;
      } else {
        rule.filter.factors.push_back({space_.axes[position].leaf, exponent});
      }
    }
    rule.filter.number = d.divisor_of;
    return true;
  }

  // The variables of a product and how often each is a factor, by position; empty where a factor is
  // anything else. Fixed factors are taken out of *number.
  std::map<int, int> positive_factors(int node, Int* number) const {
    std::map<int, int> times;
    std::vector<int> stack{node};
    for (int left = kFactorsMost; !stack.empty(); --left) {
      if (left == 0) return {};
      const int n = stack.back();
      stack.pop_back();
      const Domain& d = engine_[n];
      if (graph_.nodes[n].family == Family::product) {
        for (int a : graph_.arguments(n)) stack.push_back(a);
      } else if (number != nullptr && d.fixed() && d.low >= 1 && *number % d.low == 0) {
        *number /= d.low;
      } else if (position_[n] < 0 || d.low < 1) {
        return {};
      } else {
        ++times[position_[n]];
      }
    }
    return times;
  }

  // x y z == n: y divides n / x, and y^2 is at most that where y <= z. Where variables are
  // positive, every part of a product divides it.
  void add_implied(int r, const Ordered& order) {
    const int node = space_.rules[r].node;
    const Domain& d = engine_[node];
    if (d.low != d.high || d.low < 1 || d.low >= kSafe) return;
    Int number = d.low;
    const auto times = positive_factors(node, &number);
    Rule implied;
    implied.node = -1;
    implied.how = Rule::How::filter;
    implied.filter.number = static_cast<i64>(number);
    for (auto [position, exponent] : times) {
      implied.scope.push_back(position);
      implied.filter.exponent = exponent;
      const int solver = space_.axes[position].solver;
      const bool solved = solver >= 0 && space_.rules[solver].trigger() <= implied.trigger();
      if (implied.trigger() >= 0 && is_long(position) && !solved) {
        implied.filter.ordered = 0;
        const auto above = order.from(position);
        for (auto later = times.find(position); later != times.end(); ++later) {
          if (above[later->first]) implied.filter.ordered += later->second;
        }
        space_.rules.push_back(implied);
      }
      implied.filter.factors.push_back({space_.axes[position].leaf, exponent});
    }
  }

  const Engine& engine_;
  const Graph& graph_;
  const std::vector<int>& position_;  // per node, -1 for what is no axis
  std::size_t solve_from_;
  Space& space_;
};

}  // namespace

void choose_ways(const Prepared& prepared, const std::vector<int>& position, std::size_t solve_from,
                 Space* space) {
  Ways(prepared, position, solve_from, space).run();
}

}  // namespace constrint::detail
