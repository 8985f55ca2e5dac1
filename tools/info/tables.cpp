// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "info.hpp"

namespace flashrnn::info {
namespace {

constexpr size_t kShownAlternatives = 8;

std::string bytes_text(double bytes) {
  const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  int unit = 0;
  while (bytes >= 1024 && unit < 4) {
    bytes /= 1024;
    ++unit;
  }
  return fmt::format("{:.4g} {}", bytes, units[unit]);
}

std::string value_text(const std::string& key, const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (key.ends_with("bytes") && value.is_number()) return bytes_text(value.get<double>());
  if (value.is_number_float()) return fmt::format("{:.6g}", value.get<double>());
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  return value.dump();
}

// A JSON object as lines "key  value", nested objects by dotted keys, so that facts that this
// program has never heard of are shown too.
void flatten(const std::string& prefix, const Json& value, std::string& text) {
  if (value.is_object()) {
    for (const auto& [key, member] : value.items()) {
      flatten(prefix.empty() ? key : fmt::format("{}.{}", prefix, key), member, text);
    }
    return;
  }
  if (value.is_array() && !value.empty() && (value[0].is_object() || value[0].is_array())) {
    size_t index = 0;
    for (const Json& member : value) flatten(fmt::format("{}[{}]", prefix, index++), member, text);
    return;
  }
  std::string shown;
  if (value.is_array()) {
    for (const Json& member : value) {
      shown.append(shown.empty() ? "" : " ").append(value_text(prefix, member));
    }
  } else {
    shown = value_text(prefix, value);
  }
  text += fmt::format("    {:<28} {}\n", prefix, shown);
}

std::string indented(const std::string& text) {
  std::string result = "    | ";
  for (const char c : text) {
    result += c;
    if (c == '\n') result += "    | ";
  }
  return result + "\n";
}

std::string show_alternatives(const Json& plan, bool all) {
  if (!plan.contains("alternatives") || !plan["alternatives"].is_array()) return "";
  const Json& configs = plan["alternatives"];
  const Json predicted = plan.value("alternatives_predicted_us", Json::array());
  const size_t shown = all ? configs.size() : std::min(configs.size(), kShownAlternatives);
  std::string text = fmt::format("  Legal configurations: {}, by predicted time\n", configs.size());
  for (size_t i = 0; i < shown; ++i) {
    const double us = i < predicted.size() ? predicted[i].get<double>() : 0;
    text += fmt::format("    {:>5}  {:>12.1f} us  {}\n", i + 1, us, value_text("", configs[i]));
  }
  if (shown < configs.size()) {
    text += fmt::format("    ...    {} more; --all shows them\n", configs.size() - shown);
  }
  return text;
}

}  // namespace

std::string show_library(const Json& library) {
  std::string text =
      fmt::format("FlashRNN {}\n\nBackends\n", library["version"].get<std::string>());
  for (const Json& backend : library["backends"]) {
    const int devices = backend.value("devices", 0);
    text += fmt::format(
        "  {:<8} {}\n", backend.value("backend", "?"),
        devices > 0 ? fmt::format("{} device{}", devices, devices == 1 ? "" : "s")
                    : fmt::format("refused: {}", backend.value("refused", "no reason given")));
  }
  text += "\nDevices, the best first\n";
  if (library["devices"].empty()) text += "  none\n";
  for (const Json& device : library["devices"]) {
    text += fmt::format("  {} {}: {}, {} compute unit{}, {}\n",
                        device["backend"].get<std::string>(), device["ordinal"].get<int>(),
                        device["name"].get<std::string>(), device["compute_units"].get<int>(),
                        device["compute_units"].get<int>() == 1 ? "" : "s",
                        bytes_text(device["memory_bytes"].get<double>()));
    flatten("", device["facts"], text);
  }
  text += fmt::format("\nCells\n  {:<12} {:<14} {:<16} {:<10} {}\n", "name", "input gates",
                      "recurrent gates", "biases", "states");
  for (const Json& cell : library["cells"]) {
    text += fmt::format("  {:<12} {:<14} {:<16} {:<10} {}\n", cell["name"].get<std::string>(),
                        cell["input_gates"].get<std::string>(),
                        cell["recurrent_gates"].get<std::string>(),
                        cell["biases"].get<std::string>(), cell["states"].get<std::string>());
  }
  return text;
}

std::string show_plan(const Json& result, bool all_alternatives) {
  std::string text = fmt::format("\n{}\n", result["problem"].get<std::string>());
  if (!result.contains("plan")) {
    return text + fmt::format("  refused: {}: {}\n", result["status"].get<std::string>(),
                              result["message"].get<std::string>());
  }
  Json plan = result["plan"];
  const std::string alternatives = show_alternatives(plan, all_alternatives);
  std::string model;
  if (plan.contains("solver") && plan["solver"].contains("model")) {
    model = plan["solver"]["model"].get<std::string>();
    plan["solver"].erase("model");
  }
  // These stand elsewhere: the problem above, the configuration once as text.
  for (const char* key :
       {"problem", "alternatives", "alternatives_predicted_us", "config_values"}) {
    plan.erase(key);
  }
  text += "  Plan\n";
  flatten("", plan, text);
  text += alternatives;
  if (!model.empty()) text += "  Constraint model, as it was solved\n" + indented(model);
  return text;
}

}  // namespace flashrnn::info
