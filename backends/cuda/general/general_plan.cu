// SPDX-License-Identifier: Apache-2.0
// How the general recurrence is cut into CTAs: every legal cut is priced with a few cycles per unit
// of work, the cheapest one wins.
#include <algorithm>

#include "cells/traits.hpp"
#include "cuda/general/geometry.hpp"

namespace flashrnn::cuda {

namespace {

struct Limits {
  int multiprocessors, shared_bytes, has_clusters;
};

cudaError_t read_limits(Limits* limits) {
  int device = 0;
  cudaError_t error = cudaGetDevice(&device);
  const auto read = [&](int* value, cudaDeviceAttr attribute) {
    if (error == cudaSuccess) error = cudaDeviceGetAttribute(value, attribute, device);
  };
  read(&limits->multiprocessors, cudaDevAttrMultiProcessorCount);
  read(&limits->shared_bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin);
  read(&limits->has_clusters, cudaDevAttrClusterLaunch);
  return error;
}

int ceil_div(int a, int b) { return (a + b - 1) / b; }

// Fills in what follows from columns, ranks and where the weights and the tile lie; false: not
// legal.
bool complete(GeneralPlan& plan, const CellTraits& cell, const Shape& s, const Limits& limits) {
  const int parts = std::max(1, ceil_div(s.units, plan.ranks));
  plan.units = (parts + 3) / 4 * 4;
  if (ceil_div(s.units, plan.units) != plan.ranks) return false;  // a rank without units
  const ProductShape product = product_shape(plan, s.units, cell.recurrent_gates);
  const int quads = product.rows / 4;
  plan.quad_threads = std::min(quads, kMaxGeneralThreads);
  // A slice of fewer than four depths costs more in the sum of the slices than it saves.
  plan.slices = std::max(1, std::min(kMaxGeneralThreads / plan.quad_threads, product.depth / 4));
  const int elements = std::min(kMaxGeneralThreads, plan.columns * plan.units);
  plan.threads = std::max(plan.quad_threads * plan.slices, elements);
  plan.threads = std::min(kMaxGeneralThreads, (plan.threads + 31) / 32 * 32);
  if (plan.weights_home == kRegisters && (plan.columns != 2 || quads > plan.quad_threads ||
                                          ceil_div(product.depth, plan.slices) > kResidentDepth)) {
    return false;
  }
  if (plan.weights_home == kWorkspace && plan.columns != 8) return false;
  if (!plan.is_tile_in_shared && plan.weights_home != kWorkspace) return false;
  const TileLayout layout =
      tile_layout(plan, product, tile_arrays(plan.is_backward != 0, cell.states),
                  tile_constants(plan.is_backward != 0, cell.slots));
  plan.shared_bytes = size_t(layout.shared_floats) * sizeof(float);
  if (plan.shared_bytes > size_t(limits.shared_bytes)) return false;
  const int tiles = ceil_div(s.batch, plan.columns);
  const size_t packed = size_t(s.heads) * product.depth * product.pitch * sizeof(float);
  plan.packed_bytes = (packed + kAlignment - 1) / kAlignment * kAlignment;
  plan.workspace_bytes = plan.packed_bytes;
  if (!plan.is_tile_in_shared) {
    plan.workspace_bytes +=
        size_t(s.heads) * tiles * layout.group_floats(plan.ranks) * sizeof(float);
  }
  plan.saved_bytes = saved_bytes_of(s, cell.saved, cell.kept);
  return true;
}

cudaError_t allow(const void* kernel, const GeneralPlan& plan) {
  cudaError_t error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                           int(plan.shared_bytes));
  if (error == cudaSuccess && plan.ranks > 8) {
    error = cudaFuncSetAttribute(kernel, cudaFuncAttributeNonPortableClusterSizeAllowed, 1);
  }
  return error;
}

cudaLaunchConfig_t launch_config(const GeneralPlan& plan, const Shape& s,
                                 cudaLaunchAttribute* cluster) {
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(unsigned(s.heads) * ceil_div(s.batch, plan.columns) * plan.ranks);
  config.blockDim = dim3(plan.threads);
  config.dynamicSmemBytes = plan.shared_bytes;
  if (plan.ranks > 1) {
    cluster->id = cudaLaunchAttributeClusterDimension;
    cluster->val.clusterDim.x = plan.ranks;
    cluster->val.clusterDim.y = 1;
    cluster->val.clusterDim.z = 1;
    config.attrs = cluster;
    config.numAttrs = 1;
  }
  return config;
}

// (head, batch tile) groups that run at once; 0: the device cannot hold one.
int groups_at_once(const void* kernel, const GeneralPlan& plan, const Shape& s,
                   const Limits& limits) {
  int count = 0;
  cudaError_t error = allow(kernel, plan);
  if (error == cudaSuccess && plan.ranks == 1) {
    error = cudaOccupancyMaxActiveBlocksPerMultiprocessor(&count, kernel, plan.threads,
                                                          plan.shared_bytes);
    count *= limits.multiprocessors;
  } else if (error == cudaSuccess) {
    cudaLaunchAttribute cluster{};
    cudaLaunchConfig_t config = launch_config(plan, s, &cluster);
    error = cudaOccupancyMaxActiveClusters(&count, kernel, &config);
  }
  if (error == cudaSuccess) return count;
  cudaGetLastError();  // a cut that the device refuses is no fault
  return 0;
}

// Cycles of one step of one group, where `resident` CTAs share a multiprocessor.
double step_cycles(const GeneralPlan& plan, const CellTraits& cell, const Shape& s,
                   const Limits& limits, int groups, double resident) {
  const ProductShape product = product_shape(plan, s.units, cell.recurrent_gates);
  const double loads = product.rows / 4.0 * product.depth;  // of 16 bytes of weights
  const double warps = loads / 32;
  const double fma = warps * plan.columns;
  const double shared = warps * (plan.columns + (plan.weights_home == kRegisters ? 0 : 4));
  double weights = 0;
  if (plan.weights_home == kWorkspace) {
    const double bytes = loads * 16;
    weights = std::max(bytes / 40, bytes * plan.ranks * groups / (limits.multiprocessors * 24.0));
  }
  const double elements =
      300.0 * ceil_div(plan.columns * plan.units, plan.threads) + 4.0 * plan.slices;
  const double exchange = plan.ranks > 1 ? 500 + 20.0 * plan.ranks : 60;
  return std::max({fma, shared, weights}) * resident + elements + exchange;
}

GeneralPlan cut(int cell, bool is_backward, int columns, int ranks, int weights_home,
                bool is_tile_in_shared) {
  GeneralPlan plan{};
  plan.cell = cell;
  plan.is_backward = is_backward;
  plan.columns = columns;
  plan.ranks = ranks;
  plan.weights_home = weights_home;
  plan.is_tile_in_shared = is_tile_in_shared;
  return plan;
}

// Completes the cut; how many of its groups run at once, 0 if the cut is not legal on this device.
int groups_of(GeneralPlan& plan, const CellTraits& cell, const Shape& s, const Limits& limits) {
  if (!complete(plan, cell, s, limits)) return 0;
  const void* kernel = plan.is_backward ? general_backward_kernel(cell.id, s.dtype, plan.columns)
                                        : general_forward_kernel(cell.id, s.dtype, plan.columns);
  return groups_at_once(kernel, plan, s, limits);
}

}  // namespace

