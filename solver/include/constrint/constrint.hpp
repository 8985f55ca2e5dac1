// ConstrINT: a complete solver for integer constraints that reasons about divisors as well as
// bounds.
//
// A Model is written as text (docs/language.md) or built from Terms; both give the same search.
// Every call either returns a value or throws an Error; nothing is printed. A Model may be copied
// and each copy used by its own thread; one Model must not be changed while another thread uses it.
#ifndef CONSTRINT_CONSTRINT_HPP
#define CONSTRINT_CONSTRINT_HPP

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace constrint {

/// Largest magnitude of a variable's value, a parameter or a literal.
inline constexpr std::int64_t kLimit = std::int64_t{1} << 62;

/// Base of everything this library throws on purpose; what() is a sentence for a person.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The text is not a model. what() is "file:line:column: message".
class ParseError : public Error {
 public:
  ParseError(std::string file, int line, int column, std::string message);
  const std::string& file() const { return file_; }
  int line() const { return line_; }      ///< counted from 1
  int column() const { return column_; }  ///< counted from 1, in bytes
  const std::string& message() const { return message_; }

 private:
  std::string file_;
  int line_;
  int column_;
  std::string message_;
};

/// The model cannot be built or solved as it stands: an unset parameter, a value beyond kLimit,
/// a term that may leave 125 bits, a Term of another model, ...
class ModelError : public Error {
 public:
  using Error::Error;
};

namespace detail {
struct ModelData;
}

class Model;

/// A handle to a term or condition of a model; valid as long as that model (moves included).
/// Conditions are terms of value 0 or 1, so they can be added up.
class Term {
 public:
  Term() = default;
  bool valid() const { return model_ != nullptr; }

 private:
  friend class Model;
  friend struct detail::ModelData;
  Term(detail::ModelData* model, int id) : model_(model), id_(id) {}
  detail::ModelData* model_ = nullptr;
  int id_ = -1;
};

// A Term meets an integer on either side; the implicit conversion lives in Operand so that
// integer-with-integer expressions are left alone.
class Operand {
 public:
  Operand(Term term) : term_(term) {}  // NOLINT(google-explicit-constructor)
  template <std::integral T>
  Operand(T value) : value_(checked(value)) {}  // NOLINT(google-explicit-constructor)
  const Term& term() const { return term_; }
  std::int64_t value() const { return value_; }

 private:
  template <std::integral T>
  static std::int64_t checked(T value) {
    if (!std::in_range<std::int64_t>(
            static_cast<std::conditional_t<std::is_same_v<T, bool>, int, T>>(value))) {
      throw ModelError("constant does not fit in 64 bits");
    }
    return static_cast<std::int64_t>(value);
  }
  Term term_;
  std::int64_t value_ = 0;
};

Term operator+(const Operand& a, const Operand& b);
Term operator-(const Operand& a, const Operand& b);
Term operator*(const Operand& a, const Operand& b);
/// Exact quotient: where b does not divide a (or is 0) the condition around it is false.
Term operator/(const Operand& a, const Operand& b);
/// Remainder with the sign of the divisor: a == b * floor_div(a, b) + a % b.
Term operator%(const Operand& a, const Operand& b);
Term operator-(const Term& a);
Term floor_div(const Operand& a, const Operand& b);
Term ceil_div(const Operand& a, const Operand& b);
Term pow(const Operand& a, const Operand& b);
Term min(const std::vector<Term>& terms);
Term max(const std::vector<Term>& terms);
Term min(const Operand& a, const Operand& b);
Term max(const Operand& a, const Operand& b);
Term abs(const Term& a);

Term operator==(const Operand& a, const Operand& b);
Term operator!=(const Operand& a, const Operand& b);
Term operator<(const Operand& a, const Operand& b);
Term operator<=(const Operand& a, const Operand& b);
Term operator>(const Operand& a, const Operand& b);
Term operator>=(const Operand& a, const Operand& b);
/// divisor != 0 and value % divisor == 0.
Term divides(const Operand& divisor, const Operand& value);
Term in(const Term& a, const std::vector<std::int64_t>& values);

Term operator&&(const Term& a, const Term& b);
Term operator||(const Term& a, const Term& b);
Term operator!(const Term& a);
Term implies(const Term& a, const Term& b);
Term iff(const Term& a, const Term& b);
Term all_different(const std::vector<Term>& terms);
/// The tuple of terms equals one of the rows; every row has terms.size() entries.
Term table(const std::vector<Term>& terms, const std::vector<std::vector<std::int64_t>>& rows);

/// Which value of a variable is tried first.
enum class Prefer { smallest, largest, nearest };

/// The order in which solutions are visited. In preference order the variables named by prefer()
/// come first, in the order named, then the others as declared; solutions come in lexicographic
/// order of each variable's preference. `automatic` is preference order for one solution and
/// whatever is fastest for all of them. Either way the order is the same on every run and for
/// every number of threads.
enum class Order { automatic, preference, fastest };

struct Options {
  std::uint64_t max_nodes = 0;      ///< search nodes; 0: no limit
  std::uint64_t max_solutions = 0;  ///< for solve_all and count; 0: no limit
  double max_seconds = 0;           ///< wall clock; 0: no limit
  unsigned threads = 1;             ///< for solve_all and count; 0: one per processor
  Order order = Order::automatic;
};

enum class Status {
  solved,      ///< found; for best: optimum proved; for all and count: complete
  infeasible,  ///< proved that there is none
  limit,       ///< a limit was met first; what was found until then is given
  stopped      ///< the callback asked to stop
};
const char* to_string(Status status);

struct Statistics {
  std::uint64_t nodes = 0;         ///< decisions taken
  std::uint64_t failures = 0;      ///< decisions refuted
  std::uint64_t propagations = 0;  ///< constraint executions
  std::uint64_t solutions = 0;
  double solve_microseconds = 0;  ///< everything after parsing
  double parse_microseconds = 0;  ///< of the model's text
  int variables = 0;
  int constraints = 0;
  int components = 0;  ///< independent sub-problems after root propagation
};

/// One value for each of the model's variables (or projected variables), in declaration order.
class Solution {
 public:
  Solution() = default;
  Solution(std::shared_ptr<const std::vector<std::string>> names, std::vector<std::int64_t> values);
  std::size_t size() const { return values_.size(); }
  bool empty() const { return values_.empty(); }
  bool contains(std::string_view name) const;
  std::int64_t at(std::string_view name) const;  ///< throws ModelError for an unknown name
  std::int64_t operator[](std::string_view name) const { return at(name); }
  const std::vector<std::string>& names() const;
  const std::vector<std::int64_t>& values() const { return values_; }
  std::map<std::string, std::int64_t> to_map() const;

 private:
  std::shared_ptr<const std::vector<std::string>> names_;
  std::vector<std::int64_t> values_;
};

struct Result {
  Status status = Status::infeasible;
  bool has_solution = false;
  Solution solution;
  std::int64_t objective = 0;  ///< meaningful when has_solution and the model has an objective
  Statistics statistics;
  explicit operator bool() const { return has_solution; }
};

struct CountResult {
  Status status = Status::infeasible;
  std::uint64_t count = 0;  ///< held at 2^64 - 1 when larger
  std::string text = "0";   ///< exact decimal digits (up to 2^128 - 1)
  Statistics statistics;
};

/// Where a constraint came from.
struct Source {
  std::string text;
  std::string file;  ///< empty for constraints built from Terms
  int line = 0;
  int column = 0;
};

/// A minimal set of constraints that clash: without any one of them the rest has a solution
/// (declared domains stay in force throughout).
struct Explanation {
  Status status = Status::solved;  ///< infeasible: `clash` is minimal; solved: nothing clashes;
                                   ///< limit: `clash` clashes but may not be minimal, or is empty
  std::vector<Source> clash;
  Statistics statistics;
};

class Model {
 public:
  Model();
  Model(const Model& other);
  Model(Model&& other) noexcept;
  Model& operator=(const Model& other);
  Model& operator=(Model&& other) noexcept;
  ~Model();

  static Model parse(std::string_view text, std::string filename = "<text>");
  /// Adds statements to this model; on ParseError the model is unchanged.
  void add(std::string_view text, std::string filename = "<text>");

  Term variable(std::string name, std::int64_t lowest, std::int64_t highest);
  Term variable(std::string name, std::vector<std::int64_t> values);
  /// A value that can be changed between solves; without a default it must be set before solving.
  Term parameter(std::string name);
  Term parameter(std::string name, std::int64_t value);
  Term constant(std::int64_t value);
  /// The variable, parameter or `let` term of that name; throws ModelError when there is none.
  Term term(std::string_view name);

  bool has_parameter(std::string_view name) const;
  bool has_variable(std::string_view name) const;
  void set_parameter(std::string_view name, std::int64_t value);
  std::vector<std::string> parameters() const;
  /// Names of the variables in declaration order (the projected ones after project()).
  std::vector<std::string> variables() const;

  void require(Term condition);
  void require(Term condition, std::string source_text);
  /// Puts the variable (or any term) at the end of the list of preferences.
  void prefer(Term term, Prefer preference, std::int64_t nearest_to = 0);
  void prefer(std::string_view name, Prefer preference, std::int64_t nearest_to = 0);
  void minimize(Term objective);
  void maximize(Term objective);
  void no_objective();
  bool has_objective() const;
  /// Solutions are over these variables only; the others need only exist.
  void project(const std::vector<std::string>& names);

  /// pop() takes back everything since the matching push(): declarations, constraints,
  /// preferences, projection, objective and parameter values.
  void push();
  void pop();
  std::size_t depth() const;

  /// The first solution in preference order, whatever the objective says.
  Result solve_first(const Options& options = {}) const;
  /// The optimum of minimize/maximize, first in preference order among equals.
  Result solve_best(const Options& options = {}) const;
  /// solve_best where there is an objective, else solve_first.
  Result solve(const Options& options = {}) const;
  /// Values come in the order of variables(); return false to stop. Called on one thread at a
  /// time, not always the caller's.
  using Visitor = std::function<bool(std::span<const std::int64_t> values)>;
  Result solve_all(const Visitor& visit, const Options& options = {}) const;
  /// The same by blocks: `values` holds whole solutions one after another.
  Result solve_blocks(const Visitor& visit, const Options& options = {}) const;
  CountResult count(const Options& options = {}) const;
  Explanation explain(const Options& options = {}) const;
  /// Whether the values (one for every declared variable, by name) satisfy the model; `broken`
  /// receives the constraints that do not hold.
  bool check(const std::map<std::string, std::int64_t>& values,
             std::vector<Source>* broken = nullptr) const;

  /// The model in canonical text; parsing it gives a model with the same search.
  std::string text() const;
  std::vector<Source> constraints() const;

  detail::ModelData& data() { return *data_; }
  const detail::ModelData& data() const { return *data_; }

 private:
  std::unique_ptr<detail::ModelData> data_;
};

}  // namespace constrint

#endif  // CONSTRINT_CONSTRINT_HPP
