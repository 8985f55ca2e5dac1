// SPDX-License-Identifier: Apache-2.0
// The floor of a row, and where it puts a claim.
#include <gtest/gtest.h>

#include "floor.hpp"
#include "report.hpp"

// The cells' equations on numbers that count what is done with them.
#define CELL_FUNCTION inline
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
namespace counted {

struct Count {
  int sigmoids = 0, multiplies = 0, divisions = 0;
};
Count count;

struct real {};
inline real operator+(real, real) { return {}; }
inline real operator-(real, real) { return {}; }
inline real operator*(real, real) {
  ++count.multiplies;
  return {};
}
inline real operator/(real, real) {
  ++count.divisions;
  return {};
}
inline real one_sigmoid() {
  ++count.sigmoids;
  return {};
}
inline real cell_zero() { return {}; }
inline real cell_one() { return {}; }
inline real cell_sigmoid(real) { return one_sigmoid(); }
inline real cell_tanh(real) { return one_sigmoid(); }
inline real cell_decay(real) { return one_sigmoid(); }
inline real cell_log1p_decay(real) { return one_sigmoid(); }
inline real cell_quotient(real a, real b) { return a / b; }
inline real cell_max(real, real) { return {}; }
inline real cell_if_greater(real, real, real, real) { return {}; }
inline real cell_if_equal(real, real, real, real) { return {}; }

#include "all_cells.inl"

#pragma GCC diagnostic pop

struct Counts {
  flashrnn_cell cell;
  Count forward, backward;
};

std::vector<Counts> all() {
  std::vector<Counts> counts;
  Counts one;
#define FLASHRNN_CELL(name, ENUM, value, ...) \
  one.cell = value;                           \
  count = {};                                 \
  name##_forward({}, {});                     \
  one.forward = count;                        \
  count = {};                                 \
  name##_backward({}, {}, {}, {});            \
  one.backward = count;                       \
  counts.push_back(one);
#include "cells/cells.def"
#undef FLASHRNN_CELL
  return counts;
}

}  // namespace counted

