// SPDX-License-Identifier: Apache-2.0
// The elements of src/cells: their backward is the derivative of their forward, they are what the
// oracle has, and float is double in fewer digits.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "elements.hpp"
#include "random.hpp"
#include "table.hpp"

namespace flashrnn::test {
namespace {

constexpr int kMax = 8;

// A random element, with what backward is given.
struct Point {
  double slots[kMax] = {}, old[kMax] = {}, d_now[kMax] = {};
};

Point draw(const CellEntry& cell, Random& random) {
  Point p;
  // Up to 12 as well, where the sigmoids saturate.
  const double scale = random.chance(0.25) ? 12 : 2;
  for (int k = 0; k < cell.slots; ++k) p.slots[k] = random.uniform(-scale, scale);
  for (int k = 0; k < cell.states; ++k) p.old[k] = random.uniform(-2, 2);
  for (int k = 0; k < cell.states; ++k) p.d_now[k] = random.uniform(-1, 1);
  if (cell.cell == FLASHRNN_SLSTM) {
    p.old[2] = 1 + std::fabs(p.old[2]);
    // A fresh state; where it has a c, what holds the forget gate there shows.
    if (random.chance(0.25)) {
      p.old[2] = 0;
      if (random.chance(0.5)) p.old[1] = 0;
    }
  }
  return p;
}

// What backward gives at a point, with the old and new states that cells.def says it must not need
// replaced by NaN.
struct Gradient {
  double slots[kMax] = {}, old[kMax] = {};
};
Gradient gradient_at(const CellEntry& cell, const Point& p) {
  double now[kMax], saved[kMax], old[kMax];
  std::copy_n(p.old, kMax, old);
  cell.in_double.forward(p.slots, p.old, now, saved);
  for (int s = 1 + cell.kept; s < cell.states; ++s) old[s] = now[s] = std::nan("");
  now[0] = std::nan("");
  if (cell.reads_h == 0) old[0] = std::nan("");
  Gradient g;
  cell.in_double.backward(saved, old, now, p.d_now, g.slots, g.old);
  return g;
}

// The derivative of sum(d_now * now) by the slots and old states, with dual numbers.
Gradient dual_derivative(const CellEntry& cell, const Point& p) {
  Gradient g;
  for (int k = 0; k < cell.slots + cell.states; ++k) {
    Dual slots[kMax], old[kMax], now[kMax], saved[kMax];
    for (int s = 0; s < cell.slots; ++s) slots[s] = {p.slots[s], k == s ? 1.0 : 0.0};
    for (int s = 0; s < cell.states; ++s) old[s] = {p.old[s], k == cell.slots + s ? 1.0 : 0.0};
    cell.in_dual.forward(slots, old, now, saved);
    double sum = 0;
    for (int s = 0; s < cell.states; ++s) sum += p.d_now[s] * now[s].slope;
    (k < cell.slots ? g.slots[k] : g.old[k - cell.slots]) = sum;
  }
  return g;
}

// The same by central differences; exact to about 1e-8.
Gradient difference(const CellEntry& cell, const Point& p) {
  constexpr double kStep = 1e-5;
  const auto loss = [&](const Point& at) {
    double now[kMax], saved[kMax], sum = 0;
    cell.in_double.forward(at.slots, at.old, now, saved);
    for (int s = 0; s < cell.states; ++s) sum += p.d_now[s] * now[s];
    return sum;
  };
  Gradient g;
  for (int k = 0; k < cell.slots + cell.states; ++k) {
    Point low = p, high = p;
    (k < cell.slots ? low.slots[k] : low.old[k - cell.slots]) -= kStep;
    (k < cell.slots ? high.slots[k] : high.old[k - cell.slots]) += kStep;
    (k < cell.slots ? g.slots[k] : g.old[k - cell.slots]) = (loss(high) - loss(low)) / (2 * kStep);
  }
  return g;
}

void expect_near(const CellEntry& cell, const Gradient& got, const Gradient& expected,
                 double bound) {
  const auto near = [&](double x, double y, const std::string& what) {
    EXPECT_LE(std::fabs(x - y), bound * (1 + std::fabs(y)))
        << what << ": " << x << ", expected " << y;
  };
  for (int k = 0; k < cell.slots; ++k)
    near(got.slots[k], expected.slots[k], "slot " + std::to_string(k));
  for (int k = 0; k < cell.states; ++k)
    near(got.old[k], expected.old[k], "old state " + std::to_string(k));
}

class EveryCell : public testing::TestWithParam<size_t> {
 protected:
  const CellEntry& cell() const { return cell_table()[GetParam()]; }
};

TEST_P(EveryCell, BackwardIsTheDerivativeOfForwardByDualNumbers) {
  Random random(1);
  for (int k = 0; k < 2000 && !HasFailure(); ++k) {
    const Point p = draw(cell(), random);
    expect_near(cell(), gradient_at(cell(), p), dual_derivative(cell(), p), 1e-11);
  }
}

TEST_P(EveryCell, BackwardIsTheDerivativeOfForwardByFiniteDifferences) {
  Random random(2);
  int near_a_kink = 0;
  constexpr int kPoints = 500;
  for (int k = 0; k < kPoints; ++k) {
    Point p = draw(cell(), random);
    if (cell().cell == FLASHRNN_SLSTM && p.old[2] == 0)
      p.old[2] = 1.5;  // a fresh state is a point, not a range
    const Gradient expected = difference(cell(), p), got = gradient_at(cell(), p);
    double error = 0;
    for (int s = 0; s < cell().slots; ++s)
      error = std::max(error, std::fabs(got.slots[s] - expected.slots[s]));
    for (int s = 0; s < cell().states; ++s)
      error = std::max(error, std::fabs(got.old[s] - expected.old[s]));
    if (!(error < 1e-6)) ++near_a_kink;
  }
  // A maximum has a kink, and a difference across it is no derivative: rarely met with a step this
  // short.
  EXPECT_LE(near_a_kink, 1);
}

TEST_P(EveryCell, ElementIsTheOraclesElement) {
  const oracle::Element& element = oracle::element_of(cell().cell);
  EXPECT_EQ(element.shape.input_gates, cell().input_gates);
  EXPECT_EQ(element.shape.recurrent_gates, cell().recurrent_gates);
  EXPECT_EQ(element.shape.biases, cell().slots);
  EXPECT_EQ(element.shape.states, cell().states);
  Random random(3);
  for (int k = 0; k < 2000 && !HasFailure(); ++k) {
    Point p = draw(cell(), random);
    // Split every slot in its parts as its gates tell.
    oracle::ElementInput in;
    for (int slot = 0; slot < cell().slots; ++slot) {
      const int input = cell().input_gate_of_slot[static_cast<size_t>(slot)];
      const int recurrent = cell().recurrent_gate_of_slot[static_cast<size_t>(slot)];
      in.bias[slot] = random.uniform(-1, 1);
      double rest = p.slots[slot] - in.bias[slot];
      if (input >= 0 && recurrent >= 0) rest -= in.rh[recurrent] = random.uniform(-1, 1);
      if (input >= 0) in.wx[input] = rest;
      if (input < 0) in.rh[recurrent] = rest;
      p.slots[slot] =
          in.bias[slot] + (input >= 0 ? in.wx[input] : 0) + (recurrent >= 0 ? in.rh[recurrent] : 0);
    }
    std::copy_n(p.old, oracle::kMaxStates, in.old);

    double now[kMax], saved[kMax], expected[kMax];
    cell().in_double.forward(p.slots, p.old, now, saved);
    element.forward(in, expected);
    for (int s = 0; s < cell().states; ++s) {
      EXPECT_LE(std::fabs(now[s] - expected[s]), 1e-12 * (1 + std::fabs(expected[s])))
          << "state " << s;
    }
    oracle::ElementGradient part;
    element.backward(in, p.d_now, &part);
    const Gradient g = gradient_at(cell(), p);
    for (int slot = 0; slot < cell().slots; ++slot) {
      const int input = cell().input_gate_of_slot[static_cast<size_t>(slot)];
      const int recurrent = cell().recurrent_gate_of_slot[static_cast<size_t>(slot)];
      const double bound = 1e-10 * (1 + std::fabs(g.slots[slot]));
      EXPECT_LE(std::fabs(g.slots[slot] - part.bias[slot]), bound) << "bias of slot " << slot;
      if (input >= 0) {
        EXPECT_LE(std::fabs(g.slots[slot] - part.wx[input]), bound) << "wx of slot " << slot;
      }
      if (recurrent >= 0) {
        EXPECT_LE(std::fabs(g.slots[slot] - part.rh[recurrent]), bound) << "rh of slot " << slot;
      }
    }
    for (int s = 0; s < cell().states; ++s) {
      EXPECT_LE(std::fabs(g.old[s] - part.old[s]), 1e-10 * (1 + std::fabs(g.old[s])))
          << "old state " << s;
    }
  }
}

// The vector kernels activate one slot at a time.
TEST_P(EveryCell, ASlotIsActivatedWithoutTheOthers) {
  Random random(6);
  for (int k = 0; k < 200 && !HasFailure(); ++k) {
    const Point p = draw(cell(), random);
    double together[kMax];
    cell().in_double.activate(p.slots, together);
    for (int slot = 0; slot < cell().slots; ++slot) {
      double alone[kMax] = {}, activated[kMax];
      alone[slot] = p.slots[slot];
      cell().in_double.activate(alone, activated);
      EXPECT_EQ(activated[slot], together[slot]) << "slot " << slot;
    }
  }
}

TEST_P(EveryCell, FloatIsDoubleInFewerDigits) {
  Random random(4);
  for (int k = 0; k < 2000 && !HasFailure(); ++k) {
    const Point p = draw(cell(), random);
    float slots[kMax], old[kMax], now[kMax], saved[kMax];
    double wide_slots[kMax], wide_old[kMax], wide_now[kMax], wide_saved[kMax];
    for (int s = 0; s < kMax; ++s) {
      wide_slots[s] = slots[s] = static_cast<float>(p.slots[s]);
      wide_old[s] = old[s] = static_cast<float>(p.old[s]);
    }
    cell().in_float.forward(slots, old, now, saved);
    cell().in_double.forward(wide_slots, wide_old, wide_now, wide_saved);
    for (int s = 0; s < cell().states; ++s) {
      EXPECT_LE(std::fabs(now[s] - wide_now[s]), 1e-5 * (1 + std::fabs(wide_now[s])))
          << "state " << s;
    }
  }
}

// To so many significant bits.
double rounded(double x, int bits) {
  int exponent = 0;
  const double mantissa = std::frexp(x, &exponent);
  return std::ldexp(std::nearbyint(std::ldexp(mantissa, bits)), exponent - bits);
}

// Where cells.def lets kept states have 16 bits, a rounding to bfloat16's 8 significant bits moves
// no gradient by more than that part of what is given, times the old states where they are factors
// (docs/accuracy.md has the derivation).
TEST_P(EveryCell, KeptStatesOf16BitsCostARounding) {
  if (cell().kept_bits != 16) GTEST_SKIP() << "keeps none in 16 bits";
  Random random(6);
  for (int k = 0; k < 2000 && !HasFailure(); ++k) {
    const Point p = draw(cell(), random);
    double now[kMax], saved[kMax], old[kMax], given = 0, factor = 1;
    std::copy_n(p.old, kMax, old);
    cell().in_double.forward(p.slots, p.old, now, saved);
    for (int s = 0; s < cell().states; ++s) given += std::fabs(p.d_now[s]);
    for (int s = 1; s <= cell().kept; ++s) {
      factor = std::max(factor, std::fabs(old[s]));
      old[s] = rounded(old[s], 8), now[s] = rounded(now[s], 8);
    }
    Gradient got;
    cell().in_double.backward(saved, old, now, p.d_now, got.slots, got.old);
    const Gradient exact = gradient_at(cell(), p);
    const double bound = 0x1p-8 * given * factor;
    for (int s = 0; s < cell().slots; ++s)
      EXPECT_LE(std::fabs(got.slots[s] - exact.slots[s]), bound) << "slot " << s;
    for (int s = 0; s < cell().states; ++s)
      EXPECT_LE(std::fabs(got.old[s] - exact.old[s]), bound) << "old state " << s;
  }
}

// Slots as large as a mask makes them are far out, but they are finite, and so are the results.
TEST_P(EveryCell, StaysFiniteForLargeSlots) {
  Random random(5);
  for (int k = 0; k < 500 && !HasFailure(); ++k) {
    Point p = draw(cell(), random);
    float slots[kMax], old[kMax], now[kMax], saved[kMax], d_now[kMax], d_slots[kMax], d_old[kMax];
    for (int s = 0; s < kMax; ++s) {
      const float size = random.chance(0.5) ? 80.0f : 10000.0f;
      slots[s] = random.chance(0.5) ? size : -size;
      old[s] = static_cast<float>(p.old[s]);
      d_now[s] = static_cast<float>(p.d_now[s]);
    }
    cell().in_float.forward(slots, old, now, saved);
    cell().in_float.backward(saved, old, now, d_now, d_slots, d_old);
    for (int s = 0; s < cell().states; ++s) {
      EXPECT_TRUE(std::isfinite(now[s])) << "state " << s;
      EXPECT_TRUE(std::isfinite(d_old[s])) << "gradient of old state " << s;
    }
    for (int s = 0; s < cell().slots; ++s)
      EXPECT_TRUE(std::isfinite(d_slots[s])) << "gradient of slot " << s;
  }
}

INSTANTIATE_TEST_SUITE_P(Cells, EveryCell, testing::Range(size_t{0}, cell_table().size()),
                         [](const auto& cell) {
                           return std::string(cell_table()[cell.param].name);
                         });

}  // namespace
}  // namespace flashrnn::test
