// SPDX-License-Identifier: Apache-2.0
// The library's one exception. It never crosses the ABI: api/guard.hpp turns it into a status and a
// message.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

namespace flashrnn {

// The ABI's values.
enum class Status : int32_t {
  kOk = 0,
  kInvalidArgument = 1,
  kInvalidHandle = 2,
  kUnsupported = 3,
  kOutOfMemory = 4,
  kDeviceUnavailable = 5,
  kDeviceError = 6,
  kInfeasible = 7,
  kInternal = 8,
};

class Error : public std::runtime_error {
 public:
  Error(Status status, const std::string& message) : std::runtime_error(message), status_(status) {}
  Status status() const { return status_; }

 private:
  Status status_;
};

// Messages give the value and the rule that it broke: "batch is -1: must be at least 1".
template <typename... Args>
[[noreturn]] void fail(Status status, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(status, fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
void require(bool holds, fmt::format_string<Args...> format, Args&&... args) {
  if (!holds) fail(Status::kInvalidArgument, format, std::forward<Args>(args)...);
}

}  // namespace flashrnn
