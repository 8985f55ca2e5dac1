// SPDX-License-Identifier: Apache-2.0
#include "timing.hpp"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cmath>

namespace flashrnn::bench {

double process_cpu_ms() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return 1e3 * now.tv_sec + 1e-6 * now.tv_nsec;
}

double quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  const double place = q * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (place - static_cast<double>(below)) * (values[above] - values[below]);
}

Sample time_by_clock(const std::function<void()>& call, int calls) {
  const double cpu = process_cpu_ms();
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < calls; ++i) call();
  const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - begin;
  return {taken.count() / calls, (process_cpu_ms() - cpu) / calls};
}

Timing measure(const std::function<Sample(int calls)>& measure, const TimingOptions& options) {
  // The first call touches memory and starts threads; the estimate is of the later ones.
  measure(1);
  Sample estimate = measure(1);
  for (double spent = estimate.ms; spent < 1e3 * options.warmup_seconds; spent += estimate.ms) {
    estimate = measure(1);
    estimate.ms = std::max(estimate.ms, 1e-4);
  }
  Timing timing;
  timing.calls_per_sample = std::max(
      1, static_cast<int>(std::ceil(options.least_sample_ms / std::max(estimate.ms, 1e-4))));
  std::vector<double> ms, cpu_ms;
  double spent = 0;
  while (static_cast<int>(ms.size()) < options.most_samples &&
         (static_cast<int>(ms.size()) < options.least_samples || spent < 1e3 * options.seconds)) {
    const Sample sample = measure(timing.calls_per_sample);
    ms.push_back(sample.ms);
    cpu_ms.push_back(sample.cpu_ms);
    spent += sample.ms * timing.calls_per_sample;
  }
  timing.ms = quantile(ms, 0.5);
  timing.ms_low = quantile(ms, 0.1);
  timing.ms_high = quantile(ms, 0.9);
  timing.ms_best = quantile(ms, 0.0);
  timing.cpu_ms = quantile(cpu_ms, 0.5);
  timing.cpu_ms_best = quantile(cpu_ms, 0.0);
  timing.samples = static_cast<int>(ms.size());
  return timing;
}

}  // namespace flashrnn::bench
