// SPDX-License-Identifier: Apache-2.0
#include "peak.hpp"

#include <time.h>

#include <algorithm>
#include <barrier>
#include <cstring>
#include <fstream>
#include <functional>
#include <thread>

namespace flashrnn::bench {
namespace {

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec + 1e-9 * now.tv_nsec;
}

// Sum over threads of work / own CPU time, the best of `repeats` rounds that all threads start at
// once.
double best_rate(int threads, int repeats, const std::function<double(int)>& work) {
  std::vector<double> rates(threads);
  double best = 0;
  std::barrier start(threads);
  std::barrier stop(threads, [&]() noexcept {
    double sum = 0;
    for (const double rate : rates) sum += rate;
    best = std::max(best, sum);
  });
  std::vector<std::thread> pool;
  for (int thread = 0; thread < threads; ++thread) {
    pool.emplace_back([&, thread] {
      for (int repeat = 0; repeat < repeats; ++repeat) {
        start.arrive_and_wait();
        const double begin = thread_seconds();
        const double done = work(thread);
        rates[thread] = done / std::max(thread_seconds() - begin, 1e-9);
        stop.arrive_and_wait();
      }
    });
  }
  for (std::thread& thread : pool) thread.join();
  return best;
}

long rounds_for(void (*run)(long), double seconds) {
  long rounds = 1000;
  for (;;) {
    const double begin = thread_seconds();
    run(rounds);
    const double taken = thread_seconds() - begin;
    if (taken > 0.2 * seconds) return std::max<long>(1, rounds * (seconds / taken));
    rounds *= 2;
  }
}

// Rounds a second, over all threads.
double round_rate(int threads, int repeats, double seconds, void (*run)(long)) {
  const long rounds = rounds_for(run, seconds / repeats);
  return best_rate(threads, repeats, [&](int) {
    run(rounds);
    return static_cast<double>(rounds);
  });
}

SigmoidRates sigmoid_rates(int threads, int repeats, double seconds, double fma_gflops) {
  SigmoidRates rates;
  for (const SigmoidKernel& kernel : sigmoid_kernels()) {
    if (!kernel.present()) continue;
    rates.instruction = kernel.instruction;
    rates.alone =
        1e-9 * kernel.sigmoids_per_round * round_rate(threads, repeats, seconds, kernel.alone);
    const double round_ns = 1e9 / round_rate(threads, repeats, seconds, kernel.beside);
    const double added_ns = round_ns - kernel.flops_per_round / fma_gflops;
    // Where the peak was measured in a worse moment than this, nothing is known.
    if (added_ns > 0) rates.beside = kernel.sigmoids_per_round / added_ns;
    break;
  }
  return rates;
}

double copy_rate(int threads) {
  constexpr size_t kBytes = size_t{256} << 20;  // over all threads: beyond any private cache
  const size_t bytes = kBytes / threads;
  std::vector<std::vector<char>> from(threads), to(threads);
  for (int thread = 0; thread < threads; ++thread) {
    from[thread].assign(bytes, 1);
    to[thread].assign(bytes, 2);
  }
  return 1e-9 * best_rate(threads, 6, [&](int thread) {
           std::memcpy(to[thread].data(), from[thread].data(), bytes);
           return 2.0 * bytes;
         });
}

}  // namespace

double Peaks::of(const std::string& unit) const {
  for (const Peak& peak : units) {
    if (peak.unit == unit) return peak.gflops;
  }
  return 0;
}

Peaks measure_peaks(int threads, double seconds_per_unit) {
  constexpr int kRepeats = 10;
  Peaks peaks;
  peaks.threads = threads;
  for (const PeakKernel& kernel : peak_kernels()) {
    if (peaks.of(kernel.unit) > 0 || !kernel.present()) continue;
    const double rate = round_rate(threads, kRepeats, seconds_per_unit, kernel.run);
    peaks.units.push_back({kernel.unit, kernel.instruction, 1e-9 * kernel.flops_per_round * rate});
  }
  peaks.sigmoid = sigmoid_rates(threads, kRepeats, seconds_per_unit, peaks.of("fma_fp32"));
  peaks.copy_gbs = copy_rate(threads);
  return peaks;
}

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "";
}

}  // namespace flashrnn::bench
