// SPDX-License-Identifier: Apache-2.0
#include "cuda/modules/module_cache.hpp"

#include <array>
#include <future>
#include <map>
#include <memory>
#include <mutex>

#include "api/log.hpp"
#include "cuda/check.hpp"
#include "cuda/modules/disk_cache.hpp"
#include "cuda/modules/fused_image.hpp"
#include "cuda/modules/fused_text.hpp"
#include "gpu/fused/geometry.hpp"

namespace flashrnn::cuda {

namespace {

void allow(cudaKernel_t kernel, cudaFuncAttribute what, int value, int device) {
  check(cudaKernelSetAttributeForDevice(kernel, what, value, device),
        "cudaKernelSetAttributeForDevice");
}

FusedModule load(const DeviceFacts& facts, const gpu::FusedConfig& config) {
  const FusedImage image = find_image(config, facts.architecture());
  const DeviceScope scope(facts.ordinal);
  // Owned by the process: plans may outlive anything that could unload it. The runtime copies the
  // image.
  cudaLibrary_t library = nullptr;
  check(cudaLibraryLoadData(&library, image.data.get(), nullptr, nullptr, 0, nullptr, nullptr, 0),
        "cudaLibraryLoadData");
  FusedModule module;
  module.origin = image.origin;
  check(cudaLibraryGetKernel(&module.kernel, library, fused_entry(config)), "cudaLibraryGetKernel");
  allow(module.kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, gpu::shared_bytes_of(config),
        facts.ordinal);
  if (config.cluster > 1) {
    allow(module.kernel, cudaFuncAttributeNonPortableClusterSizeAllowed, 1, facts.ordinal);
  }
  cudaFuncAttributes attributes{};
  check(cudaFuncGetAttributes(&attributes, reinterpret_cast<const void*>(module.kernel)),
        "cudaFuncGetAttributes");
  module.registers = attributes.numRegs;
  module.local_bytes = static_cast<int>(attributes.localSizeBytes);
  if (log_enabled(LogLevel::kInfo)) {
    log(LogLevel::kInfo,
        fmt::format("kernel {} ({}): {} registers, {} bytes of local memory, {} of shared",
                    fused_name(config), module.origin, module.registers, module.local_bytes,
                    gpu::shared_bytes_of(config)));
  }
  return module;
}

using Key = std::array<int, 12>;

Key key_of(const DeviceFacts& facts, const gpu::FusedConfig& c) {
  return {facts.ordinal, c.cell,  c.dtype,       c.is_backward, c.family,  c.head_dim,
          c.columns,     c.units, c.depth_warps, c.min_ctas,    c.cluster, wants_delays() ? 1 : 0};
}

struct Cache {
  std::mutex mutex;
  std::map<Key, std::shared_future<FusedModule>> modules;
};

// Never destroyed: plans in static objects may still load when the process ends.
Cache& cache() {
  static Cache& instance = *new Cache;
  return instance;
}

}  // namespace

FusedModule load_fused(const DeviceFacts& facts, const gpu::FusedConfig& config) {
  const Key key = key_of(facts, config);
  std::promise<FusedModule> promise;
  std::shared_future<FusedModule> found;
  bool is_first = false;
  {
    const std::lock_guard lock(cache().mutex);
    const auto entry = cache().modules.find(key);
    is_first = entry == cache().modules.end();
    found = is_first ? promise.get_future().share() : entry->second;
    if (is_first) cache().modules.emplace(key, found);
  }
  if (is_first) {
    try {
      promise.set_value(load(facts, config));
    } catch (...) {
      promise.set_exception(std::current_exception());
      const std::lock_guard lock(cache().mutex);
      cache().modules.erase(key);
    }
  }
  return found.get();
}

std::string cache_state() {
  const std::string folder = DiskCache::default_folder();
  return folder.empty() ? "none: neither FLASHRNN_CACHE_DIR nor HOME is set" : folder;
}

}  // namespace flashrnn::cuda
