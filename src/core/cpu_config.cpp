// SPDX-License-Identifier: Apache-2.0
#include "core/cpu_config.hpp"

#include "api/error.hpp"
#include "core/simd/geometry.hpp"
#include "core/simd/kernel.hpp"
#include "core/simd/product_kind.hpp"
#include "core/simd/tiles.hpp"

namespace flashrnn {

using namespace simd;

// The shipped model gives nothing else; one of the user's might, and kernels trust these values
// with memory.
void check_cpu_config(const Problem& problem, const KernelConfig& config) {
  const auto within = [&](const char* name, int64_t least, int64_t most) {
    const int64_t value = config.get(name);
    require(value >= least && value <= most, "the constraint model gives {} = {}: must be {} to {}",
            name, value, least, most);
  };
  constexpr int64_t kMany = 65536;
  within("kernel", 0, 1);
  within("isa", 0, static_cast<int64_t>(instruction_sets().size()) - 1);
  within("product", 0, 2);
  const auto kind = static_cast<ProductKind>(config.get("product"));
  require(has_product(kind), "the constraint model gives product = {}: this machine lacks it",
          config.get("product"));
  if (takes_bfloat16(kind)) {
    require(problem.dtype == DType::kBfloat16,
            "the constraint model gives product = {}: must be 0 for {}", config.get("product"),
            dtype_name(problem.dtype));
    within("isa", static_cast<int64_t>(instruction_sets().size()) - 1, kMany);
    require(instruction_sets().back().lanes_f32 == 16,
            "the constraint model gives product = {}: it needs an instruction set of 16 lanes",
            config.get("product"));
  }
  within("batch_tile", 1, kind == ProductKind::kTile ? kTileColumns : kMaxBatchTile);
  within("block_depth", depth_unit(ProductKind::kDot), kMany);
  require(config.get("block_depth") % depth_unit(ProductKind::kDot) == 0,
          "the constraint model gives block_depth = {}: must be even", config.get("block_depth"));
  within("head_block", 1, kMaxHeadBlock);
  within("backward_head_block", 1, kMaxHeadBlock);
  within("workers", 1, kMany);
  within("shares", 1, kMany);
  within("chunk_steps", 1, kMany);
}

}  // namespace flashrnn
