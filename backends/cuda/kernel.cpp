// SPDX-License-Identifier: Apache-2.0
// What a call is made of on the device:
//   forward   sources (lengths and resets as bytes) -> recurrence
//   backward  sources -> in recompute mode forward again, saving -> recurrence -> gradients of R
//   and of the biases ->
//             slot gradients that d_wx could not take in place
//   step      recurrence with one step
#include "cuda/kernel.hpp"

#include "api/error.hpp"
#include "api/log.hpp"
#include "core/layout.hpp"
#include "cuda/check.hpp"
#include "cuda/config.hpp"
#include "cuda/cost.hpp"
#include "cuda/general/geometry.hpp"
#include "cuda/modules/fused_text.hpp"
#include "cuda/modules/nvrtc.hpp"
#include "cuda/recurrence.hpp"
#include "cuda/stream.hpp"
#include "cuda/views.hpp"
#include "gpu/cell_counts.hpp"
#include "gpu/saved_layout.hpp"

namespace flashrnn::cuda {

namespace {

// Slot gradients are d_wx where they can be: no two slots of a cell may write one input gate.
constexpr bool slots_have_their_own_gates() {
  for (const CellTraits& cell : kCells) {
    for (int a = 0; a < cell.slots; ++a) {
      for (int b = 0; b < a; ++b) {
        const bool is_shared = cell.input_of_slot[static_cast<size_t>(a)] >= 0 &&
                               cell.input_of_slot[static_cast<size_t>(a)] ==
                                   cell.input_of_slot[static_cast<size_t>(b)];
        if (is_shared) return false;
      }
    }
  }
  return true;
}
static_assert(slots_have_their_own_gates());
static_assert(kMaxSlots == gpu::kMaxGpuSlots);

struct ForwardMemory {
  unsigned char* sources;
  std::byte* exchange;
};

struct BackwardMemory {
  unsigned char* sources;
  std::byte* exchange;
  std::byte* weight_gradients;
  std::byte* slots[kMaxSlots];
  float* d_initial;
  std::byte* forward_exchange;  // recompute mode
  std::byte* saved;             // recompute mode
};

// Of the multiprocessors, so that the gradients of R do not take from backward what they save.
constexpr double kLeastFreeShare = 0.05;

// Why a problem that no fused kernel was chosen for has none; "" where it might.
std::string why_general(const DeviceFacts& facts, const Problem& problem) {
  if (problem.forced_config.empty() && may_alternate(facts, problem, can_compile()) && !has_blas())
    return ": no alternating kernel: " + blas_state();
  if (problem.dtype == DType::kFloat32) return ": fused kernels are for bfloat16 and float16";
  if (facts.capability() < kLeastFusedCapability) {
    return fmt::format(": fused kernels need compute capability {}.{}, this device has {}.{}",
                       kLeastFusedCapability / 10, kLeastFusedCapability % 10, facts.major,
                       facts.minor);
  }
  if (!can_compile()) return ": the library has no fused kernel of this shape; " + nvrtc_state();
  if (problem.forced_config.empty() && problem.time > 0)
    return ": no fused kernel is legal for this head dimension, or predicted to be faster";
  return "";
}

class CudaKernel final : public Kernel {
 public:
  // config: nullptr for the general kernel, `reason` says why.
  CudaKernel(const DeviceFacts& facts, const Problem& problem, const KernelConfig* config,
             std::string reason)
      : device_(facts.ordinal),
        reason_(std::move(reason)),
        problem_(problem),
        shape_(shape_of(problem)),
        step_shape_(shape_) {
    step_shape_.time = 1;
    step_shape_.is_reverse = 0;
    const bool has_backward = problem.mode != Mode::kInference;
    const auto recurrence = [&](bool is_backward) {
      if (config == nullptr) return Recurrence::general(problem.cell->id, shape_, is_backward);
      if (is_fused(*config))
        return Recurrence::fused(facts, fused_config(problem, *config, is_backward), shape_);
      return Recurrence::alternating(facts, problem.cell->id, shape_, is_backward,
                                     problem.allow_tf32);
    };
    forward_ = recurrence(false);
    if (has_backward) backward_ = recurrence(true);
    step_ = Recurrence::general(problem.cell->id, step_shape_, false);
    if (!has_backward) return;
    cuda::check(plan_weight_gradients(problem.cell->id, shape_, problem.allow_tf32, beside(facts),
                                      &weight_gradients_),
                "plan_weight_gradients");
  }

