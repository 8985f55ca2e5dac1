// SPDX-License-Identifier: Apache-2.0
#include "check.hpp"

#include <algorithm>

#if defined(FLASHRNN_BENCH_HAS_ORACLE)
#include "oracle.hpp"
#endif

namespace flashrnn::bench {

double error_bound(const Problem& problem) {
  const auto of = [](flashrnn_dtype dtype) {
    switch (dtype) {
      case FLASHRNN_FLOAT64:
        return 1e-12;
      case FLASHRNN_FLOAT32:
        return 2e-5;
      case FLASHRNN_FLOAT16:
        return 5e-3;
      default:
        return 3e-2;
    }
  };
  // TF32 has as many bits as float16.
  const bool is_tf32 =
      problem.dtype == FLASHRNN_FLOAT32 && (problem.flags & FLASHRNN_ALLOW_TF32) != 0;
  return std::max({of(is_tf32 ? FLASHRNN_FLOAT16 : problem.dtype), of(weight_dtype(problem)),
                   of(state_dtype(problem))});
}

#if defined(FLASHRNN_BENCH_HAS_ORACLE)

namespace {

using problem_text::Cell;

// From memory order to the packed order of the ABI's axes.
std::vector<double> gather(const DeviceTensor& tensor, std::vector<int64_t> extents) {
  if (!tensor.abi.data) return {};
  const std::vector<double> memory = tensor.values();
  std::vector<double> packed(memory.size());
  std::vector<int64_t> index(extents.size(), 0);
  for (double& value : packed) {
    int64_t offset = 0;
    for (size_t axis = 0; axis < extents.size(); ++axis) {
      offset += index[axis] * tensor.abi.stride[axis];
    }
    value = memory[offset];
    for (size_t axis = extents.size(); axis-- > 0;) {
      if (++index[axis] < extents[axis]) break;
      index[axis] = 0;
    }
  }
  return packed;
}

oracle::Problem oracle_problem(const Problem& p, bool exact) {
  oracle::Problem problem;
  problem.cell = p.cell;
  problem.batch = p.batch;
  problem.time = p.time;
  problem.heads = p.heads;
  problem.head_dim = p.head_dim;
  problem.reverse = p.flags & FLASHRNN_REVERSE;
  problem.cut_recurrent_gradient = p.flags & FLASHRNN_CUT_RECURRENT_GRADIENT;
  problem.forward_clip = p.forward_clip;
  problem.recurrent_gradient_clip = p.recurrent_gradient_clip;
  problem.operand_dtype = exact ? FLASHRNN_FLOAT64 : p.dtype;
  return problem;
}

}  // namespace

std::optional<double> error_of(const Problem& p, Call call, const Tensors& tensors, bool exact) {
  if (call == Call::kStep) return std::nullopt;
  const Cell& cell = cell_of(p);
  const std::vector<int64_t> wx_shape = {p.batch, p.time, cell.input_gates, p.heads, p.head_dim};
  const std::vector<int64_t> h_shape = {p.batch, p.time, p.heads, p.head_dim};
  const std::vector<int64_t> states_shape = {cell.states, p.batch, p.time, p.heads, p.head_dim};
  const std::vector<int64_t> ends_shape = {cell.states, p.batch, p.heads, p.head_dim};
  const std::vector<int64_t> r_shape = {cell.recurrent_gates, p.heads, p.head_dim, p.head_dim};
  const std::vector<int64_t> bias_shape = {cell.bias_gates, p.heads, p.head_dim};

  oracle::Inputs inputs;
  inputs.wx = gather(tensors.wx, wx_shape);
  inputs.r = gather(tensors.r, r_shape);
  inputs.bias = gather(tensors.bias, bias_shape);
  inputs.initial_states = gather(tensors.initial_states, ends_shape);
  for (const double v : gather(tensors.lengths, {p.batch})) inputs.lengths.push_back(v);
  for (const double v : gather(tensors.resets, {p.time, p.batch})) inputs.resets.push_back(v);

  double worst = 0;
  const auto compare = [&](const DeviceTensor& tensor, const std::vector<int64_t>& shape,
                           const std::vector<double>& reference) {
    if (tensor.abi.data) {
      worst = std::max(worst, oracle::relative_error(gather(tensor, shape), reference));
    }
  };
  const oracle::Problem problem = oracle_problem(p, exact);
  const oracle::Outputs outputs = oracle::forward(problem, inputs);
  compare(tensors.h, h_shape, outputs.h);
  compare(tensors.states, states_shape, outputs.states);
  compare(tensors.last_states, ends_shape, outputs.last_states);
  if (call == Call::kForward) return worst;

  oracle::OutputGradients seeds;
  seeds.d_h = gather(tensors.d_h, h_shape);
  seeds.d_last_states = gather(tensors.d_last_states, ends_shape);
  const oracle::InputGradients gradients = oracle::backward(problem, inputs, seeds);
  compare(tensors.d_wx, wx_shape, gradients.d_wx);
  compare(tensors.d_r, r_shape, gradients.d_r);
  compare(tensors.d_bias, bias_shape, gradients.d_bias);
  compare(tensors.d_initial_states, ends_shape, gradients.d_initial_states);
  return worst;
}

#else

std::optional<double> error_of(const Problem&, Call, const Tensors&, bool) { return std::nullopt; }

#endif

}  // namespace flashrnn::bench
