// SPDX-License-Identifier: Apache-2.0
#include "cuda/alternating/alternating.hpp"

#include "cells/traits.hpp"
#include "cuda/check.hpp"

namespace flashrnn::cuda {

namespace {

int64_t aligned(int64_t bytes) {
  constexpr auto kUnit = static_cast<int64_t>(kAlignment);
  return (bytes + kUnit - 1) / kUnit * kUnit;
}

}  // namespace

Alternating::Alternating(const DeviceFacts& facts, int cell, const gpu::Shape& shape,
                         bool is_backward, bool allow_tf32)
    : cell_(cell),
      gates_(find_cell(cell)->recurrent_gates),
      shape_(shape),
      is_backward_(is_backward),
      allow_tf32_(allow_tf32),
      blas_(std::make_shared<const Blas>()) {
  const CellTraits& traits = *find_cell(cell);
  const int64_t element = shape.dtype == gpu::kFloat32 ? 4 : 2,
                elements = int64_t{shape.heads} * shape.batch * shape.units;
  scratch_bytes_ = static_cast<int64_t>(Blas::scratch_bytes(facts.capability()));
  weight_bytes_ = aligned(int64_t{shape.heads} * gates_ * shape.units * shape.units * element);
  operand_bytes_ = aligned(elements * element * (is_backward ? gates_ : 1));
  sum_bytes_ = aligned(elements * 4 * (is_backward ? 1 : gates_));
  workspace_bytes_ = weight_bytes_ + operand_bytes_ + sum_bytes_ +
                     aligned(elements * 4 * traits.states * (is_backward ? 2 : 1)) + scratch_bytes_;
}

AlternatingMemory Alternating::memory(void* workspace) const {
  char* at = static_cast<char*>(workspace);
  const auto take = [&](int64_t bytes) {
    char* const taken = at;
    at += bytes;
    return taken;
  };
  AlternatingMemory m{};
  m.weights = take(weight_bytes_);  // first, where other calls look for it
  m.operands = take(operand_bytes_);
  m.sums = reinterpret_cast<float*>(take(sum_bytes_));
  m.carried = reinterpret_cast<float*>(at);
  return m;
}

BlasProduct Alternating::product(const AlternatingMemory& m) const {
  const int slots = gates_ * shape_.units;
  BlasProduct p{};
  p.heads = shape_.heads;
  p.rows = is_backward_ ? shape_.units : slots;
  p.depth = is_backward_ ? slots : shape_.units;
  p.columns = shape_.batch;
  p.dtype = shape_.dtype;
  p.allow_tf32 = allow_tf32_;
  p.is_transposed = is_backward_;
  p.weights = m.weights;
  p.operands = m.operands;
  p.out = m.sums;
  return p;
}

void Alternating::forward(const ForwardParams& params, bool weights_unchanged,
                          cudaStream_t stream) const {
  const AlternatingMemory m = memory(params.exchange);
  if (!weights_unchanged) {
    check(launch_alternating_pack(cell_, shape_, params.r, m.weights, stream),
          "launch_alternating_pack");
  }
  check(launch_alternating_start(cell_, params, m, stream), "launch_alternating_start");
  const Blas::Session session(*blas_, stream, scratch(params.exchange), scratch_size());
  const BlasProduct step_product = product(m);
  for (int step = 0; step < params.shape.time; ++step) {
    session.multiply(step_product);
    check(launch_alternating_step(cell_, params, m, step, stream), "launch_alternating_step");
  }
}

void Alternating::backward(const BackwardParams& params, bool weights_unchanged,
                           cudaStream_t stream) const {
  const AlternatingMemory m = memory(params.exchange);
  const bool has_product = !params.shape.cut_recurrent_gradient;
  if (!weights_unchanged && has_product) {
    check(launch_alternating_pack(cell_, shape_, params.r, m.weights, stream),
          "launch_alternating_pack");
  }
  const Blas::Session session(*blas_, stream, scratch(params.exchange), scratch_size());
  const BlasProduct step_product = product(m);
  for (int step = params.shape.time - 1; step >= -1; --step) {
    if (has_product && step < params.shape.time - 1) session.multiply(step_product);
    check(launch_alternating_step(cell_, params, m, step, stream), "launch_alternating_step");
  }
}

}  // namespace flashrnn::cuda
