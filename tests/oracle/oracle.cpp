// SPDX-License-Identifier: Apache-2.0
#include "oracle.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "elements.hpp"

namespace flashrnn::oracle {
namespace {

using Array = std::vector<double>;

// One step of one (sequence, head), with what walking it backwards needs.
struct Step {
  int64_t t = 0;
  bool from_initial = false;  // the states before it are the initial states
  Array old;                  // [S, D] before the step
  Array operand;              // [D] h before it, as R h reads it
  Array rh;                   // [Gr, D]
  std::vector<bool> clamped;  // [D]: forward_clip held h
};

// Offsets into the packed arrays of one problem.
class Sizes {
 public:
  explicit Sizes(const Problem& p)
      : shape(cell_shape(p.cell)), B(p.batch), T(p.time), N(p.heads), D(p.head_dim) {}

  size_t wx(int64_t b, int64_t t, int64_t g, int64_t n) const {
    return index((((b * T + t) * shape.input_gates + g) * N + n) * D);
  }
  size_t r(int64_t g, int64_t n) const { return index((g * N + n) * D * D); }
  size_t bias(int64_t g, int64_t n) const { return index((g * N + n) * D); }
  size_t state(int64_t s, int64_t b, int64_t n) const { return index(((s * B + b) * N + n) * D); }
  size_t h(int64_t b, int64_t t, int64_t n) const { return index(((b * T + t) * N + n) * D); }
  size_t states(int64_t s, int64_t b, int64_t t, int64_t n) const {
    return index((((s * B + b) * T + t) * N + n) * D);
  }
  size_t reset(int64_t b, int64_t t) const { return index(t * B + b); }

  const CellShape shape;
  const int64_t B, T, N, D;

 private:
  static size_t index(int64_t value) { return static_cast<size_t>(value); }
};

Array rounded(Array values, flashrnn_dtype dtype) {
  for (double& value : values) value = round_to(value, dtype);
  return values;
}

// One (sequence, head) of a problem.
class Sequence {
 public:
  Sequence(const Problem& p, const Sizes& sizes, const Inputs& in, const Array& r, int64_t b,
           int64_t n)
      : p_(p), z_(sizes), in_(in), r_(r), b_(b), n_(n), D_(static_cast<size_t>(sizes.D)) {
    const size_t states = static_cast<size_t>(z_.shape.states);
    initial_.assign(states * D_, 0.0);
    if (!in.initial_states.empty()) {
      for (size_t s = 0; s < states; ++s) {
        std::copy_n(&in.initial_states[z_.state(static_cast<int64_t>(s), b, n)], D_,
                    &initial_[s * D_]);
      }
    }
    now_ = initial_;
  }

  // The steps of this sequence in the order in which they are made.
  std::vector<int64_t> order() const {
    const int64_t length = in_.lengths.empty() ? z_.T : in_.lengths[static_cast<size_t>(b_)];
    std::vector<int64_t> steps;
    for (int64_t t = 0; t < length; ++t) steps.push_back(t);
    if (p_.reverse) std::reverse(steps.begin(), steps.end());
    return steps;
  }

  Step step(int64_t t) {
    Step step;
    step.t = t;
    if (!in_.resets.empty() && in_.resets[z_.reset(b_, t)] != 0) {
      step.from_initial = true;
      now_ = initial_;
    }
    step.old = now_;
    step.rh.resize(static_cast<size_t>(z_.shape.recurrent_gates) * D_);
    step.clamped.assign(D_, false);
    step.operand = rounded(Array(step.old.begin(), step.old.begin() + z_.D), p_.operand_dtype);
    for (int g = 0; g < z_.shape.recurrent_gates; ++g) {
      for (size_t d = 0; d < D_; ++d) {
        const double* row = &r_[z_.r(g, n_) + d * D_];
        double sum = 0;
#pragma omp simd reduction(+ : sum)
        for (size_t k = 0; k < D_; ++k) sum += row[k] * step.operand[k];
        step.rh[static_cast<size_t>(g) * D_ + d] = sum;
      }
    }
    const Element& element = element_of(p_.cell);
    for (size_t d = 0; d < D_; ++d) {
      double now[kMaxStates] = {};
      element.forward(input(step, d), now);
      if (p_.forward_clip > 0) {
        now[0] = std::clamp(now[0], -p_.forward_clip, p_.forward_clip);
        // Backward knows h as it was put out: what rounds to the limit counts as held by it.
        step.clamped[d] = std::fabs(round_to(now[0], p_.operand_dtype)) >=
                          round_to(p_.forward_clip, p_.operand_dtype);
      }
      for (int s = 0; s < z_.shape.states; ++s) now_[static_cast<size_t>(s) * D_ + d] = now[s];
    }
    return step;
  }

