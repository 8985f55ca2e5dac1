// SPDX-License-Identifier: Apache-2.0
// Single steps chained one after the other make a forward pass.
#include <gtest/gtest.h>

#include <algorithm>

#include "compare.hpp"
#include "environment.hpp"

namespace flashrnn::test {
namespace {

class Steps : public BackendTest {};

// Element (b, t, ...) of [B, T, rest...] for one t, as [B, rest...].
std::vector<double> at_time(const std::vector<double>& all, int64_t batch, int64_t time,
                            int64_t t) {
  const auto rest = static_cast<std::ptrdiff_t>(all.size()) / (batch * time);
  std::vector<double> part;
  for (int64_t b = 0; b < batch; ++b) {
    const auto first = all.begin() + (b * time + t) * rest;
    part.insert(part.end(), first, first + rest);
  }
  return part;
}

// Chains c.time steps and expects the oracle's h after every one, and its last states in the end.
// The states stay in one tensor when in_place, else they go back and forth between two.
void expect_steps_make_forward(const Device& device, const Case& c, bool in_place) {
  const Values values = draw_values(c);
  const oracle::CellShape shape = oracle::cell_shape(c.cell);
  const int64_t B = c.batch, N = c.heads, D = c.head_dim;
  const Plan plan(device, c);
  Tensor r(device, {shape.recurrent_gates, N, D, D}, c.dtypes.weight, c.input_layout, Role::kInput);
  Tensor bias(device, {shape.biases, N, D}, c.dtypes.weight, c.input_layout, Role::kInput);
  Tensor first(device, {shape.states, B, N, D}, c.dtypes.state, c.output_layout, Role::kOutput);
  Tensor second(device, {shape.states, B, N, D}, c.dtypes.state, c.output_layout, Role::kOutput);
  Tensor wx(device, {B, shape.input_gates, N, D}, c.dtypes.tensor, c.input_layout, Role::kInput);
  Tensor h(device, {B, N, D}, c.dtypes.tensor, c.output_layout, Role::kOutput);
  GuardedMemory workspace(device, plan.sizes().step_workspace, plan.sizes().alignment);
  r.write(values.inputs.r);
  bias.write(values.inputs.bias);
  if (c.initial_states) first.write(values.inputs.initial_states);

  oracle::Inputs given;
  given.r = r.read();
  given.bias = bias.read();
  if (c.initial_states) given.initial_states = first.read();
  std::vector<std::vector<double>> inputs, outputs;
  Tensor* states = &first;
  for (int64_t t = 0; t < c.time; ++t) {
    wx.write(at_time(values.inputs.wx, B, c.time, t));
    inputs.push_back(wx.read());
    h.poison();
    Tensor* const next = in_place ? &first : states == &first ? &second : &first;
    flashrnn_step_args args{};
    args.struct_size = sizeof args;
    args.wx = wx.tensor();
    args.r = r.tensor();
    args.bias = bias.tensor();
    if (t > 0 || c.initial_states) args.states = states->tensor();
    args.new_states = next->tensor();
    args.h = h.tensor();
    args.workspace = workspace.data();
    args.workspace_size = workspace.size();
    args.run_flags = t > 0 ? FLASHRNN_RUN_WEIGHTS_UNCHANGED : 0;
    check(flashrnn_step(plan.handle(), &args), "flashrnn_step");
    outputs.push_back(h.read());
    states = next;
  }
  const size_t input_row = inputs.front().size() / static_cast<size_t>(B);
  for (int64_t b = 0; b < B; ++b) {
    for (const std::vector<double>& step : inputs) {
      const auto row = step.begin() + b * static_cast<std::ptrdiff_t>(input_row);
      given.wx.insert(given.wx.end(), row, row + static_cast<std::ptrdiff_t>(input_row));
    }
  }
  oracle::Problem problem = oracle_problem(c);
  problem.reverse = false;  // has no meaning in a step
  const oracle::Outputs expected = oracle::forward(problem, given);
  const double bound = output_bound(c.dtypes.tensor, c.dtypes.state);
  for (int64_t t = 0; t < c.time; ++t) {
    const std::vector<double> reference = at_time(expected.h, B, c.time, t);
    EXPECT_LE(oracle::relative_error(outputs[static_cast<size_t>(t)], reference), bound)
        << "h after step " << t;
  }
  EXPECT_LE(oracle::relative_error(states->read(), expected.last_states), bound);
  for (const Tensor* tensor : {&r, &bias, &wx, &h, &first, &second}) EXPECT_TRUE(tensor->intact());
  EXPECT_TRUE(workspace.guards_intact());
}

TEST_F(Steps, ChainedMakeTheForwardPassOfEveryCell) {
  uint64_t seed = 0;
  for (const flashrnn_cell cell : all_cells()) {
    for (const flashrnn_dtype dtype :
         {FLASHRNN_FLOAT32, FLASHRNN_FLOAT64, FLASHRNN_BFLOAT16, FLASHRNN_FLOAT16}) {
      for (const int64_t dim : {1, 17, 64}) {
        Case c;
        c.cell = cell;
        // In 16 bits the states stay in fp32, for forward keeps them so between its steps.
        const bool wide = dtype == FLASHRNN_FLOAT32 || dtype == FLASHRNN_FLOAT64;
        c.dtypes = {dtype, dtype, wide ? dtype : flashrnn_dtype{FLASHRNN_FLOAT32}};
        c.mode = dim == 17 ? FLASHRNN_MODE_INFERENCE : FLASHRNN_MODE_TRAINING;
        c.head_dim = dim;
        c.time = 6;
        c.seed = ++seed;
        c.reverse = dim == 64;
        c.initial_states = dim != 1;
        c.forward_clip = dim == 17 ? 0.25 : 0;
        c.input_layout = kLayouts[seed % 6];
        c.output_layout = kLayouts[seed / 6 % 6];
        if (may_refuse(environment().backend, c)) continue;
        SCOPED_TRACE(name_of(c));
        expect_steps_make_forward(device(), c, seed % 2 == 0);
      }
    }
  }
}

TEST_F(Steps, WorkWhateverThePlansTime) {
  for (const int64_t time : {0, 1, 100}) {
    Case plan_case;
    plan_case.time = time;
    const Plan plan(device(), plan_case);
    Case step_case = plan_case;
    step_case.time = 1;
    const Values values = draw_values(step_case);
    Tensor wx(device(), {3, 4, 2, 7}, FLASHRNN_FLOAT32, Layout::kPacked, Role::kInput);
    Tensor r(device(), {4, 2, 7, 7}, FLASHRNN_FLOAT32, Layout::kPacked, Role::kInput);
    Tensor states(device(), {2, 3, 2, 7}, FLASHRNN_FLOAT32, Layout::kPacked, Role::kOutput);
    GuardedMemory workspace(device(), plan.sizes().step_workspace, plan.sizes().alignment);
    wx.write(values.inputs.wx);
    r.write(values.inputs.r);
    flashrnn_step_args args{};
    args.struct_size = sizeof args;
    args.wx = wx.tensor();
    args.r = r.tensor();
    args.new_states = states.tensor();
    args.workspace = workspace.data();
    args.workspace_size = workspace.size();
    ASSERT_EQ(flashrnn_step(plan.handle(), &args), FLASHRNN_OK) << flashrnn_last_error_message();
    oracle::Inputs given;
    given.wx = wx.read();
    given.r = r.read();
    const oracle::Outputs expected = oracle::forward(oracle_problem(step_case), given);
    EXPECT_LE(oracle::relative_error(states.read(), expected.last_states),
              output_bound(FLASHRNN_FLOAT32, FLASHRNN_FLOAT32));
  }
}

}  // namespace
}  // namespace flashrnn::test
