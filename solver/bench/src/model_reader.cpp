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

Expr Not(Expr a) {
  if (a.op == Op::kConst) return Constant(a.value == 0);
  Expr e{Op::kNot, 0, {}};
  e.args.push_back(std::move(a));
  return e;
}

// `known op other`.
Expr WithKnown(Op op, bool known, Expr other) {
  switch (op) {
    case Op::kAnd:
      return known ? std::move(other) : Constant(0);
    case Op::kOr:
      return known ? Constant(1) : std::move(other);
    case Op::kImplies:
      return known ? std::move(other) : Constant(1);
    default:
      return known ? std::move(other) : Not(std::move(other));
  }
}

// A truth value is 0 or 1.
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
      case Op::kMin:
        return Constant(std::min(x, y));
      case Op::kMax:
        return Constant(std::max(x, y));
      case Op::kEq:
        return Constant(x == y);
      case Op::kNe:
        return Constant(x != y);
      case Op::kLt:
        return Constant(x < y);
      case Op::kLe:
        return Constant(x <= y);
      case Op::kGt:
        return Constant(x > y);
      case Op::kGe:
        return Constant(x >= y);
      default:
        break;
    }
  }
  if (op == Op::kImplies || op == Op::kIff || op == Op::kAnd || op == Op::kOr) {
    if (a.op == Op::kConst) return WithKnown(op, a.value != 0, std::move(b));
    if (b.op == Op::kConst && op != Op::kImplies) return WithKnown(op, b.value != 0, std::move(a));
    if (b.op == Op::kConst) return b.value != 0 ? Constant(1) : Not(std::move(a));
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
        end_ += text_.substr(end_, 3) == "<->" ? 3 : kTwo.contains(two) ? 2 : 1;
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
    Require(Formula());
  }

  void Require(Expr rule) {
    if (rule.op == Op::kConst && rule.value != 0) return;
    // No peer need know of rules that are plain numbers.
    if (rule.op == Op::kConst) rule = {Op::kNe, 0, {Constant(0), Constant(0)}};
    model_.constraints.push_back(std::move(rule));
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
    if (Accept("iff") || Accept("<->")) return Make(Op::kIff, std::move(left), Formula());
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
    if (Accept("not")) return Not(Condition());
    Expr left = Term();
    if (Accept("in")) return OneOf(left);
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

  Expr OneOf(const Expr& term) {
    Expect("[");
    Expr any = Constant(0);
    do {
      any = Make(Op::kOr, std::move(any), Make(Op::kEq, term, Term()));
    } while (Accept(","));
    Expect("]");
    return any;
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
    if (name == "ceil") return Ceiling();
    if (name == "min" || name == "max") return Extreme(name == "min" ? Op::kMin : Op::kMax);
    const auto found = names_.find(name);
    if (found == names_.end()) Fail("no variable or parameter named " + name);
    return found->second;
  }

  // ceil(a / b), of which neither is negative in the models.
  Expr Ceiling() {
    Expect("(");
    Expr a = Prefix();
    while (Accept("*")) a = Make(Op::kMul, std::move(a), Prefix());
    Expect("/");
    const Expr b = Prefix();
    Expect(")");
    return Make(Op::kDiv, Make(Op::kAdd, std::move(a), Make(Op::kSub, b, Constant(1))), b);
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

Parameters Declared(const std::string& text, const Parameters& parameters) {
  Parameters declared;
  for (const auto& [name, value] : parameters) {
    for (const char end : {';', ' '}) {
      if (text.find("param " + name + end) != std::string::npos) declared[name] = value;
    }
  }
  return declared;
}

Model ReadModel(const std::string& text, const std::string& name, const Parameters& overrides) {
  return Reader(text, name, overrides).Run();
}

}  // namespace bench
