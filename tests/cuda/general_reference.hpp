// SPDX-License-Identifier: Apache-2.0
// The recurrence in plain loops over doubles, on the arrays' copies on the host.
#pragma once

#include <algorithm>

#include "cells/traits.hpp"
#include "general_arrays.hpp"

namespace flashrnn::check {

#define CELL_FUNCTION inline
namespace cells {
using real = double;
CELL_FUNCTION real cell_zero() { return 0; }
CELL_FUNCTION real cell_one() { return 1; }
CELL_FUNCTION real cell_decay(real x) { return std::exp(-std::fabs(x)); }
CELL_FUNCTION real cell_tanh(real x) { return std::tanh(x); }
CELL_FUNCTION real cell_sigmoid(real x) { return 1 / (1 + std::exp(-x)); }
CELL_FUNCTION real cell_log1p_decay(real x) { return std::log1p(cell_decay(x)); }
CELL_FUNCTION real cell_quotient(real a, real b) { return a / b; }
CELL_FUNCTION real cell_max(real a, real b) { return a > b ? a : b; }
CELL_FUNCTION real cell_if_greater(real a, real b, real x, real y) { return a > b ? x : y; }
CELL_FUNCTION real cell_if_equal(real a, real b, real x, real y) { return a == b ? x : y; }
#include "all_cells.inl"
#include "cells/adapters.inl"
}  // namespace cells
#undef CELL_FUNCTION

struct Problem {
  cuda::Shape shape;
  Array wx, r, bias, initial_states, lengths, resets;
  Array d_h, d_states, d_last_states;

  int length(int b) const {
    return lengths ? std::clamp(int(lengths.at(b)), 0, shape.time) : shape.time;
  }
  int time_of(int step) const { return shape.is_reverse ? shape.time - 1 - step : step; }
  int source(int b, int step) const {
    const int t = time_of(step);
    if (t >= length(b)) return gpu::kNoStep;
    if (t == (shape.is_reverse ? length(b) - 1 : 0)) return gpu::kInitialStates;
    if (resets && resets.at(t, b) != 0) return gpu::kInitialStates;
    return gpu::kPreviousStep;
  }
  double initial(int k, int b, int n, int u) const {
    return initial_states ? initial_states.at(k, b, n, u) : 0.0;
  }
};

// Outputs as doubles: h and slots [B][T][N][slots or 1][D], states after each step.
template <typename Cell>
struct Reference {
  const Problem& p;
  std::vector<typename Cell::States> now;  // [b][step][n][u]: the states after the step, unrounded
  std::vector<typename Cell::Saved> saved;
  std::vector<typename Cell::Slots> d_slots;
  std::vector<typename Cell::States> last, d_initial;  // [b][n][u]

  explicit Reference(const Problem& problem) : p(problem) {
    const cuda::Shape& s = p.shape;
    const size_t states = size_t(s.batch) * s.heads * s.units;
    now.resize(states * std::max(s.time, 1));
    saved.resize(now.size());
    d_slots.resize(now.size());
    last.resize(states);
    d_initial.resize(states);
    for (int b = 0; b < s.batch; ++b) {
      for (int n = 0; n < s.heads; ++n) {
        forward(b, n);
        backward(b, n);
      }
    }
  }

  size_t at(int b, int step, int n, int u) const {
    const cuda::Shape& s = p.shape;
    return ((size_t(b) * s.time + step) * s.heads + n) * s.units + u;
  }
  size_t at_state(int b, int n, int u) const {
    return (size_t(b) * p.shape.heads + n) * p.shape.units + u;
  }
  double weight(int g, int n, int out, int in) const {
    return rounded(p.shape.dtype, p.r.at(g, n, out, in));
  }
  // h before a step, as the product reads it.
  double old_h(int b, int step, int n, int u) const {
    return rounded(p.shape.dtype, p.source(b, step) == gpu::kInitialStates
                                      ? p.initial(0, b, n, u)
                                      : now[at(b, step - 1, n, u)].v[0]);
  }

