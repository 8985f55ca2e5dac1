// The solving half of class Model.
#include <algorithm>

#include "api/explain.hpp"
#include "api/prepare.hpp"

namespace constrint {

using detail::Control;
using detail::Int;
using detail::ModelData;
using detail::Prepared;

namespace {

std::shared_ptr<const std::vector<std::string>> visible_names(const ModelData& model) {
  auto names = std::make_shared<std::vector<std::string>>();
  for (int v : model.visible()) names->push_back(model.variables[v].name);
  return names;
}

// Propagation is trusted to be sound, never to be right: what is handed out was checked against the
// model as written.
void verify(const ModelData& model, const std::vector<std::int64_t>& values) {
  for (const auto& c : model.constraints) {
    const auto truth = detail::evaluate(model, c.expr, values);
    if (!truth || *truth == 0) throw Error("internal error: '" + c.source.text + "' does not hold");
  }
  for (std::size_t v = 0; v < values.size(); ++v) {
    if (!detail::in_domain(model, model.variables[v], values[v])) {
      throw Error("internal error: '" + model.variables[v].name + "' left its domain");
    }
  }
}

Result one(const ModelData& model, const Options& options, bool best) {
  Control control(options);
  Prepared p(model, nullptr, best);
  detail::One found =
      detail::solve_one(model, &p, &control, best ? detail::Wanted::best : detail::Wanted::first);
  Result result;
  result.status = found.status;
  result.has_solution = found.found;
  if (found.found) {
    verify(model, found.values);
    if (model.objective >= 0) {
      const auto value = detail::evaluate(model, model.objective, found.values);
      if (value && (*value > INT64_MAX || *value < INT64_MIN)) {
        throw ModelError("the objective's value does not fit in 64 bits");
      }
      if (value) result.objective = static_cast<std::int64_t>(*value);
    }
    std::vector<std::int64_t> visible;
    for (int v : model.visible()) visible.push_back(found.values[v]);
    result.solution = Solution(visible_names(model), std::move(visible));
    result.statistics.solutions = 1;
  }
  p.statistics(model, control, &result.statistics);
  return result;
}

}  // namespace

Result Model::solve_first(const Options& options) const { return one(*data_, options, false); }
Result Model::solve_best(const Options& options) const {
  if (data_->objective < 0) throw ModelError("the model has nothing to minimize or maximize");
  return one(*data_, options, true);
}
Result Model::solve(const Options& options) const {
  return one(*data_, options, data_->objective >= 0);
}

Result Model::solve_blocks(const Visitor& visit, const Options& options) const {
  Control control(options);
  Prepared p(*data_, nullptr, false);
  const std::size_t width = data_->visible().size();
  Result result;
  result.status = detail::solve_every(
      *data_, &p, &control,
      [&](const std::int64_t* rows, std::size_t count) {
        return visit(std::span<const std::int64_t>(rows, count * width));
      },
      &result.statistics.solutions);
  result.has_solution = result.statistics.solutions != 0;
  p.statistics(*data_, control, &result.statistics);
  return result;
}

Result Model::solve_all(const Visitor& visit, const Options& options) const {
  const std::size_t width = data_->visible().size();
  if (width == 0) return solve_blocks(visit, options);
  return solve_blocks(
      [&](std::span<const std::int64_t> rows) {
        for (std::size_t i = 0; i < rows.size(); i += width) {
          if (!visit(rows.subspan(i, width))) return false;
        }
        return true;
      },
      options);
}

CountResult Model::count(const Options& options) const {
  Control control(options);
  Prepared p(*data_, nullptr, false);
  CountResult result;
  unsigned __int128 count = 0;
  result.status = detail::count_every(*data_, &p, &control, &count);
  result.count = count > UINT64_MAX ? UINT64_MAX : static_cast<std::uint64_t>(count);
  result.text = detail::to_text_unsigned(count);
  p.statistics(*data_, control, &result.statistics);
  result.statistics.solutions = result.count;
  return result;
}

Explanation Model::explain(const Options& options) const {
  return detail::explain(*data_, options);
}

bool Model::check(const std::map<std::string, std::int64_t>& values,
                  std::vector<Source>* broken) const {
  std::vector<std::int64_t> by_index;
  bool good = true;
  for (const auto& v : data_->variables) {
    const auto place = values.find(v.name);
    if (place == values.end()) throw ModelError("no value for variable '" + v.name + "'");
    by_index.push_back(place->second);
    if (!detail::in_domain(*data_, v, place->second)) {
      good = false;
      if (broken != nullptr) {
        broken->push_back(
            {v.name + " == " + std::to_string(place->second) + " is outside the declared domain",
             "", 0, 0});
      }
    }
  }
  for (const auto& [name, value] : values) {
    if (!has_variable(name)) throw ModelError("the model has no variable '" + name + "'");
  }
  for (const auto& c : data_->constraints) {
    const auto truth = detail::evaluate(*data_, c.expr, by_index);
    if (truth && *truth != 0) continue;
    good = false;
    if (broken != nullptr) broken->push_back(c.source);
  }
  return good;
}

}  // namespace constrint
