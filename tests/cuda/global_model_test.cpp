// SPDX-License-Identifier: Apache-2.0
// The constraint model of forward through L2, on the facts of cards that need not be here.
#include <gtest/gtest.h>

#include <set>
#include <utility>
#include <vector>

#include "api/error.hpp"
#include "cuda/modules/fused_text.hpp"
#include "fake_device.hpp"
#include "gpu/fused/geometry.hpp"

namespace flashrnn::cuda {
namespace {

// Inputs are brought into L2 where a step waits for L2's answers: not in a cluster, where backward
// of 128 units took a third longer with it (docs/cuda-notebook.md, version 106).
TEST(GlobalModelTest, PrefetchesInputsThroughL2Alone) {
  std::set<int> forward, backward;  // families that do
  for (const int64_t head_dim : {64, 128, 768}) {
    const Problem p = problem_of(1, DType::kBfloat16, 64, 1, head_dim);
    for (const RankedConfig& r : legal_configs(FakeDevice(hopper(), true), p)) {
      if (!is_fused(r.config)) continue;
      for (const bool is_backward : {false, true}) {
        const gpu::FusedConfig c = fused_config(p, r.config, is_backward);
        if (gpu::prefetches_inputs(c)) (is_backward ? backward : forward).insert(c.family);
      }
    }
  }
  EXPECT_EQ(forward, std::set<int>{gpu::kGlobal});
  EXPECT_EQ(backward, std::set<int>{gpu::kGlobal});
}

// Forward through L2 with 24 units a CTA, and with warps that look ahead: where heads divide so,
// weights fit, and warps can take registers of others.
TEST(GlobalModelTest, Has24UnitsAndLooksAheadWhereRegistersAllow) {
  constexpr int kLstm = 1, kGru = 2, kElman = 3, kSlstm = 4, kLightGru = 6;
  using Shapes = std::set<std::pair<int, int>>;  // columns and warps over the depth
  const auto shapes_of = [](const DeviceFacts& facts, int cell, int64_t head_dim, int units) {
    Shapes shapes;
    const Problem p = problem_of(cell, DType::kBfloat16, 64, 1, head_dim);
    for (const RankedConfig& r : legal_configs(FakeDevice(facts, true), p)) {
      if (!is_fused(r.config)) continue;
      const gpu::FusedConfig c = fused_config(p, r.config, false);
      EXPECT_EQ(c.units == 24, gpu::is_by_octets(c)) << fused_name(c);
      if (gpu::is_by_octets(c) || gpu::looks_ahead(c)) {
        EXPECT_EQ(gpu::held_depth_of(c), gpu::depth_of(c)) << fused_name(c);
        EXPECT_EQ(gpu::threads_of(c) % 128, 0) << fused_name(c);
        if (gpu::has_four_others(c)) {
          EXPECT_EQ(gpu::threads_of(c), 32 * (gpu::multiplying_warps(c) + 4)) << fused_name(c);
          EXPECT_EQ(gpu::sequences_of_thread(c), 2) << fused_name(c);
        }
        if (c.units == units) shapes.emplace(c.columns, c.depth_warps);
      }
    }
    return shapes;
  };
  const Shapes of_eight = {{8, 8}, {16, 8}, {32, 8}}, of_four = {{8, 4}, {16, 4}, {32, 4}};
  EXPECT_EQ(shapes_of(hopper(), kLstm, 768, 24), of_eight);
  EXPECT_EQ(shapes_of(hopper(), kSlstm, 640, 24), of_eight);
  EXPECT_EQ(shapes_of(hopper(), kLstm, 384, 24), of_four);
  EXPECT_EQ(shapes_of(hopper(), kLstm, 512, 24), Shapes{});
  EXPECT_EQ(shapes_of(hopper(), kLstm, 1024, 24), Shapes{});
  EXPECT_EQ(shapes_of(hopper(), kLstm, 768, 16), (Shapes{{32, 8}}));
  EXPECT_EQ(shapes_of(hopper(), kLstm, 384, 16), (Shapes{{32, 4}}));
  EXPECT_EQ(shapes_of(hopper(), kLstm, 512, 16), Shapes{});
  EXPECT_EQ(shapes_of(hopper(), kLstm, 1024, 16), (Shapes{{32, 8}}));
  // Both sets of words count: of the one that is multiplied, and of the one that is looked for.
  EXPECT_EQ(shapes_of(hopper(), kLightGru, 1536, 16), Shapes{});
  EXPECT_EQ(shapes_of(hopper(), kLightGru, 2048, 16), Shapes{});
  EXPECT_EQ(shapes_of(hopper(), kLightGru, 1792, 16), (Shapes{{32, 8}}));
  EXPECT_EQ(shapes_of(hopper(), kGru, 1280, 16), (Shapes{{32, 8}}));
  EXPECT_EQ(shapes_of(hopper(), kElman, 1536, 16), Shapes{});
  EXPECT_EQ(shapes_of(hopper(), kElman, 1152, 16), (Shapes{{32, 4}}));
  EXPECT_EQ(shapes_of(hopper(), kLightGru, 1536, 24), (Shapes{{8, 8}, {16, 8}}));
  EXPECT_EQ(shapes_of(hopper(), kElman, 1536, 24), of_eight);
  // What a user's model might allow is looked at once more.
  const Problem p = problem_of(kLstm, DType::kBfloat16, 64, 1, 768);
  for (const RankedConfig& r : legal_configs(FakeDevice(hopper(), true), p)) {
    if (!is_fused(r.config) || fused_config(p, r.config, false).units != 24) continue;
    EXPECT_NO_THROW(check_config(hopper(), p, r.config));
    for (const auto& [name, value] :
         {std::pair{"forward_depth_warps", 6}, std::pair{"forward_depth_warps", 4},
          std::pair{"forward_cluster", 8}, std::pair{"forward_head_dim", 792}}) {
      KernelConfig config = r.config;
      config.set(name, value);
      EXPECT_THROW(check_config(hopper(), p, config), Error) << name << " = " << value;
    }
  }
  DeviceFacts later = hopper();
  later.major = 10;
  EXPECT_EQ(shapes_of(later, kLstm, 768, 24), Shapes{});
  EXPECT_EQ(shapes_of(later, kLstm, 768, 16), Shapes{});
  EXPECT_EQ(shapes_of(later, kLightGru, 1792, 16), Shapes{});
}

// Forward through L2 in several clusters: their operands are dealt out evenly, and all of them are
// resident.
TEST(GlobalModelTest, RefusesClustersThatDoNotShareEvenlyOrDoNotFit) {
  const Problem p = problem_of(1, DType::kBfloat16, 16, 2, 384);
  const auto mixed_of = [&](const DeviceFacts& facts) {
    std::vector<RankedConfig> mixed;
    for (const RankedConfig& r : legal_configs(FakeDevice(facts, true), p)) {
      if (is_fused(r.config) && gpu::is_mixed(fused_config(p, r.config, false))) mixed.push_back(r);
    }
    return mixed;
  };
  const std::vector<RankedConfig> mixed = mixed_of(hopper());
  ASSERT_FALSE(mixed.empty());
  const KernelConfig& right = mixed.front().config;
  EXPECT_NO_THROW(check_config(hopper(), p, right));
  for (const auto& [name, value] :
       {std::pair{"forward_cluster", 4}, std::pair{"forward_cluster", 12},
        std::pair{"forward_cluster", 16}, std::pair{"forward_cluster", 24},
        std::pair{"forward_columns", 16}, std::pair{"forward_depth_warps", 8},
        std::pair{"forward_depth_warps", 3}, std::pair{"forward_depth_warps", 1},
        std::pair{"forward_head_dim", 640}}) {
    KernelConfig config = right;
    config.set(name, value);
    EXPECT_THROW(check_config(hopper(), p, config), Error) << name << " = " << value;
  }
  DeviceFacts small = hopper();
  small.active_clusters[8] = 2;
  EXPECT_TRUE(mixed_of(small).empty());
  EXPECT_THROW(check_config(small, p, right), Error);
}

// There, warps with many weights take registers of idle ones, by instructions of 9.0's own, so that
// a thread updates one sequence; elsewhere a CTA has two for each, and no clusters.
TEST(GlobalModelTest, CrowdedClustersTakeRegistersOnHopperOnly) {
  const Problem p = problem_of(1, DType::kBfloat16, 16, 1, 768);
  const auto sequences_of = [&](const DeviceFacts& facts, bool is_mixed) {
    std::set<int> sequences;
    for (const RankedConfig& r : legal_configs(FakeDevice(facts, true), p)) {
      if (!is_fused(r.config)) continue;
      const gpu::FusedConfig c = fused_config(p, r.config, false);
      if (c.family != gpu::kGlobal || c.columns != 8 || c.depth_warps != 8 || c.units != 16 ||
          gpu::is_mixed(c) != is_mixed)
        continue;
      EXPECT_TRUE(gpu::is_crowded(c)) << fused_name(c);
      EXPECT_EQ(gpu::takes_registers(c), is_mixed) << fused_name(c);
      EXPECT_EQ(gpu::threads_of(c), is_mixed ? 512 : 352) << fused_name(c);
      sequences.insert(gpu::sequences_of_thread(c));
    }
    return sequences;
  };
  EXPECT_EQ(sequences_of(hopper(), true), std::set<int>{1});
  EXPECT_EQ(sequences_of(hopper(), false), std::set<int>{2});
  DeviceFacts later = hopper();
  later.major = 10;
  EXPECT_EQ(sequences_of(later, true), std::set<int>{});
  EXPECT_EQ(sequences_of(later, false), std::set<int>{2});
  // The constraints count the same threads as the kernel has.
  DeviceFacts narrow = hopper();
  narrow.threads_per_block = 511;
  EXPECT_EQ(sequences_of(narrow, true), std::set<int>{});
  const RankedConfig best = legal_configs(FakeDevice(hopper(), true), p).front();
  ASSERT_TRUE(gpu::takes_registers(fused_config(p, best.config, false)));
  EXPECT_THROW(check_config(later, p, best.config), Error);
}

// Backward through L2 with four tiles and more has warps that look and two groups that update; with
// many weights those take registers, on Hopper only, and eight tiles are for cells with few states.
TEST(GlobalModelTest, BackwardHasLookersWithFourTilesAndMore) {
  constexpr int kLstm = 1, kElman = 3, kSlstm = 4;
  const auto columns_of = [](const DeviceFacts& facts, int cell, int64_t head_dim, bool takes) {
    std::set<int> columns;
    const Problem p = problem_of(cell, DType::kBfloat16, 64, 1, head_dim);
    for (const RankedConfig& r : legal_configs(FakeDevice(facts, true), p)) {
      if (!is_fused(r.config)) continue;
      const gpu::FusedConfig c = fused_config(p, r.config, true);
      EXPECT_EQ(gpu::lookers_of(c) > 0,
                c.family == gpu::kGlobal && c.columns > 16 && c.cluster > 1);
      if (gpu::lookers_of(c) == 0) continue;
      EXPECT_EQ(gpu::threads_of(c), 512) << fused_name(c);
      if (gpu::takes_registers(c) == takes) columns.insert(c.columns);
    }
    return columns;
  };
  const std::set<int> both = {32, 64}, none;
  EXPECT_EQ(columns_of(hopper(), kLstm, 768, true), both);
  EXPECT_EQ(columns_of(hopper(), kLstm, 512, false), both);
  EXPECT_EQ(columns_of(hopper(), kElman, 768, false), both);
  EXPECT_EQ(columns_of(hopper(), kSlstm, 768, true), std::set<int>{32});
  DeviceFacts later = hopper();
  later.major = 10;
  EXPECT_EQ(columns_of(later, kLstm, 768, true), none);
  EXPECT_EQ(columns_of(later, kLstm, 512, false), both);
  // What a user's model might allow is looked at once more.
  const Problem p = problem_of(kLstm, DType::kBfloat16, 128, 1, 768);
  KernelConfig config = legal_configs(FakeDevice(hopper(), true), p).front().config;
  ASSERT_EQ(fused_config(p, config, true).columns, 64);
  EXPECT_NO_THROW(check_config(hopper(), p, config));
  EXPECT_THROW(check_config(later, p, config), Error);
  config.set("backward_cluster", 1);
  EXPECT_THROW(check_config(hopper(), p, config), Error);
  config.set("backward_cluster", 16);
  for (const auto& [name, value] :
       {std::pair{"backward_columns", 128}, std::pair{"backward_columns", 40},
        std::pair{"backward_depth_warps", 4}}) {
    KernelConfig wrong = config;
    wrong.set(name, value);
    EXPECT_THROW(check_config(hopper(), p, wrong), Error) << name << " = " << value;
  }
}

}  // namespace
}  // namespace flashrnn::cuda
