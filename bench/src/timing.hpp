// SPDX-License-Identifier: Apache-2.0
// Repeats something until its time is known: warm-up, then samples within a time budget.
#pragma once

#include <functional>
#include <vector>

namespace flashrnn::bench {

struct TimingOptions {
  double seconds = 1.0;  // for the samples of one row
  double warmup_seconds = 0.2;
  int least_samples = 7;
  int most_samples = 2000;
  double least_sample_ms = 0.5;  // shorter calls are timed several at a time
};

struct Sample {
  double ms = 0;      // by the device's events, of one call
  double cpu_ms = 0;  // CPU time of the process, of one call
};

struct Timing {
  double ms = 0;       // the median
  double ms_low = 0;   // 10th percentile
  double ms_high = 0;  // 90th percentile
  double ms_best = 0;
  double cpu_ms = 0;  // the median of the process's CPU time
  double cpu_ms_best = 0;
  int samples = 0;
  int calls_per_sample = 1;
};

// q in [0, 1], by linear interpolation. values need not be sorted and must not be empty.
double quantile(std::vector<double> values, double q);

// measure(calls) runs that many calls and gives the time of one.
Timing measure(const std::function<Sample(int calls)>& measure, const TimingOptions& options);

// The same by the steady clock, for what has no events of its own.
Sample time_by_clock(const std::function<void()>& call, int calls);

// Of all threads: a library may work on another thread than the one that called it.
double process_cpu_ms();

}  // namespace flashrnn::bench
