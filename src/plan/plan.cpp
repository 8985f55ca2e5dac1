// SPDX-License-Identifier: Apache-2.0
#include "plan/plan.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "api/log.hpp"

namespace flashrnn {

namespace {

const char* mode_name(Mode mode) {
  switch (mode) {
    case Mode::kTraining:
      return "training";
    case Mode::kRecompute:
      return "recompute";
    default:
      return "inference";
  }
}

nlohmann::ordered_json to_json(const NamedValues& values) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (const auto& [name, value] : values) json[name] = value;
  return json;
}

nlohmann::ordered_json to_json(const Problem& p) {
  return {{"cell", p.cell->name},
          {"mode", mode_name(p.mode)},
          {"batch", p.batch},
          {"time", p.time},
          {"heads", p.heads},
          {"head_dim", p.head_dim},
          {"dtype", dtype_name(p.dtype)},
          {"weight_dtype", dtype_name(p.weight_dtype)},
          {"state_dtype", dtype_name(p.state_dtype)},
          {"reverse", p.reverse},
          {"lengths", p.lengths},
          {"resets", p.resets},
          {"cut_recurrent_gradient", p.cut_recurrent_gradient},
          {"forward_clip", p.forward_clip},
          {"recurrent_gradient_clip", p.recurrent_gradient_clip},
          {"threads", p.threads}};
}

}  // namespace

Plan::Plan(std::shared_ptr<const Device> device, Problem problem)
    : device_(std::move(device)), problem_(std::move(problem)) {
  device_->check(problem_);
  choice_ = choose(*device_, problem_);
  kernel_ = device_->kernel(problem_, choice_.config);
  if (log_enabled(LogLevel::kInfo)) {
    log(LogLevel::kInfo,
        fmt::format("plan {} B{} T{} N{} D{} {}: {} [{}], predicted {:.0f} us", problem_.cell->name,
                    problem_.batch, problem_.time, problem_.heads, problem_.head_dim,
                    dtype_name(problem_.dtype), kernel_->name(), choice_.config.to_string(),
                    choice_.predicted_microseconds));
  }
}

std::string Plan::describe() const {
  const PlanSizes sizes = kernel_->sizes();
  nlohmann::ordered_json alternatives = nlohmann::ordered_json::array();
  nlohmann::ordered_json predictions = nlohmann::ordered_json::array();
  for (const RankedConfig& ranked : legal_configs(*device_, problem_)) {
    alternatives.push_back(ranked.config.to_string());
    predictions.push_back(ranked.predicted_microseconds);
  }
  nlohmann::ordered_json json = {{"problem", to_json(problem_)},
                                 {"backend", device_->info().backend_name},
                                 {"device", device_->info().name},
                                 {"kernel", kernel_->name()},
                                 {"config", choice_.config.to_string()},
                                 {"config_values", to_json(choice_.config.values())},
                                 {"predicted_us", choice_.predicted_microseconds},
                                 {"sizes",
                                  {{"forward_workspace", sizes.forward_workspace},
                                   {"backward_workspace", sizes.backward_workspace},
                                   {"step_workspace", sizes.step_workspace},
                                   {"saved", sizes.saved},
                                   {"alignment", sizes.alignment}}},
                                 {"solver",
                                  {{"model_source", choice_.model_source},
                                   {"parameters", to_json(choice_.parameters)},
                                   {"model", choice_.model},
                                   {"legal_configs", choice_.legal},
                                   {"statistics", to_json(choice_.statistics)}}},
                                 {"alternatives", alternatives},
                                 {"alternatives_predicted_us", predictions}};
  const Floors floors = device_->floors(problem_, choice_.config);
  if (floors.forward > 0) {
    json["floor_us"] = {{"forward", floors.forward}, {"backward", floors.backward}};
    json["floor_in_turn_us"] = {{"forward", floors.forward_in_turn},
                                {"backward", floors.backward_in_turn}};
  }
  return json.dump(2);
}

}  // namespace flashrnn
