// SPDX-License-Identifier: Apache-2.0
#include "cuda/config.hpp"

#include <algorithm>

#include "api/error.hpp"
#include "cuda/modules/embedded.hpp"
#include "cuda/modules/fused_text.hpp"
#include "cuda/modules/nvrtc.hpp"
#include "gpu/cell_counts.hpp"
#include "gpu/fused/geometry.hpp"

namespace flashrnn::cuda {

namespace {

std::string table_rule(const std::vector<gpu::FusedConfig>& configs, bool is_backward) {
  const std::string side = is_backward ? "backward" : "forward";
  std::string rows;
  for (const gpu::FusedConfig& c : configs) {
    if ((c.is_backward != 0) != is_backward) continue;
    if (!rows.empty()) rows += ", ";
    rows += fmt::format("[{}, {}, {}, {}, {}, {}, {}, {}, {}]", c.cell, c.dtype, c.family,
                        c.head_dim, c.columns, c.units, c.depth_warps, c.min_ctas, c.cluster);
  }
  return fmt::format(
      "({0}_family > 0) -> table([cell, dtype, {0}_family, {0}_head_dim, {0}_columns, {0}_units, "
      "{0}_depth_warps, {0}_min_ctas, {0}_cluster], [{1}]);\n",
      side, rows);
}

// Forward in several clusters a batch tile.
template <typename Holds>
void check_mixed(const Holds& holds, const DeviceFacts& facts, const gpu::FusedConfig& c) {
  const int near = gpu::near_units_of(c) / 32, far = c.head_dim / 32 - near;
  holds(c.columns == 8, "columns of several clusters", c.columns, "exactly", 8);
  holds(far > 0, "head_dim of several clusters", c.head_dim, "more than", gpu::near_units_of(c));
  holds(near % c.depth_warps == 0 && far % c.depth_warps == 0, "depth_warps of several clusters",
        c.depth_warps, "a divisor of the operands of a cluster and of the others, here of", near);
  holds(near % (far / c.depth_warps) == 0, "far operands of a warp", far / c.depth_warps,
        "a divisor of", near);
  holds(gpu::ctas_of_group(c) / c.cluster <= facts.active_clusters_of(c.cluster),
        "clusters of a head", gpu::ctas_of_group(c) / c.cluster, "at most",
        facts.active_clusters_of(c.cluster));
  holds(gpu::multiplies_on_trust(c), "depth_warps of several clusters", c.depth_warps,
        "enough for 96 registers of weights, but the depth of each is", gpu::depth_of(c));
}

// Forward with 24 units a CTA.
template <typename Holds>
void check_octets(const Holds& holds, const gpu::FusedConfig& c) {
  holds(c.cluster == 1, "cluster of 24 units", c.cluster, "exactly", 1);
  holds(c.depth_warps == 4 || c.depth_warps == 8, "depth_warps of 24 units", c.depth_warps, "4 or",
        8);
  holds(c.head_dim % (32 * c.depth_warps) == 0, "head_dim of 24 units", c.head_dim, "a multiple of",
        32 * c.depth_warps);
  const int weights = gpu::depth_of(c) * gpu::row_tiles_of(c) * 8;
  holds(weights <= 144, "registers of weights of 24 units", weights, "at most", 144);
}

void check_fused(const DeviceFacts& facts, const gpu::FusedConfig& c) {
  // Called for every configuration of a plan: the text is made for a broken rule only.
  const auto holds = [&](bool rule, const char* what, int64_t value, const char* must,
                         int64_t bound) {
    if (rule) return;
    fail(Status::kInvalidArgument,
         "the constraint model gives the fused kernel {}: {} is {}, must be {} {}", fused_name(c),
         what, value, must, bound);
  };
  holds(c.family >= gpu::kDirect && c.family <= gpu::kGlobal, "family", c.family, "1 to",
        gpu::kGlobal);
  const bool may_be_four = c.family == gpu::kDirect || gpu::has_whole_depth(c);
  holds(c.columns > 0 && (c.columns % 8 == 0 || (may_be_four && c.columns == 4)), "columns",
        c.columns, "a multiple of 8, or, for one CTA or with one warp over the depth,", 4);
  const int most = gpu::lookers_of(c) > 0 ? 64 : 32;
  holds(c.columns <= most, "columns", c.columns, "at most", most);
  if (gpu::lookers_of(c) > 0) {
    holds(c.columns % 16 == 0, "columns of two groups", c.columns, "a multiple of", 16);
    holds(c.depth_warps == 8, "depth_warps beside lookers", c.depth_warps, "exactly", 8);
  }
  holds(c.units > 0 && (c.units % 16 == 0 || gpu::is_by_octets(c)), "units", c.units,
        "24 through L2, or a multiple of", 16);
  holds(c.head_dim > 0 && c.head_dim % c.units == 0, "head_dim", c.head_dim, "a multiple of",
        c.units);
  holds(c.depth_warps > 0, "depth_warps", c.depth_warps, "at least", 1);
  holds(c.min_ctas > 0, "min_ctas", c.min_ctas, "at least", 1);
  if (gpu::has_whole_depth(c)) {
    const bool may_share = c.columns < 8 || (c.head_dim > 64 && c.head_dim % 64 == 0);
    holds(c.units == 16 || (c.units == 32 && may_share), "units with one warp over the depth",
          c.units, "16 or, of 4 sequences or of heads of 128, 192 and so on,", 32);
    holds(c.columns <= 8, "columns with one warp over the depth", c.columns, "4 or", 8);
  }
  holds(!gpu::takes_registers(c) || facts.capability() == 90, "compute capability",
        facts.capability(), "for warps that take registers of idle ones exactly", 90);
  const int threads = gpu::threads_of(c);
  holds(threads > 0 && threads <= facts.threads_per_block, "threads", threads, "1 to",
        facts.threads_per_block);
  const int shared = gpu::shared_bytes_of(c);
  holds(shared >= 0 && shared <= facts.shared_per_block, "shared memory", shared, "0 to",
        facts.shared_per_block);
  const int cluster = c.cluster;
  holds(cluster > 0 && cluster <= std::max(1, facts.max_cluster), "cluster", cluster, "1 to",
        facts.max_cluster);
  if (c.family == gpu::kGlobal) {
    holds(gpu::ctas_of_group(c) % cluster == 0, "cluster", cluster, "a divisor of",
          gpu::ctas_of_group(c));
    if (gpu::is_mixed(c)) check_mixed(holds, facts, c);
    if (gpu::is_by_octets(c)) check_octets(holds, c);
  } else {
    const int whole = c.family == gpu::kCluster ? gpu::ctas_of_group(c) : 1;
    holds(cluster == whole, "cluster", cluster, "exactly", whole);
  }
}

}  // namespace

bool can_compile() { return has_nvrtc() && !embedded_sources().empty(); }

KernelKind kind_of(const KernelConfig& config) {
  return static_cast<KernelKind>(config.get("kernel"));
}

bool may_alternate(const DeviceFacts& f, const Problem& p, bool compiles) {
  // Heads up to these have fused kernels (before Hopper, where shared memory is 99 KB), or are done
  // by the general one in less than a launch.
  const int64_t fused_most = f.capability() >= 90 ? 1792 : 768;
  constexpr int64_t kGeneralMost = 384;
  const bool is_half = p.dtype == DType::kBfloat16 || p.dtype == DType::kFloat16;
  return !p.forced_config.empty() || p.head_dim > (is_half && compiles ? fused_most : kGeneralMost);
}

gpu::FusedConfig fused_config(const Problem& problem, const KernelConfig& config,
                              bool is_backward) {
  const std::string side = is_backward ? "backward_" : "forward_";
  const auto get = [&](const char* name) { return static_cast<int>(config.get(side + name)); };
  return {problem.cell->id,    static_cast<int>(problem.dtype),
          is_backward ? 1 : 0, get("family"),
          get("head_dim"),     get("columns"),
          get("units"),        get("depth_warps"),
          get("min_ctas"),     get("cluster")};
}

NamedValues model_parameters(const DeviceFacts& f, const Problem& p, bool compiles, bool has_blas) {
  const bool is_half = p.dtype == DType::kBfloat16 || p.dtype == DType::kFloat16;
  const bool has_fused = f.capability() >= kLeastFusedCapability &&
                         (compiles || !embedded_configs(f.architecture()).empty());
  NamedValues values = {{"batch", p.batch},
                        {"time", p.time},
                        {"heads", p.heads},
                        {"head_dim", p.head_dim},
                        {"cell", p.cell->id},
                        {"dtype", static_cast<int64_t>(p.dtype)},
                        {"gates", p.cell->recurrent_gates},
                        {"inputs", p.cell->input_gates},
                        {"slots", p.cell->slots},
                        {"saved", p.cell->saved},
                        {"kept_bytes", gpu::kept_bytes_of(p.cell->kept, p.cell->kept_bits)},
                        {"reads_h", p.cell->reads_h},
                        {"has_backward", p.mode == Mode::kInference ? 0 : 1},
                        {"is_half", is_half ? 1 : 0},
                        {"capability", f.capability()},
                        {"multiprocessors", f.multiprocessors},
                        {"registers", f.registers_per_multiprocessor},
                        {"shared_per_block", f.shared_per_block},
                        {"shared_per_multiprocessor", f.shared_per_multiprocessor},
                        {"threads_per_block", f.threads_per_block},
                        {"threads_per_multiprocessor", f.threads_per_multiprocessor},
                        {"l2_bytes", f.l2_bytes},
                        {"clock_khz", f.clock_khz},
                        {"max_cluster", f.max_cluster},
                        {"has_cooperative", f.has_cooperative_launch ? 1 : 0},
                        {"has_runtime_compiler", compiles ? 1 : 0},
                        {"has_fused", has_fused ? 1 : 0},
                        {"has_blas", has_blas ? 1 : 0}};
  // Of those that clusters through L2 may have.
  for (const int ctas : {8, 16})
    values.emplace_back("active_clusters_" + std::to_string(ctas), f.active_clusters_of(ctas));
  return values;
}

std::string availability_rules(const DeviceFacts& facts, bool compiles) {
  if (compiles) return "";
  const std::vector<gpu::FusedConfig> configs = embedded_configs(facts.architecture());
  if (configs.empty()) return "";
  return "\n# There is no run-time compiler here: these are the fused kernels that the library "
         "carries.\n" +
         table_rule(configs, false) + table_rule(configs, true);
}

void check_config(const DeviceFacts& facts, const Problem& problem, const KernelConfig& config) {
  const int64_t kernel = config.get("kernel");
  require(kernel >= 0 && kernel <= 2, "the constraint model gives kernel = {}: must be 0 to 2",
          kernel);
  if (!is_fused(config)) return;
  require(problem.dtype == DType::kBfloat16 || problem.dtype == DType::kFloat16,
          "the constraint model gives kernel = 1: must be 0 for {}", dtype_name(problem.dtype));
  for (const bool is_backward : {false, true}) {
    if (is_backward && problem.mode == Mode::kInference) continue;
    const gpu::FusedConfig fused = fused_config(problem, config, is_backward);
    check_fused(facts, fused);
    if (fused.head_dim < problem.head_dim) {
      fail(Status::kInvalidArgument,
           "the constraint model gives the fused kernel {}: head_dim must be at least {}",
           fused_name(fused), problem.head_dim);
    }
  }
}

}  // namespace flashrnn::cuda
