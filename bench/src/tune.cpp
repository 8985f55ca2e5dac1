// SPDX-License-Identifier: Apache-2.0
#include "tune.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace flashrnn::bench {

std::vector<TunedConfig> tune(const Device& device, const Case& one, const RunOptions& options,
                              size_t most, const std::function<void(size_t, size_t)>& progress) {
  const Plan plan = create_plan(device, to_abi(one.problem));
  const nlohmann::json description = nlohmann::json::parse(describe(plan));
  const auto configs = description.at("alternatives").get<std::vector<std::string>>();
  const auto predicted = description.at("alternatives_predicted_us").get<std::vector<double>>();

  std::vector<size_t> chosen;
  const size_t best = std::min(configs.size(), most / 2 + 1);
  for (size_t i = 0; i < best; ++i) chosen.push_back(i);
  const size_t rest = std::min(configs.size() - best, most > best ? most - best : 0);
  for (size_t k = 0; k < rest; ++k) chosen.push_back(best + k * (configs.size() - best) / rest);

  std::vector<TunedConfig> tuned;
  for (const size_t i : chosen) {
    progress(tuned.size(), chosen.size());
    Case forced = one;
    forced.problem.config = configs[i];
    TunedConfig& entry = tuned.emplace_back();
    entry.row = run_case(device, forced, options);
    entry.row.config = configs[i];
    entry.predicted_us = predicted[i];
    entry.predicted_rank = static_cast<int>(i) + 1;
  }
  std::stable_sort(tuned.begin(), tuned.end(), [](const TunedConfig& a, const TunedConfig& b) {
    if (a.row.ok() != b.row.ok()) return a.row.ok();
    return a.row.ms() < b.row.ms();
  });
  return tuned;
}

}  // namespace flashrnn::bench
