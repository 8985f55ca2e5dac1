// SPDX-License-Identifier: Apache-2.0
#include "backend/registry.hpp"

#include <nlohmann/json.hpp>

#include "api/error.hpp"
#include "backend/builtin.hpp"

namespace flashrnn {

std::span<const KnownBackend> known_backends() {
  static const KnownBackend backends[] = {
      {2, "cuda", cuda_backend()},
      {3, "hip", nullptr},
      {4, "vulkan", nullptr},
      {1, "cpu", &cpu_backend()},
  };
  return backends;
}

std::vector<DeviceInfo> list_devices() {
  std::vector<DeviceInfo> devices;
  for (const KnownBackend& known : known_backends()) {
    if (known.backend == nullptr) continue;
    std::string refusal;
    const int count = known.backend->device_count(&refusal);
    for (int ordinal = 0; ordinal < count; ++ordinal) {
      devices.push_back(known.backend->open(ordinal)->info());
    }
  }
  return devices;
}

std::shared_ptr<const Device> open_device(int32_t id, int ordinal) {
  bool is_known = id == 0;
  for (const KnownBackend& known : known_backends()) {
    if (id != 0 && known.id != id) continue;
    is_known = true;
    if (known.backend == nullptr) {
      if (id == 0) continue;
      fail(Status::kDeviceUnavailable, "backend {} is not in this build", known.name);
    }
    std::string refusal;
    const int count = known.backend->device_count(&refusal);
    if (count == 0) {
      if (id == 0) continue;
      fail(Status::kDeviceUnavailable, "backend {} has no device: {}", known.name, refusal);
    }
    require(ordinal >= 0 && ordinal < count, "ordinal is {}: backend {} has devices 0 to {}",
            ordinal, known.name, count - 1);
    return known.backend->open(ordinal);
  }
  require(is_known, "backend is {}: must be a value of flashrnn_backend", id);
  fail(Status::kDeviceUnavailable, "no backend of this build has a device here");
}

std::string describe_backends() {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const KnownBackend& known : known_backends()) {
    std::string refusal = "not in this build";
    const int count = known.backend == nullptr ? 0 : known.backend->device_count(&refusal);
    nlohmann::ordered_json entry = {{"backend", known.name}, {"devices", count}};
    if (count == 0) entry["refused"] = refusal;
    list.push_back(std::move(entry));
  }
  return list.dump(2);
}

}  // namespace flashrnn
