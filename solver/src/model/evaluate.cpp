// The meaning of terms, straight from the definition: what propagation is checked against.
#include <algorithm>
#include <numeric>

#include "model/data.hpp"

namespace constrint::detail {
namespace {

// Terms worked out before their values are remembered. A `let` used twice in the next, and so on,
// is a short text whose tree has no end; nearly all others are done before remembering would pay.
constexpr int kPatience = 4096;

class Evaluator {
 public:
  Evaluator(const ModelData& model, const std::vector<i64>* values)
      : model_(model), values_(values) {}

  // A condition that holds an undefined term is false: undefinedness stops at the nearest
  // condition around it.
  std::optional<Int> operator()(int id) {
    const Expr& e = model_.exprs[id];
    if (e.count == 0 || ++steps_ <= kPatience) return value_of(e);
    if (const auto known = known_.find(id); known != known_.end()) return known->second;
    const std::optional<Int> value = value_of(e);
    known_.emplace(id, value);
    return value;
  }

 private:
  std::optional<Int> value_of(const Expr& e) {
    const int* arg = model_.arguments(e);
    switch (e.op) {
      case Op::constant:
        return e.value;
      case Op::variable:
        if (values_ == nullptr) {
          throw ModelError("'" + model_.variables[e.value].name +
                           "' is a variable, and a constant is needed here");
        }
        return (*values_)[e.value];
      case Op::parameter: {
        const Parameter& p = model_.parameters[e.value];
        if (!p.value) throw ModelError("parameter '" + p.name + "' has no value");
        return *p.value;
      }
      case Op::logic_and:
        return std::all_of(arg, arg + e.count, [&](int a) { return truth(a); }) ? 1 : 0;
      case Op::logic_or:
        return std::any_of(arg, arg + e.count, [&](int a) { return truth(a); }) ? 1 : 0;
      case Op::logic_not:
        return truth(arg[0]) ? 0 : 1;
      case Op::implies:
        return !truth(arg[0]) || truth(arg[1]) ? 1 : 0;
      case Op::iff:
        return truth(arg[0]) == truth(arg[1]) ? 1 : 0;
      default:
        break;
    }
    std::vector<Int> v(static_cast<std::size_t>(e.count));
    for (int i = 0; i < e.count; ++i) {
      const auto value = (*this)(arg[i]);
      if (!value) {
        if (is_condition(e.op)) return 0;
        return std::nullopt;
      }
      v[i] = *value;
    }
    return apply(e, v);
  }

  bool truth(int id) {
    const auto value = (*this)(id);
    return value && *value != 0;
  }

  std::optional<Int> apply(const Expr& e, const std::vector<Int>& v) const {
    switch (e.op) {
      case Op::add:
        return std::accumulate(v.begin(), v.end(), Int{0}, add);
      case Op::neg:
        return -v[0];
      case Op::mul:
        return std::accumulate(v.begin(), v.end(), Int{1}, mul);
      case Op::exact_div:
        if (v[1] == 0 || v[0] % v[1] != 0) return std::nullopt;
        return v[0] / v[1];
      case Op::floor_div:
        if (v[1] == 0) return std::nullopt;
        return floor_div(v[0], v[1]);
      case Op::ceil_div:
        if (v[1] == 0) return std::nullopt;
        return ceil_div(v[0], v[1]);
      case Op::mod:
        if (v[1] == 0) return std::nullopt;
        return floor_mod(v[0], v[1]);
      case Op::pow:
        if (v[1] < 0) return std::nullopt;
        return pow_wide(v[0], v[1]);
      case Op::min:
        return *std::min_element(v.begin(), v.end());
      case Op::max:
        return *std::max_element(v.begin(), v.end());
      case Op::abs:
        return abs_wide(v[0]);
      case Op::eq:
        return v[0] == v[1] ? 1 : 0;
      case Op::ne:
        return v[0] != v[1] ? 1 : 0;
      case Op::lt:
        return v[0] < v[1] ? 1 : 0;
      case Op::le:
        return v[0] <= v[1] ? 1 : 0;
      case Op::gt:
        return v[0] > v[1] ? 1 : 0;
      case Op::ge:
        return v[0] >= v[1] ? 1 : 0;
      case Op::divides:
        return v[0] != 0 && v[1] % v[0] == 0 ? 1 : 0;
      case Op::in_set: {
        const auto& cells = model_.rows[e.value].cells;
        return std::find(cells.begin(), cells.end(), v[0]) != cells.end() ? 1 : 0;
      }
      case Op::all_different: {
        std::vector<Int> sorted = v;
        std::sort(sorted.begin(), sorted.end());
        return std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end() ? 1 : 0;
      }
      case Op::table: {
        const Rows& rows = model_.rows[e.value];
        for (std::size_t r = 0; r + v.size() <= rows.cells.size(); r += v.size()) {
          if (std::equal(v.begin(), v.end(), rows.cells.begin() + static_cast<long>(r))) return 1;
        }
        return 0;
      }
      default:
        return std::nullopt;
    }
  }

  const ModelData& model_;
  const std::vector<i64>* values_;
  int steps_ = 0;
  std::unordered_map<int, std::optional<Int>> known_;
};

}  // namespace

std::optional<Int> evaluate(const ModelData& model, int expr, const std::vector<i64>& values) {
  return Evaluator(model, &values)(expr);
}

i64 evaluate_constant(const ModelData& model, int expr) {
  const auto value = Evaluator(model, nullptr)(expr);
  if (!value) throw ModelError("'" + print_expr(model, expr) + "' has no value");
  if (*value > kLimit || *value < -kLimit) {
    throw ModelError("'" + print_expr(model, expr) + "' lies beyond 2^62");
  }
  return static_cast<i64>(*value);
}

bool in_domain(const ModelData& model, const Variable& variable, i64 value) {
  if (variable.implicit) return value >= 1 && value <= kImplicitHighest;
  if (variable.pieces.empty()) {
    return std::binary_search(variable.values.begin(), variable.values.end(), value);
  }
  for (const Piece& piece : variable.pieces) {
    const i64 low = evaluate_constant(model, piece.lowest);
    const i64 high = piece.highest < 0 ? low : evaluate_constant(model, piece.highest);
    const i64 step = piece.step < 0 ? 1 : evaluate_constant(model, piece.step);
    if (step < 1) {
      throw ModelError("the step of a range of '" + variable.name + "' must be at least 1");
    }
    if (value >= low && value <= high && (Int{value} - low) % step == 0) return true;
  }
  return false;
}

}  // namespace constrint::detail
