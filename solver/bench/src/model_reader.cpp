// The bench's own reader of the model files: the part of the language that they use (no tables, no
// projection), with every sub-term that has no variables computed on the spot.
#include <cctype>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string_view>

#include "model.hpp"

namespace bench {
namespace {

Expr Constant(std::int64_t value) { return {Op::kConst, value, {}}; }

std::int64_t FloorMod(std::int64_t a, std::int64_t b) {
  const std::int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

// Only terms: a comparison of constants does not appear in the models.
Expr Make(Op op, Expr a, Expr b) {
  if (a.op == Op::kConst && b.op == Op::kConst) {
    const std::int64_t x = a.value, y = b.value;
    switch (op) {
      case Op::kAdd:
        return Constant(x + y);
      case Op::kSub:
        return Constant(x - y);
      case Op::kMul:
        return Constant(x * y);
      case Op::kDiv:
        return Constant(x / y);
      case Op::kMod:
        return Constant(FloorMod(x, y));
      default:
        break;
    }
  }
  Expr e{op, 0, {}};
  e.args.push_back(std::move(a));
  e.args.push_back(std::move(b));
  return e;
}

class Reader {
 public:
  Reader(std::string_view text, const std::string& name, const Parameters& overrides)
      : text_(text), overrides_(overrides) {
    model_.name = name;
    Next();
  }

  Model Run() {
    while (!token_.empty()) {
      if (Accept(";")) continue;
      Statement();
      Expect(";");
    }
    for (const auto& [name, value] : overrides_) {
      if (!names_.contains(name)) Fail("no parameter named " + name);
    }
    return std::move(model_);
  }

 private:
  [[noreturn]] void Fail(const std::string& message) const {
    int line = 1;
    std::size_t start = 0;
    for (std::size_t i = 0; i < begin_; ++i) {
      if (text_[i] == '\n') ++line, start = i + 1;
    }
    throw std::runtime_error(model_.name + ":" + std::to_string(line) + ":" +
                             std::to_string(begin_ - start + 1) + ": " + message);
  }

  static bool IsLetter(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; }
  static bool IsDigit(char c) { return std::isdigit(static_cast<unsigned char>(c)); }

  void Next() {
    while (end_ < text_.size() &&
           (std::isspace(static_cast<unsigned char>(text_[end_])) || text_[end_] == '#')) {
      if (text_[end_] == '#')
        end_ = std::min(text_.find('\n', end_), text_.size());
      else
        ++end_;
    }
    begin_ = end_;
    if (end_ < text_.size()) {
      if (IsLetter(text_[end_]) || IsDigit(text_[end_])) {
        while (end_ < text_.size() && (IsLetter(text_[end_]) || IsDigit(text_[end_]))) ++end_;
      } else {
        const std::string_view two = text_.substr(end_, 2);
        static const std::set<std::string_view> kTwo = {"==", "!=", "<=", ">=", "->", "..", "//"};
        end_ += kTwo.contains(two) ? 2 : 1;
      }
    }
    token_ = text_.substr(begin_, end_ - begin_);
  }

  bool Accept(std::string_view token) {
    if (token_ != token) return false;
    Next();
    return true;
  }

  void Expect(std::string_view token) {
    if (!Accept(token)) Fail("expected " + std::string(token) + ", found " + std::string(token_));
  }

  std::string Name() {
    if (token_.empty() || !IsLetter(token_[0])) Fail("expected a name");
    std::string name(token_);
    Next();
    return name;
  }

  std::int64_t ConstantTerm() {
    const Expr e = Term();
    if (e.op != Op::kConst) Fail("expected a constant");
    return e.value;
  }

  void Statement() {
    if (Accept("var")) return DeclareVariables();
    if (Accept("param")) return DeclareParameter();
    if (Accept("let")) {
      const std::string name = Name();
      Expect("=");
      names_[name] = Formula();
      return;
    }
    // The order of preference is ConstrINT's; the other solvers are asked for any solution.
    if (Accept("prefer")) {
      while (token_ != ";" && !token_.empty()) Next();
      return;
    }
    if (token_ == "minimize" || token_ == "maximize") {
      const bool maximize = token_ == "maximize";
      Next();
      model_.objective = Objective{Term(), maximize};
      return;
    }
    model_.constraints.push_back(Formula());
  }

  void DeclareVariables() {
    std::vector<std::string> names;
    do {
      names.push_back(Name());
    } while (Accept(","));
    Expect("in");
    Variable variable;
    const bool list = Accept("[");
    std::set<std::int64_t> values;
    do {
      const std::int64_t low = ConstantTerm();
      const std::int64_t high = Accept("..") ? ConstantTerm() : low;
      const bool stepped = Accept("by");
      const std::int64_t step = stepped ? ConstantTerm() : 1;
      if (!list && !stepped) {
        variable.lo = low;
        variable.hi = high;
      } else {
        for (std::int64_t v = low; v <= high; v += step) values.insert(v);
      }
    } while (list && Accept(","));
    if (list) Expect("]");
    if (!values.empty()) {
      variable.values.assign(values.begin(), values.end());
      variable.lo = *values.begin();
      variable.hi = *values.rbegin();
    }
    for (const std::string& name : names) {
      variable.name = name;
      names_[name] = {Op::kVar, static_cast<std::int64_t>(model_.variables.size()), {}};
      model_.variables.push_back(variable);
    }
  }

  void DeclareParameter() {
    const std::string name = Name();
    const std::int64_t value = Accept("=") ? ConstantTerm() : 0;
    const auto override = overrides_.find(name);
    names_[name] = Constant(override == overrides_.end() ? value : override->second);
  }

  Expr Formula() {
    Expr left = Either();
    if (Accept("->") || Accept("implies")) return Make(Op::kImplies, std::move(left), Formula());
    if (Accept("iff")) return Make(Op::kIff, std::move(left), Formula());
    return left;
  }

  Expr Either() {
    Expr left = Both();
    while (Accept("or") || Accept("|")) left = Make(Op::kOr, std::move(left), Both());
    return left;
  }

  Expr Both() {
    Expr left = Condition();
    while (Accept("and") || Accept("&")) left = Make(Op::kAnd, std::move(left), Condition());
    return left;
  }

  static std::optional<Op> Comparison(std::string_view token) {
    if (token == "==") return Op::kEq;
    if (token == "!=") return Op::kNe;
    if (token == "<") return Op::kLt;
    if (token == "<=") return Op::kLe;
    if (token == ">") return Op::kGt;
    if (token == ">=") return Op::kGe;
    return std::nullopt;
  }

  // a <= b <= c means both.
  Expr Condition() {
    if (Accept("not")) {
      Expr e{Op::kNot, 0, {}};
      e.args.push_back(Condition());
      return e;
    }
    Expr left = Term();
    std::optional<Expr> result;
    while (const std::optional<Op> op = Comparison(token_)) {
      Next();
      Expr right = Term();
      const Expr one = Make(*op, left, right);
      result = result ? Make(Op::kAnd, *result, one) : one;
      left = std::move(right);
    }
    return result ? std::move(*result) : std::move(left);
  }

  Expr Term() {
    Expr left = Sum();
    while (Accept("%")) left = Make(Op::kMod, std::move(left), Sum());
    return left;
  }

  Expr Sum() {
    Expr left = Product();
    for (;;) {
      if (Accept("+"))
        left = Make(Op::kAdd, std::move(left), Product());
      else if (Accept("-"))
        left = Make(Op::kSub, std::move(left), Product());
      else
        return left;
    }
  }

  Expr Product() {
    Expr left = Prefix();
    for (;;) {
      if (Accept("*"))
        left = Make(Op::kMul, std::move(left), Prefix());
      else if (Accept("/") || Accept("//"))
        left = Make(Op::kDiv, std::move(left), Prefix());
      else
        return left;
    }
  }

  Expr Prefix() {
    if (Accept("-")) return Make(Op::kSub, Constant(0), Prefix());
    Expr base = Primary();
    if (Accept("^")) return Make(Op::kPow, std::move(base), Prefix());
    return base;
  }

  Expr Primary() {
    if (Accept("(")) {
      Expr inner = Formula();
      Expect(")");
      return inner;
    }
    if (token_.empty()) Fail("expected a term");
    if (IsDigit(token_[0])) {
      const std::int64_t value = std::stoll(std::string(token_));
      Next();
      return Constant(value);
    }
    const std::string name = Name();
    if (name == "min" || name == "max") return Extreme(name == "min" ? Op::kMin : Op::kMax);
    const auto found = names_.find(name);
    if (found == names_.end()) Fail("no variable or parameter named " + name);
    return found->second;
  }

  Expr Extreme(Op op) {
    Expect("(");
    Expr left = Term();
    while (Accept(",")) left = Make(op, std::move(left), Term());
    Expect(")");
    return left;
  }

  std::string_view text_;
  const Parameters& overrides_;
  std::size_t begin_ = 0, end_ = 0;
  std::string_view token_;
  std::map<std::string, Expr> names_;
  Model model_;
};

}  // namespace

Model ReadModel(const std::string& text, const std::string& name, const Parameters& overrides) {
  return Reader(text, name, overrides).Run();
}

}  // namespace bench
