// SPDX-License-Identifier: Apache-2.0
// What plan-time decisions know of a CUDA device.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace flashrnn::cuda {

inline constexpr int kLargestCluster = 16;  // that is asked for

struct DeviceFacts {
  int ordinal = 0;
  std::string name;
  int major = 0, minor = 0;
  int multiprocessors = 0;
  int registers_per_multiprocessor = 0;
  int registers_per_block = 0;
  int shared_per_block = 0;  // bytes, by opting in
  int shared_per_multiprocessor = 0;
  int threads_per_block = 0;
  int threads_per_multiprocessor = 0;
  int l2_bytes = 0;
  int clock_khz = 0;
  int memory_clock_khz = 0;
  int memory_bus_bits = 0;
  uint64_t memory_bytes = 0;
  bool has_cooperative_launch = false;
  bool has_clusters = false;
  int max_cluster = 1;  // non-portable sizes counted
  // By their number of CTAs, the clusters that are resident at once with one CTA on a
  // multiprocessor.
  std::array<int, kLargestCluster + 1> active_clusters{};
  int active_clusters_of(int ctas) const { return active_clusters.at(static_cast<size_t>(ctas)); }
  bool is_rehearsal = false;  // taken for an older card than it is (FLASHRNN_CUDA_CAPABILITY)
  int driver_version = 0;     // 13000 for 13.0
  int runtime_version = 0;    // that the library was built with

  // The name as compilers take it: "sm_90a" for compute capability 9.0, whose own instructions the
  // kernels use; "compute_80", for the driver to translate, where another card rehearses 8.0.
  std::string architecture() const {
    if (is_rehearsal) return "compute_" + std::to_string(capability());
    return "sm_" + std::to_string(capability()) + (capability() == 90 ? "a" : "");
  }
  int capability() const { return major * 10 + minor; }
};

// Asks the runtime for all but the clusters, which needs no context on the device. Throws Error.
// With FLASHRNN_CUDA_CAPABILITY=MAJOR.MINOR (8.0, 8.6 or 8.9), for tests, what an older card lacks
// is left out, and fused kernels are those that it would run.
DeviceFacts query_facts(int ordinal);

// Fills max_cluster and active_clusters.
void query_clusters(DeviceFacts& facts);

// How many clusters of `size` CTAs with `shared` bytes each are resident at once on the current
// device; 0 where the size is not supported. Asked with a kernel of few registers (probe.cu).
int count_active_clusters(int size, int shared);

}  // namespace flashrnn::cuda
