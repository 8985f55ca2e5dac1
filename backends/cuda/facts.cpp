// SPDX-License-Identifier: Apache-2.0
#include "cuda/facts.hpp"

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "api/error.hpp"
#include "cuda/check.hpp"

namespace flashrnn::cuda {

namespace {

int attribute(cudaDeviceAttr which, int ordinal) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, which, ordinal), "cudaDeviceGetAttribute");
  return value;
}

// Shared memory: NVIDIA's CUDA C++ Programming Guide, "Technical Specifications per Compute
// Capability".
struct OlderCard {
  std::string_view name;
  int minor, shared_per_block, shared_per_multiprocessor;
};
constexpr OlderCard kOlderCards[] = {{"8.0", 0, 163 << 10, 164 << 10},
                                     {"8.6", 6, 99 << 10, 100 << 10},
                                     {"8.9", 9, 99 << 10, 100 << 10}};

void rehearse(DeviceFacts& f) {
  const char* wanted = std::getenv("FLASHRNN_CUDA_CAPABILITY");
  if (wanted == nullptr || *wanted == '\0') return;
  const auto* card = std::find_if(std::begin(kOlderCards), std::end(kOlderCards),
                                  [&](const OlderCard& c) { return c.name == wanted; });
  require(card != std::end(kOlderCards),
          "FLASHRNN_CUDA_CAPABILITY is '{}': must be 8.0, 8.6 or 8.9", wanted);
  require(f.major > 8, "FLASHRNN_CUDA_CAPABILITY is {}: this card has {}.{}, must be 9.0 or newer",
          wanted, f.major, f.minor);
  f.is_rehearsal = true;
  f.major = 8;
  f.minor = card->minor;
  f.shared_per_block = std::min(f.shared_per_block, card->shared_per_block);
  f.shared_per_multiprocessor =
      std::min(f.shared_per_multiprocessor, card->shared_per_multiprocessor);
  f.has_clusters = false;
}

}  // namespace

DeviceFacts query_facts(int ordinal) {
  DeviceFacts f;
  f.ordinal = ordinal;
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, ordinal), "cudaGetDeviceProperties");
  f.name = properties.name;
  f.memory_bytes = properties.totalGlobalMem;
  f.major = attribute(cudaDevAttrComputeCapabilityMajor, ordinal);
  f.minor = attribute(cudaDevAttrComputeCapabilityMinor, ordinal);
  f.multiprocessors = attribute(cudaDevAttrMultiProcessorCount, ordinal);
  f.registers_per_multiprocessor = attribute(cudaDevAttrMaxRegistersPerMultiprocessor, ordinal);
  f.registers_per_block = attribute(cudaDevAttrMaxRegistersPerBlock, ordinal);
  f.shared_per_block = attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin, ordinal);
  f.shared_per_multiprocessor = attribute(cudaDevAttrMaxSharedMemoryPerMultiprocessor, ordinal);
  f.threads_per_block = attribute(cudaDevAttrMaxThreadsPerBlock, ordinal);
  f.threads_per_multiprocessor = attribute(cudaDevAttrMaxThreadsPerMultiProcessor, ordinal);
  f.l2_bytes = attribute(cudaDevAttrL2CacheSize, ordinal);
  f.clock_khz = attribute(cudaDevAttrClockRate, ordinal);
  f.memory_clock_khz = attribute(cudaDevAttrMemoryClockRate, ordinal);
  f.memory_bus_bits = attribute(cudaDevAttrGlobalMemoryBusWidth, ordinal);
  f.has_cooperative_launch = attribute(cudaDevAttrCooperativeLaunch, ordinal) != 0;
  f.has_clusters = attribute(cudaDevAttrClusterLaunch, ordinal) != 0;
  check(cudaDriverGetVersion(&f.driver_version), "cudaDriverGetVersion");
  check(cudaRuntimeGetVersion(&f.runtime_version), "cudaRuntimeGetVersion");
  rehearse(f);
  return f;
}

void query_clusters(DeviceFacts& f) {
  if (!f.has_clusters) return;
  const DeviceScope scope(f.ordinal);
  // More than half of a multiprocessor's shared memory: one CTA each, as the fused kernels run.
  const int shared = f.shared_per_multiprocessor / 2 + 1024;
  for (int ctas = 2; ctas <= kLargestCluster; ++ctas) {
    int& active = f.active_clusters.at(static_cast<size_t>(ctas));
    active = count_active_clusters(ctas, shared);
    if (active > 0) f.max_cluster = ctas;
  }
}

}  // namespace flashrnn::cuda
