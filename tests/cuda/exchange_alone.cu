// SPDX-License-Identifier: Apache-2.0
// What a step's exchange of h takes by itself, by the layouts, stores and looks of the fused
// kernels (exchange.cuh) and nothing else: words of a step are published when those of the step
// before have been found. The floors of cuda/floor.cpp are fitted to these (docs/cuda-notebook.md,
// "The exchange by itself").
#include <cuda_runtime.h>

#include <algorithm>
#include <vector>

#include "cuda/fused/exchange.cuh"
#include "exchange_alone.hpp"

namespace flashrnn::cuda {

namespace {

constexpr int kWarmUp = 8;

// What is published next: of the words that were found, and never the empty one.
__device__ __forceinline__ u32 word_from(u32 found) { return found & 0x3fff3fffu; }

// ---- within a cluster ----
// Every warp that publishes looks for all of h, as where warps have the whole depth of the product,
// or for half of it and is told of the other half by a warp that helps.
template <int D, int Units, int Columns, int Sharers>
struct InCluster {
  static constexpr int kRanks = D / Units, kOperands = D / 16 / Sharers;
  static constexpr int kBuffers = std::min(128, 180 * 1024 / (D * Columns * 2));
  using Exchanged = HExchange<gpu::kCluster, D, 1, kRanks, Units, kBuffers, Columns>;
  static constexpr int kOwners = Units / (Columns == 4 ? 8 : 4), kThreads = kOwners * Sharers * 32,
                       kSteps = kBuffers - 1, kSharedBytes = Exchanged::kSharedBytes;
  static constexpr bool kIsCluster = true;

  // What this lane's words of its share of the operands make, when all of the warp are there.
  static __device__ __forceinline__ u32 find(const Exchanged& exchange, int i, int share,
                                             int lane) {
    while (true) {
      u32 largest = 0, sum = 0;
#pragma unroll
      for (int k = 0; k < kOperands; ++k) {
        const uint2 v = exchange.quad(i * Exchanged::kWords, share * kOperands + k, lane);
        largest = max(largest, max(v.x, v.y));
        sum ^= v.x ^ v.y;
      }
      if (!is_any_empty(largest)) return sum;
    }
  }

  static __device__ __forceinline__ void run(void*, int, u32* clocks) {
    extern __shared__ __align__(128) unsigned char shared[];
    const int warp = warp_number(), lane = threadIdx.x % 32, rank = blockIdx.x % kRanks;
    Exchanged exchange;
    exchange.set_up(nullptr, 0, shared_address(shared), rank);
    exchange.clear_all(kThreads);
    exchange.sync_group();
    const int owner = warp % kOwners,
              unit = Columns == 4 ? owner * 8 + lane / 4 : owner * 4 + lane / 8,
              position = Columns == 4 ? lane % 4 : lane % 4 * 2 + lane / 4 % 2;
    if (warp >= kOwners) {
      for (int i = 0; i < kSteps; ++i) {
        find(exchange, i, 0, lane);
        barrier_arrive<64>(1 + i % 2 * kOwners + owner);
      }
    } else {
      typename Exchanged::template Publisher<2> publisher;
      publisher.open(exchange, (rank * Units + unit) / 2, position, unit % 2);
      const auto to = publisher.targets(0);
      to.put(0, 0, threadIdx.x);
      u32 since = 0;
      for (int i = 0; i < kSteps; ++i) {
        if (i == kWarmUp) since = clock_now();
        const u32 found = find(exchange, i, Sharers - 1, lane);
        if constexpr (Sharers > 1) barrier_sync<64>(1 + i % 2 * kOwners + owner);
        to.put(i + 1, 0, word_from(found));
      }
      if (threadIdx.x == 0) clocks[blockIdx.x] = clock_now() - since;
    }
    exchange.leave_group();
  }
};

// ---- through L2 ----
// Warps look for a share each, meet at a barrier, and others publish.
template <int D, int Lookers>
struct ThroughL2 {
  static constexpr int kUnits = 16, kRanks = D / kUnits, kBuffers = 256;
  using Exchanged = HExchange<gpu::kGlobal, D, 1, kRanks, kUnits, kBuffers, 0>;
  static constexpr int kThreads = Lookers * 32 + 128, kSteps = kBuffers - 1, kSharedBytes = 0,
                       kDepth = D / 32 / Lookers;
  static constexpr bool kIsCluster = false;
  static_assert(D % (32 * Lookers) == 0);

