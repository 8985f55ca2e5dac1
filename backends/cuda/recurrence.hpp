// SPDX-License-Identifier: Apache-2.0
// One direction of the recurrence by whichever kernel the plan has for it.
#pragma once

#include <optional>

#include "cuda/alternating/alternating.hpp"
#include "cuda/check.hpp"
#include "cuda/fused_launch.hpp"
#include "cuda/general/launch.hpp"

namespace flashrnn::cuda {

class Recurrence {
 public:
  static Recurrence general(int cell, const gpu::Shape& shape, bool is_backward) {
    Recurrence r;
    r.shape_ = shape;
    check(plan_general(cell, shape, is_backward, &r.general_), "plan_general");
    return r;
  }
  static Recurrence fused(const DeviceFacts& facts, const gpu::FusedConfig& config,
                          const gpu::Shape& shape) {
    Recurrence r;
    r.shape_ = shape;
    r.fused_.emplace(facts, config, shape);
    return r;
  }

  static Recurrence alternating(const DeviceFacts& facts, int cell, const gpu::Shape& shape,
                                bool is_backward, bool allow_tf32) {
    Recurrence r;
    r.shape_ = shape;
    r.alternating_.emplace(facts, cell, shape, is_backward, allow_tf32);
    return r;
  }

  bool is_alternating() const { return alternating_.has_value(); }
  const FusedLaunch* fused() const { return fused_ ? &*fused_ : nullptr; }
  int64_t exchange_bytes() const {
    if (fused_) return fused_->exchange_bytes();
    if (alternating_) return alternating_->workspace_bytes();
    return static_cast<int64_t>(general_.workspace_bytes);
  }

  void forward(const ForwardParams& params, bool weights_unchanged, cudaStream_t stream) const {
    if (fused_) return fused_->forward(params, stream);
    if (alternating_) return alternating_->forward(params, weights_unchanged, stream);
    pack(params.r, params.exchange, weights_unchanged, stream);
    check(launch_general_forward(general_, params, stream), "launch_general_forward");
  }

  void backward(const BackwardParams& params, bool weights_unchanged, cudaStream_t stream) const {
    if (fused_) return fused_->backward(params, stream);
    if (alternating_) return alternating_->backward(params, weights_unchanged, stream);
    pack(params.r, params.exchange, weights_unchanged, stream);
    check(launch_general_backward(general_, params, stream), "launch_general_backward");
  }

 private:
  void pack(const View& r, void* workspace, bool weights_unchanged, cudaStream_t stream) const {
    if (weights_unchanged || general_.packed_bytes == 0) return;
    check(launch_general_pack(general_, shape_, r, workspace, stream), "launch_general_pack");
  }

  gpu::Shape shape_{};
  GeneralPlan general_{};
  std::optional<FusedLaunch> fused_;
  std::optional<Alternating> alternating_;
};

}  // namespace flashrnn::cuda
