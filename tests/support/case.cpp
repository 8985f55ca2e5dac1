// SPDX-License-Identifier: Apache-2.0
#include "case.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "dtype.hpp"
#include "random.hpp"

namespace flashrnn::test {

const char* name_of_cell(flashrnn_cell cell) {
  flashrnn_cell_info info{};
  info.struct_size = sizeof info;
  return flashrnn_get_cell_info(cell, &info) == FLASHRNN_OK ? info.name : "unknown";
}

const char* name_of_mode(flashrnn_mode mode) {
  switch (mode) {
    case FLASHRNN_MODE_TRAINING:
      return "training";
    case FLASHRNN_MODE_RECOMPUTE:
      return "recompute";
    case FLASHRNN_MODE_INFERENCE:
      return "inference";
    default:
      return "default";
  }
}

std::string name_of(const Case& c) {
  std::ostringstream s;
  s << name_of_cell(c.cell) << "_" << name_of(c.dtypes.tensor);
  if (c.dtypes.weight != c.dtypes.tensor || c.dtypes.state != c.dtypes.tensor) {
    s << "_w" << name_of(c.dtypes.weight) << "_s" << name_of(c.dtypes.state);
  }
  s << "_" << name_of_mode(c.mode) << "_B" << c.batch << "_T" << c.time << "_N" << c.heads << "_D"
    << c.head_dim << "_" << name_of(c.input_layout) << "_" << name_of(c.output_layout);
  if (c.reverse) s << "_reverse";
  if (c.lengths != FLASHRNN_DTYPE_DEFAULT) s << "_lengths" << name_of(c.lengths);
  if (c.resets) s << "_resets";
  if (c.forward_clip > 0) s << "_clip";
  if (c.recurrent_gradient_clip > 0) s << "_gradientclip";
  if (c.cut_recurrent_gradient) s << "_cut";
  if (!c.bias) s << "_nobias";
  if (!c.initial_states) s << "_noinitial";
  if (c.last_in_place) s << "_inplace";
  if (!c.want_states) s << "_nostates";
  if (c.given != kGiveAll) s << "_given" << c.given;
  if (c.wanted != kWantAll) s << "_wanted" << c.wanted;
  if (c.threads != 1) s << "_threads" << c.threads;
  return s.str();
}

void PrintTo(const Case& c, std::ostream* out) { *out << name_of(c); }

oracle::Problem oracle_problem(const Case& c) {
  oracle::Problem p;
  p.cell = c.cell;
  p.batch = c.batch;
  p.time = c.time;
  p.heads = c.heads;
  p.head_dim = c.head_dim;
  p.reverse = c.reverse;
  p.cut_recurrent_gradient = c.cut_recurrent_gradient;
  p.forward_clip = c.forward_clip;
  p.recurrent_gradient_clip = c.recurrent_gradient_clip;
  p.operand_dtype = c.dtypes.tensor;
  return p;
}

Values draw_values(const Case& c) {
  Random random(c.seed);
  const oracle::CellShape shape = oracle::cell_shape(c.cell);
  const auto draw = [&](int64_t size, double scale) {
    std::vector<double> values(static_cast<size_t>(size));
    for (double& value : values) value = random.chance(0.03) ? 0 : random.uniform(-scale, scale);
    return values;
  };
  const int64_t B = c.batch, T = c.time, N = c.heads, D = c.head_dim, S = shape.states;
  Values v;
  v.inputs.wx = draw(B * T * shape.input_gates * N * D, 2);
  // R acts like a random rotation that shortens to about 0.6 of the length, whatever D is; of one
  // or two units, where a single number may be far from the mean, it shortens all.
  v.inputs.r = draw(shape.recurrent_gates * N * D * D,
                    0.6 * std::min(1.0, std::sqrt(3.0 / static_cast<double>(D))));
  if (c.bias) v.inputs.bias = draw(shape.biases * N * D, 0.5);
  if (c.initial_states) {
    v.inputs.initial_states = draw(S * B * N * D, 0.5);
    if (c.cell == FLASHRNN_SLSTM) {
      // A normaliser is 0 in a fresh state, together with c, and else at least 1.
      const size_t size = static_cast<size_t>(B * N * D);
      double* const states = v.inputs.initial_states.data();
      for (size_t k = 0; k < size; ++k) {
        const bool fresh = random.chance(0.3);
        if (fresh) states[size + k] = 0;
        states[2 * size + k] = fresh ? 0 : 1.25 + std::fabs(states[2 * size + k]);
      }
    }
  }
  if (c.lengths != FLASHRNN_DTYPE_DEFAULT) {
    for (int64_t b = 0; b < B; ++b)
      v.inputs.lengths.push_back(b == 0 ? T / 2 : random.below(T + 1));
    if (B > 1) v.inputs.lengths[1] = T;
    if (B > 2) v.inputs.lengths[2] = 0;
  }
  if (c.resets) {
    for (int64_t k = 0; k < T * B; ++k) {  // any value but zero is a reset
      v.inputs.resets.push_back(static_cast<uint8_t>(random.chance(0.15) ? 1 + k % 255 : 0));
    }
  }
  if ((c.given & kGiveH) != 0) v.gradients.d_h = draw(B * T * N * D, 1);
  if ((c.given & kGiveStates) != 0) v.gradients.d_states = draw(S * B * T * N * D, 1);
  if ((c.given & kGiveLast) != 0) v.gradients.d_last_states = draw(S * B * N * D, 1);
  return v;
}

}  // namespace flashrnn::test
