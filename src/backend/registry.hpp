// SPDX-License-Identifier: Apache-2.0
// The backends of this build, the fastest kind first, and those that this version knows but this
// build lacks.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backend/backend.hpp"

namespace flashrnn {

struct KnownBackend {
  int32_t id;
  const char* name;
  const Backend* backend;  // nullptr: not in this build
};

std::span<const KnownBackend> known_backends();

// Every device, in the order that FLASHRNN_BACKEND_BEST takes them.
std::vector<DeviceInfo> list_devices();

// id 0 means the first device of list_devices(). Throws Error with the reason where there is none.
std::shared_ptr<const Device> open_device(int32_t id, int ordinal);

// JSON for flashrnn_describe_backends.
std::string describe_backends();

}  // namespace flashrnn
