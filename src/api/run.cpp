// SPDX-License-Identifier: Apache-2.0
// Entry points that run a plan: check everything, then hand on to the kernel.
#include "api/guard.hpp"
#include "api/structs.hpp"
#include "api/tables.hpp"
#include "api/tensors.hpp"
#include "flashrnn/flashrnn.h"

using namespace flashrnn;

namespace {

using Need = CallChecker::Need;

void require_run_flags(uint32_t flags, uint32_t reserved) {
  require((flags & ~uint32_t{FLASHRNN_RUN_WEIGHTS_UNCHANGED}) == 0,
          "args.run_flags is {:#x}: known bits are {:#x}", flags,
          uint32_t{FLASHRNN_RUN_WEIGHTS_UNCHANGED});
  require(reserved == 0, "args.reserved is {}: must be 0", reserved);
}

template <typename Integer>
void require_lengths(const Tensor& lengths, int64_t batch, int64_t time) {
  const auto* data = reinterpret_cast<const Integer*>(lengths.data);
  for (int64_t b = 0; b < batch; ++b) {
    const int64_t length = data[b * lengths.stride[0]];
    require(length >= 0 && length <= time, "lengths[{}] is {}: must be 0 to {}", b, length, time);
  }
}

Tensor check_lengths(CallChecker& check, const flashrnn_tensor& tensor, const Plan& plan) {
  const Problem& p = plan.problem();
  if (!p.lengths) {
    CallChecker::absent("lengths", tensor, "the plan has no FLASHRNN_LENGTHS");
    return {};
  }
  const bool wide = tensor.dtype == FLASHRNN_INT64;
  const Tensor lengths = check.input("lengths", tensor, wide ? DType::kInt64 : DType::kInt32,
                                     {{"B", p.batch}}, Need::kRequired);
  if (plan.device().host_accessible()) {
    if (wide) {
      require_lengths<int64_t>(lengths, p.batch, p.time);
    } else {
      require_lengths<int32_t>(lengths, p.batch, p.time);
    }
  }
  return lengths;
}

Tensor check_resets(CallChecker& check, const flashrnn_tensor& tensor, const Problem& p) {
  if (!p.resets) {
    CallChecker::absent("resets", tensor, "the plan has no FLASHRNN_RESETS");
    return {};
  }
  return check.input("resets", tensor, DType::kUint8, {{"T", p.time}, {"B", p.batch}},
                     Need::kRequired);
}

// What forward and backward take alike.
template <typename Call, typename Args>
void check_shared_inputs(CallChecker& check, Call& call, const Args& args, const Plan& plan) {
  const Problem& p = plan.problem();
  const CellTraits& cell = *p.cell;
  require_run_flags(args.run_flags, args.reserved);
  call.stream = native_stream(args.stream, plan.device());
  call.weights_unchanged = (args.run_flags & FLASHRNN_RUN_WEIGHTS_UNCHANGED) != 0;
  call.r = check.input(
      "r", args.r, p.weight_dtype,
      {{"Gr", cell.recurrent_gates}, {"N", p.heads}, {"D out", p.head_dim}, {"D in", p.head_dim}},
      Need::kRequired);
  call.initial_states = check.input(
      "initial_states", args.initial_states, p.state_dtype,
      {{"S", cell.states}, {"B", p.batch}, {"N", p.heads}, {"D", p.head_dim}}, Need::kOptional);
  call.lengths = check_lengths(check, args.lengths, plan);
  call.resets = check_resets(check, args.resets, p);
}

template <typename Args>
void check_projections(CallChecker& check, Tensor& wx, Tensor& bias, const Args& args,
                       const Problem& p) {
  wx = check.input("wx", args.wx, p.dtype,
                   {{"B", p.batch},
                    {"T", p.time},
                    {"Gi", p.cell->input_gates},
                    {"N", p.heads},
                    {"D", p.head_dim}},
                   Need::kRequired);
  bias = check.input("bias", args.bias, p.weight_dtype,
                     {{"Gb", p.cell->slots}, {"N", p.heads}, {"D", p.head_dim}}, Need::kOptional);
}

ForwardCall checked_forward(const Plan& plan, const flashrnn_forward_args* given) {
  const auto args = read_struct(given, "args", sizeof(flashrnn_forward_args));
  const Problem& p = plan.problem();
  const PlanSizes sizes = plan.kernel().sizes();
  CallChecker check;
  ForwardCall call;
  check_shared_inputs(check, call, args, plan);
  check_projections(check, call.wx, call.bias, args, p);
  const std::initializer_list<Axis> sequence = {
      {"B", p.batch}, {"T", p.time}, {"N", p.heads}, {"D", p.head_dim}};
  call.h = check.output("h", args.h, p.dtype, sequence,
                        p.mode == Mode::kInference ? Need::kOptional : Need::kRequired);
  call.states = check.output(
      "states", args.states, p.dtype,
      {{"S", p.cell->states}, {"B", p.batch}, {"T", p.time}, {"N", p.heads}, {"D", p.head_dim}},
      Need::kOptional);
  call.last_states = check.output(
      "last_states", args.last_states, p.state_dtype,
      {{"S", p.cell->states}, {"B", p.batch}, {"N", p.heads}, {"D", p.head_dim}}, Need::kOptional);
  check.allow_same("initial_states", "last_states");
  call.workspace = check.buffer("workspace", args.workspace, args.workspace_size,
                                sizes.forward_workspace, sizes.alignment, true);
  call.saved =
      check.buffer("saved", args.saved, args.saved_size, sizes.saved, sizes.alignment, true);
  check.finish();
  return call;
}

BackwardCall checked_backward(const Plan& plan, const flashrnn_backward_args* given) {
  const auto args = read_struct(given, "args", sizeof(flashrnn_backward_args));
  const Problem& p = plan.problem();
  const CellTraits& cell = *p.cell;
  require(p.mode != Mode::kInference,
          "problem.mode is {}: backward needs a plan for training or recompute",
          static_cast<int>(p.mode));
  const PlanSizes sizes = plan.kernel().sizes();
  CallChecker check;
  BackwardCall call;
  check_shared_inputs(check, call, args, plan);
  if (p.mode == Mode::kRecompute) {
    check_projections(check, call.wx, call.bias, args, p);
  }
  const std::initializer_list<Axis> sequence = {
      {"B", p.batch}, {"T", p.time}, {"N", p.heads}, {"D", p.head_dim}};
  const std::initializer_list<Axis> state_sequence = {
      {"S", cell.states}, {"B", p.batch}, {"T", p.time}, {"N", p.heads}, {"D", p.head_dim}};
  const std::initializer_list<Axis> states = {
      {"S", cell.states}, {"B", p.batch}, {"N", p.heads}, {"D", p.head_dim}};
  call.h = check.input("h", args.h, p.dtype, sequence, Need::kRequired);
  call.d_h = check.input("d_h", args.d_h, p.dtype, sequence, Need::kOptional);
  call.d_states = check.input("d_states", args.d_states, p.dtype, state_sequence, Need::kOptional);
  call.d_last_states =
      check.input("d_last_states", args.d_last_states, p.state_dtype, states, Need::kOptional);
  call.d_wx = check.output(
      "d_wx", args.d_wx, p.dtype,
      {{"B", p.batch}, {"T", p.time}, {"Gi", cell.input_gates}, {"N", p.heads}, {"D", p.head_dim}},
      Need::kOptional);
  call.d_r = check.output(
      "d_r", args.d_r, p.weight_dtype,
      {{"Gr", cell.recurrent_gates}, {"N", p.heads}, {"D out", p.head_dim}, {"D in", p.head_dim}},
      Need::kOptional);
  call.d_bias =
      check.output("d_bias", args.d_bias, p.weight_dtype,
                   {{"Gb", cell.slots}, {"N", p.heads}, {"D", p.head_dim}}, Need::kOptional);
  call.d_initial_states = check.output("d_initial_states", args.d_initial_states, p.state_dtype,
                                       states, Need::kOptional);
  call.workspace = check.buffer("workspace", args.workspace, args.workspace_size,
                                sizes.backward_workspace, sizes.alignment, true);
  call.saved = check.buffer("saved", const_cast<void*>(args.saved), args.saved_size, sizes.saved,
                            sizes.alignment, false);
  check.finish();
  return call;
}

StepCall checked_step(const Plan& plan, const flashrnn_step_args* given) {
  const auto args = read_struct(given, "args", sizeof(flashrnn_step_args));
  const Problem& p = plan.problem();
  const CellTraits& cell = *p.cell;
  const PlanSizes sizes = plan.kernel().sizes();
  const std::initializer_list<Axis> states = {
      {"S", cell.states}, {"B", p.batch}, {"N", p.heads}, {"D", p.head_dim}};
  CallChecker check;
  StepCall call;
  require_run_flags(args.run_flags, args.reserved);
  call.stream = native_stream(args.stream, plan.device());
  call.weights_unchanged = (args.run_flags & FLASHRNN_RUN_WEIGHTS_UNCHANGED) != 0;
  call.wx =
      check.input("wx", args.wx, p.dtype,
                  {{"B", p.batch}, {"Gi", cell.input_gates}, {"N", p.heads}, {"D", p.head_dim}},
                  Need::kRequired);
  call.r = check.input(
      "r", args.r, p.weight_dtype,
      {{"Gr", cell.recurrent_gates}, {"N", p.heads}, {"D out", p.head_dim}, {"D in", p.head_dim}},
      Need::kRequired);
  call.bias = check.input("bias", args.bias, p.weight_dtype,
                          {{"Gb", cell.slots}, {"N", p.heads}, {"D", p.head_dim}}, Need::kOptional);
  call.states = check.input("states", args.states, p.state_dtype, states, Need::kOptional);
  call.new_states =
      check.output("new_states", args.new_states, p.state_dtype, states, Need::kRequired);
  call.h = check.output("h", args.h, p.dtype, {{"B", p.batch}, {"N", p.heads}, {"D", p.head_dim}},
                        Need::kOptional);
  check.allow_same("states", "new_states");
  call.workspace = check.buffer("workspace", args.workspace, args.workspace_size,
                                sizes.step_workspace, sizes.alignment, true);
  check.finish();
  return call;
}

}  // namespace

extern "C" {

flashrnn_status flashrnn_forward(flashrnn_plan plan, const flashrnn_forward_args* args) {
  return guard("flashrnn_forward", [&] {
    const auto p = plan_table().get(plan);
    p->kernel().forward(checked_forward(*p, args));
  });
}

flashrnn_status flashrnn_backward(flashrnn_plan plan, const flashrnn_backward_args* args) {
  return guard("flashrnn_backward", [&] {
    const auto p = plan_table().get(plan);
    p->kernel().backward(checked_backward(*p, args));
  });
}

flashrnn_status flashrnn_step(flashrnn_plan plan, const flashrnn_step_args* args) {
  return guard("flashrnn_step", [&] {
    const auto p = plan_table().get(plan);
    p->kernel().step(checked_step(*p, args));
  });
}

}  // extern "C"
