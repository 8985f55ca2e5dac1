// SPDX-License-Identifier: Apache-2.0
#include "tensors.hpp"

#include <algorithm>
#include <cmath>

#include "host_array.hpp"

namespace flashrnn::bench {

using problem_text::Cell;
using problem_text::Strides;

namespace {

Strides packed(std::initializer_list<int64_t> extents) {
  Strides result;
  result.elements = 1;
  size_t axis = extents.size();
  for (auto extent = std::rbegin(extents); extent != std::rend(extents); ++extent) {
    result.stride[--axis] = result.elements;
    result.elements *= *extent;
  }
  return result;
}

DeviceTensor output(const Device& device, const Strides& strides, flashrnn_dtype dtype) {
  DeviceTensor tensor;
  tensor.elements = strides.elements;
  tensor.buffer = Buffer(device, strides.elements * flashrnn_dtype_size(dtype));
  tensor.buffer.fill(0xff);
  tensor.abi.data = tensor.buffer.data();
  tensor.abi.dtype = dtype;
  std::copy(strides.stride.begin(), strides.stride.end(), tensor.abi.stride);
  return tensor;
}

DeviceTensor input(const Device& device, const Strides& strides, flashrnn_dtype dtype,
                   const std::vector<std::byte>& bytes) {
  DeviceTensor tensor = output(device, strides, dtype);
  tensor.buffer.upload(bytes.data(), bytes.size());
  return tensor;
}

DeviceTensor input(const Device& device, const Strides& strides, flashrnn_dtype dtype,
                   const std::vector<double>& values) {
  return input(device, strides, dtype, encode(values, dtype));
}

DeviceTensor random_input(const Device& device, const Strides& strides, flashrnn_dtype dtype,
                          double scale, uint64_t seed) {
  return input(device, strides, dtype, random_bytes(strides.elements, scale, seed, dtype));
}

// Between half and all of the time, so that about a quarter of the work is masked.
std::vector<double> random_lengths(const Problem& p) {
  std::vector<double> lengths = random_values(p.batch, 0.25 * p.time, 11);
  for (double& length : lengths) length = std::floor(length + 0.75 * p.time);
  return lengths;
}

// One step in a hundred starts a new episode.
std::vector<double> random_resets(const Problem& p) {
  std::vector<double> resets = random_values(p.batch * p.time, 1.0, 12);
  for (double& reset : resets) reset = reset > 0.98 ? 1.0 : 0.0;
  return resets;
}

}  // namespace

std::vector<double> DeviceTensor::values() const {
  std::vector<std::byte> bytes(elements * flashrnn_dtype_size(abi.dtype));
  buffer.download(bytes.data(), bytes.size());
  return decode(bytes, abi.dtype);
}

Tensors::Tensors(const Device& device, const Plan& plan, const Problem& p) {
  const Cell& cell = cell_of(p);
  const flashrnn_plan_sizes sizes = sizes_of(plan);
  const flashrnn_dtype weights = weight_dtype(p);
  const flashrnn_dtype ends = state_dtype(p);
  const Strides r_strides = packed({cell.recurrent_gates, p.heads, p.head_dim, p.head_dim});
  const Strides bias_strides = packed({cell.bias_gates, p.heads, p.head_dim});
  const Strides ends_strides = last_states_strides(p);
  const bool training = p.mode != FLASHRNN_MODE_INFERENCE;

  wx = random_input(device, wx_strides(p), p.dtype, 1.0, 1);
  // Keeps R h of the size of wx, so that gates work in their curved part but gradients stay alive.
  r = random_input(device, r_strides, weights, 1.0 / std::sqrt(p.head_dim), 2);
  if (p.bias) bias = random_input(device, bias_strides, weights, 0.1, 3);
  if (p.initial_states) initial_states = random_input(device, ends_strides, ends, 0.5, 4);
  if (p.flags & FLASHRNN_LENGTHS) {
    lengths = input(device, packed({p.batch}), FLASHRNN_INT32, random_lengths(p));
  }
  if (p.flags & FLASHRNN_RESETS) {
    resets = input(device, packed({p.time, p.batch}), FLASHRNN_UINT8, random_resets(p));
  }
  h = output(device, h_strides(p), p.dtype);
  if (p.all_states) states = output(device, states_strides(p), p.dtype);
  if (p.last_states) last_states = output(device, ends_strides, ends);

  if (training) {
    d_h = random_input(device, h_strides(p), p.dtype, 1.0, 5);
    if (p.last_states) d_last_states = random_input(device, ends_strides, ends, 1.0, 6);
    d_wx = output(device, wx_strides(p), p.dtype);
    d_r = output(device, r_strides, weights);
    if (p.bias) d_bias = output(device, bias_strides, weights);
    if (p.initial_states) d_initial_states = output(device, ends_strides, ends);
  }

  const Strides step_strides = packed({p.batch, cell.input_gates, p.heads, p.head_dim});
  step_wx = random_input(device, step_strides, p.dtype, 1.0, 7);
  step_states = random_input(device, ends_strides, ends, 0.5, 8);
  step_h = output(device, packed({p.batch, p.heads, p.head_dim}), p.dtype);

  forward_workspace = Buffer(device, sizes.forward_workspace);
  backward_workspace = Buffer(device, sizes.backward_workspace);
  step_workspace = Buffer(device, sizes.step_workspace);
  saved = Buffer(device, sizes.saved);
}

flashrnn_forward_args Tensors::forward_args(uint32_t run_flags) const {
  flashrnn_forward_args args{};
  args.struct_size = sizeof(args);
  args.wx = wx.abi;
  args.r = r.abi;
  args.bias = bias.abi;
  args.initial_states = initial_states.abi;
  args.lengths = lengths.abi;
  args.resets = resets.abi;
  args.h = h.abi;
  args.states = states.abi;
  args.last_states = last_states.abi;
  args.workspace = forward_workspace.data();
  args.workspace_size = forward_workspace.size();
  args.saved = saved.data();
  args.saved_size = saved.size();
  args.run_flags = run_flags;
  return args;
}

flashrnn_backward_args Tensors::backward_args(uint32_t run_flags) const {
  flashrnn_backward_args args{};
  args.struct_size = sizeof(args);
  args.wx = wx.abi;
  args.r = r.abi;
  args.bias = bias.abi;
  args.initial_states = initial_states.abi;
  args.lengths = lengths.abi;
  args.resets = resets.abi;
  args.h = h.abi;
  args.d_h = d_h.abi;
  args.d_last_states = d_last_states.abi;
  args.d_wx = d_wx.abi;
  args.d_r = d_r.abi;
  args.d_bias = d_bias.abi;
  args.d_initial_states = d_initial_states.abi;
  args.workspace = backward_workspace.data();
  args.workspace_size = backward_workspace.size();
  args.saved = saved.data();
  args.saved_size = saved.size();
  args.run_flags = run_flags;
  return args;
}

flashrnn_step_args Tensors::step_args(uint32_t run_flags) const {
  flashrnn_step_args args{};
  args.struct_size = sizeof(args);
  args.wx = step_wx.abi;
  args.r = r.abi;
  args.bias = bias.abi;
  args.states = step_states.abi;
  args.new_states = step_states.abi;  // the next call goes on where this one ended
  args.h = step_h.abi;
  args.workspace = step_workspace.data();
  args.workspace_size = step_workspace.size();
  args.run_flags = run_flags;
  return args;
}

}  // namespace flashrnn::bench
