// class Model and the operators on terms: the C++ face of ModelData.
#include <algorithm>
#include <chrono>

#include "api/prepare.hpp"
#include "model/data.hpp"

namespace constrint {

using detail::ModelData;
using detail::Op;

ParseError::ParseError(std::string file, int line, int column, std::string message)
    : Error(file + ":" + std::to_string(line) + ":" + std::to_string(column) + ": " + message),
      file_(std::move(file)),
      line_(line),
      column_(column),
      message_(std::move(message)) {}

const char* to_string(Status status) {
  switch (status) {
    case Status::solved:
      return "solved";
    case Status::infeasible:
      return "infeasible";
    case Status::limit:
      return "limit";
    case Status::stopped:
      return "stopped";
  }
  return "unknown";
}

Model::Model() : data_(std::make_unique<ModelData>()) {}
Model::Model(const Model& other) : data_(std::make_unique<ModelData>(*other.data_)) {}
Model::Model(Model&& other) noexcept = default;
Model& Model::operator=(const Model& other) {
  if (this != &other) data_ = std::make_unique<ModelData>(*other.data_);
  return *this;
}
Model& Model::operator=(Model&& other) noexcept = default;
Model::~Model() = default;

Model Model::parse(std::string_view text, std::string filename) {
  Model model;
  model.add(text, std::move(filename));
  return model;
}

void Model::add(std::string_view text, std::string filename) {
  const auto start = std::chrono::steady_clock::now();
  detail::parse_into(data_.get(), text, filename);
  data_->parse_microseconds +=
      std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
}

namespace {

bool valid_name(const std::string& name) {
  if (name.empty()) return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    if (!letter && !(i > 0 && c >= '0' && c <= '9')) return false;
  }
  return true;
}

void need_name(const std::string& name) {
  if (!valid_name(name)) {
    throw ModelError("'" + name + "' is not a name: letters, digits and '_', no digit first");
  }
}

}  // namespace

Term Model::variable(std::string name, std::int64_t lowest, std::int64_t highest) {
  need_name(name);
  detail::Variable v;
  v.pieces.push_back({data_->constant(lowest), data_->constant(highest), -1});
  data_->strict = true;
  return data_->handle(data_->variable(std::move(name), std::move(v)));
}

Term Model::variable(std::string name, std::vector<std::int64_t> values) {
  need_name(name);
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  if (!values.empty() && (values.front() < -kLimit || values.back() > kLimit)) {
    throw ModelError("a value of '" + name + "' lies beyond 2^62");
  }
  detail::Variable v;
  v.values = std::move(values);
  data_->strict = true;
  return data_->handle(data_->variable(std::move(name), std::move(v)));
}

Term Model::parameter(std::string name) {
  need_name(name);
  return data_->handle(data_->parameter(std::move(name), std::nullopt));
}
Term Model::parameter(std::string name, std::int64_t value) {
  need_name(name);
  return data_->handle(data_->parameter(std::move(name), value));
}
Term Model::constant(std::int64_t value) { return data_->handle(data_->constant(value)); }
Term Model::term(std::string_view name) { return data_->handle(data_->require_term(name)); }

bool Model::has_parameter(std::string_view name) const {
  const detail::Name* n = data_->find(name);
  return n != nullptr && n->kind == detail::Name::Kind::parameter;
}
bool Model::has_variable(std::string_view name) const {
  const detail::Name* n = data_->find(name);
  return n != nullptr && n->kind == detail::Name::Kind::variable;
}

void Model::set_parameter(std::string_view name, std::int64_t value) {
  if (!has_parameter(name)) {
    throw ModelError("the model has no parameter '" + std::string(name) + "'");
  }
  if (value > kLimit || value < -kLimit) {
    throw ModelError("value " + std::to_string(value) + " of parameter '" + std::string(name) +
                     "' lies beyond 2^62");
  }
  data_->parameters[data_->find(name)->index].value = value;
}

std::vector<std::string> Model::parameters() const {
  std::vector<std::string> names;
  for (const auto& p : data_->parameters) names.push_back(p.name);
  return names;
}

std::vector<std::string> Model::variables() const {
  std::vector<std::string> names;
  for (int v : data_->visible()) names.push_back(data_->variables[v].name);
  return names;
}

void Model::require(Term condition) {
  const int id = data_->own(condition);
  require(condition, detail::print_expr(*data_, id));
}

