// SPDX-License-Identifier: Apache-2.0
// The cost model and the floors on the facts of cards that need not be here: what plans take is
// what was measured to be fastest (docs/cuda-notebook.md), and no floor lies above a time.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "cuda/floor.hpp"
#include "cuda/modules/fused_text.hpp"
#include "fake_device.hpp"
#include "gpu/fused/geometry.hpp"

namespace flashrnn::cuda {
namespace {

// A floor is below what is predicted: the prediction is fitted to measurements.
TEST(CostTest, FloorsLieBelowPredictions) {
  const DeviceFacts facts = hopper();
  const FakeDevice device(facts, true);
  for (const int64_t head_dim : {16, 64, 128, 256, 512, 768, 1536}) {
    for (const int64_t batch : {2, 16, 64}) {
      const Problem p = problem_of(1, DType::kBfloat16, batch, 3, head_dim);
      const RankedConfig best = legal_configs(device, p).front();
      ASSERT_TRUE(is_fused(best.config));
      const Floors floors = floors_of(facts, p, best.config);
      EXPECT_GT(floors.forward, 0);
      EXPECT_GT(floors.backward, 0);
      EXPECT_GE(floors.forward_in_turn, floors.forward);
      EXPECT_GE(floors.backward_in_turn, floors.backward);
      EXPECT_LT(floors.forward + floors.backward, best.predicted_microseconds)
          << best.config.to_string();
    }
  }
  EXPECT_EQ(
      floors_of(facts, problem_of(1, DType::kBfloat16, 1, 1, 8192),
                legal_configs(device, problem_of(1, DType::kBfloat16, 1, 1, 8192)).front().config)
          .forward,
      0);
}

// Nor above what an H100 was measured to take (bench/results/cuda-h100.json; Elman's 96 units by
// docs/cuda-notebook.md), in microseconds, nor far below it.
TEST(CostTest, FloorsLieBelowMeasuredTimes) {
  const DeviceFacts facts = hopper_of_less_memory();
  const FakeDevice device(facts, true);
  struct Measured {
    int cell;
    int64_t batch, heads, head_dim;
    double forward;
  };
  for (const Measured& m :
       {Measured{3, 16, 12, 64, 109}, Measured{3, 16, 8, 96, 146}, Measured{1, 16, 48, 16, 130},
        Measured{1, 16, 24, 32, 135}, Measured{1, 16, 12, 64, 196}, Measured{1, 16, 6, 128, 335},
        Measured{1, 16, 3, 256, 484}, Measured{1, 16, 1, 512, 745}, Measured{1, 2, 1, 768, 811}}) {
    Problem p = problem_of(m.cell, DType::kBfloat16, m.batch, m.heads, m.head_dim);
    p.time = 1024;
    const double floor = floors_of(facts, p, legal_configs(device, p).front().config).forward;
    EXPECT_LT(floor, m.forward) << m.cell << " " << m.head_dim;
    EXPECT_GT(floor, 0.6 * m.forward) << m.cell << " " << m.head_dim;
  }
}

// One tile has nothing to hide behind; two hide an exchange, which in turn they wait for.
TEST(CostTest, FloorsInTurnCountTheExchangeOfSeveralTiles) {
  const FakeDevice device(hopper(), true);
  const auto forward = [&](int64_t batch) {
    Problem p = problem_of(1, DType::kBfloat16, batch, 1, 768);
    p.mode = Mode::kInference;
    return floors_of(hopper(), p, legal_configs(device, p).front().config);
  };
  EXPECT_EQ(forward(8).forward_in_turn, forward(8).forward);
  EXPECT_GT(forward(64).forward_in_turn, 1.2 * forward(64).forward);
}

// Through L2 sequences past the batch cost nothing, neither by the model nor by the floor.
TEST(CostTest, FewSequencesAreFasterThroughL2) {
  double before = 0, floor_before = 0;
  for (const int64_t batch : {2, 6, 8}) {
    Problem p = problem_of(1, DType::kBfloat16, batch, 1, 768);
    p.mode = Mode::kInference;
    const RankedConfig best = legal_configs(FakeDevice(hopper(), true), p).front();
    ASSERT_EQ(fused_config(p, best.config, false).family, gpu::kGlobal);
    const double floor = floors_of(hopper(), p, best.config).forward;
    EXPECT_GT(best.predicted_microseconds, before) << batch;
    EXPECT_GT(floor, floor_before) << batch;
    before = best.predicted_microseconds, floor_before = floor;
  }
}

// Direct tiles of 4, whose tensors more warps move: where an H100 was measured to be fastest
// with them (docs/cuda-notebook.md), and nowhere that their weights leave too few registers.
TEST(CostTest, HasDirectTilesOfFourWhereTheyPay) {
  const FakeDevice device(hopper_of_less_memory(), true);
  struct Measured {
    int cell, batch, heads, head_dim;
    bool forward, backward;
  };
  const Measured measured[] = {
      {1, 16, 48, 16, true, true},  {1, 16, 24, 32, true, true},  {1, 16, 12, 64, true, true},
      {1, 32, 12, 64, true, true},  {1, 16, 16, 48, true, true},  {1, 16, 9, 80, false, false},
      {1, 16, 8, 96, false, false}, {1, 64, 24, 32, false, true}, {1, 64, 12, 64, false, true},
      {1, 128, 12, 64, true, true}, {1, 256, 12, 64, true, true}, {1, 32, 48, 64, true, true},
      {1, 128, 24, 32, true, true}, {1, 256, 24, 32, true, true}, {1, 64, 48, 16, false, false},
      {1, 128, 48, 16, true, true}, {1, 256, 48, 16, true, true}, {4, 16, 12, 64, true, true},
      {4, 16, 9, 80, false, false}, {3, 16, 24, 32, true, true},  {3, 16, 9, 80, true, true},
      {3, 16, 8, 96, true, true},   {3, 16, 7, 112, true, true},  {3, 16, 6, 128, true, true},
      {6, 16, 9, 80, true, true},   {6, 16, 8, 96, true, true},   {6, 16, 7, 112, true, false},
      {2, 16, 24, 32, true, true},  {2, 16, 9, 80, true, false},  {2, 16, 8, 96, true, false},
  };
  for (const Measured& m : measured) {
    Problem p = problem_of(m.cell, DType::kBfloat16, m.batch, m.heads, m.head_dim);
    p.time = 1024;
    const RankedConfig best = legal_configs(device, p).front();
    ASSERT_TRUE(is_fused(best.config));
    const gpu::FusedConfig forward = fused_config(p, best.config, false),
                           backward = fused_config(p, best.config, true);
    EXPECT_EQ(gpu::has_direct_movers(forward), m.forward) << fused_name(forward);
    EXPECT_EQ(gpu::has_direct_movers(backward), m.backward) << fused_name(backward);
  }
  for (const RankedConfig& ranked :
       legal_configs(device, problem_of(1, DType::kBfloat16, 16, 1, 96))) {
    if (!is_fused(ranked.config)) continue;
    const Problem p = problem_of(1, DType::kBfloat16, 16, 1, 96);
    EXPECT_FALSE(gpu::has_direct_movers(fused_config(p, ranked.config, false)));
    EXPECT_FALSE(gpu::has_direct_movers(fused_config(p, ranked.config, true)));
  }
}

// Direct kernels of many sequences: what an H200 measured to be fastest of all of a problem's, by 4
// in a hundred and more (docs/cuda-notebook.md, "The model on an H200").
TEST(CostTest, TakesTheFastestDirectKernelsOfManySequences) {
  const FakeDevice device(hopper(), true);
  struct Measured {
    int cell, batch, heads, head_dim;
    bool is_backward;
    int columns;
    bool shares_with_another;  // of tiles of 4: two on a multiprocessor
    bool has_lengths = false;
  };
  const Measured measured[] = {
      {1, 64, 12, 64, false, 4, true, true}, {1, 16, 12, 64, false, 4, false, true},
      {1, 64, 12, 64, false, 8, false},      {1, 64, 12, 64, true, 4, true},
      {1, 128, 12, 64, false, 4, false},     {1, 256, 12, 64, true, 4, true},
      {2, 64, 12, 64, false, 4, true},       {2, 64, 12, 64, true, 4, true},
      {2, 256, 12, 64, false, 4, true},      {4, 64, 12, 64, true, 4, true},
      {3, 64, 12, 64, false, 4, false},      {3, 256, 12, 64, false, 8, false},
      {3, 256, 12, 64, true, 8, false},      {1, 64, 48, 16, true, 8, false},
      {1, 256, 48, 16, true, 4, false},      {1, 64, 24, 32, true, 4, false},
      {1, 256, 24, 32, true, 4, false},      {4, 64, 24, 32, true, 4, false},
      {2, 256, 24, 32, true, 4, false},      {3, 64, 24, 32, false, 4, false},
      {1, 128, 16, 48, true, 8, false},      {1, 64, 8, 96, true, 8, false},
      {1, 64, 9, 80, true, 8, false},        {4, 64, 9, 80, true, 8, false},
  };
  for (const Measured& m : measured) {
    Problem p = problem_of(m.cell, DType::kBfloat16, m.batch, m.heads, m.head_dim);
    p.time = 1024;
    p.lengths = m.has_lengths;
    const RankedConfig best = legal_configs(device, p).front();
    ASSERT_TRUE(is_fused(best.config));
    const gpu::FusedConfig c = fused_config(p, best.config, m.is_backward);
    EXPECT_EQ(c.family, gpu::kDirect) << fused_name(c);
    EXPECT_EQ(c.columns, m.columns) << fused_name(c);
    EXPECT_EQ(gpu::has_direct_movers(c) && c.min_ctas > 1, m.shares_with_another) << fused_name(c);
  }
}

// 128 sequences in tiles of 8 take two turns, of which the second leaves half of the chip idle:
// 0.884 ms and not half of the 1.605 that 256 take in three.
TEST(CostTest, ATurnThatLeavesTheChipIdleLacksMemorysRate) {
  const DeviceFacts facts = hopper_of_less_memory();
  const auto both = [&](int64_t batch) {  // backward of 128 takes half of what that of 256 does
    Problem p = problem_of(1, DType::kBfloat16, batch, 12, 64);
    p.time = 1024;
    p.forced_config =
        "forward_family=1,forward_columns=8,forward_min_ctas=1,"
        "backward_family=1,backward_columns=8,backward_min_ctas=1";
    return legal_configs(FakeDevice(facts, true), p).front().predicted_microseconds;
  };
  EXPECT_GT(both(128), 0.52 * both(256));
}

// Backward through L2 with one tile is faster in clusters of 8, but for more units and one gate
// (docs/cuda-notebook.md, "All configurations again").
TEST(CostTest, HasSmallClustersInBackwardWhereTheyPay) {
  const FakeDevice device(hopper_of_less_memory(), true);
  for (const int cell : {1, 2, 4}) {
    for (const int64_t head_dim : {512, 640}) {
      Problem p = problem_of(cell, DType::kBfloat16, 16, 1, head_dim);
      p.time = 1024;
      const gpu::FusedConfig c = fused_config(p, legal_configs(device, p).front().config, true);
      EXPECT_EQ(c.family, gpu::kGlobal) << fused_name(c);
      EXPECT_EQ(c.cluster, 8) << fused_name(c);
      EXPECT_EQ(c.head_dim, head_dim);
    }
  }
}

// Through L2 with several tiles of 8 sequences, and of 24 units a CTA, where an H100 was measured
// to be fastest, and in about the time that forward took then (docs/cuda-notebook.md).
TEST(CostTest, HasSeveralTilesThroughL2WhereTheyPay) {
  const FakeDevice device(hopper(), true);
  struct Measured {
    int cell;
    int64_t batch, head_dim;
    int columns, units, depth_warps;
    double forward;  // us
  };
  for (const Measured& m :
       {Measured{1, 48, 768, 16, 24, 8, 1296}, Measured{1, 64, 768, 16, 24, 8, 1368},
        Measured{1, 64, 640, 16, 24, 8, 1351}, Measured{1, 128, 768, 32, 24, 8, 2074},
        Measured{2, 64, 768, 16, 24, 8, 1292}, Measured{2, 128, 768, 32, 24, 8, 1861},
        Measured{3, 64, 768, 16, 24, 8, 1049}, Measured{1, 128, 512, 32, 16, 8, 1568},
        Measured{1, 128, 1024, 32, 16, 8, 3870}, Measured{1, 32, 1024, 16, 16, 8, 1252}}) {
    Problem p = problem_of(m.cell, DType::kBfloat16, m.batch, 1, m.head_dim);
    p.time = 1024;
    p.mode = Mode::kInference;
    const RankedConfig best = legal_configs(device, p).front();
    const gpu::FusedConfig forward = fused_config(p, best.config, false);
    EXPECT_EQ(forward.family, gpu::kGlobal);
    EXPECT_EQ(forward.columns, m.columns) << fused_name(forward);
    EXPECT_EQ(forward.units, m.units) << fused_name(forward);
    EXPECT_EQ(forward.depth_warps, m.depth_warps) << fused_name(forward);
    // What is not carried, as none of these is here, counts 3 % more.
    EXPECT_NEAR(best.predicted_microseconds / 1.03, m.forward, 0.1 * m.forward);
  }
}

// Backward through L2 with many sequences: batch tiles and clusters that an H100 was measured to be
// fastest with, and about how much faster than another (docs/cuda-notebook.md).
TEST(CostTest, HasLargeTilesInBackwardWhereTheyPay) {
  const FakeDevice device(hopper(), true);
  struct Measured {
    int64_t batch, head_dim;
    int columns, other;
    double gain;  // us
  };
  for (const Measured& m : {Measured{64, 768, 32, 64, 1310}, Measured{128, 768, 64, 32, 580},
                            Measured{64, 1024, 64, 32, 370}, Measured{128, 1024, 64, 32, 1070},
                            Measured{64, 512, 32, 64, 960}, Measured{32, 768, 16, 32, 270}}) {
    const Problem p = problem_of(1, DType::kBfloat16, m.batch, 1, m.head_dim);
    const std::vector<RankedConfig> legal = legal_configs(device, p);
    const auto first_of = [&](int columns) -> const RankedConfig& {
      return *std::find_if(legal.begin(), legal.end(), [&](const RankedConfig& r) {
        return is_fused(r.config) && fused_config(p, r.config, true).columns == columns;
      });
    };
    const gpu::FusedConfig best = fused_config(p, legal.front().config, true);
    EXPECT_EQ(best.columns, m.columns) << fused_name(best);
    EXPECT_EQ(best.cluster, 16) << fused_name(best);
    const double gain =
        first_of(m.other).predicted_microseconds - legal.front().predicted_microseconds;
    EXPECT_NEAR(gain, m.gain, 0.5 * m.gain) << fused_name(best);
  }
}

}  // namespace
}  // namespace flashrnn::cuda
