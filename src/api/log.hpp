// SPDX-License-Identifier: Apache-2.0
// Messages for the application's log callback. Nothing is ever printed.
#pragma once

#include <cstdint>
#include <string>

namespace flashrnn {

// The ABI's values.
enum class LogLevel : int32_t { kDebug = 1, kInfo = 2, kWarning = 3, kError = 4, kOff = 5 };

using LogCallback = void (*)(int32_t level, const char* message, void* user);

void set_log_callback(LogCallback callback, LogLevel level, void* user);
bool log_enabled(LogLevel level);
void log(LogLevel level, const std::string& message) noexcept;

}  // namespace flashrnn
