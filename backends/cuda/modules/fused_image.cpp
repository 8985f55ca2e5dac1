// SPDX-License-Identifier: Apache-2.0
#include "cuda/modules/fused_image.hpp"

#include <fmt/format.h>

#include "api/log.hpp"
#include "cuda/modules/disk_cache.hpp"
#include "cuda/modules/embedded.hpp"
#include "cuda/modules/fused_text.hpp"
#include "cuda/modules/nvrtc.hpp"

namespace flashrnn::cuda {

namespace {

FusedImage of_bytes(std::vector<char> bytes, const char* origin) {
  auto owned = std::make_shared<const std::vector<char>>(std::move(bytes));
  return {std::shared_ptr<const void>(owned, owned->data()), owned->size(), origin};
}

}  // namespace

std::string image_key(const gpu::FusedConfig& config, const std::string& architecture) {
  std::string key = std::string("sources ") + embedded_sources_digest() + "\n" + architecture +
                    "\nnvrtc " + nvrtc_state() + "\n";
  for (const std::string& option : fused_options(config)) key += option + "\n";
  return key;
}

FusedImage find_image(const gpu::FusedConfig& config, const std::string& architecture) {
  const EmbeddedKernel* kernel = wants_delays() ? nullptr : find_embedded(config, architecture);
  if (kernel != nullptr) {
    const std::shared_ptr<const void> data(kernel->begin, [](const void*) {});
    return {data, static_cast<size_t>(kernel->end - kernel->begin), "embedded"};
  }
  const DiskCache cache(DiskCache::default_folder());
  const std::string key = image_key(config, architecture);
  if (auto bytes = cache.load(key)) return of_bytes(std::move(*bytes), "disk cache");
  std::vector<char> bytes = nvrtc_compile(embedded_sources(), architecture, fused_options(config));
  const std::string trouble = cache.store(key, bytes);
  if (!trouble.empty()) {
    log(LogLevel::kWarning, fmt::format("the compiled kernel {} is kept for this process only: {}",
                                        fused_name(config), trouble));
  }
  return of_bytes(std::move(bytes), "compiled");
}

}  // namespace flashrnn::cuda
