// SPDX-License-Identifier: Apache-2.0
// Kernels that wait at random wherever warps and CTAs meet give the bits of those that do not.
#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "gpu_families.hpp"
#include "gpu_fixture.hpp"
#include "gpu_kernels.hpp"

namespace flashrnn::test {
namespace {

constexpr int64_t kDelayTime = 1000;
// So that the device has work while the host looks at a count.
constexpr int kCallsPerCount = 10;

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Calls of a trial, one after the other on a stream, and on the device the bytes in which they
// differ from another trial's outputs.
class RepeatedTrial {
 public:
  RepeatedTrial(const Family& f, const Values& values, std::shared_ptr<const Plan> plan)
      : trial_(*device, f.c, values, std::move(plan)) {
    require(cudaMalloc(reinterpret_cast<void**>(&count_), sizeof *count_), "cudaMalloc");
    require(cudaMallocHost(reinterpret_cast<void**>(&seen_), sizeof *seen_), "cudaMallocHost");
    require(cudaMemset(count_, 0, sizeof *count_), "cudaMemset");
    require(cudaDeviceSynchronize(), "cudaDeviceSynchronize");  // not ordered with the stream
  }
  ~RepeatedTrial() {
    cudaFree(count_);
    cudaFreeHost(seen_);
  }
  RepeatedTrial(const RepeatedTrial&) = delete;
  RepeatedTrial& operator=(const RepeatedTrial&) = delete;

  void enqueue(const Trial& expected) {
    const auto written = trial_.written_memory(), like = expected.written_memory();
    for (const GuardedMemory* memory : written)
      require(
          cudaMemsetAsync(memory->data(), GuardedMemory::kPoison, memory->size(), stream_.native()),
          "poison");
    run(trial_, stream_);
    for (size_t i = 0; i < written.size(); ++i) {
      require(launch_count_differences(stream_.native(), written[i]->data(), like[i]->data(),
                                       written[i]->size(), count_),
              "count_differences");
    }
  }
  // Of all calls so far. Through pinned memory and this stream alone: other streams go on.
  unsigned long long wait_for_differences() {
    require(cudaMemcpyAsync(seen_, count_, sizeof *seen_, cudaMemcpyDeviceToHost, stream_.native()),
            "cudaMemcpyAsync");
    stream_.wait();
    return *seen_;
  }

 private:
  Trial trial_;
  Stream stream_;
  unsigned long long *count_ = nullptr, *seen_ = nullptr;
};

// A family's kernels as they are and under delays. What is thrown in an attempt is the family's
// failure, after which it attempts no more.
class DelayedFamily {
 public:
  explicit DelayedFamily(Family f) : family_(std::move(f)) {}

  void attempt(void (DelayedFamily::*work)()) {
    if (!failure_.empty()) return;
    at_work_ = true;
    try {
      (this->*work)();
    } catch (const std::exception& error) {
      failure_ = error.what();
      // At once: whoever ends the others' million steps early still learns of it.
      std::printf("%s: %s\n", name(), error.what());
      std::fflush(stdout);
    }
    at_work_ = false;
  }
  void make_plain() {
    values_ = draw_values(family_.c);
    plain_ = std::make_unique<Trial>(*device, family_.c, values_, make_plan());
  }
  void run_plain() { run_alone(*plain_); }
  // While the environment asks for delays.
  void make_delayed() {
    delayed_ = std::make_unique<RepeatedTrial>(family_, values_, make_plan());
    values_ = {};
  }
  void run_delayed() {
    const auto start = Clock::now();
    while (steps_ < delay_steps) {
      int64_t steps = steps_;
      for (int k = 0; k < kCallsPerCount && steps < delay_steps; ++k, steps += kDelayTime)
        delayed_->enqueue(*plain_);
      const unsigned long long count = delayed_->wait_for_differences();
      steps_ = steps;
      if (count != 0) {
        throw std::runtime_error(std::to_string(count) + " bytes differ within " +
                                 std::to_string(steps) + " steps");
      }
    }
    std::printf("%s: %lld steps, %.1f s\n", name(), static_cast<long long>(steps_),
                seconds_since(start));
    std::fflush(stdout);
  }

