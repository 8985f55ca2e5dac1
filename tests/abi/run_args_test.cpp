// SPDX-License-Identifier: Apache-2.0
// flashrnn_forward, _backward and _step refuse bad arguments before anything is written.
#include <functional>
#include <limits>
#include <type_traits>

#include "abi.hpp"

namespace flashrnn::test {
namespace {

template <class Args>
struct Bad {
  std::vector<std::string> words;  // that the message has to hold
  std::function<void(Args&)> break_it;
};

constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();

// Moves a tensor by bytes, so that it is not aligned or lies in another one.
void shift(flashrnn_tensor& tensor, int bytes) {
  tensor.data = static_cast<char*>(tensor.data) + bytes;
}

// Faults that any tensor can have, required or not, by its name in the struct.
template <class Args>
void add_tensor_faults(std::vector<Bad<Args>>* all, const std::string& name,
                       flashrnn_tensor Args::*tensor, bool is_output) {
  all->push_back({{name, "8"}, [=](Args& a) { (a.*tensor).dtype = 8; }});
  all->push_back({{name, "-1"}, [=](Args& a) { (a.*tensor).dtype = -1; }});
  all->push_back({{name, "4"}, [=](Args& a) { (a.*tensor).dtype = FLASHRNN_FLOAT64; }});
  all->push_back({{name, "2"}, [=](Args& a) { (a.*tensor).dtype = FLASHRNN_BFLOAT16; }});
  all->push_back({{name, "align"}, [=](Args& a) { shift(a.*tensor, 1); }});
  all->push_back({{name, "align"}, [=](Args& a) { shift(a.*tensor, 2); }});
  all->push_back({{name, "reserved", "5"}, [=](Args& a) { (a.*tensor).reserved = 5; }});
  // Offsets that do not fit: h and its kind have their batch or state axis first, of more than one
  // element.
  all->push_back({{name, "stride"}, [=](Args& a) {
                    (a.*tensor).stride[0] = kHuge;
                    (a.*tensor).stride[1] = kHuge;
                  }});
  all->push_back({{name}, [=](Args& a) {
                    (a.*tensor).stride[0] = std::numeric_limits<int64_t>::min();
                    (a.*tensor).stride[1] = std::numeric_limits<int64_t>::min();
                  }});
  all->push_back({{name}, [=](Args& a) {  // elements fit 63 bits, bytes do not
                    (a.*tensor).stride[0] = kHuge / 4;
                    (a.*tensor).stride[1] = kHuge / 4;
                  }});
  if (!is_output) return;
  all->push_back({{name, "distinct"}, [=](Args& a) {  // a broadcast output
                    (a.*tensor).stride[0] = 0;
                    (a.*tensor).stride[1] = 1;
                  }});
  all->push_back({{name, "distinct"}, [=](Args& a) {
                    for (int64_t& stride : (a.*tensor).stride) stride = stride == 0 ? 0 : 1;
                  }});
}

template <class Args>
void add_struct_faults(std::vector<Bad<Args>>* all) {
  all->push_back({{"struct_size", "0"}, [](Args& a) { a.struct_size = 0; }});
  all->push_back({{"run_flags", "2"}, [](Args& a) { a.run_flags = 2; }});
  all->push_back({{"run_flags", "80000000"}, [](Args& a) { a.run_flags = 0x80000000u; }});
  all->push_back({{"reserved", "1"}, [](Args& a) { a.reserved = 1; }});
  all->push_back({{"workspace", "NULL"}, [](Args& a) { a.workspace = nullptr; }});
  all->push_back({{"workspace_size"}, [](Args& a) { --a.workspace_size; }});
  all->push_back({{"workspace_size", "0"}, [](Args& a) { a.workspace_size = 0; }});
  all->push_back(
      {{"workspace", "align"}, [](Args& a) { a.workspace = static_cast<char*>(a.workspace) + 1; }});
  all->push_back({{"workspace", "overlap", "r"}, [](Args& a) {
                    a.workspace =
                        static_cast<char*>(a.r.data) - reinterpret_cast<uintptr_t>(a.r.data) % 256;
                  }});
}

using ForwardArgs = flashrnn_forward_args;
using BackwardArgs = flashrnn_backward_args;
using StepArgs = flashrnn_step_args;

std::vector<Bad<ForwardArgs>> bad_forward() {
  std::vector<Bad<ForwardArgs>> all = {
      {{"wx", "required"}, [](auto& a) { a.wx.data = nullptr; }},
      {{"r", "required"}, [](auto& a) { a.r.data = nullptr; }},
      {{"lengths", "required"}, [](auto& a) { a.lengths.data = nullptr; }},
      {{"resets", "required"}, [](auto& a) { a.resets.data = nullptr; }},
      {{"h", "required"}, [](auto& a) { a.h.data = nullptr; }},
      {{"lengths"}, [](auto& a) { a.lengths.dtype = FLASHRNN_FLOAT32; }},
      {{"lengths"}, [](auto& a) { a.lengths.dtype = FLASHRNN_UINT8; }},
      {{"resets"}, [](auto& a) { a.resets.dtype = FLASHRNN_INT32; }},
      {{"saved", "NULL"}, [](auto& a) { a.saved = nullptr; }},
      {{"saved_size"}, [](auto& a) { --a.saved_size; }},
      {{"saved", "align"}, [](auto& a) { a.saved = static_cast<char*>(a.saved) + 1; }},
      {{"saved", "workspace", "overlap"}, [](auto& a) { a.saved = a.workspace; }},
      {{"h", "states", "overlap"}, [](auto& a) { a.states.data = a.h.data; }},
      {{"h", "wx", "overlap"}, [](auto& a) { a.h.data = a.wx.data; }},
      {{"last_states", "h", "overlap"}, [](auto& a) { a.last_states.data = a.h.data; }},
      {{"initial_states", "last_states", "overlap"},
       [](auto& a) {
         a.last_states = a.initial_states;
         shift(a.last_states, 4);
       }},
      {{"initial_states", "states", "overlap"},
       [](auto& a) { a.states.data = a.initial_states.data; }},
      {{"h", "overlap"},
       [](auto& a) {
         // The two may lie gigabytes apart.
         a.h.data = static_cast<char*>(a.states.data) + 64;
       }},
      {{"stride[4]"}, [](auto& a) { a.r.stride[4] = 1; }},  // an axis that r has not
      {{"stride[1]"}, [](auto& a) { a.lengths.stride[0] = 1, a.lengths.stride[1] = 1; }},
  };
  add_struct_faults(&all);
  add_tensor_faults(&all, "wx", &ForwardArgs::wx, false);
  add_tensor_faults(&all, "r", &ForwardArgs::r, false);
  add_tensor_faults(&all, "bias", &ForwardArgs::bias, false);
  add_tensor_faults(&all, "initial_states", &ForwardArgs::initial_states, false);
  add_tensor_faults(&all, "h", &ForwardArgs::h, true);
  add_tensor_faults(&all, "states", &ForwardArgs::states, true);
  add_tensor_faults(&all, "last_states", &ForwardArgs::last_states, true);
  return all;
}

std::vector<Bad<BackwardArgs>> bad_backward() {
  std::vector<Bad<BackwardArgs>> all = {
      {{"wx", "required"}, [](auto& a) { a.wx.data = nullptr; }},  // the plan is one for recompute
      {{"r", "required"}, [](auto& a) { a.r.data = nullptr; }},
      {{"h", "required"}, [](auto& a) { a.h.data = nullptr; }},
      {{"lengths", "required"}, [](auto& a) { a.lengths.data = nullptr; }},
      {{"resets", "required"}, [](auto& a) { a.resets.data = nullptr; }},
      {{"d_wx", "wx", "overlap"}, [](auto& a) { a.d_wx.data = a.wx.data; }},
      {{"d_r", "r", "overlap"}, [](auto& a) { a.d_r.data = a.r.data; }},
      {{"d_initial_states", "initial_states", "overlap"},
       [](auto& a) { a.d_initial_states.data = a.initial_states.data; }},
      {{"d_bias", "d_r", "overlap"}, [](auto& a) { a.d_bias.data = a.d_r.data; }},
      {{"d_wx", "h", "overlap"}, [](auto& a) { a.d_wx.data = a.h.data; }},
  };
  add_struct_faults(&all);
  add_tensor_faults(&all, "h", &BackwardArgs::h, false);
  add_tensor_faults(&all, "d_h", &BackwardArgs::d_h, false);
  add_tensor_faults(&all, "d_states", &BackwardArgs::d_states, false);
  add_tensor_faults(&all, "d_last_states", &BackwardArgs::d_last_states, false);
  add_tensor_faults(&all, "d_wx", &BackwardArgs::d_wx, true);
  add_tensor_faults(&all, "d_r", &BackwardArgs::d_r, true);
  add_tensor_faults(&all, "d_bias", &BackwardArgs::d_bias, true);
  add_tensor_faults(&all, "d_initial_states", &BackwardArgs::d_initial_states, true);
  return all;
}

std::vector<Bad<StepArgs>> bad_step() {
  std::vector<Bad<StepArgs>> all = {
      {{"wx", "required"}, [](auto& a) { a.wx.data = nullptr; }},
      {{"r", "required"}, [](auto& a) { a.r.data = nullptr; }},
      {{"new_states", "required"}, [](auto& a) { a.new_states.data = nullptr; }},
      {{"new_states", "wx", "overlap"}, [](auto& a) { a.new_states.data = a.wx.data; }},
      {{"new_states", "h", "overlap"}, [](auto& a) { a.h.data = a.new_states.data; }},
  };
  add_struct_faults(&all);
  add_tensor_faults(&all, "wx", &StepArgs::wx, false);
  add_tensor_faults(&all, "states", &StepArgs::states, false);
  add_tensor_faults(&all, "new_states", &StepArgs::new_states, true);
  add_tensor_faults(&all, "h", &StepArgs::h, true);
  return all;
}

class RunArgs : public AbiTest {
 protected:
  static Case problem(flashrnn_mode mode) {
    Case c;
    c.mode = mode;
    c.lengths = FLASHRNN_INT32;
    c.resets = true;
    // Every stride is spelt out, so that one of them can be changed.
    c.input_layout = c.output_layout = Layout::kSliced;
    return c;
  }

