// SPDX-License-Identifier: Apache-2.0
// Every buffer that one problem's calls need, filled, on the device, and bound into the ABI's
// argument structs.
#pragma once

#include "abi.hpp"
#include "problem_text.hpp"

namespace flashrnn::bench {

using problem_text::Problem;

// A tensor on the device. elements counts those of its packed shape.
struct DeviceTensor {
  Buffer buffer;
  flashrnn_tensor abi{};  // data is NULL where the tensor is absent
  int64_t elements = 0;

  std::vector<double> values() const;  // in memory order
};

struct Tensors {
  DeviceTensor wx, r, bias, initial_states, lengths, resets;
  DeviceTensor h, states, last_states;
  DeviceTensor d_h, d_last_states, d_wx, d_r, d_bias, d_initial_states;
  DeviceTensor step_wx, step_states, step_h;
  Buffer forward_workspace, backward_workspace, step_workspace, saved;

  // Random inputs, always the same for the same problem. Outputs are poisoned with 0xff bytes,
  // which are NaN.
  Tensors(const Device& device, const Plan& plan, const Problem& problem);

  flashrnn_forward_args forward_args(uint32_t run_flags) const;
  flashrnn_backward_args backward_args(uint32_t run_flags) const;
  flashrnn_step_args step_args(uint32_t run_flags) const;
};

}  // namespace flashrnn::bench
