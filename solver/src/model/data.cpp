#include "model/data.hpp"

#include <algorithm>

namespace constrint::detail {

bool is_condition(Op op) { return op >= Op::eq; }

int ModelData::make(Op op, std::span<const int> arguments, i64 value) {
  Expr e{op, static_cast<int>(args.size()), static_cast<int>(arguments.size()), value};
  for (int argument : arguments) e.depth = std::max(e.depth, exprs[argument].depth + 1);
  if (e.depth > kMaxDepth) {
    throw ModelError("term nested more than " + std::to_string(kMaxDepth) + " deep");
  }
  args.insert(args.end(), arguments.begin(), arguments.end());
  exprs.push_back(e);
  return static_cast<int>(exprs.size()) - 1;
}

int ModelData::constant(i64 value) {
  if (value > kLimit || value < -kLimit) {
    throw ModelError("constant " + std::to_string(value) + " lies beyond 2^62");
  }
  return make(Op::constant, {}, value);
}

const Name* ModelData::find(std::string_view name) const {
  auto it = names.find(name);
  return it == names.end() ? nullptr : &it->second;
}

int ModelData::require_term(std::string_view name) const {
  const Name* found = find(name);
  if (found == nullptr) throw ModelError("the model has no name '" + std::string(name) + "'");
  switch (found->kind) {
    case Name::Kind::variable:
      return variables[found->index].expr;
    case Name::Kind::parameter:
      return parameters[found->index].expr;
    case Name::Kind::let:
      return lets[found->index].second;
  }
  return -1;
}

int ModelData::variable(std::string name, Variable declaration) {
  const int index = static_cast<int>(variables.size());
  if (!names.try_emplace(name, Name{Name::Kind::variable, index}).second) {
    throw ModelError("'" + name + "' is already declared");
  }
  declaration.expr = make(Op::variable, {}, index);
  declaration.name = std::move(name);
  variables.push_back(std::move(declaration));
  return variables.back().expr;
}

int ModelData::parameter(std::string name, std::optional<i64> value) {
  if (find(name) != nullptr) throw ModelError("'" + name + "' is already declared");
  if (value && (*value > kLimit || *value < -kLimit)) {
    throw ModelError("value " + std::to_string(*value) + " of parameter '" + name +
                     "' lies beyond 2^62");
  }
  const int index = static_cast<int>(parameters.size());
  const int expr = make(Op::parameter, {}, index);
  parameters.push_back({name, value, expr});
  names.emplace(std::move(name), Name{Name::Kind::parameter, index});
  return expr;
}

void ModelData::push() {
  Mark mark{exprs.size(),
            args.size(),
            rows.size(),
            variables.size(),
            parameters.size(),
            lets.size(),
            constraints.size(),
            preferences.size(),
            objective,
            maximise,
            strict,
            projected,
            projection,
            {}};
  for (const Parameter& p : parameters) mark.parameter_values.push_back(p.value);
  marks.push_back(std::move(mark));
}

void ModelData::pop() {
  if (marks.empty()) throw ModelError("pop without a matching push");
  Mark& mark = marks.back();
  std::erase_if(names, [&](const auto& entry) {
    const auto index = static_cast<std::size_t>(entry.second.index);
    switch (entry.second.kind) {
      case Name::Kind::variable:
        return index >= mark.variables;
      case Name::Kind::parameter:
        return index >= mark.parameters;
      case Name::Kind::let:
        return index >= mark.lets;
    }
    return false;
  });
  exprs.resize(mark.exprs);
  args.resize(mark.args);
  rows.resize(mark.rows);
  variables.resize(mark.variables);
  parameters.resize(mark.parameters);
  lets.resize(mark.lets);
  constraints.resize(mark.constraints);
  preferences.resize(mark.preferences);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    parameters[i].value = mark.parameter_values[i];
  }
  objective = mark.objective;
  maximise = mark.maximise;
  strict = mark.strict;
  projected = mark.projected;
  projection = std::move(mark.projection);
  marks.pop_back();
}

void ModelData::drop_mark() { marks.pop_back(); }

std::vector<int> ModelData::visible() const {
  if (projected) return projection;
  std::vector<int> all(variables.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int>(i);
  return all;
}

int ModelData::own(const Term& term) const {
  if (term.model_ != this) throw ModelError("the term belongs to another model, or to none");
  if (term.id_ < 0 || static_cast<std::size_t>(term.id_) >= exprs.size()) {
    throw ModelError("the term was taken back by pop");
  }
  return term.id_;
}

}  // namespace constrint::detail