  static __device__ __forceinline__ void run(void* global, int group, u32* clocks) {
    const int warp = warp_number(), lane = threadIdx.x % 32, rank = blockIdx.x % kRanks;
    Exchanged exchange;
    exchange.set_up(global, group, 0, rank);
    u32 since = 0;
    if (warp < Lookers) {
      Pacer<gpu::kGlobal> pacer;
      for (int i = 0; i < kSteps; ++i) {
        const auto word =
            exchange.template operands_of<kDepth>(i * Exchanged::kWords, 0, 0, warp, lane);
        pacer.hold();
        uint4 v[kDepth];
        bool was_early = false;
#pragma unroll
        for (int d = 0; d < kDepth; ++d) v[d] = exchange.operand(word, d);
        while (true) {
          u32 largest = 0;
#pragma unroll
          for (int d = 0; d < kDepth; ++d) largest = max(largest, largest_of(v[d]));
          if (!is_any_empty(largest)) break;
          was_early = true;
#pragma unroll
          for (int d = 0; d < kDepth; ++d) exchange.look_again(word, d, v[d]);
        }
        pacer.learn(was_early);
        barrier_arrive<kThreads>(2 + i % 2);
        pacer.start();
      }
    } else {
      const int index = threadIdx.x - Lookers * 32, unit = index % 16, position = index / 16;
      typename Exchanged::template Publisher<2> publisher;
      publisher.open(exchange, (rank * kUnits + unit) / 2, position, unit % 2);
      const auto to = publisher.targets(0);
      to.put(0, 0, index);
      for (int i = 0; i < kSteps; ++i) {
        if (i == kWarmUp) since = clock_now();
        barrier_sync<kThreads>(2 + i % 2);
        to.put(i + 1, 0, index);
      }
      if (index == 0) clocks[blockIdx.x] = clock_now() - since;
    }
  }
};

// ---- within a CTA ----
// A word of each thread, a barrier, and all of h into operands, by the warps of a batch tile of 4
// and the three beside them that move tensors.
template <int D>
struct InCta {
  static constexpr int kRanks = 1, kUnitsOfWarp = D < 64 ? 8 : 16, kWarps = D / kUnitsOfWarp,
                       kThreads = (kWarps + 3) * 32, kSteps = 1000, kBytes = D * 8,
                       kSharedBytes = 2 * kBytes + 512;
  static constexpr bool kIsCluster = false;

