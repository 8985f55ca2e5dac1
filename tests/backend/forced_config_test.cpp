// SPDX-License-Identifier: Apache-2.0
// Every configuration that the model allows for small problems is run, not only the one that it
// would choose.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "compare.hpp"
#include "environment.hpp"

namespace flashrnn::test {
namespace {

// The strings of the array under `key` in a JSON text. Empty where there is none.
std::vector<std::string> strings_of(const std::string& json, const std::string& key) {
  std::vector<std::string> result;
  const size_t found = json.find("\"" + key + "\"");
  if (found == std::string::npos) return result;
  const size_t begin = json.find('[', found), end = json.find(']', begin);
  if (begin == std::string::npos || end == std::string::npos) return result;
  for (size_t k = begin; k < end;) {
    const size_t open = json.find('"', k);
    if (open == std::string::npos || open > end) break;
    const size_t close = json.find('"', open + 1);
    result.push_back(json.substr(open + 1, close - open - 1));
    k = close + 1;
  }
  return result;
}

// The strings under `key` in the objects of the array under `array`. Empty where there is none.
std::vector<std::string> strings_of(const std::string& json, const std::string& array,
                                    const std::string& key) {
  std::vector<std::string> result;
  const size_t found = json.find("\"" + array + "\"");
  if (found == std::string::npos) return result;
  const size_t end = json.find(']', found);
  const std::string quoted = "\"" + key + "\"";
  for (size_t k = json.find(quoted, found); k < end; k = json.find(quoted, k + 1)) {
    const size_t open = json.find('"', k + quoted.size());
    result.push_back(json.substr(open + 1, json.find('"', open + 1) - open - 1));
  }
  return result;
}

class ForcedConfig : public BackendTest {
 protected:
  // Runs every configuration of the case, or every `stride`-th of more than `most`; returns how
  // many there are.
  size_t run_all(const Case& c, size_t most) {
    const Plan chosen(device(), c);
    const std::vector<std::string> all = strings_of(chosen.describe(), "alternatives");
    EXPECT_FALSE(all.empty()) << "flashrnn_plan_describe lists no alternatives";
    EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size())
        << "alternatives repeat themselves";
    const Values values = draw_values(c);
    const size_t stride = std::max<size_t>(1, all.size() / most);
    for (size_t k = 0; k < all.size(); k += stride) {
      SCOPED_TRACE(name_of(c) + " config " + all[k]);
      Trial trial(device(), c, values, std::make_shared<const Plan>(device(), c, all[k]));
      expect_like_oracle(trial);
    }
    return all.size();
  }