  // Refused, and not a byte of anything changed.
  template <class Args, class Call>
  void expect_all_refused(const std::vector<Bad<Args>>& all, const Args& good, Trial& trial,
                          const Call& call) {
    std::vector<uint8_t> before = trial.writable_bytes();
    for (size_t k = 0; k < all.size(); ++k) {
      SCOPED_TRACE("fault " + std::to_string(k) + ", about " + all[k].words.front());
      Args args = good;
      all[k].break_it(args);
      const flashrnn_status status = call(args);
      expect_refused(status, FLASHRNN_INVALID_ARGUMENT, all[k].words);
      if (status == FLASHRNN_OK) {
        before = trial.writable_bytes();  // it ran: the next faults are judged by what it left
        continue;
      }
      EXPECT_TRUE(trial.writable_bytes() == before) << "a refused call wrote";
      EXPECT_EQ(trial.touched(), "") << "a refused call wrote";
    }
    EXPECT_EQ(call(good), FLASHRNN_OK)
        << "the arguments that were broken were no good: " << flashrnn_last_error_message();
  }
};

TEST_F(RunArgs, ForwardRefusesBadOnesAndWritesNothing) {
  Trial trial(device(), problem(FLASHRNN_MODE_TRAINING));
  trial.poison_forward_outputs();
  expect_all_refused(bad_forward(), trial.forward_args(), trial, [&](const ForwardArgs& args) {
    return flashrnn_forward(trial.plan().handle(), &args);
  });
  EXPECT_EQ(flashrnn_forward(trial.plan().handle(), nullptr), FLASHRNN_INVALID_ARGUMENT);
}

// Nothing lies a stride further on. Under UndefinedBehaviorSanitizer nothing is multiplied by it.
TEST_F(RunArgs, StridesOfAxesOfOneElementDoNotMatter) {
  Case c = problem(FLASHRNN_MODE_TRAINING);
  c.batch = c.time = c.heads = 1;
  Trial trial(device(), c);
  trial.forward();
  const std::vector<double> h = trial.outputs().h;
  trial.poison_forward_outputs();
  ForwardArgs args = trial.forward_args();
  for (const int axis : {0, 1, 3}) args.wx.stride[axis] = kHuge - axis;
  for (const int axis : {0, 1, 2}) args.h.stride[axis] = -kHuge + axis;
  args.initial_states.stride[1] = args.r.stride[1] = kHuge;
  ASSERT_EQ(flashrnn_forward(trial.plan().handle(), &args), FLASHRNN_OK)
      << flashrnn_last_error_message();
  EXPECT_EQ(trial.outputs().h, h);
}

TEST_F(RunArgs, BackwardRefusesBadOnesAndWritesNothing) {
  Trial trial(device(), problem(FLASHRNN_MODE_RECOMPUTE));
  trial.forward();
  trial.poison_backward_outputs();
  expect_all_refused(bad_backward(), trial.backward_args(), trial, [&](const BackwardArgs& args) {
    return flashrnn_backward(trial.plan().handle(), &args);
  });
  EXPECT_EQ(flashrnn_backward(trial.plan().handle(), nullptr), FLASHRNN_INVALID_ARGUMENT);
}

TEST_F(RunArgs, StepRefusesBadOnes) {
  const Case c = problem(FLASHRNN_MODE_RECOMPUTE);
  Trial trial(device(), c);
  const flashrnn_plan_sizes& sizes = trial.plan().sizes();
  Tensor wx(device(), {3, 4, 2, 7}, FLASHRNN_FLOAT32, Layout::kSliced, Role::kInput);
  Tensor states(device(), {2, 3, 2, 7}, FLASHRNN_FLOAT32, Layout::kSliced, Role::kInput);
  Tensor next(device(), {2, 3, 2, 7}, FLASHRNN_FLOAT32, Layout::kSliced, Role::kOutput);
  Tensor h(device(), {3, 2, 7}, FLASHRNN_FLOAT32, Layout::kSliced, Role::kOutput);
  GuardedMemory workspace(device(), sizes.step_workspace, sizes.alignment);
  wx.write(std::vector<double>(3 * 4 * 2 * 7, 0.5));
  states.write(std::vector<double>(2 * 3 * 2 * 7, 0.5));
  StepArgs good{};
  good.struct_size = sizeof good;
  good.wx = wx.tensor();
  good.r = trial.forward_args().r;
  good.states = states.tensor();
  good.new_states = next.tensor();
  good.h = h.tensor();
  good.workspace = workspace.data();
  good.workspace_size = workspace.size();
  const std::vector<uint8_t> poison_next = next.bytes(), poison_h = h.bytes();
  const auto call = [&](const StepArgs& args) {
    const flashrnn_status status = flashrnn_step(trial.plan().handle(), &args);
    if (status != FLASHRNN_OK) {
      EXPECT_TRUE(next.bytes() == poison_next && h.bytes() == poison_h) << "a refused call wrote";
    }
    return status;
  };
  std::vector<Bad<StepArgs>> all = bad_step();
  if (sizes.step_workspace == 0) {  // then nothing is asked of it
    std::erase_if(
        all, [](const Bad<StepArgs>& bad) { return bad.words.front().rfind("workspace", 0) == 0; });
  }
  expect_all_refused(all, good, trial, call);
}

TEST_F(RunArgs, LengthsOutOfRangeAreRefused) {
  for (const flashrnn_dtype dtype : {FLASHRNN_INT32, FLASHRNN_INT64}) {
    for (const int64_t bad :
         {int64_t{-1}, int64_t{6}, int64_t{std::numeric_limits<int32_t>::min()}}) {
      Case c;
      c.lengths = dtype;
      Values values = draw_values(c);
      values.inputs.lengths[1] = bad;
      Trial trial(device(), c, values, std::make_shared<const Plan>(device(), c));
      trial.poison_forward_outputs();
      const std::vector<uint8_t> before = trial.writable_bytes();
      const flashrnn_forward_args args = trial.forward_args();
      expect_refused(flashrnn_forward(trial.plan().handle(), &args), FLASHRNN_INVALID_ARGUMENT,
                     {"lengths", std::to_string(bad), "5"});
      EXPECT_TRUE(trial.writable_bytes() == before);
      const flashrnn_backward_args backward = trial.backward_args();
      expect_refused(flashrnn_backward(trial.plan().handle(), &backward), FLASHRNN_INVALID_ARGUMENT,
                     {"lengths"});
      EXPECT_TRUE(trial.writable_bytes() == before);
    }
  }
}

TEST_F(RunArgs, LengthsAndResetsThatThePlanDoesNotTakeAreRefused) {
  Trial with(device(), problem(FLASHRNN_MODE_TRAINING)), without(device(), Case{});
  flashrnn_forward_args args = without.forward_args();
  args.lengths = with.forward_args().lengths;
  expect_refused(flashrnn_forward(without.plan().handle(), &args), FLASHRNN_INVALID_ARGUMENT,
                 {"lengths", "FLASHRNN_LENGTHS"});
  args = without.forward_args();
  args.resets = with.forward_args().resets;
  expect_refused(flashrnn_forward(without.plan().handle(), &args), FLASHRNN_INVALID_ARGUMENT,
                 {"resets", "FLASHRNN_RESETS"});
}

TEST_F(RunArgs, DtypesMayBeLeftToThePlan) {
  Trial trial(device(), Case{});
  trial.forward();
  const std::vector<uint8_t> bytes = trial.output_bytes();
  trial.poison_forward_outputs();
  flashrnn_forward_args args = trial.forward_args();
  for (flashrnn_tensor* t : {&args.wx, &args.r, &args.bias, &args.initial_states, &args.h,
                             &args.states, &args.last_states}) {
    t->dtype = FLASHRNN_DTYPE_DEFAULT;
  }
  ASSERT_EQ(flashrnn_forward(trial.plan().handle(), &args), FLASHRNN_OK)
      << flashrnn_last_error_message();
  EXPECT_TRUE(trial.output_bytes() == bytes);
}

}  // namespace
}  // namespace flashrnn::test