  static __device__ __forceinline__ void run(void*, int, u32* clocks) {
    extern __shared__ __align__(128) unsigned char shared[];
    const int warp = warp_number(), lane = threadIdx.x % 32;
    const u32 base = shared_address(shared), own = base + threadIdx.x * (2 * kUnitsOfWarp / 8);
    u32 since = 0, sum = threadIdx.x;
    if (warp < kWarps) sts16(own, 0);
    for (int i = 0; i < kSteps; ++i) {
      if (i == kWarmUp) since = clock_now();
      barrier_sync<kThreads>(1);
      if (warp >= kWarps) continue;
#pragma unroll
      for (int d = 0; d < (D + 31) / 32; ++d) {
        const uint4 v = lds128(base + i % 2 * kBytes + d * 256 + lane % 16 * 16);
        sum += v.x + v.y + v.z + v.w;
      }
      if constexpr (kUnitsOfWarp == 8) {
        sts16(own + (i + 1) % 2 * kBytes, static_cast<unsigned short>(sum));
      } else {
        sts32(own + (i + 1) % 2 * kBytes, sum);
      }
    }
    if (threadIdx.x == 0) clocks[blockIdx.x] = clock_now() - since;
  }
};

template <typename Exchange>
__global__ void __launch_bounds__(Exchange::kThreads, 1) exchange_alone(void* global, u32* clocks) {
  Exchange::run(global, blockIdx.x / Exchange::kRanks, clocks);
}

// Median of the launches of the mean clocks a step of the slowest CTA; negative where the device
// refused.
template <typename Exchange>
double clocks_of(int groups) {
  constexpr int kLaunches = 21;
  const int ctas = groups * Exchange::kRanks;
  size_t words = 0;
  if constexpr (!Exchange::kIsCluster && Exchange::kRanks > 1)
    words = static_cast<size_t>(groups) * Exchange::kBuffers * Exchange::Exchanged::kWords;
  u32 *global = nullptr, *clocks = nullptr;
  auto* kernel = exchange_alone<Exchange>;
  if (cudaMalloc(reinterpret_cast<void**>(&clocks), ctas * sizeof(u32)) != cudaSuccess) return -1;
  if (words > 0 &&
      cudaMalloc(reinterpret_cast<void**>(&global), words * sizeof(u32)) != cudaSuccess)
    return -1;
  cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, Exchange::kSharedBytes);
  cudaFuncSetAttribute(kernel, cudaFuncAttributeNonPortableClusterSizeAllowed, 1);
  cudaLaunchAttribute attribute = {};
  if (Exchange::kIsCluster) {
    attribute.id = cudaLaunchAttributeClusterDimension;
    attribute.val.clusterDim = {Exchange::kRanks, 1, 1};
  } else {
    attribute.id = cudaLaunchAttributeCooperative;
    attribute.val.cooperative = 1;
  }
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(ctas);
  config.blockDim = dim3(Exchange::kThreads);
  config.dynamicSmemBytes = Exchange::kSharedBytes;
  config.attrs = &attribute;
  config.numAttrs = 1;
  std::vector<double> means;
  std::vector<u32> of_cta(ctas);
  bool is_refused = false;
  for (int k = 0; k < kLaunches && !is_refused; ++k) {
    if (words > 0) cudaMemset(global, 0xff, words * sizeof(u32));
    is_refused =
        cudaLaunchKernelEx(&config, kernel, static_cast<void*>(global), clocks) != cudaSuccess ||
        cudaMemcpy(of_cta.data(), clocks, ctas * sizeof(u32), cudaMemcpyDeviceToHost) !=
            cudaSuccess;
    means.push_back(*std::max_element(of_cta.begin(), of_cta.end()) /
                    static_cast<double>(Exchange::kSteps - kWarmUp));
  }
  cudaFree(global);
  cudaFree(clocks);
  if (is_refused) return -1;
  std::nth_element(means.begin(), means.begin() + kLaunches / 2, means.end());
  return means[kLaunches / 2];
}

}  // namespace

}  // namespace flashrnn::cuda

std::vector<ExchangeAlone> exchanges_alone() {
  using namespace flashrnn::cuda;
  return {
      {"CTA", 1, 16, 4, 0.125, 128, clocks_of<InCta<16>>(128)},
      {"CTA", 1, 32, 4, 0.25, 96, clocks_of<InCta<32>>(96)},
      {"CTA", 1, 64, 4, 0.5, 48, clocks_of<InCta<64>>(48)},
      {"cluster", 4, 32, 4, 1, 24, clocks_of<InCluster<128, 32, 4, 1>>(24)},
      {"cluster", 6, 32, 4, 1.5, 16, clocks_of<InCluster<192, 32, 4, 1>>(16)},
      {"cluster", 8, 32, 4, 2, 12, clocks_of<InCluster<256, 32, 4, 2>>(12)},
      {"cluster", 12, 32, 4, 3, 4, clocks_of<InCluster<384, 32, 4, 2>>(4)},
      {"cluster", 16, 32, 4, 4, 4, clocks_of<InCluster<512, 32, 4, 2>>(4)},
      {"cluster", 4, 16, 8, 1, 16, clocks_of<InCluster<64, 16, 8, 1>>(16)},
      {"cluster", 8, 16, 8, 2, 12, clocks_of<InCluster<128, 16, 8, 1>>(12)},
      {"cluster", 12, 16, 8, 3, 6, clocks_of<InCluster<192, 16, 8, 1>>(6)},
      {"cluster", 16, 16, 8, 4, 6, clocks_of<InCluster<256, 16, 8, 1>>(6)},
      {"L2", 8, 16, 8, 2, 4, clocks_of<ThroughL2<128, 4>>(4)},
      {"L2", 16, 16, 8, 4, 2, clocks_of<ThroughL2<256, 8>>(2)},
      {"L2", 32, 16, 8, 8, 2, clocks_of<ThroughL2<512, 8>>(2)},
      {"L2", 48, 16, 8, 12, 2, clocks_of<ThroughL2<768, 8>>(2)},
      {"L2", 64, 16, 8, 16, 2, clocks_of<ThroughL2<1024, 8>>(2)},
  };
}
