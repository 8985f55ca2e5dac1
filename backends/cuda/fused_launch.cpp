// SPDX-License-Identifier: Apache-2.0
#include "cuda/fused_launch.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <type_traits>

#include "cuda/check.hpp"
#include "cuda/modules/fused_text.hpp"
#include "gpu/fused/geometry.hpp"

namespace flashrnn::cuda {

namespace {

// A launch's shape and attributes; the runtime's struct points into it.
struct Grid {
  std::array<cudaLaunchAttribute, 2> attributes{};
  cudaLaunchConfig_t config{};

  Grid(const gpu::FusedConfig& c, int groups, cudaStream_t stream, bool is_cooperative,
       int more_threads) {
    config.gridDim = dim3(static_cast<unsigned>(groups * gpu::ctas_of_group(c)));
    config.blockDim = dim3(static_cast<unsigned>(gpu::threads_of(c) + more_threads));
    config.dynamicSmemBytes = static_cast<size_t>(gpu::shared_bytes_of(c));
    config.stream = stream;
    config.attrs = attributes.data();
    if (c.cluster > 1) {
      cudaLaunchAttribute& cluster = attributes[config.numAttrs++];
      cluster.id = cudaLaunchAttributeClusterDimension;
      cluster.val.clusterDim.x = static_cast<unsigned>(c.cluster);
      cluster.val.clusterDim.y = cluster.val.clusterDim.z = 1;
    }
    if (is_cooperative) {
      cudaLaunchAttribute& cooperative = attributes[config.numAttrs++];
      cooperative.id = cudaLaunchAttributeCooperative;
      cooperative.val.cooperative = 1;
    }
  }
  Grid(const Grid&) = delete;
  Grid& operator=(const Grid&) = delete;
};

// CTAs of the kernel that the empty device holds at once.
int resident_ctas(const DeviceFacts& facts, const gpu::FusedConfig& c, cudaKernel_t kernel) {
  const auto* function = reinterpret_cast<const void*>(kernel);
  const int cluster = c.cluster;
  if (cluster > 1) {
    const Grid grid(c, std::max(1, cluster / gpu::ctas_of_group(c)), nullptr, false, 0);
    int clusters = 0;
    check(cudaOccupancyMaxActiveClusters(&clusters, function, &grid.config),
          "cudaOccupancyMaxActiveClusters");
    return clusters * cluster;
  }
  int ctas = 0;
  check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&ctas, function, gpu::threads_of(c),
                                                      static_cast<size_t>(gpu::shared_bytes_of(c))),
        "cudaOccupancyMaxActiveBlocksPerMultiprocessor");
  return ctas * facts.multiprocessors;
}

}  // namespace

FusedLaunch::FusedLaunch(const DeviceFacts& facts, const gpu::FusedConfig& config,
                         const gpu::Shape& shape)
    : config_(config), module_(load_fused(facts, config)) {
  const int64_t groups = int64_t{shape.heads} * gpu::batch_tiles(shape.batch, config.columns);
  constexpr int64_t kLargestGrid = 0x7fffffff;
  if (groups * gpu::ctas_of_group(config) > kLargestGrid) {
    fail(Status::kInfeasible, "the fused kernel {} needs {} CTAs: a grid has at most {}",
         fused_name(config), groups * gpu::ctas_of_group(config), kLargestGrid);
  }
  groups_ = static_cast<int>(groups);
  tiles_ = gpu::batch_tiles(shape.batch, config.columns);
  exchange_bytes_ = groups * gpu::exchange_bytes_of(config);
  if (gpu::tells_progress(config) && facts.major >= 9) {
    progress_bytes_ = int64_t{shape.heads} * gpu::progress_blocks(shape.time) *
                      static_cast<int64_t>(sizeof(unsigned));
  }
  const int resident = resident_ctas(facts, config, module_.kernel);
  const int at_once = resident / gpu::ctas_of_group(config);
  if (at_once == 0) {
    fail(Status::kInfeasible,
         "the fused kernel {} has {} CTAs a group: the device holds {} at once", fused_name(config),
         gpu::ctas_of_group(config), resident);
  }
  groups_of_wave_ = config.family == gpu::kGlobal ? std::min(groups_, at_once) : groups_;
  const double last_ctas =
      (groups_ - (launches() - 1) * groups_of_wave_) * gpu::ctas_of_group(config);
  free_share_ = std::max(0.0, 1 - last_ctas / facts.multiprocessors);
}

unsigned* FusedLaunch::progress(void* exchange) const {
  return reinterpret_cast<unsigned*>(static_cast<std::byte*>(exchange) + exchange_bytes_);
}

unsigned FusedLaunch::tellers() const {
  return static_cast<unsigned>(tiles_ * gpu::ctas_of_group(config_) * gpu::tellers_of(config_));
}

template <typename Params>
void FusedLaunch::launch(Params& params, cudaStream_t stream) const {
  int64_t bytes = exchange_bytes_;
  int more_threads = 0;
  if constexpr (std::is_same_v<Params, gpu::BackwardParams>) {
    if (params.progress != nullptr) {
      bytes += progress_bytes_;
      more_threads = gpu::telling_threads_of(config_);
    }
  }
  if (bytes > 0) {
    check(cudaMemsetAsync(params.exchange, 0xff, static_cast<size_t>(bytes), stream),
          "cudaMemsetAsync");
  }
  for (int first = 0; first < groups_; first += groups_of_wave_) {
    params.first_group = first;
    const Grid grid(config_, std::min(groups_of_wave_, groups_ - first), stream,
                    config_.family == gpu::kGlobal, more_threads);
    void* arguments[] = {&params};
    check(
        cudaLaunchKernelExC(&grid.config, reinterpret_cast<const void*>(module_.kernel), arguments),
        fused_entry(config_));
  }
}

template void FusedLaunch::launch(gpu::ForwardParams&, cudaStream_t) const;
template void FusedLaunch::launch(gpu::BackwardParams&, cudaStream_t) const;

}  // namespace flashrnn::cuda
