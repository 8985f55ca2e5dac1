// SPDX-License-Identifier: Apache-2.0
// Devices and plans in several threads at once. Meant for ThreadSanitizer too, so the loops are
// short.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "trial.hpp"

namespace flashrnn::test {
namespace {

constexpr int kThreads = 4;
#if defined(FLASHRNN_TESTS_REDUCED)
constexpr int kRounds = 10;
#else
constexpr int kRounds = 50;
#endif

// Runs body(k) in thread k; what it throws is a failure.
template <class Body>
void in_threads(const Body& body) {
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  std::vector<std::string> failures(kThreads);
  for (int k = 0; k < kThreads; ++k) {
    threads.emplace_back([&, k] {
      try {
        body(k);
      } catch (const std::exception& error) {
        failures[static_cast<size_t>(k)] = error.what();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& failure : failures) EXPECT_EQ(failure, "");
}

void expect(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

TEST(Threads, OpenAndCloseDevicesAndPlans) {
  in_threads([](int k) {
    for (int round = 0; round < kRounds; ++round) {
      const Device device(FLASHRNN_BACKEND_CPU);
      Case c;
      c.head_dim = 1 + (k + round) % 5;
      c.cell = 1 + (k + round) % 6;
      const Plan plan(device, c);
      expect(!plan.describe().empty(), "a plan describes itself");
    }
  });
}

TEST(Threads, OneDeviceMakesPlansForAllOfThem) {
  const Device device(FLASHRNN_BACKEND_CPU);
  in_threads([&](int k) {
    for (int round = 0; round < kRounds / 5; ++round) {
      Case c;
      c.seed = static_cast<uint64_t>(k) * kRounds + static_cast<uint64_t>(round);
      Trial trial(device, c);
      trial.forward();
      trial.backward();
      expect(oracle::relative_error(trial.outputs().h, trial.expected_outputs().h) < 1e-5,
             "h is right");
      expect(trial.touched().empty(), "nothing is touched");
    }
  });
}

TEST(Threads, OnePlanRunsInAllOfThem) {
  const Device device(FLASHRNN_BACKEND_CPU);
  for (const int threads : {1, 2}) {
    Case c;
    c.batch = 9;
    c.head_dim = 24;
    c.threads = threads;
    const auto plan = std::make_shared<const Plan>(device, c);
    in_threads([&](int k) {
      Case mine = c;
      mine.seed = static_cast<uint64_t>(k) + 1;  // every thread has its own data
      Trial trial(device, mine, draw_values(mine), plan);
      trial.forward();
      trial.backward();
      const std::vector<uint8_t> bytes = trial.output_bytes();
      expect(oracle::relative_error(trial.outputs().h, trial.expected_outputs().h) < 1e-5,
             "h is right");
      for (int round = 0; round < kRounds / 5; ++round) {
        trial.forward(FLASHRNN_RUN_WEIGHTS_UNCHANGED);
        trial.backward(FLASHRNN_RUN_WEIGHTS_UNCHANGED);
        expect(trial.output_bytes() == bytes, "the bits are the same every time");
      }
    });
  }
}

TEST(Threads, EachHasItsLastErrorMessage) {
  in_threads([](int k) {
    const flashrnn_cell none = 1000 + k;
    flashrnn_cell_info info{};
    info.struct_size = sizeof info;
    for (int round = 0; round < kRounds * 10; ++round) {
      expect(flashrnn_get_cell_info(none, &info) == FLASHRNN_INVALID_ARGUMENT,
             "an unknown cell is refused");
      const std::string message = flashrnn_last_error_message();
      expect(message.find(std::to_string(none)) != std::string::npos,
             "the message is this thread's");
    }
  });
}

TEST(Threads, APlanClosedWhileItRunsFinishesItsRuns) {
  const Device device(FLASHRNN_BACKEND_CPU);
  for (int round = 0; round < kRounds / 5; ++round) {
    Case c;
    c.time = 50;
    const flashrnn_problem problem = problem_of(c);
    flashrnn_plan plan = nullptr;
    check(flashrnn_plan_create(device.handle(), &problem, &plan), "flashrnn_plan_create");
    std::atomic<bool> closed{false};
    in_threads([&](int k) {
      Trial trial(device, c);
      const flashrnn_forward_args args = trial.forward_args();
      for (int run = 0; run < 20; ++run) {
        const bool was_closed = closed;
        const flashrnn_status status = flashrnn_forward(plan, &args);
        expect(status == FLASHRNN_OK || status == FLASHRNN_INVALID_HANDLE, "runs, or is refused");
        expect(!was_closed || status == FLASHRNN_INVALID_HANDLE, "is refused once closed");
        if (k == 0 && run == 10) {
          check(flashrnn_plan_close(plan), "flashrnn_plan_close");
          closed = true;
        }
      }
    });
  }
}

TEST(Threads, TheLogCallbackIsNeverInTwoAtOnce) {
  struct State {
    std::atomic<int> inside{0}, most{0}, calls{0};
  } state;
  check(flashrnn_set_log_callback(
            [](flashrnn_log_level, const char*, void* user) {
              auto* s = static_cast<State*>(user);
              s->most = std::max(s->most.load(), ++s->inside);
              std::this_thread::yield();
              --s->inside;
              ++s->calls;
            },
            FLASHRNN_LOG_DEBUG, &state),
        "flashrnn_set_log_callback");
  const Device device(FLASHRNN_BACKEND_CPU);
  in_threads([&](int) {
    for (int round = 0; round < kRounds; ++round) Plan plan(device, Case{});
  });
  check(flashrnn_set_log_callback(nullptr, FLASHRNN_LOG_OFF, nullptr), "flashrnn_set_log_callback");
  EXPECT_GT(state.calls, 0);
  EXPECT_EQ(state.most, 1);
}

}  // namespace
}  // namespace flashrnn::test
