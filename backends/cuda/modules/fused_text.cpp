// SPDX-License-Identifier: Apache-2.0
#include "cuda/modules/fused_text.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <string_view>

#include "cells/traits.hpp"
#include "plan/dtype.hpp"

namespace flashrnn::cuda {

namespace {

const char* family_name(int family) {
  switch (family) {
    case gpu::kDirect:
      return "direct";
    case gpu::kCluster:
      return "cluster";
    case gpu::kGlobal:
      return "global";
    default:
      return "general";
  }
}

}  // namespace

std::string fused_name(const gpu::FusedConfig& c) {
  return fmt::format("{} {} {} {} d{} c{} u{} w{} m{} k{}", find_cell(c.cell)->name,
                     dtype_name(static_cast<DType>(c.dtype)),
                     c.is_backward != 0 ? "backward" : "forward", family_name(c.family), c.head_dim,
                     c.columns, c.units, c.depth_warps, c.min_ctas, c.cluster);
}

std::vector<std::string> fused_options(const gpu::FusedConfig& c) {
  // Division is good to 2 ulp of float32, of numbers that go to 16 bits: fused_grid.cmake has it
  // too.
  std::vector<std::string> options = {
      "--prec-div=false", fmt::format("-DFLASHRNN_FUSED_CELL={}", find_cell(c.cell)->name)};
  const std::pair<const char*, int> numbers[] = {
      {"CELL_ID", c.cell},         {"DTYPE", c.dtype},
      {"BACKWARD", c.is_backward}, {"FAMILY", c.family},
      {"HEAD_DIM", c.head_dim},    {"COLUMNS", c.columns},
      {"UNITS", c.units},          {"DEPTH_WARPS", c.depth_warps},
      {"MIN_CTAS", c.min_ctas},    {"CLUSTER", c.cluster}};
  for (const auto& [name, value] : numbers) {
    options.push_back(fmt::format("-DFLASHRNN_FUSED_{}={}", name, value));
  }
  if (wants_delays()) options.emplace_back("-DFLASHRNN_FUSED_DELAYS");
  return options;
}

bool wants_delays() {
  const char* value = std::getenv("FLASHRNN_CUDA_DELAYS");
  return value != nullptr && *value != '\0' && std::string_view(value) != "0";
}

const char* fused_entry(const gpu::FusedConfig& c) {
  return c.is_backward != 0 ? "flashrnn_fused_backward" : "flashrnn_fused_forward";
}

}  // namespace flashrnn::cuda
