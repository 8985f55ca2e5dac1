// SPDX-License-Identifier: Apache-2.0
// Facts of this machine's processor, read by hwloc once.
#pragma once

#include <cstdint>
#include <string>

namespace flashrnn {

struct HostFacts {
  std::string processor;  // as it calls itself
  std::string vendor;     // "AuthenticAMD", "GenuineIntel"; empty: not told
  int cores = 1;          // that this process may run on
  int threads = 1;        // hardware threads that this process may run on
  int numa_nodes = 1;
  int64_t l1_bytes = 32768;  // data cache of one core
  int64_t l2_bytes = 262144;
  int64_t l3_bytes = 0;  // shared by l3_cores cores; 0: none
  int l3_cores = 1;
  int64_t line_bytes = 64;
  uint64_t memory_bytes = 0;
  std::string topology_version;  // "hwloc 2.9.0", or why the values are guesses
};

const HostFacts& host_facts();

}  // namespace flashrnn
