// SPDX-License-Identifier: Apache-2.0
// struct_size: today's callers, callers of a later version, and callers who forgot it. This is the
// first version, so no smaller struct is known.
#include <cstring>
#include <memory>

#include "abi.hpp"

namespace flashrnn::test {
namespace {

// A struct as a later version may have it: with fields that this version does not know.
template <class Struct>
struct Longer {
  explicit Longer(const Struct& value) : now(value) { now.struct_size = sizeof(Longer); }
  Struct now;
  unsigned char later[24] = {};
};

class Structs : public AbiTest {};

// Calls with sizes that are too small, of a later version with zeros, and of a later version with a
// value.
template <class Struct, class Call>
void expect_input_sizes(const Struct& good, const Call& call) {
  for (const size_t size : {size_t{0}, size_t{1}, sizeof(size_t), sizeof(Struct) - 1}) {
    Struct small = good;
    small.struct_size = size;
    expect_refused(call(&small), FLASHRNN_INVALID_ARGUMENT, {"struct_size", std::to_string(size)});
  }
  Longer<Struct> longer(good);
  EXPECT_EQ(call(&longer.now), FLASHRNN_OK) << flashrnn_last_error_message();
  for (const size_t at : {size_t{0}, sizeof longer.later - 1}) {
    Longer<Struct> unknown(good);
    unknown.later[at] = 1;
    expect_refused(call(&unknown.now), FLASHRNN_INVALID_ARGUMENT,
                   {std::to_string(sizeof(Struct) + at)});
  }
}

TEST_F(Structs, ProblemSizes) {
  expect_input_sizes(good_problem(), [&](const flashrnn_problem* problem) {
    flashrnn_plan plan = nullptr;
    const flashrnn_status status = flashrnn_plan_create(device().handle(), problem, &plan);
    flashrnn_plan_close(plan);
    return status;
  });
}

TEST_F(Structs, RunArgumentSizes) {
  Trial trial(device(), Case{});
  trial.forward();
  expect_input_sizes(trial.forward_args(), [&](const flashrnn_forward_args* args) {
    return flashrnn_forward(trial.plan().handle(), args);
  });
  expect_input_sizes(trial.backward_args(), [&](const flashrnn_backward_args* args) {
    return flashrnn_backward(trial.plan().handle(), args);
  });
  Tensor wx(device(), {3, 4, 2, 7}, FLASHRNN_FLOAT32, Layout::kPacked, Role::kInput);
  Tensor states(device(), {2, 3, 2, 7}, FLASHRNN_FLOAT32, Layout::kPacked, Role::kOutput);
  wx.write(std::vector<double>(3 * 4 * 2 * 7, 0.5));
  GuardedMemory workspace(device(), trial.plan().sizes().step_workspace,
                          trial.plan().sizes().alignment);
  flashrnn_step_args step{};
  step.struct_size = sizeof step;
  step.wx = wx.tensor();
  step.r = trial.forward_args().r;
  step.new_states = states.tensor();
  step.workspace = workspace.data();
  step.workspace_size = workspace.size();
  expect_input_sizes(step, [&](const flashrnn_step_args* args) {
    return flashrnn_step(trial.plan().handle(), args);
  });
}

// Of an output struct the caller's size is honoured: nothing beyond it is written, nothing smaller
// taken.
template <class Struct, class Call>
void expect_output_sizes(const Call& call) {
  Struct value;
  for (const size_t size : {size_t{0}, sizeof(size_t), sizeof(Struct) - 1}) {
    std::memset(&value, 0x5a, sizeof value);
    value.struct_size = size;
    const Struct before = value;
    expect_refused(call(&value), FLASHRNN_INVALID_ARGUMENT, {"struct_size", std::to_string(size)});
    EXPECT_EQ(std::memcmp(&value, &before, sizeof value), 0) << "a failed call wrote to its output";
  }
  std::memset(&value, 0x5a, sizeof value);
  value.struct_size = sizeof value;
  EXPECT_EQ(call(&value), FLASHRNN_OK) << flashrnn_last_error_message();
  EXPECT_EQ(value.struct_size, sizeof value);

  struct {
    Struct now;
    unsigned char later[24];
  } longer;
  std::memset(&longer, 0x5a, sizeof longer);
  longer.now.struct_size = sizeof longer;
  EXPECT_EQ(call(&longer.now), FLASHRNN_OK) << flashrnn_last_error_message();
  EXPECT_EQ(longer.now.struct_size, sizeof longer) << "the caller's size is the caller's";
  for (const unsigned char byte : longer.later) EXPECT_TRUE(byte == 0x5a || byte == 0);
}

TEST_F(Structs, OutputSizes) {
  const Plan plan(device(), Case{});
  expect_output_sizes<flashrnn_plan_sizes>(
      [&](auto* out) { return flashrnn_plan_get_sizes(plan.handle(), out); });
  expect_output_sizes<flashrnn_cell_info>(
      [&](auto* out) { return flashrnn_get_cell_info(FLASHRNN_LSTM, out); });
  expect_output_sizes<flashrnn_device_info>(
      [&](auto* out) { return flashrnn_device_get_info(device().handle(), out); });
  expect_output_sizes<flashrnn_device_info>([&](auto* out) {
    int32_t count = 0;
    return flashrnn_list_devices(out, 1, &count);
  });
}

}  // namespace
}  // namespace flashrnn::test