  const char* name() const { return family_.name; }
  const std::string& failure() const { return failure_; }
  // Any thread may ask for these.
  bool at_work() const { return at_work_; }
  int64_t steps() const { return steps_; }

 private:
  std::shared_ptr<const Plan> make_plan() const {
    return std::make_shared<const Plan>(*device, family_.c, family_.config);
  }

  Family family_;
  Values values_;
  std::unique_ptr<Trial> plain_;
  std::unique_ptr<RepeatedTrial> delayed_;
  std::string failure_;
  std::atomic<bool> at_work_{false};
  std::atomic<int64_t> steps_{0};
};

using DelayedFamilies = std::vector<std::unique_ptr<DelayedFamily>>;

// A thread for each; meanwhile, every 20 seconds, the report.
void attempt_at_once(const DelayedFamilies& all, void (DelayedFamily::*work)(),
                     const std::function<void()>& report) {
  std::vector<std::future<void>> ends;
  ends.reserve(all.size());
  for (const auto& family : all) {
    ends.push_back(std::async(std::launch::async, [&f = *family, work] { f.attempt(work); }));
  }
  const auto period = std::chrono::seconds(20);
  auto next = Clock::now() + period;
  for (const std::future<void>& end : ends) {
    for (; end.wait_until(next) == std::future_status::timeout; next += period) report();
  }
}

// In how many seconds how many steps were done, by the slowest of those that still run.
void report_steps(const DelayedFamilies& all, double seconds) {
  const DelayedFamily* slowest = nullptr;
  size_t running = 0;
  for (const auto& family : all) {
    if (!family->at_work()) continue;
    ++running;
    if (slowest == nullptr || family->steps() < slowest->steps()) slowest = family.get();
  }
  if (slowest == nullptr) return;
  std::printf("%.0f s: %zu of %zu families run, %s has done %lld of %lld steps\n", seconds, running,
              all.size(), slowest->name(), static_cast<long long>(slowest->steps()),
              static_cast<long long>(delay_steps));
  std::fflush(stdout);
}

// All of them at the same time, each on a stream of its own: until the slowest has done its steps,
// not for as long as all take one after the other.
void expect_that_delays_change_no_bit(const std::vector<Family>& chosen) {
  DelayedFamilies all;
  for (const Family& f : chosen) all.push_back(std::make_unique<DelayedFamily>(f));
  const auto silent = [] {};
  // A plan may compile a kernel for seconds.
  attempt_at_once(all, &DelayedFamily::make_plain, silent);
  for (const auto& family : all) family->attempt(&DelayedFamily::run_plain);
  setenv("FLASHRNN_CUDA_DELAYS", "1", 1);
  attempt_at_once(all, &DelayedFamily::make_delayed, silent);
  unsetenv("FLASHRNN_CUDA_DELAYS");
  const auto start = Clock::now();
  attempt_at_once(all, &DelayedFamily::run_delayed,
                  [&] { report_steps(all, seconds_since(start)); });
  for (const auto& family : all) EXPECT_EQ(family->failure(), "") << family->name();
}

class GpuDelays : public Gpu, public testing::WithParamInterface<Family> {};

TEST_P(GpuDelays, ChangeNoBit) {
  const Family& f = GetParam();
  if (!runs_here(f)) GTEST_SKIP() << f.name << " is for another compute capability";
  expect_that_delays_change_no_bit({f});
}

INSTANTIATE_TEST_SUITE_P(Families, GpuDelays, testing::ValuesIn(families(kDelayTime)),
                         [](const auto& f) { return std::string(f.param.name); });

class GpuDelaysTogether : public Gpu {};

TEST_F(GpuDelaysTogether, ChangeNoBit) {
  std::vector<Family> chosen;
  for (const Family& f : families(kDelayTime)) {
    const bool wanted = delay_only.empty() ||
                        std::find(delay_only.begin(), delay_only.end(), f.name) != delay_only.end();
    if (wanted && runs_here(f)) chosen.push_back(f);
  }
  if (chosen.empty()) GTEST_SKIP() << "they are for another compute capability";
  expect_that_delays_change_no_bit(chosen);
}

}  // namespace
}  // namespace flashrnn::test