  ElementInput input(const Step& step, size_t d) const {
    ElementInput in;
    for (int g = 0; g < z_.shape.input_gates; ++g) in.wx[g] = in_.wx[z_.wx(b_, step.t, g, n_) + d];
    for (int g = 0; g < z_.shape.recurrent_gates; ++g)
      in.rh[g] = step.rh[static_cast<size_t>(g) * D_ + d];
    for (int g = 0; g < z_.shape.biases; ++g)
      in.bias[g] = in_.bias.empty() ? 0.0 : in_.bias[z_.bias(g, n_) + d];
    for (int s = 0; s < z_.shape.states; ++s) in.old[s] = step.old[static_cast<size_t>(s) * D_ + d];
    return in;
  }

  const Array& now() const { return now_; }  // [S, D]

 private:
  const Problem& p_;
  const Sizes& z_;
  const Inputs& in_;
  const Array& r_;  // rounded
  int64_t b_, n_;
  size_t D_;
  Array initial_, now_;
};

// Adds `step`'s part of the gradients, given the gradient `d_now` [S, D] of the states after it,
// which already holds the outputs' gradients. Returns the gradient of the states before it.
Array step_backward(const Problem& p, const Sizes& z, const Sequence& sequence, const Step& step,
                    const Array& d_now, const Array& r, int64_t b, int64_t n, InputGradients* out) {
  const size_t D = static_cast<size_t>(z.D);
  const Element& element = element_of(p.cell);
  Array d_old(d_now.size(), 0.0);
  Array d_rh(step.rh.size(), 0.0);
  for (size_t d = 0; d < D; ++d) {
    double gradient[kMaxStates] = {};
    for (int s = 0; s < z.shape.states; ++s) gradient[s] = d_now[static_cast<size_t>(s) * D + d];
    if (step.clamped[d]) gradient[0] = 0;
    ElementGradient part;
    element.backward(sequence.input(step, d), gradient, &part);
    for (int g = 0; g < z.shape.input_gates; ++g) out->d_wx[z.wx(b, step.t, g, n) + d] = part.wx[g];
    for (int g = 0; g < z.shape.biases; ++g) out->d_bias[z.bias(g, n) + d] += part.bias[g];
    for (int g = 0; g < z.shape.recurrent_gates; ++g)
      d_rh[static_cast<size_t>(g) * D + d] = part.rh[g];
    for (int s = 0; s < z.shape.states; ++s) d_old[static_cast<size_t>(s) * D + d] = part.old[s];
  }
  for (int g = 0; g < z.shape.recurrent_gates; ++g) {
    for (size_t d = 0; d < D; ++d) {
      const double gradient = d_rh[static_cast<size_t>(g) * D + d];
      const double* row = &r[z.r(g, n) + d * D];
      double* d_row = &out->d_r[z.r(g, n) + d * D];
      for (size_t k = 0; k < D; ++k) d_row[k] += gradient * step.operand[k];
      if (p.cut_recurrent_gradient) continue;
      for (size_t k = 0; k < D; ++k) d_old[k] += gradient * row[k];
    }
  }
  if (p.recurrent_gradient_clip > 0) {
    for (size_t k = 0; k < D; ++k) {
      d_old[k] = std::clamp(d_old[k], -p.recurrent_gradient_clip, p.recurrent_gradient_clip);
    }
  }
  return d_old;
}

}  // namespace

Outputs forward(const Problem& p, const Inputs& in) {
  const Sizes z(p);
  const Array r = rounded(in.r, p.operand_dtype);
  const size_t D = static_cast<size_t>(z.D);
  Outputs out;
  out.h.assign(z.h(z.B, 0, 0), 0.0);
  out.states.assign(z.states(z.shape.states, 0, 0, 0), 0.0);
  out.last_states.assign(z.state(z.shape.states, 0, 0), 0.0);
  for (int64_t b = 0; b < z.B; ++b) {
    for (int64_t n = 0; n < z.N; ++n) {
      Sequence sequence(p, z, in, r, b, n);
      for (const int64_t t : sequence.order()) {
        sequence.step(t);
        const Array& now = sequence.now();
        for (int s = 0; s < z.shape.states; ++s) {
          std::copy_n(&now[static_cast<size_t>(s) * D], D, &out.states[z.states(s, b, t, n)]);
        }
        for (size_t d = 0; d < D; ++d) {
          out.h[z.h(b, t, n) + d] = round_to(now[d], p.operand_dtype);
        }
      }
      for (int s = 0; s < z.shape.states; ++s) {
        std::copy_n(&sequence.now()[static_cast<size_t>(s) * D], D,
                    &out.last_states[z.state(s, b, n)]);
      }
    }
  }
  return out;
}

InputGradients backward(const Problem& p, const Inputs& in, const OutputGradients& gradients) {
  const Sizes z(p);
  const Array r = rounded(in.r, p.operand_dtype);
  const size_t D = static_cast<size_t>(z.D);
  InputGradients out;
  out.d_wx.assign(z.wx(z.B, 0, 0, 0), 0.0);
  out.d_r.assign(z.r(z.shape.recurrent_gates, 0), 0.0);
  out.d_bias.assign(z.bias(z.shape.biases, 0), 0.0);
  out.d_initial_states.assign(z.state(z.shape.states, 0, 0), 0.0);
  for (int64_t b = 0; b < z.B; ++b) {
    for (int64_t n = 0; n < z.N; ++n) {
      Sequence sequence(p, z, in, r, b, n);
      std::vector<Step> steps;
      for (const int64_t t : sequence.order()) steps.push_back(sequence.step(t));

      Array d_state(static_cast<size_t>(z.shape.states) * D, 0.0);
      if (!gradients.d_last_states.empty()) {
        for (int s = 0; s < z.shape.states; ++s) {
          std::copy_n(&gradients.d_last_states[z.state(s, b, n)], D,
                      &d_state[static_cast<size_t>(s) * D]);
        }
      }
      auto add_to_initial = [&](const Array& d) {
        for (int s = 0; s < z.shape.states; ++s) {
          for (size_t k = 0; k < D; ++k) {
            out.d_initial_states[z.state(s, b, n) + k] += d[static_cast<size_t>(s) * D + k];
          }
        }
      };
      for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
        for (size_t k = 0; k < D; ++k) {
          if (!gradients.d_h.empty()) d_state[k] += gradients.d_h[z.h(b, step->t, n) + k];
          if (gradients.d_states.empty()) continue;
          for (int s = 0; s < z.shape.states; ++s) {
            d_state[static_cast<size_t>(s) * D + k] +=
                gradients.d_states[z.states(s, b, step->t, n) + k];
          }
        }
        d_state = step_backward(p, z, sequence, *step, d_state, r, b, n, &out);
        if (step->from_initial) {
          add_to_initial(d_state);
          d_state.assign(d_state.size(), 0.0);
        }
      }
      add_to_initial(d_state);
    }
  }
  return out;
}