void Model::require(Term condition, std::string source_text) {
  const int id = data_->own(condition);
  if (!detail::is_condition(data_->exprs[id].op)) {
    throw ModelError("'" + detail::print_expr(*data_, id) + "' is not a condition");
  }
  data_->constraints.push_back({id, {std::move(source_text), "", 0, 0}});
}

void Model::prefer(Term term, Prefer preference, std::int64_t nearest_to) {
  const int target = preference == Prefer::nearest ? data_->constant(nearest_to) : -1;
  data_->preferences.push_back({data_->own(term), preference, target});
}
void Model::prefer(std::string_view name, Prefer preference, std::int64_t nearest_to) {
  prefer(term(name), preference, nearest_to);
}
void Model::minimize(Term objective) {
  data_->objective = data_->own(objective);
  data_->maximise = false;
}
void Model::maximize(Term objective) {
  data_->objective = data_->own(objective);
  data_->maximise = true;
}
void Model::no_objective() { data_->objective = -1; }
bool Model::has_objective() const { return data_->objective >= 0; }

void Model::project(const std::vector<std::string>& names) {
  std::vector<int> chosen;
  for (const std::string& name : names) {
    if (!has_variable(name)) throw ModelError("the model has no variable '" + name + "'");
    chosen.push_back(data_->find(name)->index);
  }
  std::sort(chosen.begin(), chosen.end());
  chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
  data_->projected = true;
  data_->projection = std::move(chosen);
}

void Model::push() { data_->push(); }
void Model::pop() { data_->pop(); }
std::size_t Model::depth() const { return data_->marks.size(); }
std::string Model::text() const { return detail::print_model(*data_); }
std::vector<Source> Model::constraints() const {
  std::vector<Source> sources;
  for (const auto& c : data_->constraints) sources.push_back(c.source);
  return sources;
}

// ---- solutions ----

Solution::Solution(std::shared_ptr<const std::vector<std::string>> names,
                   std::vector<std::int64_t> values)
    : names_(std::move(names)), values_(std::move(values)) {}

const std::vector<std::string>& Solution::names() const {
  static const std::vector<std::string> none;
  return names_ ? *names_ : none;
}
bool Solution::contains(std::string_view name) const {
  return std::find(names().begin(), names().end(), name) != names().end();
}
std::int64_t Solution::at(std::string_view name) const {
  const auto place = std::find(names().begin(), names().end(), name);
  if (place == names().end()) {
    throw ModelError("the solution has no variable '" + std::string(name) + "'");
  }
  return values_[static_cast<std::size_t>(place - names().begin())];
}
std::map<std::string, std::int64_t> Solution::to_map() const {
  std::map<std::string, std::int64_t> map;
  for (std::size_t i = 0; i < values_.size(); ++i) map.emplace(names()[i], values_[i]);
  return map;
}

// ---- operators ----

namespace {

ModelData& model_of(std::initializer_list<const Term*> terms) {
  for (const Term* t : terms) {
    if (ModelData* m = ModelData::owner(*t)) return *m;
  }
  throw ModelError("a term of no model");
}

int place(ModelData& model, const Operand& operand) {
  return operand.term().valid() ? model.own(operand.term()) : model.constant(operand.value());
}

Term binary(Op op, const Operand& a, const Operand& b) {
  ModelData& m = model_of({&a.term(), &b.term()});
  const int left = place(m, a);
  return m.handle(m.make(op, {left, place(m, b)}));
}

// a + b + c and a * b * c are flat, so that long sums do not nest.
Term flat(Op op, const Operand& a, int left, int right, ModelData& m) {
  std::vector<int> parts{left};
  const auto& e = m.exprs[left];
  if (a.term().valid() && e.op == op) {
    parts.assign(m.arguments(e), m.arguments(e) + e.count);
  }
  parts.push_back(right);
  return m.handle(m.make(op, parts));
}

Term flat(Op op, const Operand& a, const Operand& b, bool negate) {
  ModelData& m = model_of({&a.term(), &b.term()});
  const int left = place(m, a);
  int right = place(m, b);
  if (negate) right = m.make(Op::neg, {right});
  return flat(op, a, left, right, m);
}

std::vector<int> ids(ModelData& m, const std::vector<Term>& terms) {
  std::vector<int> result;
  for (const Term& t : terms) result.push_back(m.own(t));
  return result;
}

Term many(Op op, const std::vector<Term>& terms) {
  if (terms.empty()) throw ModelError("an operation over no terms");
  ModelData& m = model_of({&terms[0]});
  return m.handle(m.make(op, ids(m, terms)));
}

Term conditions(Op op, std::initializer_list<Term> terms) {
  ModelData& m = model_of({&*terms.begin()});
  const std::vector<int> parts = ids(m, terms);
  for (int id : parts) {
    if (!detail::is_condition(m.exprs[id].op)) {
      throw ModelError("'" + detail::print_expr(m, id) + "' is not a condition");
    }
  }
  if (parts.size() == 2 && (op == Op::logic_and || op == Op::logic_or)) {
    return flat(op, Operand(*terms.begin()), parts[0], parts[1], m);
  }
  return m.handle(m.make(op, parts));
}

}  // namespace