namespace flashrnn::bench {
namespace {

void expect_no_more(const Pointwise& work, const counted::Count& count, flashrnn_cell cell) {
  EXPECT_LE(work.sigmoids, count.sigmoids + count.divisions) << cell;
  EXPECT_LE(work.multiply_adds, count.multiplies) << cell;
}

TEST(Floor, CountsNoMoreThanTheCellsDo) {
  const std::vector<counted::Counts> all = counted::all();
  EXPECT_EQ(all.size(), problem_text::cells().size());
  for (const counted::Counts& counts : all) {
    const PointwiseWork work = pointwise_work(counts.cell);
    expect_no_more(work.forward, counts.forward, counts.cell);
    expect_no_more(work.backward, counts.backward, counts.cell);
    EXPECT_GT(work.backward.multiply_adds, 0) << counts.cell;
  }
}

TEST(Floor, CountsAllThatAnLstmDoes) {
  for (const counted::Counts& counts : counted::all()) {
    if (counts.cell != FLASHRNN_LSTM) continue;
    const PointwiseWork work = pointwise_work(FLASHRNN_LSTM);
    EXPECT_EQ(work.forward.sigmoids, counts.forward.sigmoids);
    EXPECT_EQ(work.forward.multiply_adds, counts.forward.multiplies);
    EXPECT_EQ(work.backward.sigmoids, counts.backward.sigmoids);
    EXPECT_EQ(work.backward.multiply_adds, counts.backward.multiplies);
  }
}

Peaks peaks_of() {
  Peaks peaks;
  peaks.threads = 1;
  peaks.units = {{"fma_fp32", "", 100}};
  peaks.sigmoid = {"", 3, 4};
  peaks.copy_gbs = 20;
  return peaks;
}

Row row_of(const std::string& problem, Call call) {
  Row row;
  row.id = "a";
  row.who = "flashrnn";
  row.problem = problem_text::parse(problem);
  row.call = call;
  row.flops = flops_of(row.problem, call);
  row.peak_gflops = row.unit_gflops = 100;
  return row;
}

TEST(Floor, IsTheProductsAndTheElementsInTurn) {
  const Row row = row_of("lstm:b16,t256,n12,d64,infer", Call::kForward);
  const double elements = 16 * 256 * 12 * 64;
  // At 100 GFLOP/s, and 4 sigmoids a nanosecond, the better of the two rates.
  EXPECT_NEAR(1e3 * cpu_floor_us(row, peaks_of(), 0),
              row.flops / 100 + elements * (5.0 / 4 + 3.0 * 2 / 100), 1);
}

TEST(Floor, AddsTheParts) {
  const auto floor = [](const char* problem, Call call) {
    return cpu_floor_us(row_of(problem, call), peaks_of(), 0);
  };
  const char* train = "slstm:b16,t64,n12,d64,train";
  const char* recompute = "slstm:b16,t64,n12,d64,recompute";
  const double forward = floor(train, Call::kForward), backward = floor(train, Call::kBackward);
  EXPECT_NEAR(floor(train, Call::kForwardBackward), forward + backward, 1e-6);
  EXPECT_NEAR(floor(recompute, Call::kBackward), forward + backward, 1e-6);
  EXPECT_GT(backward, 2 * row_of(train, Call::kForward).flops / 100 * 1e-3);
}

TEST(Floor, IsTheMemorysWhereThatTakesLonger) {
  Row row = row_of("elman:b1,t16,n1,d16", Call::kForward);
  const double products = cpu_floor_us(row, peaks_of(), 0);
  row.bytes = 2e6;
  EXPECT_NEAR(cpu_floor_us(row, peaks_of(), 0), 100, 1e-6);
  EXPECT_NEAR(cpu_floor_us(row, peaks_of(), 1e6), 50, 1e-6);
  EXPECT_EQ(cpu_floor_us(row, peaks_of(), 2e6), products);  // all of it may be in the cache still
}

TEST(Floor, IsNotKnownWithoutAYardstickOrForASingleStep) {
  Peaks peaks = peaks_of();
  EXPECT_EQ(cpu_floor_us(row_of("lstm:b1,t1,n1,d8,infer", Call::kStep), peaks, 0), 0);
  peaks.sigmoid = {};
  EXPECT_EQ(cpu_floor_us(row_of("lstm:b1,t1,n1,d8", Call::kForward), peaks, 0), 0);
}

std::string verdict_of(double target) {
  Row row = row_of("lstm:b16,t256,n12,d64,infer", Call::kForward);
  row.timing.ms = row.timing.cpu_ms = 1e-6 * row.flops / 50;  // 50 GFLOP/s
  row.floor_us = 1e-3 * row.flops / 80;                       // 80 at most
  Row peer = row;
  peer.who = "torch loop";
  peer.timing.ms = peer.timing.cpu_ms = 1e-6 * row.flops / 25;
  Claim claim;
  claim.kind = Claim::Kind::kSpeedRatio;
  claim.id = claim.base_id = "a";
  claim.base_who = "torch loop";
  claim.target = target;
  return verdict_text(judge({claim}, {row, peer})[0]);
}

TEST(Claims, WhereMissedSayHowFarTheFloorIs) {
  EXPECT_EQ(verdict_of(2), "met: 2.00 times");
  EXPECT_EQ(verdict_of(3),
            "missed: 2.00 times; the claim needs 75.0 GFLOP/s, 94 % of the floor's 80.0, of which "
            "ours has 62 %");
  EXPECT_EQ(verdict_of(4),
            "missed: 2.00 times; the claim needs 100.0 GFLOP/s, beyond the floor's 80.0, of which "
            "ours has 62 %");
}

TEST(Peak, SigmoidsHaveARateWhereTheyAreWritten) {
  const Peaks peaks = measure_peaks(1, 0.05);
  if (sigmoid_kernels().empty()) return;
  bool is_present = false;
  for (const SigmoidKernel& kernel : sigmoid_kernels()) is_present |= kernel.present();
  EXPECT_EQ(peaks.sigmoid.alone > 0, is_present);
  // One takes more than one multiply-add, so there are fewer of them.
  EXPECT_LT(peaks.sigmoid.alone, peaks.of("fma_fp32"));
}

}  // namespace
}  // namespace flashrnn::bench
