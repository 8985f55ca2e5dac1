// SPDX-License-Identifier: Apache-2.0
#include "kernels_seen.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "device.hpp"

namespace flashrnn::test {

KernelsSeen::KernelsSeen() {
  check(flashrnn_set_log_callback(&KernelsSeen::listen, FLASHRNN_LOG_INFO, this),
        "flashrnn_set_log_callback");
}

KernelsSeen::~KernelsSeen() { flashrnn_set_log_callback(nullptr, FLASHRNN_LOG_OFF, nullptr); }

// "plan lstm B2 T3 N5 D7 float32: simd AVX2 fma [isa=1], predicted 3 us"
void KernelsSeen::listen(flashrnn_log_level, const char* message, void* user) {
  const std::string text = message;
  const size_t colon = text.find(": "), bracket = text.find(" [");
  if (text.rfind("plan ", 0) != 0 || colon == std::string::npos || bracket == std::string::npos)
    return;
  const size_t begin = colon + 2;
  ++static_cast<KernelsSeen*>(user)->plans_[text.substr(begin, bracket - begin)];
}

std::string KernelsSeen::text() const {
  constexpr size_t kMost = 12;
  std::vector<std::pair<int, std::string>> kernels;
  for (const auto& [name, plans] : plans_) kernels.emplace_back(-plans, name);
  std::sort(kernels.begin(), kernels.end());
  std::string text;
  for (size_t k = 0; k < std::min(kernels.size(), kMost); ++k) {
    const auto& [plans, name] = kernels[k];
    text += (text.empty() ? "" : ", ") + name + " (" + std::to_string(-plans) + " plans)";
  }
  if (kernels.size() > kMost) text += " and " + std::to_string(kernels.size() - kMost) + " more";
  return text.empty() ? "none" : text;
}

}  // namespace flashrnn::test
