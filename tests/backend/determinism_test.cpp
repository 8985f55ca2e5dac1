// SPDX-License-Identifier: Apache-2.0
// The same inputs and plan give the same bits: again, in another plan of the same problem, and from
// several threads at once.
#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "compare.hpp"
#include "environment.hpp"

namespace flashrnn::test {
namespace {

class Determinism : public BackendTest {
 protected:
  static std::vector<Case> cases() {
    std::vector<Case> all;
    for (const flashrnn_cell cell : all_cells()) {
      for (const flashrnn_dtype dtype : {FLASHRNN_FLOAT32, FLASHRNN_BFLOAT16, FLASHRNN_FLOAT16}) {
        Case c;
        c.cell = cell;
        c.dtypes = {dtype, dtype, dtype};
        c.mode = all.size() % 2 == 0 ? FLASHRNN_MODE_TRAINING : FLASHRNN_MODE_RECOMPUTE;
        c.batch = 13;
        c.time = 11;
        c.heads = 3;
        c.head_dim = 40;
        c.threads = 2;
        c.seed = all.size() + 1;
        all.push_back(c);
      }
    }
    return all;
  }
};

TEST_F(Determinism, RunsTwiceWithTheSameBits) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(name_of(c));
    Trial trial(device(), c);
    trial.forward();
    trial.backward();
    const std::vector<uint8_t> bytes = trial.output_bytes();
    for (int k = 0; k < 3; ++k) {
      trial.forward();
      trial.backward();
      EXPECT_EQ(trial.output_bytes(), bytes);
    }
  }
}

TEST_F(Determinism, EqualPlansGiveTheSameBits) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(name_of(c));
    Trial first(device(), c), second(device(), c);
    for (Trial* trial : {&first, &second}) {
      trial->forward();
      trial->backward();
    }
    EXPECT_EQ(first.output_bytes(), second.output_bytes());
  }
}

TEST_F(Determinism, OnePlanInSeveralThreadsGivesTheSameBits) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(name_of(c));
    const Values values = draw_values(c);
    const auto plan = std::make_shared<const Plan>(device(), c);
    Trial alone(device(), c, values, plan);
    alone.forward();
    alone.backward();
    std::vector<std::unique_ptr<Trial>> trials;
    trials.reserve(4);
    for (int k = 0; k < 4; ++k)
      trials.push_back(std::make_unique<Trial>(device(), c, values, plan));
    std::vector<std::thread> threads;
    threads.reserve(trials.size());
    std::vector<std::string> failures(trials.size());
    for (size_t k = 0; k < trials.size(); ++k) {
      threads.emplace_back([&, k] {
        try {
          for (int round = 0; round < 3; ++round) {
            trials[k]->forward();
            trials[k]->backward();
          }
        } catch (const std::exception& error) {
          failures[k] = error.what();
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (size_t k = 0; k < trials.size(); ++k) {
      EXPECT_EQ(failures[k], "");
      EXPECT_EQ(trials[k]->output_bytes(), alone.output_bytes());
      EXPECT_EQ(trials[k]->touched(), "");
    }
  }
}

}  // namespace
}  // namespace flashrnn::test
