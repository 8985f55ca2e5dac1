// SPDX-License-Identifier: Apache-2.0
#include "tune.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

namespace flashrnn::bench {

std::string what_runs(const std::string& config, Call call) {
  const std::string_view other = call == Call::kForward    ? "backward_"
                                 : call == Call::kBackward ? "forward_"
                                                           : "";
  std::string kept;
  for (size_t at = 0; at < config.size();) {
    const size_t end = std::min(config.find(',', at), config.size());
    const std::string item = config.substr(at, end - at);
    if (other.empty() || item.rfind(other, 0) != 0) kept += item + ",";
    at = end + 1;
  }
  return kept;
}

TunedProblem tune(const Device& device, const Case& one, const RunOptions& options, size_t most,
                  const std::function<void(size_t, size_t)>& progress) {
  const Plan plan = create_plan(device, to_abi(one.problem));
  const nlohmann::json description = nlohmann::json::parse(describe(plan));
  const auto configs = description.at("alternatives").get<std::vector<std::string>>();
  const auto predicted = description.at("alternatives_predicted_us").get<std::vector<double>>();

  std::vector<size_t> different;
  std::set<std::string> seen;
  for (size_t i = 0; i < configs.size(); ++i) {
    if (seen.insert(what_runs(configs[i], one.call)).second) different.push_back(i);
  }
  std::vector<size_t> chosen;
  const size_t best = std::min(different.size(), most / 2 + 1);
  for (size_t k = 0; k < best; ++k) chosen.push_back(different[k]);
  const size_t rest = std::min(different.size() - best, most > best ? most - best : 0);
  for (size_t k = 0; k < rest; ++k)
    chosen.push_back(different[best + k * (different.size() - best) / rest]);

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
  return {one.id, std::move(tuned)};
}

}  // namespace flashrnn::bench