Term operator+(const Operand& a, const Operand& b) { return flat(Op::add, a, b, false); }
Term operator-(const Operand& a, const Operand& b) { return flat(Op::add, a, b, true); }
Term operator*(const Operand& a, const Operand& b) { return flat(Op::mul, a, b, false); }
Term operator/(const Operand& a, const Operand& b) { return binary(Op::exact_div, a, b); }
Term operator%(const Operand& a, const Operand& b) { return binary(Op::mod, a, b); }
Term operator-(const Term& a) { return many(Op::neg, {a}); }
Term floor_div(const Operand& a, const Operand& b) { return binary(Op::floor_div, a, b); }
Term ceil_div(const Operand& a, const Operand& b) { return binary(Op::ceil_div, a, b); }
Term pow(const Operand& a, const Operand& b) { return binary(Op::pow, a, b); }
Term min(const std::vector<Term>& terms) { return many(Op::min, terms); }
Term max(const std::vector<Term>& terms) { return many(Op::max, terms); }
Term min(const Operand& a, const Operand& b) { return binary(Op::min, a, b); }
Term max(const Operand& a, const Operand& b) { return binary(Op::max, a, b); }
Term abs(const Term& a) { return many(Op::abs, {a}); }
Term operator==(const Operand& a, const Operand& b) { return binary(Op::eq, a, b); }
Term operator!=(const Operand& a, const Operand& b) { return binary(Op::ne, a, b); }
Term operator<(const Operand& a, const Operand& b) { return binary(Op::lt, a, b); }
Term operator<=(const Operand& a, const Operand& b) { return binary(Op::le, a, b); }
Term operator>(const Operand& a, const Operand& b) { return binary(Op::gt, a, b); }
Term operator>=(const Operand& a, const Operand& b) { return binary(Op::ge, a, b); }
Term divides(const Operand& divisor, const Operand& value) {
  return binary(Op::divides, divisor, value);
}
Term in(const Term& a, const std::vector<std::int64_t>& values) {
  ModelData& m = model_of({&a});
  const int id = m.own(a);
  m.rows.push_back({1, values});
  return m.handle(m.make(Op::in_set, {id}, static_cast<std::int64_t>(m.rows.size()) - 1));
}
Term operator&&(const Term& a, const Term& b) { return conditions(Op::logic_and, {a, b}); }
Term operator||(const Term& a, const Term& b) { return conditions(Op::logic_or, {a, b}); }
Term operator!(const Term& a) { return conditions(Op::logic_not, {a}); }
Term implies(const Term& a, const Term& b) { return conditions(Op::implies, {a, b}); }
Term iff(const Term& a, const Term& b) { return conditions(Op::iff, {a, b}); }
Term all_different(const std::vector<Term>& terms) { return many(Op::all_different, terms); }

Term table(const std::vector<Term>& terms, const std::vector<std::vector<std::int64_t>>& rows) {
  if (terms.empty()) throw ModelError("a table over no terms");
  ModelData& m = model_of({&terms[0]});
  detail::Rows flat_rows;
  flat_rows.width = static_cast<int>(terms.size());
  for (const auto& row : rows) {
    if (row.size() != terms.size()) {
      throw ModelError("a row of " + std::to_string(row.size()) + " values for " +
                       std::to_string(terms.size()) + " terms");
    }
    flat_rows.cells.insert(flat_rows.cells.end(), row.begin(), row.end());
  }
  const std::vector<int> arguments = ids(m, terms);
  m.rows.push_back(std::move(flat_rows));
  return m.handle(m.make(Op::table, arguments, static_cast<std::int64_t>(m.rows.size()) - 1));
}

}  // namespace constrint