  std::string name() const override {
    const FusedLaunch* fused = forward_.fused();
    if (forward_.is_alternating()) return "alternating (" + blas_state() + ")";
    if (fused == nullptr) return "general" + reason_;
    std::string text = describe(*fused);
    if (backward_.fused() != nullptr) text += " + " + describe(*backward_.fused());
    if (weight_gradients_.is_beside)
      text += fmt::format(", gradients of R beside it in {} slices", weight_gradients_.slices);
    return text;
  }

  PlanSizes sizes() const override {
    PlanSizes sizes;
    sizes.alignment = kAlignment;
    Layout forward(nullptr, kAlignment);
    take_forward(forward);
    sizes.forward_workspace = forward.size();
    Layout step(nullptr, kAlignment);
    take_step(step);
    sizes.step_workspace = step.size();
    if (problem_.mode != Mode::kInference) {
      Layout backward(nullptr, kAlignment);
      take_backward(backward);
      sizes.backward_workspace = backward.size();
    }
    if (problem_.mode == Mode::kTraining) sizes.saved = static_cast<size_t>(saved_bytes());
    return sizes;
  }

  void forward(const ForwardCall& call) const override {
    const DeviceScope scope(device_);
    cudaStream_t stream = native_stream(call.stream);
    Layout layout(call.workspace, kAlignment);
    const ForwardMemory memory = take_forward(layout);
    make_sources(call.lengths, call.resets, memory.sources, stream);
    ForwardParams params = forward_params(call, shape_);
    params.h = view_of(call.h);
    params.states = view_of(call.states);
    params.last_states = view_of(call.last_states);
    params.sources = memory.sources;
    params.saved = problem_.mode == Mode::kTraining ? call.saved : nullptr;
    params.exchange = memory.exchange;
    forward_.forward(params, call.weights_unchanged, stream);
  }

  void backward(const BackwardCall& call) const override {
    const DeviceScope scope(device_);
    cudaStream_t stream = native_stream(call.stream);
    Layout layout(call.workspace, kAlignment);
    const BackwardMemory memory = take_backward(layout);
    make_sources(call.lengths, call.resets, memory.sources, stream);
    if (problem_.mode == Mode::kRecompute) {
      ForwardParams again = forward_params(call, shape_);
      again.sources = memory.sources;
      again.saved = memory.saved;
      again.exchange = memory.forward_exchange;
      forward_.forward(again, call.weights_unchanged, stream);
    }
    BackwardParams params = backward_params(call, memory);
    if (params.d_initial != nullptr) {
      cuda::check(cudaMemsetAsync(params.d_initial, 0,
                                  static_cast<size_t>(initial_elements()) * sizeof(float), stream),
                  "cudaMemsetAsync");
    }
    if (!call.d_r && !call.d_bias) {
      backward_.backward(params, call.weights_unchanged, stream);
    } else {
      const FusedLaunch* fused = backward_.fused();
      if (weight_gradients_.is_beside) params.progress = fused->progress(params.exchange);
      const WeightGradientParams gradients = weight_gradient_params(call, params, memory);
      cuda::check(prepare_weight_gradients(weight_gradients_, gradients, stream),
                  "prepare_weight_gradients");
      backward_.backward(params, call.weights_unchanged, stream);
      cuda::check(launch_weight_gradients(weight_gradients_, gradients, stream),
                  "launch_weight_gradients");
    }
    for (int slot = 0; slot < problem_.cell->slots; ++slot) {
      const int gate = problem_.cell->input_of_slot[static_cast<size_t>(slot)];
      const View& from = params.slot_gradient[slot];
      if (!call.d_wx || gate < 0 || shape_.time == 0) continue;
      const View to = gate_of(call.d_wx, gate);
      if (from.data == to.data) continue;
      cuda::check(launch_copy_view(shape_, from, to, stream), "launch_copy_view");
    }
  }

