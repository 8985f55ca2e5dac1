// SPDX-License-Identifier: Apache-2.0
// Entry points on plans, and the checks that make a problem out of the caller's struct.
#include "plan/plan.hpp"

#include <cmath>

#include "api/guard.hpp"
#include "api/structs.hpp"
#include "api/tables.hpp"
#include "flashrnn/flashrnn.h"

using namespace flashrnn;

namespace {

constexpr uint32_t kKnownFlags = FLASHRNN_REVERSE | FLASHRNN_LENGTHS | FLASHRNN_RESETS |
                                 FLASHRNN_CUT_RECURRENT_GRADIENT | FLASHRNN_ALLOW_TF32;

DType floating(const char* name, flashrnn_dtype value, DType fallback) {
  if (value == FLASHRNN_DTYPE_DEFAULT) return fallback;
  require(is_floating(static_cast<DType>(value)),
          "problem.{} is {} ({}): must be float32, bfloat16, float16 or float64", name, value,
          dtype_name(static_cast<DType>(value)));
  return static_cast<DType>(value);
}

void require_at_least(const char* name, int64_t value, int64_t least) {
  require(value >= least, "problem.{} is {}: must be at least {}", name, value, least);
}

// The largest tensor must be addressable, so that no size or offset computed later can overflow.
void require_addressable(const Problem& p) {
  int64_t bytes = 8 * (kMaxSlots + kMaxStates + 8);
  const bool fits = !__builtin_mul_overflow(bytes, p.batch + 64, &bytes) &&
                    !__builtin_mul_overflow(bytes, p.time + 1, &bytes) &&
                    !__builtin_mul_overflow(bytes, p.heads, &bytes) &&
                    !__builtin_mul_overflow(bytes, p.head_dim + 64, &bytes) &&
                    bytes < INT64_MAX / 4;
  int64_t weights = 64 * kMaxSlots;
  const bool weights_fit = !__builtin_mul_overflow(weights, p.heads, &weights) &&
                           !__builtin_mul_overflow(weights, p.head_dim + 64, &weights) &&
                           !__builtin_mul_overflow(weights, p.head_dim + 64, &weights) &&
                           weights < INT64_MAX / 4;
  require(fits && weights_fit,
          "problem of batch {}, time {}, heads {}, head_dim {}: its tensors must be addressable "
          "with 63 "
          "bits",
          p.batch, p.time, p.heads, p.head_dim);
}

Problem checked_problem(const flashrnn_problem* given) {
  const auto in = read_struct(given, "problem", sizeof(flashrnn_problem));
  Problem p;
  p.cell = find_cell(in.cell);
  require(p.cell != nullptr, "problem.cell is {}: must be a value of flashrnn_cell", in.cell);
  require(in.mode >= FLASHRNN_MODE_DEFAULT && in.mode <= FLASHRNN_MODE_INFERENCE,
          "problem.mode is {}: must be a value of flashrnn_mode", in.mode);
  p.mode = in.mode == FLASHRNN_MODE_DEFAULT ? Mode::kTraining : static_cast<Mode>(in.mode);
  require_at_least("batch", in.batch, 1);
  require_at_least("time", in.time, 0);
  require_at_least("heads", in.heads, 1);
  require_at_least("head_dim", in.head_dim, 1);
  constexpr int64_t kLargest = int64_t{1} << 40;
  for (const int64_t size : {in.batch, in.time, in.heads, in.head_dim}) {
    require(size <= kLargest, "problem has a size of {}: must be at most 2^40", size);
  }
  p.batch = in.batch;
  p.time = in.time;
  p.heads = in.heads;
  p.head_dim = in.head_dim;
  require_addressable(p);
  p.dtype = floating("dtype", in.dtype, DType::kFloat32);
  p.weight_dtype = floating("weight_dtype", in.weight_dtype, p.dtype);
  p.state_dtype = floating("state_dtype", in.state_dtype, p.dtype);
  const bool any_double = p.dtype == DType::kFloat64 || p.weight_dtype == DType::kFloat64 ||
                          p.state_dtype == DType::kFloat64;
  const bool all_double = p.dtype == DType::kFloat64 && p.weight_dtype == DType::kFloat64 &&
                          p.state_dtype == DType::kFloat64;
  require(any_double == all_double,
          "problem has dtype {}, weight_dtype {}, state_dtype {}: all are float64 or none is",
          dtype_name(p.dtype), dtype_name(p.weight_dtype), dtype_name(p.state_dtype));
  require((in.flags & ~kKnownFlags) == 0, "problem.flags is {:#x}: known bits are {:#x}", in.flags,
          kKnownFlags);
  p.reverse = (in.flags & FLASHRNN_REVERSE) != 0;
  p.lengths = (in.flags & FLASHRNN_LENGTHS) != 0;
  p.resets = (in.flags & FLASHRNN_RESETS) != 0;
  p.cut_recurrent_gradient = (in.flags & FLASHRNN_CUT_RECURRENT_GRADIENT) != 0;
  p.allow_tf32 = (in.flags & FLASHRNN_ALLOW_TF32) != 0;
  const auto clip = [](const char* name, double value) {
    require(std::isfinite(value) && value >= 0, "problem.{} is {}: must be finite and at least 0",
            name, value);
    return value;
  };
  p.forward_clip = clip("forward_clip", in.forward_clip);
  p.recurrent_gradient_clip = clip("recurrent_gradient_clip", in.recurrent_gradient_clip);
  require_at_least("threads", in.threads, 0);
  p.threads = in.threads;
  require(in.reserved == 0, "problem.reserved is {}: must be 0", in.reserved);
  if (in.config != nullptr) p.forced_config = in.config;
  if (in.model_path != nullptr) p.model_path = in.model_path;
  return p;
}

}  // namespace

extern "C" {

flashrnn_status flashrnn_plan_create(flashrnn_device device, const flashrnn_problem* problem,
                                     flashrnn_plan* plan) {
  return guard("flashrnn_plan_create", [&] {
    require(plan != nullptr, "plan is NULL: must point to a handle");
    auto owner = device_table().get(device);
    auto made = std::make_shared<const Plan>(std::move(owner), checked_problem(problem));
    *plan = plan_table().insert(std::move(made));
  });
}

flashrnn_status flashrnn_plan_close(flashrnn_plan plan) {
  return guard("flashrnn_plan_close", [&] { plan_table().close(plan); });
}

flashrnn_status flashrnn_plan_get_sizes(flashrnn_plan plan, flashrnn_plan_sizes* sizes) {
  return guard("flashrnn_plan_get_sizes", [&] {
    const size_t writable = output_size(sizes, "sizes", sizeof(flashrnn_plan_sizes));
    const PlanSizes s = plan_table().get(plan)->kernel().sizes();
    write_struct(sizes,
                 flashrnn_plan_sizes{0, s.forward_workspace, s.backward_workspace, s.step_workspace,
                                     s.saved, s.alignment},
                 sizes->struct_size, writable);
  });
}

flashrnn_status flashrnn_plan_describe(flashrnn_plan plan, char* text, size_t capacity,
                                       size_t* length) {
  return guard("flashrnn_plan_describe",
               [&] { write_text(plan_table().get(plan)->describe(), text, capacity, length); });
}

}  // extern "C"
