// SPDX-License-Identifier: Apache-2.0
#include "cuda/facts.hpp"

#include "cuda/check.hpp"

namespace flashrnn::cuda {

namespace {

int attribute(cudaDeviceAttr which, int ordinal) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, which, ordinal), "cudaDeviceGetAttribute");
  return value;
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
  return f;
}

void query_clusters(DeviceFacts& f) {
  if (!f.has_clusters) return;
  const DeviceScope scope(f.ordinal);
  // More than half of a multiprocessor's shared memory: one CTA each, as the fused kernels run.
  const int shared = f.shared_per_multiprocessor / 2 + 1024;
  for (int i = 0; i < kClusterSizes; ++i) {
    int& active = f.active_clusters[static_cast<size_t>(i)];
    active = count_active_clusters(cluster_size_of(i), shared);
    if (active > 0) f.max_cluster = cluster_size_of(i);
  }
}

}  // namespace flashrnn::cuda
