// SPDX-License-Identifier: Apache-2.0
// The elements of src/cells against the golden files: every step of every sequence, from the states
// before it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "golden.hpp"
#include "table.hpp"

namespace flashrnn::test {
namespace {

constexpr int kMax = 8;

// A golden case with its axes' strides.
class Walk {
 public:
  Walk(const CellEntry& cell, const GoldenCase& c) : cell_(cell), c_(c), p_(c.problem) {}

  // Largest difference of a state after step (b, t, n).
  double step_error(int64_t b, int64_t t, int64_t n) const {
    const int64_t D = p_.head_dim;
    double worst = 0;
    for (int64_t d = 0; d < D; ++d) {
      double slots[kMax] = {}, old[kMax] = {}, now[kMax] = {}, saved[kMax] = {};
      for (int slot = 0; slot < cell_.slots; ++slot) slots[slot] = slot_value(slot, b, t, n, d);
      for (int s = 0; s < cell_.states; ++s) old[s] = before(s, b, t, n, d);
      cell_.in_double.forward(slots, old, now, saved);
      if (p_.forward_clip > 0) now[0] = std::clamp(now[0], -p_.forward_clip, p_.forward_clip);
      for (int s = 0; s < cell_.states; ++s)
        worst = std::max(worst, std::fabs(now[s] - state(s, b, t, n, d)));
    }
    return worst;
  }

 private:
  double slot_value(int slot, int64_t b, int64_t t, int64_t n, int64_t d) const {
    const int64_t D = p_.head_dim, N = p_.heads;
    const int input = cell_.input_gate_of_slot[static_cast<size_t>(slot)];
    const int recurrent = cell_.recurrent_gate_of_slot[static_cast<size_t>(slot)];
    double sum = c_.inputs.bias.empty() ? 0 : at(c_.inputs.bias, (slot * N + n) * D + d);
    if (input >= 0)
      sum += at(c_.inputs.wx, (((b * p_.time + t) * cell_.input_gates + input) * N + n) * D + d);
    for (int64_t k = 0; recurrent >= 0 && k < D; ++k) {
      sum += at(c_.inputs.r, ((recurrent * N + n) * D + d) * D + k) * before(0, b, t, n, k);
    }
    return sum;
  }
  double state(int s, int64_t b, int64_t t, int64_t n, int64_t d) const {
    return at(c_.expected_outputs.states,
              (((s * p_.batch + b) * p_.time + t) * p_.heads + n) * p_.head_dim + d);
  }
  // The state that step t starts from.
  double before(int s, int64_t b, int64_t t, int64_t n, int64_t d) const {
    const int64_t length =
        c_.inputs.lengths.empty() ? p_.time : c_.inputs.lengths[static_cast<size_t>(b)];
    const int64_t previous = p_.reverse ? t + 1 : t - 1;
    const bool reset =
        !c_.inputs.resets.empty() && c_.inputs.resets[static_cast<size_t>(t * p_.batch + b)] != 0;
    if (!reset && previous >= 0 && previous < length) return state(s, b, previous, n, d);
    if (c_.inputs.initial_states.empty()) return 0;
    return at(c_.inputs.initial_states, ((s * p_.batch + b) * p_.heads + n) * p_.head_dim + d);
  }
  static double at(const std::vector<double>& values, int64_t index) {
    return values[static_cast<size_t>(index)];
  }

  const CellEntry& cell_;
  const GoldenCase& c_;
  const oracle::Problem& p_;
};

TEST(CellsGolden, EveryElementAgreesWithItsGoldenFile) {
  for (const CellEntry& cell : cell_table()) {
    for (const GoldenCase& c : read_golden(FLASHRNN_GOLDEN_DIR, cell.name)) {
      SCOPED_TRACE(std::string(cell.name) + " " + c.name);
      const Walk walk(cell, c);
      for (int64_t b = 0; b < c.problem.batch; ++b) {
        const int64_t length =
            c.inputs.lengths.empty() ? c.problem.time : c.inputs.lengths[static_cast<size_t>(b)];
        for (int64_t t = 0; t < length; ++t) {
          for (int64_t n = 0; n < c.problem.heads; ++n)
            EXPECT_LE(walk.step_error(b, t, n), 1e-12) << b << " " << t;
        }
      }
    }
  }
}

}  // namespace
}  // namespace flashrnn::test
