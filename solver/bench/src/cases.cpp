#include "cases.hpp"

#include <utility>

#include "hand_loops.hpp"
#include "hand_spaces.hpp"
#include "hand_wide.hpp"

namespace bench {
namespace {

using Tasks = std::vector<Task>;

const Tasks kEnumerate = {Task::kFirst, Task::kList, Task::kVisit, Task::kCount};
const Tasks kTilingTasks = {Task::kFirst, Task::kBest, Task::kList, Task::kCount};
// Too many solutions to list: only what need not list them.
const Tasks kManyTasks = {Task::kFirst, Task::kBest, Task::kCount};

Case Space(std::string name, std::string file, Parameters parameters, std::uint64_t expected) {
  return {std::move(name), "space", std::move(file), std::move(parameters), expected, kEnumerate};
}

Case Wide(std::string name, std::string file, Parameters parameters, std::uint64_t expected) {
  return {std::move(name), "wide", std::move(file), std::move(parameters), expected, kEnumerate};
}

Case Infeasible(std::string name, std::string file, Parameters parameters) {
  return {std::move(name), "infeasible", std::move(file), std::move(parameters), 0, {Task::kFirst}};
}

std::vector<Case> MakeCases() {
  return {
      // Counts as published in arXiv 2509.26253.
      Space("dedispersion", "dedispersion", {}, 11130),
      Space("expdist", "expdist", {}, 294000),
      Space("hotspot", "hotspot", {}, 349853),
      Space("microhh", "microhh", {}, 138600),
      Space("gemm_kernel_tuner", "gemm_kernel_tuner", {}, 17472),
      Space("gemm_cltune", "gemm_cltune", {}, 5788),
      Space("gemm_full", "gemm_full", {}, 116928),
      Space("atf_prl_2x2", "atf_prl", {{"SIZE", 2}}, 1200),
      Space("atf_prl_4x4", "atf_prl", {{"SIZE", 4}}, 10800),
      Space("atf_prl_8x8", "atf_prl", {{"SIZE", 8}}, 48720),

      // Counts from the loops in hand_wide.cpp, or by the argument in the model's file.
      Wide("wide_remainders", "wide_remainders", {}, 1063),
      Wide("wide_rest", "wide_rest", {}, 1593),
      Wide("wide_semiprime", "wide_semiprime", {}, 1),
      Wide("wide_squares", "wide_squares", {}, 54),
      Wide("wide_chain2", "wide_chain2", {}, 164025),
      Wide("wide_tiling", "wide_tiling", {}, 808),
      Wide("wide_product3", "wide_product3", {}, 27342),
      Wide("wide_product3_large", "wide_product3", {{"N", 963761198400}}, 305328),
      Wide("wide_four", "wide_four", {}, 1866),
      Wide("wide_multiples", "wide_multiples", {}, 6),
      Wide("wide_linked", "wide_linked", {}, 2592),
      {"wide_semiprime62",
       "wide",
       "wide_semiprime",
       {{"N", 4611685846628697223}, {"TOP", 2147483648}},
       1,
       {Task::kFirst, Task::kList}},
      {"wide_chain4", "wide", "wide_chain4", {}, 76562500, {Task::kFirst, Task::kCount}},

      {"fused", "tiling", "fused", {}, 126748251, kManyTasks},
      {"fused_4_heads",
       "tiling",
       "fused",
       {{"HEAD_DIM", 512}, {"NUM_HEADS", 4}, {"BATCH", 64}},
       std::nullopt,
       kManyTasks},
      {"tiling_gpu", "tiling", "tiling_gpu", {}, std::nullopt, kTilingTasks},
      {"tiling_cpu", "tiling", "tiling_cpu", {}, std::nullopt, kTilingTasks},

      Infeasible("fused_odd_head", "fused", {{"HEAD_DIM", 1000}}),
      Infeasible("fused_odd_batch", "fused", {{"BATCH", 12}}),
      Infeasible("fused_no_shared", "fused", {{"SHARED_BYTES", 3000}}),
      Infeasible("fused_few_sms", "fused", {{"SMS", 12}, {"HEAD_DIM", 1024}}),
      Infeasible("fused_few_threads", "fused", {{"MAX_THREADS", 16}}),
      Infeasible("fused_large_head", "fused", {{"HEAD_DIM", 4096}}),
      Infeasible("tiling_gpu_wide", "tiling_gpu", {{"D", 8192}}),
      Infeasible("tiling_gpu_odd", "tiling_gpu", {{"D", 509}}),
      Infeasible("tiling_gpu_no_shared", "tiling_gpu", {{"SHARED_BYTES", 4096}}),
      Infeasible("tiling_cpu_no_l1", "tiling_cpu", {{"L1", 512}}),
      Infeasible("tiling_cpu_odd", "tiling_cpu", {{"DEPTH", 509}}),
      Infeasible("hotspot_no_shared", "hotspot", {{"SHARED_PER_BLOCK", 400}}),
      Infeasible("hotspot_no_threads", "hotspot", {{"MAX_THREADS", 31}}),
      Infeasible("wide_prime", "wide_semiprime", {{"N", 2147483629}}),
      Infeasible("wide_parity", "wide_parity", {}),
      Infeasible("wide_root", "wide_root", {}),
      Infeasible("wide_gcd", "wide_gcd", {}),
      Infeasible("wide_congruence", "wide_congruence", {}),
      Infeasible("wide_factor", "wide_factor", {}),
  };
}

}  // namespace

const std::vector<Case>& AllCases() {
  static const std::vector<Case> cases = [] {
    std::vector<Case> all = MakeCases();
    for (Case& c : PlanCases()) all.push_back(std::move(c));
    return all;
  }();
  return cases;
}

HandLoop FindHandLoop(const std::string& case_name) {
  static const std::vector<std::pair<std::string, HandLoop>> kLoops = {
      {"dedispersion", Dedispersion},
      {"expdist", ExpDist},
      {"hotspot", Hotspot},
      {"microhh", MicroHH},
      {"gemm_kernel_tuner", GemmKernelTuner},
      {"gemm_cltune", GemmClTune},
      {"gemm_full", GemmFull},
      {"atf_prl_2x2", AtfPrl2},
      {"atf_prl_4x4", AtfPrl4},
      {"atf_prl_8x8", AtfPrl8},
      {"wide_remainders", WideRemainders},
      {"wide_rest", WideRest},
      {"wide_semiprime", WideSemiprime},
      {"wide_squares", WideSquares},
      {"wide_chain2", WideChain2},
      {"wide_tiling", WideTiling},
      {"wide_product3", WideProduct3},
      {"wide_product3_large", WideProduct3Large},
      {"wide_four", WideFour},
      {"wide_multiples", WideMultiples},
      {"wide_linked", WideLinked},
  };
  for (const auto& [name, loop] : kLoops) {
    if (name == case_name) return loop;
  }
  return nullptr;
}

}  // namespace bench
