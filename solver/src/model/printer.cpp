// Canonical text: brackets around every compound operand, so that no precedence rule is needed.
#include "model/data.hpp"

namespace constrint::detail {
namespace {

// `let` and terms of a program are written out where they are used: what is used twice in the next,
// and so on, doubles each time.
constexpr std::size_t kTextMost = std::size_t{1} << 24;

class Printer {
 public:
  explicit Printer(const ModelData& model) : model_(model) {}

  std::string operator()(int id) const { return print(id, false); }
  // With brackets around anything compound, for places where only a term may stand.
  std::string operand(int id) const { return print(id, true); }

 private:
  std::string print(int id, bool inside) const {
    std::string s = written(id, inside);
    if (s.size() > kTextMost) throw ModelError("a term's text is longer than 16 MiB");
    return s;
  }

  std::string written(int id, bool inside) const {
    const Expr& e = model_.exprs[id];
    const int* a = model_.arguments(e);
    const auto bracket = [&](std::string s) { return inside ? "(" + s + ")" : s; };
    const auto binary = [&](const char* symbol) {
      return bracket(print(a[0], true) + " " + symbol + " " + print(a[1], true));
    };
    const auto joined = [&](const char* symbol) {
      std::string s;
      for (int i = 0; i < e.count; ++i) s += (i == 0 ? "" : symbol) + print(a[i], true);
      return bracket(s);
    };
    const auto call = [&](const char* name) {
      std::string s = name;
      for (int i = 0; i < e.count; ++i) s += (i == 0 ? "(" : ", ") + print(a[i], false);
      return s + ")";
    };
    switch (e.op) {
      case Op::constant:
        return e.value < 0 ? bracket(std::to_string(e.value)) : std::to_string(e.value);
      case Op::variable:
        return model_.variables[e.value].name;
      case Op::parameter:
        return model_.parameters[e.value].name;
      case Op::add:
        return bracket(sum(e));
      case Op::neg:
        return bracket("-" + print(a[0], true));
      case Op::mul:
        return joined(" * ");
      case Op::exact_div:
        return binary("/");
      case Op::floor_div:
        return call("floor_div");
      case Op::ceil_div:
        return call("ceil_div");
      case Op::mod:
        return binary("%");
      case Op::pow:
        return binary("^");
      case Op::min:
        return call("min");
      case Op::max:
        return call("max");
      case Op::abs:
        return call("abs");
      case Op::eq:
        return binary("==");
      case Op::ne:
        return binary("!=");
      case Op::lt:
        return binary("<");
      case Op::le:
        return binary("<=");
      case Op::gt:
        return binary(">");
      case Op::ge:
        return binary(">=");
      case Op::divides:
        return bracket("(" + print(a[1], true) + " % " + print(a[0], true) + ") == 0");
      case Op::in_set:
        return bracket(print(a[0], true) + " in " + list(model_.rows[e.value].cells));
      case Op::logic_and:
        return joined(" & ");
      case Op::logic_or:
        return joined(" | ");
      case Op::logic_not:
        return bracket("!" + print(a[0], true));
      case Op::implies:
        return binary("->");
      case Op::iff:
        return binary("<->");
      case Op::all_different:
        return call("all_different");
      case Op::table:
        return table(e);
    }
    return "";
  }

  std::string sum(const Expr& e) const {
    const int* a = model_.arguments(e);
    std::string s = print(a[0], true);
    for (int i = 1; i < e.count; ++i) {
      const Expr& part = model_.exprs[a[i]];
      if (part.op == Op::neg) {
        s += " - " + print(model_.arguments(part)[0], true);
      } else {
        s += " + " + print(a[i], true);
      }
    }
    return s;
  }

  static std::string list(const std::vector<i64>& values) {
    std::string s = "[";
    for (std::size_t i = 0; i < values.size(); ++i) {
      s += (i == 0 ? "" : ", ") + std::to_string(values[i]);
    }
    return s + "]";
  }

  std::string table(const Expr& e) const {
    const int* a = model_.arguments(e);
    std::string s = "table([";
    for (int i = 0; i < e.count; ++i) s += (i == 0 ? "" : ", ") + print(a[i], true);
    s += "], [";
    const Rows& rows = model_.rows[e.value];
    for (std::size_t r = 0; r < rows.cells.size(); r += static_cast<std::size_t>(rows.width)) {
      const auto begin = rows.cells.begin() + static_cast<long>(r);
      s += (r == 0 ? "" : ", ") + list(std::vector<i64>(begin, begin + rows.width));
    }
    return s + "])";
  }

  const ModelData& model_;
};

std::string print_operand(const ModelData& model, int expr) { return Printer(model).operand(expr); }

std::string print_domain(const ModelData& model, const Variable& v) {
  if (v.implicit) return "[1.." + std::to_string(kImplicitHighest) + "]";
  const auto join = [](std::string* s, const std::string& part) {
    *s += (s->empty() ? "" : ", ") + part;
  };
  std::string s;
  for (i64 value : v.values) join(&s, std::to_string(value));
  for (const Piece& p : v.pieces) {
    std::string part = print_operand(model, p.lowest);
    if (p.highest >= 0) part += ".." + print_operand(model, p.highest);
    if (p.step >= 0) part += " by " + print_operand(model, p.step);
    join(&s, part);
  }
  return "[" + s + "]";
}

}  // namespace

std::string print_expr(const ModelData& model, int expr) { return Printer(model)(expr); }

std::string print_model(const ModelData& model) {
  std::string s;
  for (const Parameter& p : model.parameters) {
    s += "param " + p.name + (p.value ? " = " + std::to_string(*p.value) : "") + ";\n";
  }
  for (const Variable& v : model.variables) {
    s += "var " + v.name + " in " + print_domain(model, v) + ";\n";
  }
  for (const Constraint& c : model.constraints) s += print_expr(model, c.expr) + ";\n";
  for (const Preference& p : model.preferences) {
    s += "prefer " + print_operand(model, p.expr);
    switch (p.prefer) {
      case Prefer::smallest:
        s += " smallest";
        break;
      case Prefer::largest:
        s += " largest";
        break;
      case Prefer::nearest:
        s += " nearest " + print_operand(model, p.nearest_to);
        break;
    }
    s += ";\n";
  }
  if (model.objective >= 0) {
    s += (model.maximise ? "maximize " : "minimize ") + print_operand(model, model.objective) +
         ";\n";
  }
  if (model.projected && !model.projection.empty()) {
    s += "project ";
    for (std::size_t i = 0; i < model.projection.size(); ++i) {
      s += (i == 0 ? "" : ", ") + model.variables[model.projection[i]].name;
    }
    s += ";\n";
  }
  return s;
}

}  // namespace constrint::detail