  void forward(int b, int n) {
    const cuda::Shape& s = p.shape;
    std::vector<typename Cell::States> current(s.units);
    for (int u = 0; u < s.units; ++u) {
      for (int k = 0; k < Cell::kStates; ++k) current[u].v[k] = p.initial(k, b, n, u);
    }
    for (int step = 0; step < s.time; ++step) {
      const int source = p.source(b, step);
      if (source != gpu::kNoStep) {
        for (int u = 0; u < s.units; ++u) {
          typename Cell::States old = current[u];
          if (source == gpu::kInitialStates) {
            for (int k = 0; k < Cell::kStates; ++k) old.v[k] = p.initial(k, b, n, u);
          }
          typename Cell::Slots g;
          for (int k = 0; k < Cell::kSlots; ++k) {
            g.v[k] = p.bias ? p.bias.at(k, n, u) : 0;
            const int in = Cell::kMaps.input_of_slot[k];
            const int recurrent = Cell::kMaps.recurrent_of_slot[k];
            if (in >= 0) g.v[k] += p.wx.at(b, p.time_of(step), in, n, u);
            for (int j = 0; recurrent >= 0 && j < s.units; ++j) {
              g.v[k] += weight(recurrent, n, u, j) * old_h(b, step, n, j);
            }
          }
          auto result = Cell::forward(g, old);
          if (s.forward_clip > 0) {
            result.now.v[0] =
                std::clamp(result.now.v[0], -double(s.forward_clip), double(s.forward_clip));
          }
          now[at(b, step, n, u)] = result.now;
          saved[at(b, step, n, u)] = result.saved;
        }
      }
      for (int u = 0; u < s.units; ++u) {
        if (source == gpu::kNoStep)
          now[at(b, step, n, u)] = current[u];
        else
          current[u] = now[at(b, step, n, u)];
      }
    }
    for (int u = 0; u < s.units; ++u) last[at_state(b, n, u)] = current[u];
  }

  void backward(int b, int n) {
    const cuda::Shape& s = p.shape;
    std::vector<typename Cell::States> carry(s.units), initial(s.units);
    for (int u = 0; u < s.units; ++u) {
      for (int k = 0; k < Cell::kStates; ++k) {
        carry[u].v[k] = p.d_last_states ? p.d_last_states.at(k, b, n, u) : 0;
        initial[u].v[k] = 0;
      }
    }
    for (int step = s.time - 1; step >= 0; --step) {
      const int source = p.source(b, step);
      const int t = p.time_of(step);
      for (int u = 0; u < s.units; ++u) {
        typename Cell::Slots zero{};
        d_slots[at(b, step, n, u)] = zero;
      }
      if (source == gpu::kNoStep) continue;
      for (int u = 0; u < s.units; ++u) {
        typename Cell::States d = carry[u];
        if (p.d_h) d.v[0] += p.d_h.at(b, t, n, u);
        for (int k = 0; p.d_states && k < Cell::kStates; ++k) {
          d.v[k] += p.d_states.at(k, b, t, n, u);
        }
        typename Cell::Saved values = saved[at(b, step, n, u)];
        for (int k = 0; k < Cell::kSaved; ++k) values.v[k] = rounded(s.dtype, values.v[k]);
        typename Cell::States after = now[at(b, step, n, u)];
        after.v[0] = rounded(s.dtype, after.v[0]);
        typename Cell::States old;
        for (int k = 0; k < Cell::kStates; ++k) {
          old.v[k] = source == gpu::kInitialStates ? p.initial(k, b, n, u)
                                                   : now[at(b, step - 1, n, u)].v[k];
        }
        old.v[0] = old_h(b, step, n, u);
        const double limit = rounded(s.dtype, s.forward_clip);
        if (s.forward_clip > 0 && std::fabs(after.v[0]) >= limit) d.v[0] = 0;
        const auto gradient = Cell::backward(values, old, after, d);
        d_slots[at(b, step, n, u)] = gradient.slots;
        carry[u] = gradient.old;
      }
      for (int u = 0; u < s.units; ++u) {
        for (int k = 0; k < Cell::kSlots && !s.cut_recurrent_gradient; ++k) {
          const int g = Cell::kMaps.recurrent_of_slot[k];
          for (int j = 0; g >= 0 && j < s.units; ++j) {
            carry[u].v[0] += weight(g, n, j, u) * d_slots[at(b, step, n, j)].v[k];
          }
        }
        const double clip = s.recurrent_gradient_clip;
        if (clip > 0) carry[u].v[0] = std::clamp(carry[u].v[0], -clip, clip);
        if (source != gpu::kInitialStates) continue;
        for (int k = 0; k < Cell::kStates; ++k) {
          initial[u].v[k] += carry[u].v[k];
          carry[u].v[k] = 0;
        }
      }
    }
    for (int u = 0; u < s.units; ++u) {
      for (int k = 0; k < Cell::kStates; ++k) {
        d_initial[at_state(b, n, u)].v[k] = carry[u].v[k] + initial[u].v[k];
      }
    }
  }
};

}  // namespace flashrnn::check
