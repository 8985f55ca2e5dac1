// SPDX-License-Identifier: Apache-2.0
#include "report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "../common/svg_plot.hpp"

namespace examples {

void print_table(const std::vector<Result>& results, const Settings& s, double goal) {
  const std::string shorter = "length " + std::to_string(s.length);
  const std::string longer = "length " + std::to_string(s.length * s.test_factor);
  std::printf("\ntest on %d fresh sequences; trained on %s at most\n", s.test_sequences,
              shorter.c_str());
  std::printf("%-8s%-12s%10s%9s%9s%12s%12s%12s  %s\n", "task", "cell", "parameters", "updates",
              "seconds", shorter.c_str(), longer.c_str(), "last step", "goal");
  double seconds = 0;
  for (const Result& r : results) {
    std::printf("%-8s%-12s%10zu%9d%9.1f%10.2f %%%10.2f %%%10.2f %%  %s\n", r.task.c_str(),
                r.cell.c_str(), r.parameters, r.curve.back().step, r.seconds,
                100 * r.short_accuracy, 100 * r.long_accuracy, 100 * r.last_accuracy,
                r.long_accuracy >= goal ? "reached" : "MISSED");
    seconds += r.seconds;
  }
  std::printf("%-39s%9.1f\n", "all", seconds);
}

namespace {

nlohmann::json to_json(const Result& r) {
  const nlohmann::json plan = nlohmann::json::parse(r.plan);
  nlohmann::json curve = nlohmann::json::array();
  for (const CurvePoint& p : r.curve)
    curve.push_back({{"step", p.step},
                     {"length", p.length},
                     {"seconds", p.seconds},
                     {"loss", p.loss},
                     {"accuracy", p.accuracy},
                     {"long_accuracy", p.long_accuracy}});
  return {{"cell", r.cell},
          {"task", r.task},
          {"parameters", r.parameters},
          {"seconds", r.seconds},
          {"short_accuracy", r.short_accuracy},
          {"long_accuracy", r.long_accuracy},
          {"last_step_accuracy", r.last_accuracy},
          {"accuracy_at_position", r.accuracy_at},
          {"curve", curve},
          {"kernel", plan.value("kernel", "")},
          {"config", plan.value("config", "")}};
}

}  // namespace

void write_report(const std::string& folder, const std::vector<Result>& results,
                  const Settings& s) {
  const std::string longer = std::to_string(s.length * s.test_factor);
  Panel training{"Training", "updates", "accuracy on sequences of length " + longer, {}, {}};
  Panel position{"Test after training", "step of the sequence", "accuracy", {}, {}};
  position.marks.emplace_back(s.length, "longest of the training");
  double lowest = 1;
  for (const Result& r : results) {
    const std::string name = r.cell + " on " + r.task;
    Series over_updates{name, {}}, over_steps{name, {}};
    for (const CurvePoint& p : r.curve) over_updates.points.emplace_back(p.step, p.long_accuracy);
    for (std::size_t t = 0; t < r.accuracy_at.size(); ++t) {
      over_steps.points.emplace_back(static_cast<double>(t + 1), r.accuracy_at[t]);
      lowest = std::min(lowest, r.accuracy_at[t]);
    }
    training.series.push_back(over_updates);
    position.series.push_back(over_steps);
  }
  position.y_low =
      std::max(0.0, std::floor(20 * lowest - 1) / 20);  // close to 1 there is little to see
  const std::string svg = folder + "/train-states.svg", json = folder + "/train-states.json";
  write_svg(svg, {training, position});

  nlohmann::json report{{"settings",
                         {{"heads", s.heads},
                          {"head_dim", s.head_dim},
                          {"layers", s.layers},
                          {"batch", s.batch},
                          {"length", s.length},
                          {"test_factor", s.test_factor},
                          {"test_sequences", s.test_sequences},
                          {"learning_rate", s.learning_rate},
                          {"clip", s.clip},
                          {"seed", s.seed}}},
                        {"results", nlohmann::json::array()}};
  for (const Result& r : results) report["results"].push_back(to_json(r));
  std::ofstream file(json);
  file << report.dump(1) << "\n";
  file.close();
  if (!file) throw std::runtime_error("cannot write " + json);
  std::printf("\nwrote %s and %s\n", svg.c_str(), json.c_str());
}

}  // namespace examples