  void step(const StepCall& call) const override {
    const DeviceScope scope(device_);
    cudaStream_t stream = native_stream(call.stream);
    Layout layout(call.workspace, kAlignment);
    ForwardParams params{};
    params.shape = step_shape_;
    params.wx = view_of(call.wx);
    insert_time(params.wx);
    params.r = view_of(call.r);
    params.bias = view_of(call.bias);
    params.initial_states = view_of(call.states);
    params.last_states = view_of(call.new_states);
    params.h = view_of(call.h);
    insert_time(params.h);
    params.exchange = take_step(layout);
    step_.forward(params, call.weights_unchanged, stream);
  }

 private:
  // Whether and how the gradients of R are worked out while backward runs.
  Beside beside(const DeviceFacts& facts) const {
    const FusedLaunch* fused = backward_.fused();
    if (fused == nullptr || !fused->can_tell_progress()) return {};
    // The long way tells of all steps at its end; else it is the call's strides that lead there.
    const bool is_long = fused->config().family == gpu::kDirect && problem_.forward_clip > 0;
    if (is_long || fused->free_share() < kLeastFreeShare) return {};
    return {predict_fused_microseconds(facts, problem_, fused->config()) / fused->launches(),
            fused->free_share()};
  }
  bool has_sources() const { return problem_.lengths || problem_.resets; }
  int64_t source_bytes() const { return shape_.batch * source_stride(shape_.time); }
  int64_t initial_elements() const {
    return int64_t{problem_.cell->states} * shape_.batch * shape_.heads * shape_.units;
  }
  int64_t saved_bytes() const {
    if (forward_.fused() == nullptr) {
      return static_cast<int64_t>(
          saved_bytes_of(shape_, problem_.cell->saved, problem_.cell->kept));
    }
    const gpu::SavedLayout layout = gpu::saved_layout(shape_);
    return layout.value_bytes(shape_.heads, problem_.cell->saved) +
           layout.kept_bytes(shape_.heads,
                             gpu::kept_bytes_of(problem_.cell->kept, problem_.cell->kept_bits));
  }

  unsigned char* take_sources(Layout& layout) const {
    return has_sources() ? layout.take<unsigned char>(source_bytes()) : nullptr;
  }

  ForwardMemory take_forward(Layout& layout) const {
    ForwardMemory memory{};
    memory.sources = take_sources(layout);
    memory.exchange = layout.take<std::byte>(forward_.exchange_bytes());
    return memory;
  }

  std::byte* take_step(Layout& layout) const {
    return layout.take<std::byte>(step_.exchange_bytes());
  }

  BackwardMemory take_backward(Layout& layout) const {
    BackwardMemory memory{};
    memory.sources = take_sources(layout);
    memory.exchange = layout.take<std::byte>(backward_.exchange_bytes());
    memory.weight_gradients =
        layout.take<std::byte>(static_cast<int64_t>(weight_gradients_.workspace_bytes));
    // d_wx may be absent or have strides that kernels cannot write in place: only the call tells.
    for (int slot = 0; slot < problem_.cell->slots; ++slot) {
      memory.slots[slot] = layout.take<std::byte>(slot_bytes(shape_));
    }
    if (backward_.fused() != nullptr && has_sources()) {
      memory.d_initial = layout.take<float>(initial_elements());
    }
    if (problem_.mode == Mode::kRecompute) {
      memory.forward_exchange = layout.take<std::byte>(forward_.exchange_bytes());
      memory.saved = layout.take<std::byte>(saved_bytes());
    }
    return memory;
  }

  void make_sources(const Tensor& lengths, const Tensor& resets, unsigned char* sources,
                    cudaStream_t stream) const {
    if (!has_sources() || shape_.time == 0) return;
    SourcesParams params{};
    params.batch = shape_.batch;
    params.time = shape_.time;
    params.is_reverse = problem_.reverse;
    params.lengths = view_of(lengths);
    params.resets = view_of(resets);
    params.sources = sources;
    params.source_stride = source_stride(shape_.time);
    cuda::check(launch_sources(params, stream), "launch_sources");
  }

