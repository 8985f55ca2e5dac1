// Z3 over its integers. It has no enumeration of its own: each further solution is asked for after
// a clause that forbids the last one.
#include <z3++.h>

#include <chrono>
#include <stdexcept>

#include "peer.hpp"

namespace bench {
namespace {

class Z3Model {
 public:
  Z3Model(z3::context& context, const Model& model) : context_(context) {
    for (const Variable& variable : model.variables) {
      variables_.push_back(context_.int_const(variable.name.c_str()));
    }
    for (std::size_t i = 0; i < variables_.size(); ++i) {
      rules_.push_back(Domain(variables_[i], model.variables[i]));
    }
    for (const Expr& constraint : model.constraints) rules_.push_back(Build(constraint));
    if (model.objective) objective_.push_back(Build(model.objective->term));
  }

  const std::vector<z3::expr>& variables() const { return variables_; }
  const std::vector<z3::expr>& rules() const { return rules_; }
  const z3::expr& objective() const { return objective_.front(); }

 private:
  z3::expr Domain(const z3::expr& x, const Variable& variable) {
    if (variable.values.empty()) {
      return x >= context_.int_val(variable.lo) && x <= context_.int_val(variable.hi);
    }
    z3::expr_vector any(context_);
    for (const std::int64_t value : variable.values) any.push_back(x == context_.int_val(value));
    return z3::mk_or(any);
  }

  z3::expr Build(const Expr& e) {
    if (e.op == Op::kConst) return context_.int_val(e.value);
    if (e.op == Op::kVar) return variables_[static_cast<std::size_t>(e.value)];
    const bool arithmetic = e.op >= Op::kAdd && e.op <= Op::kGe;
    const z3::expr a = arithmetic ? Number(e.args[0]) : Build(e.args[0]);
    if (e.op == Op::kNot) return !a;
    if (e.op == Op::kNeg) return -a;
    if (e.op == Op::kAbs) return z3::ite(a >= 0, a, -a);
    if (e.op == Op::kPow) return Power(a, e.args[1].value);
    const z3::expr b = arithmetic ? Number(e.args[1]) : Build(e.args[1]);
    switch (e.op) {
      case Op::kAdd:
        return a + b;
      case Op::kSub:
        return a - b;
      case Op::kMul:
        return a * b;
      case Op::kDiv:
        return a / b;
      case Op::kMod:
        return z3::mod(a, b);
      case Op::kMin:
        return z3::ite(a <= b, a, b);
      case Op::kMax:
        return z3::ite(a >= b, a, b);
      case Op::kEq:
      case Op::kIff:
        return a == b;
      case Op::kNe:
        return a != b;
      case Op::kLt:
        return a < b;
      case Op::kLe:
        return a <= b;
      case Op::kGt:
        return a > b;
      case Op::kGe:
        return a >= b;
      case Op::kAnd:
        return a && b;
      case Op::kOr:
        return a || b;
      case Op::kImplies:
        return z3::implies(a, b);
      default:
        throw std::runtime_error(std::string("no translation of ") + OpName(e.op));
    }
  }

  // A condition as a number is 0 or 1.
  z3::expr Number(const Expr& e) {
    const z3::expr built = Build(e);
    return built.is_bool() ? z3::ite(built, context_.int_val(1), context_.int_val(0)) : built;
  }

  // As a product: Z3's own power leaves the integers.
  z3::expr Power(const z3::expr& base, std::int64_t exponent) {
    z3::expr result = context_.int_val(1);
    for (std::int64_t i = 0; i < exponent; ++i) result = i == 0 ? base : result * base;
    return result;
  }

  z3::context& context_;
  std::vector<z3::expr> variables_;
  std::vector<z3::expr> rules_;
  std::vector<z3::expr> objective_;
};

class Clock {
 public:
  explicit Clock(double limit_s) : limit_s_(limit_s) {}
  unsigned LeftMilliseconds() const {
    const double spent =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    return spent >= limit_s_ ? 0u : static_cast<unsigned>((limit_s_ - spent) * 1000) + 1u;
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  double limit_s_;
};

Answer SolveMany(const Model& model, Sink& sink, std::uint64_t most, double limit_s) {
  const Clock clock(limit_s);
  z3::context context;
  const Z3Model z3_model(context, model);
  z3::solver solver(context);
  for (const z3::expr& rule : z3_model.rules()) solver.add(rule);
  std::vector<std::int64_t> row(model.variables.size());
  bool complete = false;
  while (sink.count() < most) {
    const unsigned left = clock.LeftMilliseconds();
    if (left == 0) break;
    solver.set("timeout", left);
    const z3::check_result result = solver.check();
    if (result == z3::unsat) complete = true;
    if (result != z3::sat) break;
    const z3::model found = solver.get_model();
    z3::expr_vector differs(context);
    for (std::size_t i = 0; i < row.size(); ++i) {
      const z3::expr value = found.eval(z3_model.variables()[i], true);
      row[i] = value.get_numeral_int64();
      differs.push_back(z3_model.variables()[i] != value);
    }
    sink(row.data(), row.size());
    solver.add(z3::mk_or(differs));
  }
  return {complete || sink.count() >= most, sink.count(), sink.fingerprint(), std::nullopt};
}

Answer SolveBest(const Model& model, double limit_s) {
  z3::context context;
  const Z3Model z3_model(context, model);
  z3::optimize optimize(context);
  for (const z3::expr& rule : z3_model.rules()) optimize.add(rule);
  z3::params params(context);
  params.set("timeout", static_cast<unsigned>(limit_s * 1000));
  optimize.set(params);
  const z3::optimize::handle handle = model.objective->maximize
                                          ? optimize.maximize(z3_model.objective())
                                          : optimize.minimize(z3_model.objective());
  Answer answer;
  const z3::check_result result = optimize.check();
  answer.complete = result != z3::unknown;
  if (result == z3::sat) {
    answer.count = 1;
    answer.objective = optimize.lower(handle).get_numeral_int64();
  }
  return answer;
}

class Z3Peer : public Peer {
 public:
  std::string name() const override { return "z3"; }

  std::string version() const override {
    unsigned major = 0, minor = 0, build = 0, revision = 0;
    Z3_get_version(&major, &minor, &build, &revision);
    return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(build);
  }

  bool Does(Task task, const Problem& problem) const override {
    if (task == Task::kBest) return problem.model->objective.has_value();
    // What takes it so long is finding the solutions, whatever is then done with them.
    return task != Task::kVisit && (task != Task::kCount || !problem.also_visited);
  }

  Outcome Run(Task task, const Problem& problem, double limit_s) override {
    const Model& model = *problem.model;
    return Measure([&]() -> Answer {
      if (task == Task::kBest) return SolveBest(model, limit_s);
      Sink sink(task == Task::kList ? Sink::Mode::kList : Sink::Mode::kVisit);
      const std::uint64_t most = task == Task::kFirst ? 1 : UINT64_MAX;
      return SolveMany(model, sink, most, limit_s);
    });
  }
};

}  // namespace

std::unique_ptr<Peer> MakeZ3() { return std::make_unique<Z3Peer>(); }

}  // namespace bench