double relative_error(const std::vector<double>& value, const std::vector<double>& reference) {
  if (value.size() != reference.size()) return std::numeric_limits<double>::infinity();
  double difference = 0, norm = 0;
  for (size_t i = 0; i < value.size(); ++i) {
    difference += (value[i] - reference[i]) * (value[i] - reference[i]);
    norm += reference[i] * reference[i];
  }
  if (std::isnan(difference)) return std::numeric_limits<double>::infinity();
  return norm > 0 ? std::sqrt(difference / norm) : std::sqrt(difference);
}

double round_to(double value, flashrnn_dtype dtype) {
  if (dtype == FLASHRNN_FLOAT32) return static_cast<double>(static_cast<float>(value));
  if (dtype == FLASHRNN_FLOAT64 || value == 0 || !std::isfinite(value)) return value;
  // Significant bits, exponent of the smallest subnormal, largest value.
  const bool half = dtype == FLASHRNN_FLOAT16;
  const int digits = half ? 11 : 8, lowest = half ? -24 : -133;
  const double largest = half ? 65504 : 0x1.fep127;
  const int unit = std::max(std::ilogb(value) - digits + 1, lowest);
  const double result = std::ldexp(std::nearbyint(std::ldexp(value, -unit)), unit);
  return std::fabs(result) > largest ? std::copysign(std::numeric_limits<double>::infinity(), value)
                                     : result;
}

}  // namespace flashrnn::oracle
