// SPDX-License-Identifier: Apache-2.0
// The constraint model on the facts of devices that need not be here: whatever it allows can be
// launched, and where a fused kernel cannot be had the general one is left.
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <utility>

#include "api/error.hpp"
#include "cuda/modules/embedded.hpp"
#include "cuda/modules/fused_text.hpp"
#include "fake_device.hpp"
#include "gpu/fused/geometry.hpp"

namespace flashrnn::cuda {
namespace {

// Registers of the weights alone, which no kernel can do without: 16 x 16 tiles in a thread's four
// registers. Those that lie in shared memory are counted there.
int weight_registers(const gpu::FusedConfig& c) {
  const int gates = gpu::cell_counts(c.cell).recurrents;
  const int tiles = gpu::has_whole_depth(c) ? 1
                    : gpu::is_direct_four(c) && gpu::units_of_warp(c) == 8
                        ? gpu::divide_up(gates, 2)
                        : gates;
  const int all = (c.head_dim + 15) / 16 * tiles * 4 / c.depth_warps;
  const int warps = gpu::multiplying_warps(c);
  EXPECT_EQ(gpu::shared_weight_bytes(c) % (warps * 128), 0);
  return all - gpu::shared_weight_bytes(c) / (warps * 128);
}

void expect_launchable(const DeviceFacts& facts, const gpu::FusedConfig& c) {
  SCOPED_TRACE(fused_name(c));
  EXPECT_LE(gpu::threads_of(c), facts.threads_per_block);
  EXPECT_LE(gpu::shared_bytes_of(c), facts.shared_per_block);
  EXPECT_LE((gpu::shared_bytes_of(c) + 1024) * c.min_ctas, facts.shared_per_multiprocessor);
  EXPECT_LE(c.cluster, facts.max_cluster);
  if (c.family == gpu::kGlobal && c.cluster > 1) {
    EXPECT_LE(gpu::ctas_of_group(c) / c.cluster, facts.active_clusters_of(c.cluster));
  }
  EXPECT_LE(gpu::threads_of(c) * c.min_ctas, facts.threads_per_multiprocessor);
  EXPECT_LE(weight_registers(c), 215);
  EXPECT_LE(weight_registers(c) * gpu::threads_of(c) * c.min_ctas,
            facts.registers_per_multiprocessor);
  EXPECT_EQ(c.head_dim % c.units, 0);
}

TEST(ModelTest, AllowsWhatCanBeLaunched) {
  size_t fused = 0;
  for (const DeviceFacts& facts : {hopper(), consumer_blackwell(), ampere(), ada()}) {
    const FakeDevice device(facts, true);
    for (const CellTraits& cell : kCells) {
      for (const int64_t head_dim :
           {1, 16, 17, 64, 100, 128, 129, 256, 768, 1000, 1536, 2000, 4096}) {
        for (const int64_t batch : {1, 16, 200}) {
          for (const Mode mode : {Mode::kTraining, Mode::kInference}) {
            Problem p = problem_of(cell.id, DType::kBfloat16, batch, 3, head_dim);
            p.mode = mode;
            const auto legal = legal_configs(device, p);
            ASSERT_FALSE(legal.empty()) << cell.name << " " << head_dim;
            std::set<std::string> seen;
            size_t general = 0;
            for (const RankedConfig& ranked : legal) {
              EXPECT_TRUE(seen.insert(ranked.config.to_string()).second)
                  << ranked.config.to_string();
              EXPECT_GT(ranked.predicted_microseconds, 0);
              EXPECT_TRUE(std::isfinite(ranked.predicted_microseconds))
                  << ranked.config.to_string();
              general += is_fused(ranked.config) ? 0 : 1;
              if (!is_fused(ranked.config)) continue;
              ++fused;
              expect_launchable(facts, fused_config(p, ranked.config, false));
              EXPECT_GE(fused_config(p, ranked.config, false).head_dim, head_dim);
              if (mode == Mode::kInference) continue;
              expect_launchable(facts, fused_config(p, ranked.config, true));
            }
            EXPECT_EQ(general, 1u) << cell.name << " " << head_dim;
          }
        }
      }
    }
  }
  EXPECT_GT(fused, 1000u);
}

// A head that no number of warps divides gets a kernel for a larger one.
TEST(ModelTest, EveryHeadDimUpTo1792HasAFusedKernel) {
  const FakeDevice device(hopper(), true);
  for (const CellTraits& cell : kCells) {
    for (int64_t head_dim = 24; head_dim <= 1792; head_dim += 56) {
      const auto legal =
          legal_configs(device, problem_of(cell.id, DType::kBfloat16, 16, 1, head_dim));
      EXPECT_TRUE(std::any_of(legal.begin(), legal.end(),
                              [](const RankedConfig& r) { return is_fused(r.config); }))
          << cell.name << " " << head_dim;
    }
  }
}

// Before Hopper there are no clusters, and an LSTM has fused kernels up to 1024 units, or 768 where
// shared memory is short; what is beyond those goes step by step.
TEST(ModelTest, OlderCardsHaveFusedKernelsWithoutClusters) {
  for (const auto& [facts, most] : {std::pair{ampere(), 1024}, std::pair{ada(), 768}}) {
    for (const int64_t head_dim : {16, 64, 128, 256, 512, 768, 1024}) {
      if (head_dim > most) continue;
      const Problem p = problem_of(1, DType::kBfloat16, 16, 12, head_dim);
      size_t fused = 0;
      for (const RankedConfig& r : legal_configs(FakeDevice(facts, true), p)) {
        if (!is_fused(r.config)) continue;
        ++fused;
        for (const bool is_backward : {false, true})
          EXPECT_EQ(fused_config(p, r.config, is_backward).cluster, 1) << r.config.to_string();
        EXPECT_LT(fused_config(p, r.config, false).min_ctas, 3) << r.config.to_string();
      }
      EXPECT_GT(fused, 0u) << head_dim;
    }
    const Problem beyond = problem_of(1, DType::kBfloat16, 16, 12, most + 256);
    EXPECT_TRUE(may_alternate(facts, beyond, true));
    EXPECT_EQ(kind_of(legal_configs(FakeDevice(facts, true, true), beyond).front().config),
              KernelKind::kAlternating);
  }
}

// What is saved has one layout, whatever the batch tile.
TEST(ModelTest, AnyBatchTileOfForwardGoesWithAnyOfBackward) {
  const Problem p = problem_of(1, DType::kBfloat16, 16, 12, 64);
  std::set<std::pair<int, int>> seen;
  for (const RankedConfig& r : legal_configs(FakeDevice(hopper(), true), p)) {
    if (is_fused(r.config))
      seen.emplace(fused_config(p, r.config, false).columns,
                   fused_config(p, r.config, true).columns);
  }
  for (const int forward : {4, 8, 16}) {
    for (const int backward : {4, 8, 16})
      EXPECT_TRUE(seen.contains({forward, backward})) << forward << " and " << backward;
  }
}

TEST(ModelTest, HeadsBeyondTheChipGoStepByStepWhereThereIsCublas) {
  const auto best = [](const DeviceFacts& facts, DType dtype, int64_t head_dim, bool has_blas) {
    const auto legal =
        legal_configs(FakeDevice(facts, true, has_blas), problem_of(1, dtype, 16, 12, head_dim));
    return kind_of(legal.front().config);
  };
  EXPECT_EQ(best(hopper(), DType::kBfloat16, 4096, true), KernelKind::kAlternating);
  EXPECT_EQ(best(hopper(), DType::kBfloat16, 4096, false), KernelKind::kGeneral);
  EXPECT_EQ(best(hopper(), DType::kBfloat16, 1024, true), KernelKind::kFused);
  EXPECT_EQ(best(hopper(), DType::kFloat32, 1024, true), KernelKind::kAlternating);
  EXPECT_EQ(best(hopper(), DType::kFloat32, 64, true), KernelKind::kGeneral);
  EXPECT_EQ(best(ampere(), DType::kBfloat16, 2048, true), KernelKind::kAlternating);
  // cuBLAS takes long to load: it is not looked for where it would not be chosen.
  EXPECT_FALSE(may_alternate(hopper(), problem_of(1, DType::kBfloat16, 16, 12, 1792), true));
  EXPECT_TRUE(may_alternate(hopper(), problem_of(1, DType::kBfloat16, 16, 12, 1793), true));
  EXPECT_TRUE(may_alternate(hopper(), problem_of(1, DType::kBfloat16, 16, 12, 1024), false));
}

TEST(ModelTest, LeavesTheGeneralKernelWhereFusedOnesCannotRun) {
  const FakeDevice device(hopper(), true);
  const auto only_general = [&](const Problem& p) {
    const auto legal = legal_configs(device, p);
    return legal.size() == 1 && !is_fused(legal[0].config);
  };
  EXPECT_TRUE(only_general(problem_of(1, DType::kFloat32, 16, 12, 64)));
  Problem empty = problem_of(1, DType::kBfloat16, 16, 12, 64);
  empty.time = 0;
  EXPECT_TRUE(only_general(empty));
  EXPECT_FALSE(only_general(problem_of(1, DType::kFloat16, 16, 12, 64)));
  // 16 clusters of 8 in backward, of which this device holds 15.
  EXPECT_TRUE(only_general(problem_of(1, DType::kBfloat16, 16, 1, 2048)));
  EXPECT_FALSE(only_general(problem_of(1, DType::kBfloat16, 16, 1, 1792)));
  DeviceFacts old = hopper();
  old.major = kLeastFusedCapability / 10 - 1;
  const auto legal =
      legal_configs(FakeDevice(old, true), problem_of(1, DType::kFloat16, 16, 12, 64));
  ASSERT_EQ(legal.size(), 1u);
  EXPECT_FALSE(is_fused(legal[0].config));
}

TEST(ModelTest, WithoutACompilerTakesOnlyWhatTheLibraryCarries) {
  const DeviceFacts facts = hopper();
  const FakeDevice device(facts, false);
  const auto embedded = embedded_configs(facts.architecture());
  const auto carried = [&](const gpu::FusedConfig& c) {
    return std::find(embedded.begin(), embedded.end(), c) != embedded.end();
  };
  size_t fused = 0;
  for (const CellTraits& cell : kCells) {
    for (const int64_t head_dim : {32, 64, 100}) {
      const Problem p = problem_of(cell.id, DType::kBfloat16, 16, 12, head_dim);
      for (const RankedConfig& ranked : legal_configs(device, p)) {
        if (!is_fused(ranked.config)) continue;
        ++fused;
        EXPECT_TRUE(carried(fused_config(p, ranked.config, false))) << ranked.config.to_string();
        EXPECT_TRUE(carried(fused_config(p, ranked.config, true))) << ranked.config.to_string();
      }
    }
  }
  EXPECT_EQ(fused > 0, !embedded.empty());
}

// A model of the user's cannot make the backend launch what does not fit.
TEST(ModelTest, RefusesAnImpossibleConfiguration) {
  const DeviceFacts facts = hopper();
  const FakeDevice device(facts, true);
  const Problem p = problem_of(1, DType::kBfloat16, 16, 12, 64);
  const auto legal = legal_configs(device, p);
  const auto fused = std::find_if(legal.begin(), legal.end(),
                                  [](const RankedConfig& r) { return is_fused(r.config); });
  ASSERT_NE(fused, legal.end());
  EXPECT_NO_THROW(check_config(facts, p, fused->config));
  for (const auto& [name, value] :
       {std::pair{"kernel", 3}, std::pair{"forward_units", 0}, std::pair{"forward_units", 24},
        std::pair{"forward_columns", 12}, std::pair{"backward_head_dim", 48},
        std::pair{"backward_columns", 4096}, std::pair{"forward_family", 9},
        std::pair{"backward_min_ctas", 0}, std::pair{"backward_cluster", 3},
        std::pair{"forward_cluster", 0}}) {
    KernelConfig config = fused->config;
    config.set(name, value);
    EXPECT_THROW(check_config(facts, p, config), Error) << name << " = " << value;
  }
  EXPECT_THROW(check_config(facts, problem_of(1, DType::kFloat32, 16, 12, 64), fused->config),
               Error);
}

// Forward in a cluster of 32 units a CTA, four warps over the depth: with fewer operands than a
// look takes it would wait for ever, and it has instructions of 9.0's own.
TEST(ModelTest, SharesTheDepthWhereItCan) {
  const auto sharing_of = [&](const DeviceFacts& facts, int cell, int64_t head_dim) {
    std::vector<RankedConfig> sharing;
    const Problem p = problem_of(cell, DType::kBfloat16, 16, 2, head_dim);
    for (const RankedConfig& r : legal_configs(FakeDevice(facts, true), p)) {
      if (!is_fused(r.config)) continue;
      const gpu::FusedConfig c = fused_config(p, r.config, false);
      if (gpu::has_whole_depth(c) && gpu::sharers_of_depth(c) == 4) sharing.push_back(r);
    }
    return sharing;
  };
  constexpr int kLstm = 1, kSlstm = 4;
  for (const int64_t head_dim : {128, 192, 316, 448, 512})
    EXPECT_FALSE(sharing_of(hopper(), kLstm, head_dim).empty()) << head_dim;
  for (const int64_t head_dim : {48, 64, 513, 768})
    EXPECT_TRUE(sharing_of(hopper(), kLstm, head_dim).empty()) << head_dim;
  // Clusters as large, but not those instructions.
  DeviceFacts later = hopper();
  later.major = 10;
  EXPECT_TRUE(sharing_of(later, kLstm, 384).empty());
  EXPECT_FALSE(sharing_of(hopper(), kSlstm, 384).empty());
  EXPECT_TRUE(sharing_of(hopper(), kSlstm, 512).empty());

  const Problem p = problem_of(kLstm, DType::kBfloat16, 16, 2, 64);
  for (const RankedConfig& r : legal_configs(FakeDevice(hopper(), true), p)) {
    if (!is_fused(r.config) || fused_config(p, r.config, false).family != gpu::kCluster) continue;
    KernelConfig config = r.config;
    config.set("forward_columns", 8);
    config.set("forward_units", 32);
    config.set("forward_cluster", 2);
    config.set("forward_depth_warps", 1);
    EXPECT_THROW(check_config(hopper(), p, config), Error);
    return;
  }
  FAIL() << "no forward in a cluster";
}

// Two direct tiles of 4 on a multiprocessor: four warps that compute, as 64 units have, and four
// that give them registers.
TEST(ModelTest, TwoDirectTilesOfFourShareAMultiprocessor) {
  for (const DeviceFacts& facts : {hopper(), consumer_blackwell(), ampere()}) {
    for (const int64_t head_dim : {32, 48, 60, 64, 80}) {
      for (const bool is_backward : {false, true}) {
        bool shares = false;
        for (const RankedConfig& ranked : legal_configs(
                 FakeDevice(facts, true), problem_of(1, DType::kBfloat16, 64, 12, head_dim))) {
          if (!is_fused(ranked.config)) continue;
          const gpu::FusedConfig c = fused_config(problem_of(1, DType::kBfloat16, 64, 12, head_dim),
                                                  ranked.config, is_backward);
          if (!gpu::has_direct_movers(c) || c.min_ctas == 1) continue;
          shares = true;
          EXPECT_EQ(c.min_ctas, 2);
          EXPECT_TRUE(gpu::takes_registers(c)) << fused_name(c);
          EXPECT_EQ(gpu::threads_of(c), 256) << fused_name(c);
          EXPECT_EQ(gpu::chunk_of(c), 4) << fused_name(c);
        }
        EXPECT_EQ(shares, facts.major == 9 && (head_dim == 60 || head_dim == 64))
            << facts.name << " " << head_dim;
      }
    }
  }
}

// Forward in a cluster with 4 sequences a tile: all heads of up to 16 CTAs, of which those with
// many weights a warp take registers by instructions of 9.0's own.
TEST(ModelTest, HasTilesOfFourInClusters) {
  const auto units_of = [](const DeviceFacts& facts, int64_t head_dim) {
    std::set<int> units;
    const Problem p = problem_of(1, DType::kFloat16, 16, 2, head_dim);
    for (const RankedConfig& r : legal_configs(FakeDevice(facts, true), p)) {
      if (!is_fused(r.config)) continue;
      const gpu::FusedConfig c = fused_config(p, r.config, false);
      if (c.family != gpu::kCluster || c.columns != 4) continue;
      units.insert(c.units);
      EXPECT_TRUE(gpu::has_whole_depth(c)) << fused_name(c);
      EXPECT_EQ(gpu::takes_registers(c), c.head_dim > 256) << fused_name(c);
    }
    return units;
  };
  using Units = std::set<int>;
  EXPECT_EQ(units_of(hopper(), 64), (Units{16, 32}));
  EXPECT_EQ(units_of(hopper(), 256), (Units{16, 32}));
  EXPECT_EQ(units_of(hopper(), 300), Units{32});
  EXPECT_EQ(units_of(hopper(), 512), Units{32});
  EXPECT_EQ(units_of(hopper(), 513), Units{});
  EXPECT_EQ(units_of(consumer_blackwell(), 128), (Units{16, 32}));
  DeviceFacts later = hopper();
  later.major = 10;
  EXPECT_EQ(units_of(later, 256), (Units{16, 32}));
  EXPECT_EQ(units_of(later, 320), Units{});
}

// What is legal is counted in the model's language, what is launched in the kernel's: both must
// find the same threads, and the model no less shared memory, nor much more.
TEST(ModelTest, CountsThreadsAndMemoryAsTheKernelsDo) {
  FakeDevice device(hopper(), true);
  constexpr int kAlignment = 64;
  size_t counted = 0;
  for (const auto& [cell, head_dim] : {std::pair<int, int64_t>{1, 16},
                                       {2, 32},
                                       {1, 48},
                                       {4, 64},
                                       {3, 64},
                                       {3, 80},
                                       {6, 96},
                                       {3, 112},
                                       {1, 128},
                                       {1, 512},
                                       {2, 768},
                                       {1, 1024}}) {
    // With more sequences larger tiles.
    Problem p = problem_of(cell, DType::kBfloat16, head_dim > 512 ? 64 : 16, 2, head_dim);
    device.more_rules.clear();
    for (const RankedConfig& ranked : legal_configs(device, p)) {
      if (!is_fused(ranked.config)) continue;
      const gpu::FusedConfig forward = fused_config(p, ranked.config, false);
      SCOPED_TRACE(fused_name(forward));
      p.forced_config = ranked.config.to_string();
      const auto rules_of = [](const std::string& direction, const gpu::FusedConfig& c) {
        const int shared = gpu::shared_bytes_of(c);
        return "\n" + direction + "_threads == " + std::to_string(gpu::threads_of(c)) + ";\n" +
               direction + "_shared >= " + std::to_string(shared) + ";\n" + direction +
               "_shared <= " + std::to_string(shared + kAlignment) + ";\n";
      };
      device.more_rules =
          rules_of("forward", forward) + rules_of("backward", fused_config(p, ranked.config, true));
      EXPECT_NO_THROW(EXPECT_EQ(legal_configs(device, p).size(), 1u));
      device.more_rules.clear(), p.forced_config.clear();
      ++counted;
    }
  }
  EXPECT_GT(counted, 100u);
}

// Nobody else could without waiting for its stores.
TEST(ModelTest, ProgressIsToldWhereWarpsMoveGradients) {
  gpu::FusedConfig c{1, gpu::kBfloat16, 1, gpu::kDirect, 64, 4, 64, 1, 1, 1};
  EXPECT_TRUE(gpu::tells_progress(c));
  EXPECT_TRUE(gpu::has_telling_warp(c));
  EXPECT_EQ(gpu::telling_threads_of(c), 32);
  c.min_ctas = 2;  // one of the idle warps
  EXPECT_TRUE(gpu::has_telling_warp(c));
  EXPECT_EQ(gpu::telling_threads_of(c), 0);
  c.min_ctas = 1, c.columns = 8;
  EXPECT_FALSE(gpu::tells_progress(c));
  c.columns = 4, c.is_backward = 0;
  EXPECT_FALSE(gpu::tells_progress(c));
  EXPECT_EQ(gpu::telling_threads_of(c), 0);
  // Two groups of warps, each of which moves what is its own.
  c = {1, gpu::kBfloat16, 1, gpu::kGlobal, 768, 32, 16, 8, 1, 16};
  EXPECT_TRUE(gpu::tells_progress(c));
  EXPECT_EQ(gpu::tellers_of(c), 2);
  c.columns = 8;
  EXPECT_EQ(gpu::tellers_of(c), 1);
}

}  // namespace
}  // namespace flashrnn::cuda
