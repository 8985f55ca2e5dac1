// SPDX-License-Identifier: Apache-2.0
#include "work.hpp"

namespace flashrnn::bench {

using namespace problem_text;

std::string_view call_name(Call call) {
  switch (call) {
    case Call::kForward:
      return "forward";
    case Call::kBackward:
      return "backward";
    case Call::kForwardBackward:
      return "forward+backward";
    case Call::kStep:
      return "step";
  }
  return "";
}

double flops_of(const Problem& p, Call call) {
  const double steps = call == Call::kStep ? 1.0 : static_cast<double>(p.time);
  const double product = 2.0 * cell_of(p).recurrent_gates * p.heads * p.head_dim * p.head_dim *
                         static_cast<double>(p.batch) * steps;
  const double backward = p.mode == FLASHRNN_MODE_RECOMPUTE ? 3 : 2;
  switch (call) {
    case Call::kForward:
    case Call::kStep:
      return product;
    case Call::kBackward:
      return backward * product;
    case Call::kForwardBackward:
      return (1 + backward) * product;
  }
  return 0;
}

double bytes_of(const Problem& p, Call call, double saved) {
  const Cell& cell = cell_of(p);
  const double units = static_cast<double>(p.batch) * p.heads * p.head_dim;
  const double steps = call == Call::kStep ? 1.0 : static_cast<double>(p.time);
  const double element = flashrnn_dtype_size(p.dtype);
  const double state = flashrnn_dtype_size(state_dtype(p));
  const double wx = units * steps * cell.input_gates * element;
  const double h = units * steps * element;
  const double weights = static_cast<double>(flashrnn_dtype_size(weight_dtype(p))) * p.heads *
                         p.head_dim *
                         (cell.recurrent_gates * p.head_dim + (p.bias ? cell.bias_gates : 0));
  const double states = p.all_states ? cell.states * h : 0;
  const double ends = units * cell.states * state;
  double forward = wx + weights + h + states;
  forward += (p.initial_states ? ends : 0) + (p.last_states ? ends : 0);
  if (call == Call::kStep) return wx + weights + h + 2 * ends;
  forward += saved;
  // Reads h, saved, the gradients of the outputs, and R; writes the gradients of all inputs.
  double backward = h + saved + h + states + wx + 2 * weights;
  backward += (p.initial_states ? 2 * ends : 0) + (p.last_states ? ends : 0);
  if (p.mode == FLASHRNN_MODE_RECOMPUTE) backward += wx;
  if (call == Call::kForward) return forward;
  return call == Call::kBackward ? backward : forward + backward;
}

}  // namespace flashrnn::bench
