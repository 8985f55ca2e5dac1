// SPDX-License-Identifier: Apache-2.0
#include "plan/choose.hpp"

#include <algorithm>
#include <constrint/constrint.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "api/error.hpp"

namespace flashrnn {

namespace {

struct ModelText {
  std::string text;
  std::string source;
};

// The problem's file, else the environment's, else the shipped model.
ModelText find_model(const Device& device, const Problem& problem) {
  std::string path = problem.model_path;
  std::string what = "problem.model_path";
  if (path.empty()) {
    std::string variable = "FLASHRNN_MODEL_" + device.info().backend_name;
    std::transform(variable.begin(), variable.end(), variable.begin(), [](char c) {
      return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    const char* value = std::getenv(variable.c_str());
    if (value != nullptr) path = value;
    what = variable;
  }
  if (path.empty()) return {device.model(), "shipped"};
  std::ifstream file(path, std::ios::binary);
  require(file.good(), "{} is '{}': must be a readable file", what, path);
  return {std::string(std::istreambuf_iterator<char>(file), {}), path};
}

struct Ready {
  constrint::Model model;
  ModelText text;
  NamedValues parameters;
};

Ready prepare(const Device& device, const Problem& problem) {
  Ready ready{{}, find_model(device, problem), device.parameters(problem)};
  try {
    ready.model = constrint::Model::parse(ready.text.text, ready.text.source);
    for (const auto& [name, value] : ready.parameters) {
      if (ready.model.has_parameter(name)) ready.model.set_parameter(name, value);
    }
    const KernelConfig forced = KernelConfig::parse(problem.forced_config);
    for (const auto& [name, value] : forced.values()) {
      require(ready.model.has_variable(name),
              "problem.config names '{}': the model has no such variable", name);
      ready.model.require(ready.model.term(name) == value,
                          "config: " + name + " == " + std::to_string(value));
    }
  } catch (const constrint::Error& error) {
    fail(Status::kInvalidArgument, "constraint model {}: {}", ready.text.source, error.what());
  }
  return ready;
}

std::vector<RankedConfig> enumerate(const Device& device, const Problem& problem,
                                    const Ready& ready, constrint::Statistics* statistics) {
  std::vector<RankedConfig> found;
  const std::vector<std::string> names = ready.model.variables();
  constrint::Options options;
  options.order = constrint::Order::preference;
  try {
    const constrint::Result result = ready.model.solve_all(
        [&](std::span<const int64_t> values) {
          RankedConfig ranked{};
          for (size_t i = 0; i < names.size(); ++i) ranked.config.set(names[i], values[i]);
          ranked.predicted_microseconds = device.predict(problem, ranked.config);
          found.push_back(std::move(ranked));
          return true;
        },
        options);
    if (statistics != nullptr) *statistics = result.statistics;
  } catch (const constrint::Error& error) {
    fail(Status::kInvalidArgument, "constraint model {}: {}", ready.text.source, error.what());
  }
  std::stable_sort(found.begin(), found.end(), [](const RankedConfig& a, const RankedConfig& b) {
    return a.predicted_microseconds < b.predicted_microseconds;
  });
  return found;
}

[[noreturn]] void refuse(const Ready& ready) {
  std::string clash;
  for (const constrint::Source& source : ready.model.explain().clash) {
    if (!clash.empty()) clash += "; ";
    clash += source.text;
  }
  fail(Status::kInfeasible, "no configuration satisfies the constraint model {}; these clash: {}",
       ready.text.source, clash);
}

}  // namespace

Choice choose(const Device& device, const Problem& problem) {
  Ready ready = prepare(device, problem);
  constrint::Statistics statistics;
  std::vector<RankedConfig> ranked = enumerate(device, problem, ready, &statistics);
  if (ranked.empty()) refuse(ready);
  Choice choice;
  choice.config = std::move(ranked.front().config);
  choice.predicted_microseconds = ranked.front().predicted_microseconds;
  choice.legal = static_cast<int64_t>(ranked.size());
  choice.model = std::move(ready.text.text);
  choice.model_source = std::move(ready.text.source);
  choice.parameters = std::move(ready.parameters);
  choice.statistics = {{"nodes", static_cast<int64_t>(statistics.nodes)},
                       {"failures", static_cast<int64_t>(statistics.failures)},
                       {"propagations", static_cast<int64_t>(statistics.propagations)},
                       {"solve_us", static_cast<int64_t>(statistics.solve_microseconds)},
                       {"parse_us", static_cast<int64_t>(statistics.parse_microseconds)}};
  return choice;
}

std::vector<RankedConfig> legal_configs(const Device& device, const Problem& problem) {
  return enumerate(device, problem, prepare(device, problem), nullptr);
}

}  // namespace flashrnn