cudaError_t force_general_plan(int cell, const Shape& shape, bool is_backward, int columns,
                               int ranks, int weights_home, bool is_tile_in_shared,
                               GeneralPlan* plan) {
  const CellTraits* traits = find_cell(cell);
  if (traits == nullptr || (columns != 2 && columns != 8) || ranks < 1 || ranks > kMaxRanks) {
    return cudaErrorInvalidValue;
  }
  Limits limits{};
  if (const cudaError_t error = read_limits(&limits); error != cudaSuccess) return error;
  if (ranks > 1 && !limits.has_clusters) return cudaErrorInvalidConfiguration;
  *plan = cut(cell, is_backward, columns, ranks, weights_home, is_tile_in_shared);
  return groups_of(*plan, *traits, shape, limits) > 0 ? cudaSuccess : cudaErrorInvalidConfiguration;
}

cudaError_t plan_general(int cell, const Shape& shape, bool is_backward, GeneralPlan* plan) {
  const CellTraits* traits = find_cell(cell);
  if (traits == nullptr || shape.batch < 1 || shape.heads < 1 || shape.units < 1) {
    return cudaErrorInvalidValue;
  }
  Limits limits{};
  if (const cudaError_t error = read_limits(&limits); error != cudaSuccess) return error;
  double best = 0;
  *plan = {};
  const auto consider = [&](int columns, int ranks, int home, int is_tile_in_shared) {
    GeneralPlan candidate = cut(cell, is_backward, columns, ranks, home, is_tile_in_shared);
    const int at_once = groups_of(candidate, *traits, shape, limits);
    if (at_once == 0) return;
    const int groups = shape.heads * ceil_div(shape.batch, columns);
    const int running = std::min(groups, at_once);
    const double resident =
        std::max(1.0, double(ceil_div(running * ranks, limits.multiprocessors)));
    const double cycles = ceil_div(groups, at_once) *
                          step_cycles(candidate, *traits, shape, limits, running, resident);
    if (plan->threads != 0 && cycles >= best) return;
    best = cycles;
    *plan = candidate;
  };
  for (int columns : {2, 8}) {
    for (int ranks = 1; ranks <= (limits.has_clusters ? kMaxRanks : 1); ranks *= 2) {
      for (int home : {kRegisters, kSharedMemory, kWorkspace}) consider(columns, ranks, home, 1);
    }
  }
  // Too large for shared memory however it is cut.
  for (int ranks = limits.has_clusters ? kMaxRanks : 1; plan->threads == 0 && ranks > 0;
       ranks /= 2) {
    consider(8, ranks, kWorkspace, 0);
  }
  return plan->threads == 0 ? cudaErrorInvalidConfiguration : cudaSuccess;
}

cudaError_t launch_general(const void* kernel, const GeneralPlan& plan, const Shape& shape,
                           const void* params, cudaStream_t stream) {
  if (const cudaError_t error = allow(kernel, plan); error != cudaSuccess) return error;
  cudaLaunchAttribute cluster{};
  cudaLaunchConfig_t config = launch_config(plan, shape, &cluster);
  config.stream = stream;
  void* arguments[] = {const_cast<GeneralPlan*>(&plan), const_cast<void*>(params)};
  return cudaLaunchKernelExC(&config, kernel, arguments);
}

}  // namespace flashrnn::cuda
