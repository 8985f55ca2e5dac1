// SPDX-License-Identifier: Apache-2.0
#include "core/portable/kernel.hpp"

#include <algorithm>

#include "api/error.hpp"
#include "core/layout.hpp"
#include "core/portable/backward.hpp"
#include "core/portable/forward.hpp"
#include "core/runtime.hpp"

namespace flashrnn {

namespace {

using portable::SavedMemory;
using Space = Kokkos::DefaultHostExecutionSpace;

template <typename Functor, typename Member = typename Functor::Member>
void run_teams(const Functor& functor, int64_t teams) {
  auto body = [&] {
    const typename Functor::Policy policy(static_cast<int>(teams), 1);
    Kokkos::parallel_for("flashrnn portable", policy, functor);
    Space().fence();
  };
  run_on_kokkos_thread([](void* context) { (*static_cast<decltype(body)*>(context))(); }, &body);
}

template <typename Cell, typename Real>
class PortableKernel final : public Kernel {
 public:
  PortableKernel(const Problem& problem, const KernelConfig& config) : problem_(problem) {
    const int64_t batch_tile = config.get("batch_tile");
    shape_ = {problem.batch,
              problem.time,
              problem.heads,
              problem.head_dim,
              batch_tile,
              (problem.batch + batch_tile - 1) / batch_tile,
              problem.dtype,
              problem.reverse,
              problem.forward_clip,
              problem.recurrent_gradient_clip,
              problem.cut_recurrent_gradient};
    teams_ = config.get("workers");
  }

  std::string name() const override { return "portable"; }

  PlanSizes sizes() const override {
    PlanSizes sizes;
    sizes.alignment = Layout::kAlignment;
    Layout forward(nullptr);
    take_forward(forward);
    sizes.forward_workspace = sizes.step_workspace = forward.size();
    if (problem_.mode != Mode::kInference) {
      Layout backward(nullptr);
      take_backward(backward);
      sizes.backward_workspace = backward.size();
    }
    if (problem_.mode == Mode::kTraining) {
      Layout saved(nullptr);
      take_saved(saved);
      sizes.saved = saved.size();
    }
    return sizes;
  }

  void forward(const ForwardCall& call) const override {
    Layout workspace(call.workspace);
    Layout saved(call.saved);
    const SavedMemory<Real> memory =
        call.saved == nullptr ? SavedMemory<Real>{} : take_saved(saved);
    run_forward(shape_, call, memory, take_forward(workspace));
  }

  void backward(const BackwardCall& call) const override {
    Layout workspace(call.workspace);
    const BackwardMemory memory = take_backward(workspace);
    SavedMemory<Real> saved = memory.saved;
    if (problem_.mode == Mode::kRecompute) {
      ForwardCall again;
      again.wx = call.wx;
      again.r = call.r;
      again.bias = call.bias;
      again.initial_states = call.initial_states;
      again.lengths = call.lengths;
      again.resets = call.resets;
      run_forward(shape_, again, saved, memory.forward_scratch);
    } else {
      // Backward only reads what forward saved; the layout serves both.
      Layout kept(const_cast<std::byte*>(call.saved));
      saved = take_saved(kept);
    }
    const int64_t weight_gradients = portable::weight_gradient_size(*problem_.cell, shape_.units);
    run_teams(
        portable::Backward<Cell, Real, Space>{
            {shape_, call.lengths, call.resets},
            call.r,
            call.initial_states,
            call.h,
            call.d_h,
            call.d_states,
            call.d_last_states,
            call.d_wx,
            call.d_initial_states,
            saved,
            memory.scratch,
            portable::backward_scratch(*problem_.cell, shape_.batch_tile, shape_.units),
            memory.weight_gradients,
            weight_gradients},
        teams_);
    const portable::SumWeights<Cell, Real> sum{shape_, call.d_r, call.d_bias,
                                               memory.weight_gradients, weight_gradients};
    const int64_t count = shape_.heads * weight_gradients;
    run_workers(static_cast<int>(teams_), [&](int worker) {
      for (int64_t i = count * worker / teams_; i < count * (worker + 1) / teams_; ++i) sum(i);
    });
  }

  void step(const StepCall& call) const override {
    ForwardCall forward;
    forward.wx = call.wx;
    forward.wx.stride = {call.wx.stride[0], 0, call.wx.stride[1], call.wx.stride[2],
                         call.wx.stride[3]};
    forward.r = call.r;
    forward.bias = call.bias;
    forward.initial_states = call.states;
    forward.last_states = call.new_states;
    forward.h = call.h;
    forward.h.stride = {call.h.stride[0], 0, call.h.stride[1], call.h.stride[2], 0};
    Layout workspace(call.workspace);
    portable::Shape shape = shape_;
    shape.time = 1;
    shape.is_reverse = false;
    run_forward(shape, forward, {}, take_forward(workspace));
  }

 private:
  struct BackwardMemory {
    Real* scratch;
    Real* weight_gradients;
    Real* forward_scratch;    // recompute mode
    SavedMemory<Real> saved;  // recompute mode
  };

  Real* take_forward(Layout& layout) const {
    return layout.take<Real>(
        teams_ * portable::forward_scratch(*problem_.cell, shape_.batch_tile, shape_.units));
  }

  SavedMemory<Real> take_saved(Layout& layout) const {
    const int64_t elements = shape_.batch * shape_.time * shape_.heads * shape_.units;
    SavedMemory<Real> saved;
    saved.values = layout.take<std::byte>(elements * Cell::kSaved *
                                          static_cast<int64_t>(dtype_size(shape_.dtype)));
    saved.kept = layout.take<Real>(elements * Cell::kKept);
    return saved;
  }

  BackwardMemory take_backward(Layout& layout) const {
    BackwardMemory memory{};
    const CellTraits& cell = *problem_.cell;
    memory.scratch = layout.take<Real>(
        teams_ * portable::backward_scratch(cell, shape_.batch_tile, shape_.units));
    memory.weight_gradients = layout.take<Real>(shape_.heads * shape_.tiles *
                                                portable::weight_gradient_size(cell, shape_.units));
    if (problem_.mode == Mode::kRecompute) {
      memory.forward_scratch = take_forward(layout);
      memory.saved = take_saved(layout);
    }
    return memory;
  }

  void run_forward(const portable::Shape& shape, const ForwardCall& call,
                   const SavedMemory<Real>& saved, Real* scratch) const {
    run_teams(
        portable::Forward<Cell, Real, Space>{
            {shape, call.lengths, call.resets},
            call.wx,
            call.r,
            call.bias,
            call.initial_states,
            call.h,
            call.states,
            call.last_states,
            saved,
            scratch,
            portable::forward_scratch(*problem_.cell, shape_.batch_tile, shape_.units)},
        teams_);
  }

  Problem problem_;
  portable::Shape shape_;
  int64_t teams_;
};

}  // namespace

std::shared_ptr<const Kernel> make_portable_kernel(const Problem& problem,
                                                   const KernelConfig& config) {
#define FLASHRNN_CELL(name, ENUM, value, ...)                                                  \
  if (problem.cell->id == (value)) {                                                           \
    if (problem.double_precision()) {                                                          \
      return std::make_shared<PortableKernel<portable::twofold::name##_cell, double>>(problem, \
                                                                                      config); \
    }                                                                                          \
    return std::make_shared<PortableKernel<portable::single::name##_cell, float>>(problem,     \
                                                                                  config);     \
  }
#include "cells/cells.def"
#undef FLASHRNN_CELL
  fail(Status::kInternal, "cell {} has no portable kernel", problem.cell->name);
}

}  // namespace flashrnn
