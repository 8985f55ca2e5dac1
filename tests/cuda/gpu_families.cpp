// SPDX-License-Identifier: Apache-2.0
#include "gpu_families.hpp"

#include <cuda_runtime_api.h>

#include <cstdio>

#include "gpu_fixture.hpp"

namespace flashrnn::test {

bool runs_here(const Family& f) {
  if (f.only_major == 0) return true;
  cudaDeviceProp properties{};
  require(cudaGetDeviceProperties(&properties, 0), "cudaGetDeviceProperties");
  if (properties.major == f.only_major) return true;
  std::printf("%s is for compute capability %d.x alone: left out\n", f.name, f.only_major);
  return false;
}

namespace {

Case problem(int64_t batch, int64_t time, int64_t heads, int64_t head_dim) {
  Case c;
  c.dtypes = {FLASHRNN_BFLOAT16, FLASHRNN_BFLOAT16, FLASHRNN_FLOAT32};
  c.batch = batch, c.time = time, c.heads = heads, c.head_dim = head_dim;
  c.want_states = false;
  c.given = kGiveH | kGiveLast;
  return c;
}

}  // namespace

std::vector<Family> families(int64_t time) {
  const auto config = [&](int family, int columns) {
    const std::string f = std::to_string(family), c = std::to_string(columns);
    return "forward_family=" + f + ",backward_family=" + f + ",forward_columns=" + c +
           ",backward_columns=" + c;
  };
  const auto with_lengths = [&](int64_t batch, int64_t heads, int64_t head_dim) {
    Case c = problem(batch, time, heads, head_dim);
    c.lengths = FLASHRNN_INT32;
    c.resets = true;
    return c;
  };
  const auto of = [](flashrnn_cell cell, Case c) {
    c.cell = cell;
    return c;
  };
  const auto four = [](int units, int backward_family) {
    return "forward_family=2,forward_columns=4,forward_depth_warps=1,forward_units=" +
           std::to_string(units) +
           ",backward_columns=8,backward_family=" + std::to_string(backward_family);
  };
  const std::string two = config(1, 4) + ",forward_min_ctas=2,backward_min_ctas=2";
  const std::string shared = ",forward_depth_warps=2", whole = ",forward_depth_warps=1",
                    clusters = ",forward_cluster=8,forward_depth_warps=4",
                    octets = ",forward_units=24",
                    ahead = ",forward_units=16,forward_cluster=1,forward_depth_warps=",
                    sharing =
                        "forward_family=2,backward_family=3,forward_columns=8,backward_columns=8,"
                        "forward_units=32,forward_depth_warps=1";
  const auto lookers = [](int columns, int cluster) {
    return "forward_family=3,forward_columns=16,forward_cluster=1,backward_family=3,"
           "backward_columns=" +
           std::to_string(columns) + ",backward_cluster=" + std::to_string(cluster);
  };
  return {
      {"direct", problem(16, time, 2, 64), config(1, 8)},
      {"direct_asked", with_lengths(13, 2, 64), config(1, 8)},
      {"direct_of_four", problem(16, time, 2, 64), config(1, 4)},
      {"direct_of_four_asked", with_lengths(13, 2, 24), config(1, 4)},
      {"direct_of_four_long_way", with_lengths(13, 2, 20), config(1, 4)},
      {"direct_of_four_of_sixteen_units", problem(16, time, 2, 16), config(1, 4)},
      {"direct_of_four_of_sixteen_units_asked", with_lengths(13, 2, 16), config(1, 4)},
      {"direct_of_four_of_sixteen_units_long_way", with_lengths(13, 2, 12), config(1, 4)},
      {"direct_of_four_of_pairs_asked", with_lengths(13, 2, 64), config(1, 4)},
      {"direct_of_four_of_pairs_long_way", with_lengths(13, 2, 60), config(1, 4)},
      {"direct_of_four_of_96_units", of(FLASHRNN_ELMAN, problem(16, time, 2, 96)), config(1, 4)},
      {"direct_of_four_of_96_units_long_way", of(FLASHRNN_GRU, with_lengths(13, 2, 92)),
       config(1, 4)},
      {"two_direct_of_four", problem(16, time, 2, 64), two},
      {"two_direct_of_four_asked", with_lengths(13, 2, 64), two},
      {"two_direct_of_four_long_way", with_lengths(13, 2, 60), two},
      {"cluster", problem(16, time, 2, 128), config(2, 8) + shared},
      {"cluster_of_two_tiles", problem(16, time, 2, 128), config(2, 16)},
      {"cluster_asked", with_lengths(13, 2, 128), config(2, 16)},
      {"cluster_long_way", with_lengths(13, 2, 100), config(2, 8) + shared},
      {"whole_depth", problem(16, time, 2, 128), config(2, 8) + whole},
      {"whole_depth_of_sixteen", problem(16, time, 2, 256), config(2, 8) + whole},
      {"whole_depth_asked", with_lengths(13, 2, 128), config(2, 8) + whole},
      {"whole_depth_long_way", with_lengths(13, 2, 100), config(2, 8) + whole},
      {"four_sequences", problem(16, time, 2, 128), four(32, 2)},
      {"four_sequences_asked", with_lengths(13, 2, 192), four(32, 2)},
      {"four_sequences_long_way", with_lengths(13, 2, 100), four(32, 2)},
      {"four_sequences_two_sharers", problem(16, time, 1, 512), four(32, 3), 9},
      {"four_sequences_two_sharers_asked", with_lengths(13, 1, 448), four(32, 3), 9},
      {"four_sequences_two_sharers_long_way", with_lengths(13, 1, 316), four(32, 3), 9},
      {"four_sequences_of_sixteen_units", of(FLASHRNN_SLSTM, problem(5, time, 2, 192)),
       four(16, 2)},
      {"four_sequences_of_sixteen_units_asked", of(FLASHRNN_GRU, with_lengths(13, 1, 128)),
       four(16, 2)},
      {"four_sequences_of_sixteen_units_long_way", of(FLASHRNN_ELMAN, with_lengths(5, 1, 100)),
       four(16, 2)},
      {"four_sequences_of_256_units", problem(16, time, 1, 256), four(32, 2)},
      {"four_sequences_and_eight", problem(13, time, 2, 64),
       "forward_family=1,forward_columns=4,backward_family=2,backward_columns=8"},
      {"shared_depth", problem(16, time, 1, 384), sharing, 9},
      {"shared_depth_asked", with_lengths(13, 1, 448), sharing, 9},
      {"shared_depth_long_way", with_lengths(13, 1, 316), sharing, 9},
      {"shared_depth_of_four", of(FLASHRNN_ELMAN, problem(16, time, 2, 128)), sharing, 9},
      {"shared_depth_of_three_states", of(FLASHRNN_SLSTM, with_lengths(13, 1, 384)), sharing, 9},
      {"global", problem(16, time, 1, 512), config(3, 8) + ",forward_depth_warps=4"},
      {"global_on_trust", problem(16, time, 1, 512), config(3, 8) + ",forward_depth_warps=8"},
      {"global_of_one_cluster", problem(16, time, 1, 256), config(3, 8) + ",backward_cluster=16"},
      {"global_of_two_tiles", problem(16, time, 1, 512), config(3, 16)},
      {"global_asked", with_lengths(13, 1, 512), config(3, 16)},
      {"global_of_four_tiles", problem(32, time, 1, 512), config(3, 32)},
      {"global_with_lookers_asked", with_lengths(29, 1, 512), lookers(32, 8), 9},
      {"global_with_lookers_long_way", of(FLASHRNN_SLSTM, with_lengths(29, 1, 380)), lookers(32, 8),
       9},
      {"global_with_lookers_taking_registers", problem(32, time, 1, 768), lookers(32, 16), 9},
      {"global_with_lookers_of_one_gate", of(FLASHRNN_ELMAN, problem(29, time, 1, 384)),
       lookers(32, 8), 9},
      {"global_with_lookers_of_two_gates", of(FLASHRNN_LIGHT_GRU, with_lengths(40, 1, 384)),
       lookers(32, 8), 9},
      {"global_with_lookers_in_rounds_long_way", with_lengths(29, 1, 636), lookers(32, 8), 9},
      {"global_with_lookers_sharing_weights", problem(32, time, 1, 1152),
       "backward_family=3,backward_columns=32,backward_cluster=8", 9},
      {"global_of_eight_tiles", problem(64, time, 1, 384), lookers(64, 8), 9},
      {"global_of_eight_tiles_without_second_group", problem(70, time, 1, 384), lookers(64, 8), 9},
      {"global_of_eight_tiles_asked", of(FLASHRNN_GRU, with_lengths(61, 1, 768)), lookers(64, 16),
       9},
      {"global_of_eight_tiles_long_way", with_lengths(61, 1, 380), lookers(64, 8), 9},
      {"global_looking_ahead", problem(32, time, 1, 768), config(3, 32) + ahead + "8", 9},
      {"global_looking_ahead_of_1024_units", problem(29, time, 1, 1024),
       config(3, 32) + ahead + "8", 9},
      {"global_looking_ahead_of_1024_units_asked", of(FLASHRNN_SLSTM, with_lengths(29, 1, 1024)),
       config(3, 32) + ahead + "8", 9},
      {"global_looking_ahead_of_1280_units_long_way", of(FLASHRNN_GRU, with_lengths(29, 1, 1276)),
       config(3, 32) + ahead + "8", 9},
      {"global_looking_ahead_asked", with_lengths(29, 1, 384), config(3, 32) + ahead + "4", 9},
      {"global_looking_ahead_long_way", with_lengths(29, 1, 380), config(3, 32) + ahead + "4", 9},
      {"global_of_24_units", problem(13, time, 1, 384), config(3, 8) + octets, 9},
      {"global_of_24_units_asked", with_lengths(13, 1, 384), config(3, 16) + octets, 9},
      {"global_of_24_units_long_way", with_lengths(13, 1, 380), config(3, 16) + octets, 9},
      {"global_of_24_units_one_gate", of(FLASHRNN_ELMAN, problem(5, time, 1, 384)),
       config(3, 8) + octets, 9},
      {"global_of_24_units_two_gates_asked", of(FLASHRNN_LIGHT_GRU, with_lengths(13, 1, 320)),
       config(3, 16) + octets + ",forward_head_dim=384", 9},
      {"global_of_24_units_four_tiles", problem(32, time, 1, 768), config(3, 32) + octets, 9},
      {"global_of_24_units_four_tiles_asked", of(FLASHRNN_GRU, with_lengths(29, 1, 384)),
       config(3, 32) + octets, 9},
      {"global_of_24_units_four_tiles_long_way", of(FLASHRNN_SLSTM, with_lengths(29, 1, 380)),
       config(3, 32) + octets, 9},
      {"global_of_clusters", problem(16, time, 1, 384), config(3, 8) + clusters},
      {"global_of_clusters_asked", with_lengths(13, 1, 384), config(3, 8) + clusters},
      {"global_of_clusters_long_way", with_lengths(13, 1, 380), config(3, 8) + clusters},
      {"global_of_clusters_of_sixteen", of(FLASHRNN_GRU, with_lengths(13, 1, 512)),
       config(3, 8) + ",forward_cluster=16,forward_depth_warps=4"},
      {"global_of_clusters_taking_registers", problem(13, time, 1, 768),
       config(3, 8) + ",forward_cluster=16,forward_depth_warps=8"},
      {"global_of_clusters_taking_registers_asked", with_lengths(13, 1, 768),
       config(3, 8) + ",forward_cluster=16,forward_depth_warps=8"},
      {"global_of_clusters_taking_registers_long_way", with_lengths(13, 1, 764),
       config(3, 8) + ",forward_cluster=16,forward_depth_warps=8"},
      {"global_two_sequences", with_lengths(3, 1, 768),
       config(3, 8) + ",forward_cluster=1,forward_depth_warps=8"},
      {"global_of_five_clusters", of(FLASHRNN_ELMAN, problem(16, time, 1, 632)),
       config(3, 8) + clusters}};
}

std::vector<Family> families_and_alternating(int64_t time) {
  std::vector<Family> all = families(time);
  all.push_back({"alternating", problem(16, time, 1, 192), "kernel=2"});
  return all;
}

}  // namespace flashrnn::test
