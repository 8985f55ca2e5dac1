// SPDX-License-Identifier: Apache-2.0
#include "api/log.hpp"

#include <atomic>
#include <mutex>

namespace flashrnn {

namespace {
std::mutex mutex;  // one callback at a time, and none after set_log_callback has returned
LogCallback current = nullptr;
void* current_user = nullptr;
std::atomic<int32_t> threshold{static_cast<int32_t>(LogLevel::kOff)};
}  // namespace

void set_log_callback(LogCallback callback, LogLevel level, void* user) {
  const std::lock_guard lock(mutex);
  current = callback;
  current_user = user;
  threshold = static_cast<int32_t>(callback == nullptr ? LogLevel::kOff : level);
}

bool log_enabled(LogLevel level) { return static_cast<int32_t>(level) >= threshold; }

void log(LogLevel level, const std::string& message) noexcept {
  if (!log_enabled(level)) return;
  const std::lock_guard lock(mutex);
  if (current != nullptr) current(static_cast<int32_t>(level), message.c_str(), current_user);
}

}  // namespace flashrnn