  // What forward and the forward pass of backward have alike.
  template <typename Call>
  static ForwardParams forward_params(const Call& call, const Shape& shape) {
    ForwardParams params{};
    params.shape = shape;
    params.wx = view_of(call.wx);
    params.r = view_of(call.r);
    params.bias = view_of(call.bias);
    params.initial_states = view_of(call.initial_states);
    params.source_stride = source_stride(shape.time);
    return params;
  }

  BackwardParams backward_params(const BackwardCall& call, const BackwardMemory& memory) const {
    BackwardParams params{};
    params.shape = shape_;
    params.r = view_of(call.r);
    params.initial_states = view_of(call.initial_states);
    params.h = view_of(call.h);
    params.d_h = view_of(call.d_h);
    params.d_states = view_of(call.d_states);
    params.d_last_states = view_of(call.d_last_states);
    params.d_initial_states = view_of(call.d_initial_states);
    for (int slot = 0; slot < problem_.cell->slots; ++slot) {
      params.slot_gradient[slot] = slot_view(memory.slots[slot], shape_);
    }
    take_in_place(call.d_wx, *problem_.cell, shape_, params.slot_gradient);
    params.sources = memory.sources;
    params.source_stride = source_stride(shape_.time);
    params.saved = problem_.mode == Mode::kRecompute ? memory.saved : call.saved;
    params.d_initial = call.d_initial_states ? memory.d_initial : nullptr;
    params.exchange = memory.exchange;
    return params;
  }

  WeightGradientParams weight_gradient_params(const BackwardCall& call,
                                              const BackwardParams& backward,
                                              const BackwardMemory& memory) const {
    WeightGradientParams params{};
    params.shape = shape_;
    params.cell = problem_.cell->id;
    params.allow_tf32 = problem_.allow_tf32;
    std::copy(std::begin(backward.slot_gradient), std::end(backward.slot_gradient),
              params.slot_gradient);
    params.h = backward.h;
    params.initial_states = backward.initial_states;
    // With lengths alone h of the step before is what a step started from, or its gradient is zero,
    // or (in reverse) what it started from is the zeros past the sequence.
    const bool steps_follow = !problem_.resets && (!problem_.reverse || !call.initial_states);
    params.sources = steps_follow ? nullptr : backward.sources;
    params.source_stride = backward.source_stride;
    params.d_r = view_of(call.d_r);
    params.d_bias = view_of(call.d_bias);
    params.workspace = memory.weight_gradients;
    params.progress = backward.progress;
    if (params.progress != nullptr) params.tellers = backward_.fused()->tellers();
    return params;
  }

  // [B, ...] becomes [B, T = 1, ...].
  static void insert_time(View& view) {
    std::copy_backward(view.stride + 1, view.stride + kMaxAxes - 1, view.stride + kMaxAxes);
    view.stride[1] = 0;
  }

  static std::string describe(const FusedLaunch& fused) {
    return fmt::format("fused {} ({}, {} registers)", fused_name(fused.config()),
                       fused.module().origin, fused.module().registers);
  }

  int device_;
  std::string reason_;  // of running the general kernel
  Problem problem_;
  Shape shape_, step_shape_;
  Recurrence forward_, backward_, step_;
  WeightGradientPlan weight_gradients_{};
};

}  // namespace

std::shared_ptr<const Kernel> make_kernel(const DeviceFacts& facts, const Problem& problem,
                                          const KernelConfig& config) {
  if (kind_of(config) == KernelKind::kGeneral) {
    return std::make_shared<CudaKernel>(facts, problem, nullptr, why_general(facts, problem));
  }
  try {
    return std::make_shared<CudaKernel>(facts, problem, &config, "");
  } catch (const Error& error) {
    // A driver that will not load it, a run-time compiler or a cuBLAS that fails: there is a kernel
    // that needs none of them. Who asked for this very one is told instead.
    if (!problem.forced_config.empty()) throw;
    const std::string reason =
        fmt::format(": the {} kernel was not to be had: {}",
                    is_fused(config) ? "fused" : "alternating", error.what());
    log(LogLevel::kWarning, "general kernel" + reason);
    return std::make_shared<CudaKernel>(facts, problem, nullptr, reason);
  }
}

}  // namespace flashrnn::cuda
