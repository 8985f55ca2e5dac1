// SPDX-License-Identifier: Apache-2.0
#include "plan/kernel_config.hpp"

#include <charconv>

#include "api/error.hpp"

namespace flashrnn {

void KernelConfig::set(std::string_view name, int64_t value) {
  for (auto& [key, old] : values_) {
    if (key == name) {
      old = value;
      return;
    }
  }
  values_.emplace_back(std::string(name), value);
}

const int64_t* KernelConfig::find(std::string_view name) const {
  for (const auto& [key, value] : values_) {
    if (key == name) return &value;
  }
  return nullptr;
}

int64_t KernelConfig::get(std::string_view name) const {
  const int64_t* value = find(name);
  require(value != nullptr, "the constraint model has no variable '{}': its kernels need it", name);
  return *value;
}

std::string KernelConfig::to_string() const {
  std::string text;
  for (const auto& [key, value] : values_) {
    if (!text.empty()) text += ',';
    text += key + "=" + std::to_string(value);
  }
  return text;
}

KernelConfig KernelConfig::parse(std::string_view text) {
  KernelConfig config;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    const std::string_view pair = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    const size_t equals = pair.find('=');
    int64_t value = 0;
    const char* end = pair.data() + pair.size();
    const bool shaped = equals != std::string_view::npos && equals > 0;
    const auto parsed = shaped ? std::from_chars(pair.data() + equals + 1, end, value)
                               : std::from_chars_result{nullptr, std::errc::invalid_argument};
    if (parsed.ec != std::errc{} || parsed.ptr != end) {
      fail(Status::kInvalidArgument,
           "problem.config has '{}': must be pairs name=integer separated by commas", pair);
    }
    const std::string_view name = pair.substr(0, equals);
    if (config.find(name) != nullptr) {
      fail(Status::kInvalidArgument, "problem.config has '{}' twice: each name may stand once",
           name);
    }
    config.set(name, value);
  }
  return config;
}

}  // namespace flashrnn
