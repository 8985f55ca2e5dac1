// SPDX-License-Identifier: Apache-2.0
// flashrnn_plan_create refuses every value out of its range, and says which and why.
#include <cmath>
#include <cstdio>
#include <fstream>
#include <functional>
#include <limits>

#include "abi.hpp"

namespace flashrnn::test {
namespace {

class Problem : public AbiTest {
 protected:
  flashrnn_status create(const flashrnn_problem& problem) {
    const auto untouched = reinterpret_cast<flashrnn_plan>(&plan_);  // any value that is no handle
    plan_ = untouched;
    const flashrnn_status status = flashrnn_plan_create(device().handle(), &problem, &plan_);
    if (status == FLASHRNN_OK) {
      flashrnn_plan_close(plan_);
    } else {
      EXPECT_EQ(plan_, untouched) << "a failed call wrote its result";
    }
    return status;
  }

 private:
  flashrnn_plan plan_ = nullptr;
};

struct Bad {
  std::vector<std::string> words;  // that the message has to hold
  std::function<void(flashrnn_problem&)> break_it;
  flashrnn_status status = FLASHRNN_INVALID_ARGUMENT;
};

constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();

const std::vector<Bad>& bad_problems() {
  static const std::vector<Bad> all = {
      {{"cell", "0"}, [](auto& p) { p.cell = 0; }},
      {{"cell", "-1"}, [](auto& p) { p.cell = -1; }},
      {{"cell", "99"}, [](auto& p) { p.cell = 99; }},
      {{"mode", "4"}, [](auto& p) { p.mode = 4; }},
      {{"mode", "-1"}, [](auto& p) { p.mode = -1; }},
      {{"batch", "0"}, [](auto& p) { p.batch = 0; }},
      {{"batch", "-3"}, [](auto& p) { p.batch = -3; }},
      {{"batch"}, [](auto& p) { p.batch = std::numeric_limits<int64_t>::min(); }},
      {{"time", "-1"}, [](auto& p) { p.time = -1; }},
      {{"heads", "0"}, [](auto& p) { p.heads = 0; }},
      {{"heads", "-7"}, [](auto& p) { p.heads = -7; }},
      {{"head_dim", "0"}, [](auto& p) { p.head_dim = 0; }},
      {{"head_dim", "-64"}, [](auto& p) { p.head_dim = -64; }},
      {{std::to_string(kHuge)}, [](auto& p) { p.batch = kHuge; }},
      {{std::to_string(kHuge)}, [](auto& p) { p.time = kHuge; }},
      {{std::to_string(kHuge)}, [](auto& p) { p.heads = kHuge; }},
      {{std::to_string(kHuge)}, [](auto& p) { p.head_dim = kHuge; }},
      // Each size is fine, their product is not.
      {{"time"}, [](auto& p) { p.batch = p.time = int64_t{1} << 31; }},
      {{"head_dim"}, [](auto& p) { p.head_dim = int64_t{1} << 32; }},
      {{"heads"},
       [](auto& p) { p.batch = p.time = p.heads = int64_t{1} << 20, p.head_dim = 1 << 10; }},
      {{"dtype", "5"}, [](auto& p) { p.dtype = FLASHRNN_UINT8; }},
      {{"dtype", "6"}, [](auto& p) { p.dtype = FLASHRNN_INT32; }},
      {{"dtype", "-1"}, [](auto& p) { p.dtype = -1; }},
      {{"dtype", "8"}, [](auto& p) { p.dtype = 8; }},
      {{"weight_dtype", "1000"}, [](auto& p) { p.weight_dtype = 1000; }},
      {{"state_dtype", "7"}, [](auto& p) { p.state_dtype = FLASHRNN_INT64; }},
      {{"float64"}, [](auto& p) { p.dtype = FLASHRNN_FLOAT64; }},
      {{"float64"}, [](auto& p) { p.weight_dtype = FLASHRNN_FLOAT64; }},
      {{"float64"}, [](auto& p) { p.state_dtype = FLASHRNN_FLOAT64; }},
      {{"flags", "20"}, [](auto& p) { p.flags = 1u << 5; }},
      {{"flags", "80000001"}, [](auto& p) { p.flags = 0x80000001u; }},
      {{"forward_clip", "nan"}, [](auto& p) { p.forward_clip = std::nan(""); }},
      {{"forward_clip", "-1"}, [](auto& p) { p.forward_clip = -1; }},
      {{"forward_clip", "inf"}, [](auto& p) { p.forward_clip = HUGE_VAL; }},
      {{"recurrent_gradient_clip", "nan"},
       [](auto& p) { p.recurrent_gradient_clip = std::nan(""); }},
      {{"recurrent_gradient_clip", "-0.5"}, [](auto& p) { p.recurrent_gradient_clip = -0.5; }},
      {{"recurrent_gradient_clip", "-inf"}, [](auto& p) { p.recurrent_gradient_clip = -HUGE_VAL; }},
      {{"threads", "-1"}, [](auto& p) { p.threads = -1; }},
      {{"reserved", "3"}, [](auto& p) { p.reserved = 3; }},
      {{"no_such_name"}, [](auto& p) { p.config = "no_such_name=1"; }},
      {{"no_such_model"}, [](auto& p) { p.model_path = "/nonexistent/no_such_model"; }},
      {{"struct_size", "0"}, [](auto& p) { p.struct_size = 0; }},
      {{"struct_size"}, [](auto& p) { p.struct_size = sizeof p - 1; }},
      {{"struct_size"}, [](auto& p) { p.struct_size = std::numeric_limits<size_t>::max(); }},
  };
  return all;
}

TEST_F(Problem, EveryValueOutOfRangeIsRefusedWithValueAndRule) {
  for (size_t k = 0; k < bad_problems().size(); ++k) {
    const Bad& bad = bad_problems()[k];
    SCOPED_TRACE("bad problem " + std::to_string(k) + ", about " + bad.words.front());
    flashrnn_problem problem = good_problem();
    bad.break_it(problem);
    expect_refused(create(problem), bad.status, bad.words);
  }
}

TEST_F(Problem, GoodOnesAreAccepted) {
  EXPECT_EQ(create(good_problem()), FLASHRNN_OK) << flashrnn_last_error_message();
  flashrnn_problem edge{};  // all defaults
  edge.struct_size = sizeof edge;
  edge.cell = FLASHRNN_GRU;
  edge.batch = edge.heads = edge.head_dim = 1;
  EXPECT_EQ(create(edge), FLASHRNN_OK) << flashrnn_last_error_message();
  edge.config = "";
  edge.threads = 1000000;  // at most that many: fewer are there
  EXPECT_EQ(create(edge), FLASHRNN_OK) << flashrnn_last_error_message();
  edge.flags = FLASHRNN_ALLOW_TF32;  // a permission, not a request
  EXPECT_EQ(create(edge), FLASHRNN_OK) << flashrnn_last_error_message();
}

// A model of the user's own may allow what no kernel can run: found out before memory is trusted to
// it.
TEST_F(Problem, ModelsThatGiveImpossibleConfigurationsAreRefused) {
  const std::string path = testing::TempDir() + "flashrnn_bad_model.constrint";
  const auto refused = [&](const std::string& batch_tile, const std::string& rest,
                           const std::vector<std::string>& words) {
    std::ofstream(path)
        << "var kernel in [1]; var isa in [0]; var product in [0]; var block_depth in [64];"
        << "var head_block in [1]; var workers in [1]; var shares in [1];"
        << "var chunk_steps in [1]; var batch_tile in [" << batch_tile << "];" << rest;
    flashrnn_problem problem = good_problem();
    problem.model_path = path.c_str();
    expect_refused(create(problem), FLASHRNN_INVALID_ARGUMENT, words);
  };
  refused("0", "var backward_head_block in [1];", {"batch_tile = 0", "1 to 64"});
  refused("65", "var backward_head_block in [1];", {"batch_tile = 65", "1 to 64"});
  refused("1", "var backward_head_block in [17];", {"backward_head_block = 17", "1 to 16"});
  refused("1", "", {"backward_head_block", "no variable"});
  refused("1", "var backward_head_block in [1", {"constraint model", "flashrnn_bad_model"});
  std::remove(path.c_str());
}

TEST_F(Problem, LargeOnesArePlannedWithoutTouchingTheirMemory) {
  flashrnn_problem large = good_problem();
  large.batch = 4096;
  large.time = 65536;
  large.heads = 16;
  large.head_dim = 512;
  EXPECT_EQ(create(large), FLASHRNN_OK) << flashrnn_last_error_message();
}

TEST_F(Problem, NullIsRefused) {
  flashrnn_plan plan = nullptr;
  const flashrnn_problem problem = good_problem();
  expect_refused(flashrnn_plan_create(device().handle(), nullptr, &plan), FLASHRNN_INVALID_ARGUMENT,
                 {"problem", "NULL"});
  expect_refused(flashrnn_plan_create(device().handle(), &problem, nullptr),
                 FLASHRNN_INVALID_ARGUMENT, {"plan", "NULL"});
  expect_refused(flashrnn_plan_create(nullptr, &problem, &plan), FLASHRNN_INVALID_HANDLE, {});
}

}  // namespace
}  // namespace flashrnn::test
