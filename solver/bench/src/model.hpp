// A model as the bench sees it: the common source from which every peer is given its problem.
// The bench reads the model files with a reader of its own, apart from ConstrINT's parser, so that
// a misread model shows up as a wrong count and peers need nothing of ConstrINT's.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace bench {

enum class Op {
  kConst,
  kVar,
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kPow,
  kMin,
  kMax,
  kAbs,
  kNeg,
  kEq,
  kNe,
  kLt,
  kLe,
  kGt,
  kGe,
  kAnd,
  kOr,
  kNot,
  kImplies,
  kIff,
};

const char* OpName(Op op);

struct Expr {
  Op op = Op::kConst;
  std::int64_t value = 0;  // of kConst; index of the variable for kVar
  std::vector<Expr> args;
};

struct Variable {
  std::string name;
  std::int64_t lo = 0;
  std::int64_t hi = 0;
  std::vector<std::int64_t> values;  // ascending; empty when every value of [lo, hi] is allowed

  double DomainSize() const;
};

struct Objective {
  Expr term;
  bool maximize = false;
};

struct Model {
  std::string name;
  std::vector<Variable> variables;
  std::vector<Expr> constraints;
  std::optional<Objective> objective;

  double CartesianSize() const;
};

using Parameters = std::map<std::string, std::int64_t>;

// Throws std::runtime_error with file, line and column. `overrides` replaces the values of the
// named parameters that the text declares.
Model ReadModel(const std::string& text, const std::string& name, const Parameters& overrides);

// Those of the parameters that the text declares.
Parameters Declared(const std::string& text, const Parameters& parameters);

// The model for peers that live in another process.
nlohmann::json ToJson(const Model& model);

// Infix text with Python's operators.
std::string ToPython(const Expr& expr, const Model& model);

}  // namespace bench
