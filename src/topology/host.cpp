// SPDX-License-Identifier: Apache-2.0
#include "topology/host.hpp"

#include <hwloc.h>

#include <algorithm>

namespace flashrnn {

namespace {

// Objects within what the system allows and this process is bound to. A core counts when any of its
// hardware threads does.
int allowed_count(hwloc_topology_t topology, hwloc_obj_type_t type) {
  hwloc_bitmap_t mine = hwloc_bitmap_alloc();
  if (hwloc_get_cpubind(topology, mine, HWLOC_CPUBIND_PROCESS) != 0 || hwloc_bitmap_iszero(mine)) {
    hwloc_bitmap_fill(mine);
  }
  hwloc_bitmap_and(mine, mine, hwloc_topology_get_allowed_cpuset(topology));
  int count = 0;
  for (hwloc_obj_t object = nullptr;
       (object = hwloc_get_next_obj_by_type(topology, type, object)) != nullptr;) {
    if (object->cpuset != nullptr && hwloc_bitmap_intersects(object->cpuset, mine)) ++count;
  }
  hwloc_bitmap_free(mine);
  return std::max(count, 1);
}

// The first cache of a kind; caches of one level are taken to be alike.
hwloc_obj_t first_cache(hwloc_topology_t topology, hwloc_obj_type_t type) {
  return hwloc_get_obj_by_type(topology, type, 0);
}

void read_caches(hwloc_topology_t topology, HostFacts& facts) {
  if (const hwloc_obj_t l1 = first_cache(topology, HWLOC_OBJ_L1CACHE)) {
    facts.l1_bytes = static_cast<int64_t>(l1->attr->cache.size);
    if (l1->attr->cache.linesize > 0) facts.line_bytes = l1->attr->cache.linesize;
  }
  if (const hwloc_obj_t l2 = first_cache(topology, HWLOC_OBJ_L2CACHE)) {
    const int sharing =
        std::max(1, hwloc_get_nbobjs_inside_cpuset_by_type(topology, l2->cpuset, HWLOC_OBJ_CORE));
    facts.l2_bytes = static_cast<int64_t>(l2->attr->cache.size) / sharing;
  }
  if (const hwloc_obj_t l3 = first_cache(topology, HWLOC_OBJ_L3CACHE)) {
    facts.l3_bytes = static_cast<int64_t>(l3->attr->cache.size);
    facts.l3_cores =
        std::max(1, hwloc_get_nbobjs_inside_cpuset_by_type(topology, l3->cpuset, HWLOC_OBJ_CORE));
  }
}

HostFacts read() {
  HostFacts facts;
  facts.topology_version = "guesses: hwloc could not read the machine";
  hwloc_topology_t topology = nullptr;
  if (hwloc_topology_init(&topology) != 0) return facts;
  if (hwloc_topology_load(topology) == 0) {
    facts.cores = allowed_count(topology, HWLOC_OBJ_CORE);
    facts.threads = allowed_count(topology, HWLOC_OBJ_PU);
    facts.numa_nodes = allowed_count(topology, HWLOC_OBJ_NUMANODE);
    read_caches(topology, facts);
    const hwloc_obj_t machine = hwloc_get_root_obj(topology);
    facts.memory_bytes = machine->total_memory;
    const hwloc_obj_t package = hwloc_get_obj_by_type(topology, HWLOC_OBJ_PACKAGE, 0);
    const char* model =
        package == nullptr ? nullptr : hwloc_obj_get_info_by_name(package, "CPUModel");
    facts.processor = model == nullptr ? "unnamed processor" : model;
    const char* vendor =
        package == nullptr ? nullptr : hwloc_obj_get_info_by_name(package, "CPUVendor");
    facts.vendor = vendor == nullptr ? "" : vendor;
    const unsigned version = hwloc_get_api_version();
    facts.topology_version = "hwloc " + std::to_string(version >> 16) + "." +
                             std::to_string(version >> 8 & 0xff) + "." +
                             std::to_string(version & 0xff);
  }
  hwloc_topology_destroy(topology);
  return facts;
}

}  // namespace

const HostFacts& host_facts() {
  static const HostFacts facts = read();
  return facts;
}

}  // namespace flashrnn
