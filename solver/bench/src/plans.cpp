// What a backend's plan asks of its shipped model: every configuration in order of preference, on
// the facts of a device and a problem as the backend gives them (backends/cuda/config.cpp,
// src/core/cpu_device.cpp); and what a user may force upon it that cannot be had.
#include "cases.hpp"

namespace bench {
namespace {

constexpr const char* kCuda = "backends/cuda/cuda.constrint";
constexpr const char* kCpu = "src/core/cpu.constrint";

// An H100: the numbers are the driver's.
const Parameters kHopper = {{"capability", 90},
                            {"multiprocessors", 132},
                            {"registers", 65536},
                            {"shared_per_block", 232448},
                            {"shared_per_multiprocessor", 233472},
                            {"threads_per_block", 1024},
                            {"threads_per_multiprocessor", 2048},
                            {"l2_bytes", 52428800},
                            {"clock_khz", 1980000},
                            {"max_cluster", 16},
                            {"active_clusters_2", 66},
                            {"active_clusters_4", 32},
                            {"active_clusters_8", 15},
                            {"active_clusters_16", 7},
                            {"has_cooperative", 1},
                            {"has_runtime_compiler", 1},
                            {"has_fused", 1},
                            {"has_blas", 0}};

// A server's processor with all instruction sets.
const Parameters kServer = {{"threads", 32}, {"best_isa", 3}, {"has_dot", 1}, {"has_tile", 1}};
const Parameters kDesktop = {{"threads", 8}, {"best_isa", 2}, {"has_dot", 0}, {"has_tile", 0}};

// Later ones win.
Parameters Together(const std::vector<Parameters>& all) {
  Parameters result;
  for (const Parameters& some : all) {
    for (const auto& [name, value] : some) result[name] = value;
  }
  return result;
}

// Of an LSTM in bfloat16, 1024 steps.
Parameters Training(std::int64_t heads, std::int64_t head_dim, std::int64_t batch) {
  return {{"batch", batch}, {"time", 1024},    {"heads", heads},   {"head_dim", head_dim},
          {"dtype", 2},     {"is_half", 1},    {"is_bfloat16", 1}, {"has_backward", 1},
          {"cell", 1},      {"gates", 4},      {"inputs", 4},      {"slots", 4},
          {"saved", 4},     {"kept_bytes", 4}, {"reads_h", 0}};
}

const Parameters kGru = {
    {"cell", 2}, {"gates", 3}, {"inputs", 3}, {"kept_bytes", 0}, {"reads_h", 1}};
const Parameters kInference = {{"has_backward", 0}};
const Parameters kFloat = {{"dtype", 1}, {"is_half", 0}, {"is_bfloat16", 0}};

Case Plan(std::string name, const char* file, const std::vector<Parameters>& parameters) {
  return {std::move(name),
          "plan",
          file,
          Together(parameters),
          std::nullopt,
          {Task::kFirst, Task::kVisit, Task::kCount},
          true};
}

Case Refused(std::string name, const char* file, const std::vector<Parameters>& parameters,
             std::string added) {
  return {std::move(name), "infeasible", file, Together(parameters), 0, {Task::kFirst}, true,
          std::move(added)};
}

}  // namespace

std::vector<Case> PlanCases() {
  return {
      Plan("cuda_64x12_b16", kCuda, {kHopper, Training(12, 64, 16)}),
      Plan("cuda_256x3_b16", kCuda, {kHopper, Training(3, 256, 16)}),
      Plan("cuda_768_b16", kCuda, {kHopper, Training(1, 768, 16)}),
      Plan("cuda_1536_b16", kCuda, {kHopper, Training(1, 1536, 16)}),
      Plan("cuda_768_b64", kCuda, {kHopper, Training(1, 768, 64)}),
      Plan("cuda_gru_64x12_b1", kCuda, {kHopper, Training(12, 64, 1), kGru, kInference}),
      Plan("cuda_float_64x12_b16", kCuda, {kHopper, Training(12, 64, 16), kFloat}),
      Plan("cpu_64x12_b16", kCpu, {kDesktop, Training(12, 64, 16), kFloat}),
      Plan("cpu_768_b64", kCpu, {kServer, Training(1, 768, 64), kFloat}),
      Plan("cpu_bfloat16_64x12_b16", kCpu, {kServer, Training(12, 64, 16)}),

      // A kernel is forced that the problem or the device does not allow.
      Refused("cuda_float_fused", kCuda, {kHopper, Training(12, 64, 16), kFloat}, "kernel == 1;"),
      Refused("cuda_4096_fused", kCuda, {kHopper, Training(1, 4096, 16)}, "kernel == 1;"),
      Refused("cuda_256_direct", kCuda, {kHopper, Training(3, 256, 16)}, "forward_family == 1;"),
      Refused("cuda_small_shared_fused", kCuda,
              {kHopper, Training(1, 768, 16), {{"shared_per_block", 16384}}}, "kernel == 1;"),
      Refused("cuda_768_b64_wide", kCuda, {kHopper, Training(1, 768, 64)},
              "forward_columns == 32; forward_units == 32; forward_depth_warps == 8;"),
      Refused("cpu_tiles_absent", kCpu, {kDesktop, Training(12, 64, 16)}, "product == 2;"),
      Refused("cpu_too_many_workers", kCpu, {kServer, Training(1, 768, 16), kFloat},
              "workers == 17;"),
  };
}

}  // namespace bench
