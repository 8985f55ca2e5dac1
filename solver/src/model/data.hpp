// The model as written: expressions, declarations and constraints, before any normalisation.
#ifndef CONSTRINT_MODEL_DATA_HPP
#define CONSTRINT_MODEL_DATA_HPP

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "constrint/constrint.hpp"
#include "math/few.hpp"
#include "math/wide.hpp"

namespace constrint::detail {

enum class Op : std::uint8_t {
  constant,   // value
  variable,   // value: index into ModelData::variables
  parameter,  // value: index into ModelData::parameters
  add,        // of any number of terms
  neg,
  mul,  // of any number of terms
  exact_div,
  floor_div,
  ceil_div,
  mod,
  pow,
  min,
  max,
  abs,
  eq,
  ne,
  lt,
  le,
  gt,
  ge,
  divides,  // args[0] is not 0 and divides args[1]
  in_set,   // args[0] in ModelData::rows[value] (one column)
  logic_and,
  logic_or,
  logic_not,
  implies,
  iff,
  all_different,
  table,  // (args...) is a row of ModelData::rows[value]
};

// Whether a term of this kind is a condition (value 0 or 1).
bool is_condition(Op op);

struct Expr {
  Op op;
  int first = 0;  // arguments: ModelData::args[first .. first + count)
  int count = 0;
  i64 value = 0;
  int depth = 1;
};

// Deeper terms are refused, so that walking them needs a bounded stack.
inline constexpr int kMaxDepth = 1000;

// One piece of a declared domain: lowest..highest by step, all constant terms (ids of Expr).
struct Piece {
  int lowest, highest, step;  // highest and step may be -1: a single value, step 1
};

struct Variable {
  std::string name;
  Few<Piece, 1> pieces;
  std::vector<i64> values;  // an explicit set, ascending (then pieces is empty)
  int expr = -1;
  bool implicit = false;  // never declared: 1..2^30, as in FlashRNN's files
};

struct Parameter {
  std::string name;
  std::optional<i64> value;
  int expr = -1;
};

struct Constraint {
  int expr;
  Source source;
};

struct Preference {
  int expr;
  Prefer prefer;
  int nearest_to = -1;  // a constant term, for Prefer::nearest
};

// Rows of a table or members of a set, flattened.
struct Rows {
  int width = 1;
  std::vector<i64> cells;
};

struct Name {
  enum class Kind : std::uint8_t { variable, parameter, let } kind;
  int index;
};

inline constexpr i64 kImplicitHighest = i64{1} << 30;

// Looks names up without making strings of them.
struct NameHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view name) const {
    return std::hash<std::string_view>{}(name);
  }
};

struct ModelData {
  std::vector<Expr> exprs;
  std::vector<int> args;
  std::vector<Rows> rows;
  std::vector<Variable> variables;
  std::vector<Parameter> parameters;
  std::vector<std::pair<std::string, int>> lets;
  std::unordered_map<std::string, Name, NameHash, std::equal_to<>> names;
  std::vector<Constraint> constraints;
  std::vector<Preference> preferences;
  int objective = -1;
  bool maximise = false;
  bool strict = false;  // a declaration was seen, so names must be declared
  bool projected = false;
  std::vector<int> projection;  // variables, ascending
  double parse_microseconds = 0;

  // What pop() needs to go back.
  struct Mark {
    std::size_t exprs, args, rows, variables, parameters, lets, constraints, preferences;
    int objective;
    bool maximise, strict, projected;
    std::vector<int> projection;
    std::vector<std::optional<i64>> parameter_values;
  };
  std::vector<Mark> marks;

  int make(Op op, std::span<const int> arguments, i64 value = 0);
  int make(Op op, std::initializer_list<int> arguments, i64 value = 0) {
    return make(op, std::span(arguments.begin(), arguments.size()), value);
  }
  int constant(i64 value);
  int variable(std::string name, Variable declaration);
  int parameter(std::string name, std::optional<i64> value);
  const Name* find(std::string_view name) const;
  int require_term(std::string_view name) const;  // expr id, or ModelError
  const int* arguments(const Expr& e) const { return args.data() + e.first; }

  void push();
  void pop();
  void drop_mark();  // keeps what was added since

  // The variables a solution lists.
  std::vector<int> visible() const;
  Term handle(int id) { return Term(this, id); }
  int own(const Term& term) const;  // the id, or ModelError for another model's term
  static ModelData* owner(const Term& term) { return term.model_; }
  static int id(const Term& term) { return term.id_; }
};

// The exact value of a term under an assignment of every variable; nullopt where it is undefined
// (a division by zero, an inexact quotient, a negative exponent).
std::optional<Int> evaluate(const ModelData& model, int expr, const std::vector<i64>& values);
// The value of a term without variables; throws ModelError naming what is missing.
i64 evaluate_constant(const ModelData& model, int expr);
// Whether the value lies in the variable's declared domain.
bool in_domain(const ModelData& model, const Variable& variable, i64 value);

void parse_into(ModelData* model, std::string_view text, const std::string& filename);
std::string print_expr(const ModelData& model, int expr);
std::string print_model(const ModelData& model);

}  // namespace constrint::detail

#endif  // CONSTRINT_MODEL_DATA_HPP
