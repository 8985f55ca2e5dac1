#include "model.hpp"

#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

namespace bench {
namespace {

using Json = nlohmann::json;

constexpr std::array<const char*, 23> kOpNames = {
    "const", "var", "+", "-",  "*", "/",  "%",   "^",  "min", "max",     "abs", "neg",
    "==",    "!=",  "<", "<=", ">", ">=", "and", "or", "not", "implies", "iff"};

Json Tree(const Expr& e, const Model& model) {
  if (e.op == Op::kConst) return e.value;
  if (e.op == Op::kVar) return model.variables[static_cast<std::size_t>(e.value)].name;
  Json tree = Json::array({OpName(e.op)});
  for (const Expr& arg : e.args) tree.push_back(Tree(arg, model));
  return tree;
}

void CollectVariables(const Expr& e, std::set<std::int64_t>& indices) {
  if (e.op == Op::kVar) indices.insert(e.value);
  for (const Expr& arg : e.args) CollectVariables(arg, indices);
}

Json Names(const Expr& e, const Model& model) {
  std::set<std::int64_t> indices;
  CollectVariables(e, indices);
  Json names = Json::array();
  for (const std::int64_t i : indices) {
    names.push_back(model.variables[static_cast<std::size_t>(i)].name);
  }
  return names;
}

// A conjunction is as many rules as it has parts: every peer does better with small ones.
void Split(const Expr& e, std::vector<const Expr*>& parts) {
  if (e.op != Op::kAnd) {
    parts.push_back(&e);
    return;
  }
  for (const Expr& arg : e.args) Split(arg, parts);
}

}  // namespace

const char* OpName(Op op) { return kOpNames[static_cast<std::size_t>(op)]; }

double Variable::DomainSize() const {
  if (!values.empty()) return static_cast<double>(values.size());
  return static_cast<double>(hi) - static_cast<double>(lo) + 1;
}

double Model::CartesianSize() const {
  double size = 1;
  for (const Variable& variable : variables) size *= variable.DomainSize();
  return size;
}

nlohmann::json ToJson(const Model& model) {
  Json json = {{"name", model.name}, {"variables", Json::array()}, {"constraints", Json::array()}};
  for (const Variable& variable : model.variables) {
    Json item = {{"name", variable.name}, {"lo", variable.lo}, {"hi", variable.hi}};
    if (!variable.values.empty()) item["values"] = variable.values;
    json["variables"].push_back(item);
  }
  for (const Expr& constraint : model.constraints) {
    std::vector<const Expr*> parts;
    Split(constraint, parts);
    for (const Expr* part : parts) {
      json["constraints"].push_back({{"tree", Tree(*part, model)},
                                     {"python", ToPython(*part, model)},
                                     {"variables", Names(*part, model)}});
    }
  }
  if (model.objective) {
    json["objective"] = {{"tree", Tree(model.objective->term, model)},
                         {"maximize", model.objective->maximize}};
  }
  return json;
}

std::string ToPython(const Expr& e, const Model& model) {
  const auto arg = [&](std::size_t i) { return ToPython(e.args[i], model); };
  switch (e.op) {
    case Op::kConst:
      return std::to_string(e.value);
    case Op::kVar:
      return model.variables[static_cast<std::size_t>(e.value)].name;
    case Op::kNeg:
      return "(-" + arg(0) + ")";
    case Op::kNot:
      return "(not " + arg(0) + ")";
    case Op::kAbs:
      return "abs(" + arg(0) + ")";
    case Op::kMin:
    case Op::kMax:
      return std::string(OpName(e.op)) + "(" + arg(0) + ", " + arg(1) + ")";
    case Op::kImplies:
      return "((not " + arg(0) + ") or " + arg(1) + ")";
    case Op::kIff:
      return "(" + arg(0) + " == " + arg(1) + ")";
    case Op::kPow:
      return "(" + arg(0) + " ** " + arg(1) + ")";
    // The models divide no negative numbers, and by "/" only where it leaves no remainder.
    case Op::kDiv:
      return "(" + arg(0) + " // " + arg(1) + ")";
    default:
      return "(" + arg(0) + " " + OpName(e.op) + " " + arg(1) + ")";
  }
}

}  // namespace bench
