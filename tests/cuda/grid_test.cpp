// SPDX-License-Identifier: Apache-2.0
// The kernels of a released library (backends/cuda/grid_all.txt) are those that plans take on the
// documented head dimensions, so that a first call compiles nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <vector>

#include "cuda/modules/fused_text.hpp"
#include "fake_device.hpp"

namespace flashrnn::cuda {
namespace {

// A line of the grid. An empty cell, or -1: every one.
struct Line {
  std::string cell;
  int dtype = -1, is_backward = -1;
  gpu::FusedConfig rest{};

  bool covers(const gpu::FusedConfig& c) const {
    gpu::FusedConfig mine = rest;
    mine.cell = cell.empty() ? c.cell : 0;
    for (const CellTraits& known : kCells) {
      if (known.name == cell) mine.cell = known.id;
    }
    mine.dtype = dtype < 0 ? c.dtype : dtype;
    mine.is_backward = is_backward < 0 ? c.is_backward : is_backward;
    return mine == c;
  }
};

std::vector<Line> read_grid(const std::string& path) {
  std::vector<Line> lines;
  std::ifstream file(path);
  for (std::string text; std::getline(file, text);) {
    if (text.empty() || text[0] == '#') continue;
    Line line;
    std::string cell, dtype, direction, family;
    gpu::FusedConfig& c = line.rest;
    std::istringstream(text) >> cell >> dtype >> direction >> family >> c.head_dim >> c.columns >>
        c.units >> c.depth_warps >> c.min_ctas >> c.cluster;
    line.cell = cell == "*" ? "" : cell;
    line.dtype = dtype == "*"
                     ? -1
                     : static_cast<int>(dtype == "bfloat16" ? DType::kBfloat16 : DType::kFloat16);
    line.is_backward = direction == "*" ? -1 : direction == "backward" ? 1 : 0;
    c.family = family == "direct"    ? gpu::kDirect
               : family == "cluster" ? gpu::kCluster
                                     : gpu::kGlobal;
    lines.push_back(line);
  }
  return lines;
}

TEST(GridTest, CarriesWhatPlansTakeOnTheDocumentedHeadDimensions) {
  const std::vector<Line> grid = read_grid(FLASHRNN_TEST_GRID);
  ASSERT_FALSE(grid.empty());
  const auto carries = [&](const gpu::FusedConfig& c) {
    return std::any_of(grid.begin(), grid.end(), [&](const Line& l) { return l.covers(c); });
  };
  const FakeDevice device(hopper(), true);
  // Plans prefer kernels that they carry by 3 %, and this build carries others.
  constexpr double kWithin = 1.03 * 1.03;
  for (const char* name : {"lstm", "gru", "elman", "slstm", "elman_relu", "light_gru"}) {
    const CellTraits& cell =
        *std::find_if(std::begin(kCells), std::end(kCells),
                      [&](const CellTraits& c) { return std::string(name) == c.name; });
    for (const int64_t head_dim : {16, 32, 64, 96, 128, 192, 256, 384, 512, 640, 768, 1024}) {
      for (const DType dtype : {DType::kBfloat16, DType::kFloat16}) {
        for (const Mode mode : {Mode::kTraining, Mode::kInference}) {
          Problem p =
              problem_of(cell.id, dtype, 16, std::max<int64_t>(1, 768 / head_dim), head_dim);
          p.mode = mode;
          const std::vector<RankedConfig> legal = legal_configs(device, p);
          const auto carried = std::find_if(legal.begin(), legal.end(), [&](const RankedConfig& r) {
            return is_fused(r.config) && carries(fused_config(p, r.config, false)) &&
                   (mode == Mode::kInference || carries(fused_config(p, r.config, true)));
          });
          ASSERT_NE(carried, legal.end()) << name << " " << head_dim;
          EXPECT_LE(carried->predicted_microseconds, kWithin * legal.front().predicted_microseconds)
              << name << " " << head_dim << " " << dtype_name(dtype)
              << (mode == Mode::kInference ? ": inference" : ": training") << "\n the grid has "
              << carried->config.to_string() << "\n but plans take "
              << legal.front().config.to_string();
        }
      }
    }
  }
}

}  // namespace
}  // namespace flashrnn::cuda