  // Calls body with a plan of the case for each instruction set that the device names.
  template <typename Body>
  void with_every_set(const Case& c, const Body& body) {
    const std::vector<std::string> sets =
        strings_of(device().describe(), "instruction_sets", "name");
    if (sets.empty()) GTEST_SKIP() << "the device names no instruction sets";
    const std::vector<std::string> all = strings_of(Plan(device(), c).describe(), "alternatives");
    for (size_t isa = 0; isa < sets.size(); ++isa) {
      SCOPED_TRACE(name_of(c) + " " + sets[isa]);
      const std::string wanted = "kernel=1,isa=" + std::to_string(isa) + ",";
      const auto config = std::find_if(all.begin(), all.end(), [&](const std::string& one) {
        return one.rfind(wanted, 0) == 0;
      });
      ASSERT_NE(config, all.end());
      auto plan = std::make_shared<const Plan>(device(), c, *config);
      EXPECT_NE(plan->describe().find("\"kernel\": \"simd " + sets[isa] + " "), std::string::npos);
      body(std::move(plan));
    }
  }
};

#if defined(FLASHRNN_TESTS_REDUCED)
constexpr size_t kMost = 10;
#else
constexpr size_t kMost = 400;
#endif

TEST_F(ForcedConfig, EveryLegalOneOfASmallProblemIsRight) {
  size_t total = 0;
  for (const flashrnn_cell cell : all_cells()) {
    for (const flashrnn_dtype dtype : {FLASHRNN_FLOAT32, FLASHRNN_BFLOAT16}) {
      Case c;
      c.cell = cell;
      c.dtypes = {dtype, dtype, FLASHRNN_FLOAT32};
      c.batch = 5;
      c.time = 3;
      c.heads = 2;
      c.head_dim = 19;
      c.threads = 2;
      c.lengths = FLASHRNN_INT32;
      c.resets = true;
      c.mode = dtype == FLASHRNN_FLOAT32 ? FLASHRNN_MODE_TRAINING : FLASHRNN_MODE_RECOMPUTE;
      total += run_all(c, kMost);
    }
  }
  RecordProperty("configurations", static_cast<int>(total));
}

TEST_F(ForcedConfig, EveryLegalOneOfARoundProblemIsRight) {
  Case c;
  c.batch = 16;
  c.time = 4;
  c.heads = 1;
  c.head_dim = 64;
  c.threads = 1;
  run_all(c, kMost);
}

TEST_F(ForcedConfig, EveryLegalOneOfADeepHeadIsRight) {
  for (const flashrnn_dtype dtype : {FLASHRNN_FLOAT32, FLASHRNN_BFLOAT16}) {
    Case c;
    c.dtypes = {dtype, dtype, FLASHRNN_FLOAT32};
    c.cell = FLASHRNN_GRU;
    c.batch = 4;
    c.time = 2;
    c.heads = 1;
    c.head_dim = 300;  // several passes over the depth, and a rest
    run_all(c, kMost / 4);
  }
}

TEST_F(ForcedConfig, EveryLegalOneOfALargeBatchIsRight) {
  Case c;
  c.batch = 131;  // every tile of the batch, and a rest
  c.time = 3;
  c.heads = 2;
  c.head_dim = 6;
  c.threads = 2;
  c.lengths = FLASHRNN_INT64;
  run_all(c, kMost);
}

TEST_F(ForcedConfig, RunsEveryInstructionSetOfTheDevice) {
  for (const flashrnn_dtype dtype : {FLASHRNN_FLOAT32, FLASHRNN_BFLOAT16, FLASHRNN_FLOAT16}) {
    Case c;
    c.dtypes = {dtype, dtype, FLASHRNN_FLOAT32};
    c.head_dim = 19;
    const Values values = draw_values(c);
    with_every_set(c, [&](std::shared_ptr<const Plan> plan) {
      Trial trial(device(), c, values, std::move(plan));
      expect_like_oracle(trial);
    });
  }
}

// What a set does not convert itself is converted by code of ours: to the nearest, and what is no
// number stays none.
TEST_F(ForcedConfig, EveryInstructionSetConverts16BitsAlike) {
  for (const flashrnn_dtype dtype : {FLASHRNN_BFLOAT16, FLASHRNN_FLOAT16}) {
    Case c;
    c.cell = FLASHRNN_ELMAN_RELU;
    c.dtypes = {dtype, dtype, FLASHRNN_FLOAT32};
    c.mode = FLASHRNN_MODE_INFERENCE;
    c.batch = 1;
    c.time = 1;
    c.heads = 1;
    c.head_dim = 38;
    Values values = draw_values(c);
    std::fill(values.inputs.r.begin(), values.inputs.r.end(), 0.0);
    // Sums of wx and bias that must be rounded: normal, tied, subnormal, past the largest.
    const double wx[] = {1.0, 1.0 + 0x1p-7, 0x1p-14, 0x1p-24, 3 * 0x1p-20, 60000.0, INFINITY};
    const double bias[] = {0.0, 0x1p-11, 0x1p-12, 3 * 0x1p-26, 0x1p-25, 0x1p-13 + 0x1p-14, 48.0};
    for (size_t k = 0; k < values.inputs.wx.size(); ++k) {
      values.inputs.wx[k] = wx[k % std::size(wx)];
      values.inputs.bias[k] = bias[k / std::size(wx) % std::size(bias)];
    }
    std::vector<double> first;
    with_every_set(c, [&](std::shared_ptr<const Plan> plan) {
      Trial trial(device(), c, values, std::move(plan));
      trial.forward();
      const std::vector<double> h = trial.outputs().h;
      if (first.empty()) first = h;
      EXPECT_EQ(h, first);
      for (size_t k = 0; k < h.size(); ++k)
        EXPECT_EQ(std::isinf(h[k]), std::isinf(values.inputs.wx[k])) << k;
    });
  }
}

TEST_F(ForcedConfig, EveryInstructionSetLetsNanThrough) {
  for (const flashrnn_cell cell : all_cells()) {
    if (cell == FLASHRNN_ELMAN_RELU) continue;  // max(NaN, 0) is 0
    for (const flashrnn_dtype dtype : {FLASHRNN_FLOAT32, FLASHRNN_BFLOAT16, FLASHRNN_FLOAT16}) {
      Case c;
      c.cell = cell;
      c.dtypes = {dtype, dtype, FLASHRNN_FLOAT32};
      c.mode = FLASHRNN_MODE_INFERENCE;
      c.batch = c.time = c.heads = 1;
      c.head_dim = 38;
      Values values = draw_values(c);
      values.inputs.wx[3] = std::nan("");  // of the first gate's fourth unit
      with_every_set(c, [&](std::shared_ptr<const Plan> plan) {
        Trial trial(device(), c, values, std::move(plan));
        trial.forward();
        const std::vector<double> h = trial.outputs().h;
        for (size_t k = 0; k < h.size(); ++k) EXPECT_EQ(std::isnan(h[k]), k == 3) << k;
      });
    }
  }
}

TEST_F(ForcedConfig, IsTheOneThatThePlanUses) {
  Case c;
  const std::vector<std::string> all = strings_of(Plan(device(), c).describe(), "alternatives");
  ASSERT_FALSE(all.empty());
  for (const std::string& config : {all.front(), all.back()}) {
    const std::string text = Plan(device(), c, config).describe();
    EXPECT_NE(text.find("\"config\": \"" + config + "\""), std::string::npos)
        << config << " in " << text;
  }
}

TEST_F(ForcedConfig, RefusesWhatTheModelDoesNotHave) {
  for (const char* config :
       {"no_such_name=1", "no_such_name", "=", ",", "threads=", "threads=x", "a=1,a=2"}) {
    flashrnn_problem problem = problem_of(Case{});
    problem.config = config;
    flashrnn_plan plan = nullptr;
    EXPECT_EQ(flashrnn_plan_create(device().handle(), &problem, &plan), FLASHRNN_INVALID_ARGUMENT)
        << config;
    EXPECT_EQ(plan, nullptr) << config;
  }
}

}  // namespace
}  // namespace flashrnn::test
