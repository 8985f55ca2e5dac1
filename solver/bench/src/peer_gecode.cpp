// Gecode, with the model written as its manual would: MiniModel expressions, which it breaks into
// its own propagators, first-fail branching, and depth-first search.
#include <algorithm>
#include <gecode/int.hh>
#include <gecode/minimodel.hh>
#include <gecode/search.hh>
#include <stdexcept>
#include <utility>

#include "peer.hpp"

namespace bench {
namespace {

// Gecode's integers end below 2^31; a model that needs more cannot be given to it.
class NotRepresentable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

int Narrow(std::int64_t value) {
  if (value > Gecode::Int::Limits::max || value < Gecode::Int::Limits::min) {
    throw NotRepresentable("needs integers beyond Gecode's 2^31");
  }
  return static_cast<int>(value);
}

class GecodeSpace : public Gecode::IntMaximizeSpace {
 public:
  explicit GecodeSpace(const Model& model)
      : model_(model),
        variables_(*this, static_cast<int>(model.variables.size())),
        objective_(*this, 0, 0) {
    const int size = variables_.size();
    for (int i = 0; i < size; ++i) variables_[i] = MakeVariable(model.variables[i]);
    for (const Expr& constraint : model.constraints) Gecode::rel(*this, Bool(constraint));
    if (model.objective) {
      const Gecode::LinIntExpr term = Term(model.objective->term);
      objective_ = Gecode::expr(*this, model.objective->maximize ? term : -term);
    }
    Gecode::branch(*this, variables_, Gecode::INT_VAR_SIZE_MIN(), Gecode::INT_VAL_MIN());
  }

  GecodeSpace(GecodeSpace& other) : IntMaximizeSpace(other), model_(other.model_) {
    variables_.update(*this, other.variables_);
    objective_.update(*this, other.objective_);
  }

  Gecode::Space* copy() override { return new GecodeSpace(*this); }
  Gecode::IntVar cost() const override { return objective_; }

  void Row(std::vector<std::int64_t>& row) const {
    row.resize(static_cast<std::size_t>(variables_.size()));
    for (int i = 0; i < variables_.size(); ++i) {
      row[static_cast<std::size_t>(i)] = variables_[i].val();
    }
  }

 private:
  Gecode::IntVar MakeVariable(const Variable& variable) {
    if (variable.values.empty()) return {*this, Narrow(variable.lo), Narrow(variable.hi)};
    std::vector<int> values;
    for (const std::int64_t value : variable.values) values.push_back(Narrow(value));
    return {*this, Gecode::IntSet(values.data(), static_cast<int>(values.size()))};
  }

  Gecode::LinIntExpr Term(const Expr& e) {
    switch (e.op) {
      case Op::kConst:
        return {Narrow(e.value)};
      case Op::kVar:
        return {variables_[static_cast<int>(e.value)]};
      case Op::kAdd:
        return Term(e.args[0]) + Term(e.args[1]);
      case Op::kSub:
        return Term(e.args[0]) - Term(e.args[1]);
      case Op::kMul:
        return Term(e.args[0]) * Term(e.args[1]);
      case Op::kDiv:
        return Term(e.args[0]) / Divisor(e.args[1]);
      case Op::kMod:
        return Term(e.args[0]) % Divisor(e.args[1]);
      case Op::kMin:
        return Gecode::min(Term(e.args[0]), Term(e.args[1]));
      case Op::kMax:
        return Gecode::max(Term(e.args[0]), Term(e.args[1]));
      case Op::kAbs:
        return Gecode::abs(Term(e.args[0]));
      case Op::kNeg:
        return -Term(e.args[0]);
      case Op::kPow:
        return Gecode::pow(Term(e.args[0]), Narrow(e.args[1].value));
      default:  // a condition as a number
        return {Gecode::channel(*this, Gecode::expr(*this, Bool(e)))};
    }
  }

  // Whether the models' language knows it to be at least 1.
  bool Positive(const Expr& e) const {
    const auto positive = [&](const Expr& arg) { return Positive(arg); };
    switch (e.op) {
      case Op::kConst:
        return e.value > 0;
      case Op::kVar:
        return model_.variables[static_cast<std::size_t>(e.value)].lo > 0;
      case Op::kMax:
        return std::ranges::any_of(e.args, positive);
      case Op::kAdd:
      case Op::kMul:
      case Op::kMin:
        return std::ranges::all_of(e.args, positive);
      default:
        return false;
    }
  }

  // Gecode rules out a divisor of 0 wherever it stands; in the models that makes the comparison
  // around it false and no more.
  Gecode::LinIntExpr Divisor(const Expr& e) {
    if (Positive(e)) return Term(e);
    guards_.push_back(Term(e) != 0);
    return Gecode::max(Term(e), Gecode::LinIntExpr(1));
  }

  Gecode::BoolExpr Bool(const Expr& e) {
    if (e.op < Op::kEq || e.op > Op::kGe) return Formula(e);
    const std::vector<Gecode::BoolExpr> outside = std::exchange(guards_, {});
    Gecode::BoolExpr holds = Formula(e);
    for (const Gecode::BoolExpr& guard : guards_) holds = holds && guard;
    guards_ = outside;
    return holds;
  }

  Gecode::BoolExpr Formula(const Expr& e) {
    switch (e.op) {
      case Op::kEq:
        return Term(e.args[0]) == Term(e.args[1]);
      case Op::kNe:
        return Term(e.args[0]) != Term(e.args[1]);
      case Op::kLt:
        return Term(e.args[0]) < Term(e.args[1]);
      case Op::kLe:
        return Term(e.args[0]) <= Term(e.args[1]);
      case Op::kGt:
        return Term(e.args[0]) > Term(e.args[1]);
      case Op::kGe:
        return Term(e.args[0]) >= Term(e.args[1]);
      case Op::kAnd:
        return Bool(e.args[0]) && Bool(e.args[1]);
      case Op::kOr:
        return Bool(e.args[0]) || Bool(e.args[1]);
      case Op::kNot:
        return !Bool(e.args[0]);
      case Op::kImplies:
        return Bool(e.args[0]) >> Bool(e.args[1]);
      case Op::kIff:
        return Bool(e.args[0]) == Bool(e.args[1]);
      default:
        throw NotRepresentable(std::string("relation ") + OpName(e.op));
    }
  }

  const Model& model_;
  std::vector<Gecode::BoolExpr> guards_;  // of the comparison being posted
  Gecode::IntVarArray variables_;
  Gecode::IntVar objective_;
};

Answer SolveAll(const Model& model, Sink::Mode mode, double limit_s) {
  Gecode::Search::TimeStop stop(static_cast<unsigned long>(limit_s * 1000));
  Gecode::Search::Options options;
  options.stop = &stop;
  Sink sink(mode);
  std::vector<std::int64_t> row;
  GecodeSpace root(model);
  Gecode::DFS<GecodeSpace> search(&root, options);
  while (GecodeSpace* solution = search.next()) {
    solution->Row(row);
    delete solution;
    sink(row.data(), row.size());
  }
  return {!search.stopped(), sink.count(), sink.fingerprint(), std::nullopt};
}

Answer SolveFirst(const Model& model, double limit_s) {
  Gecode::Search::TimeStop stop(static_cast<unsigned long>(limit_s * 1000));
  Gecode::Search::Options options;
  options.stop = &stop;
  GecodeSpace root(model);
  Gecode::DFS<GecodeSpace> search(&root, options);
  const std::unique_ptr<GecodeSpace> solution(search.next());
  return {solution != nullptr || !search.stopped(), solution ? 1u : 0u, 0, std::nullopt};
}

Answer SolveBest(const Model& model, double limit_s) {
  Gecode::Search::TimeStop stop(static_cast<unsigned long>(limit_s * 1000));
  Gecode::Search::Options options;
  options.stop = &stop;
  GecodeSpace root(model);
  Gecode::BAB<GecodeSpace> search(&root, options);
  Answer answer;
  while (GecodeSpace* solution = search.next()) {
    answer.objective = solution->cost().val() * (model.objective->maximize ? 1 : -1);
    delete solution;
  }
  answer.count = answer.objective ? 1 : 0;
  answer.complete = !search.stopped();
  return answer;
}

class GecodePeer : public Peer {
 public:
  std::string name() const override { return "gecode"; }
  std::string version() const override { return GECODE_VERSION; }

  bool Does(Task task, const Problem& problem) const override {
    if (task == Task::kBest) return problem.model->objective.has_value();
    return task != Task::kCount || !problem.also_visited;
  }

  Outcome Run(Task task, const Problem& problem, double limit_s) override {
    const Model& model = *problem.model;
    try {
      return Measure([&]() -> Answer {
        switch (task) {
          case Task::kFirst:
            return SolveFirst(model, limit_s);
          case Task::kBest:
            return SolveBest(model, limit_s);
          case Task::kList:
            return SolveAll(model, Sink::Mode::kList, limit_s);
          default:
            return SolveAll(model, Sink::Mode::kVisit, limit_s);
        }
      });
    } catch (const NotRepresentable& error) {
      Outcome outcome;
      outcome.status = Status::kUnsupported;
      outcome.note = error.what();
      return outcome;
    } catch (const Gecode::Int::OutOfLimits&) {
      Outcome outcome;
      outcome.status = Status::kUnsupported;
      outcome.note = "needs integers beyond Gecode's 2^31";
      return outcome;
    }
  }
};

}  // namespace

std::unique_ptr<Peer> MakeGecode() { return std::make_unique<GecodePeer>(); }

}  // namespace bench
