// SPDX-License-Identifier: Apache-2.0
// Entry points on devices.
#include <cstring>

#include "api/guard.hpp"
#include "api/structs.hpp"
#include "api/tables.hpp"
#include "backend/registry.hpp"
#include "flashrnn/flashrnn.h"

using namespace flashrnn;

namespace {

flashrnn_device_info to_abi(const DeviceInfo& info) {
  flashrnn_device_info out{};
  out.backend = info.backend;
  out.ordinal = info.ordinal;
  out.compute_units = info.compute_units;
  out.memory_bytes = info.memory_bytes;
  std::strncpy(out.name, info.name.c_str(), sizeof(out.name) - 1);
  std::strncpy(out.backend_name, info.backend_name.c_str(), sizeof(out.backend_name) - 1);
  return out;
}

}  // namespace

extern "C" {

flashrnn_status flashrnn_list_devices(flashrnn_device_info* infos, int32_t capacity,
                                      int32_t* count) {
  return guard("flashrnn_list_devices", [&] {
    require(count != nullptr, "count is NULL: must point to an integer");
    require(capacity >= 0, "capacity is {}: must be at least 0", capacity);
    require(infos != nullptr || capacity == 0, "infos is NULL with capacity {}: must be 0 then",
            capacity);
    size_t writable = 0;
    size_t struct_size = 0;
    if (capacity > 0) {
      writable = output_size(infos, "infos[0]", sizeof(flashrnn_device_info));
      struct_size = infos->struct_size;
    }
    const auto devices = list_devices();
    for (size_t i = 0; i < devices.size() && i < static_cast<size_t>(capacity); ++i) {
      write_struct(reinterpret_cast<char*>(infos) + i * struct_size, to_abi(devices[i]),
                   struct_size, writable);
    }
    *count = static_cast<int32_t>(devices.size());
  });
}

flashrnn_status flashrnn_device_open(flashrnn_backend backend, int32_t ordinal,
                                     flashrnn_device* device) {
  return guard("flashrnn_device_open", [&] {
    require(device != nullptr, "device is NULL: must point to a handle");
    *device = device_table().insert(open_device(backend, ordinal));
  });
}

flashrnn_status flashrnn_device_close(flashrnn_device device) {
  return guard("flashrnn_device_close", [&] { device_table().close(device); });
}

flashrnn_status flashrnn_device_get_info(flashrnn_device device, flashrnn_device_info* info) {
  return guard("flashrnn_device_get_info", [&] {
    const size_t writable = output_size(info, "info", sizeof(flashrnn_device_info));
    write_struct(info, to_abi(device_table().get(device)->info()), info->struct_size, writable);
  });
}

flashrnn_status flashrnn_device_describe(flashrnn_device device, char* text, size_t capacity,
                                         size_t* length) {
  return guard("flashrnn_device_describe",
               [&] { write_text(device_table().get(device)->describe(), text, capacity, length); });
}

flashrnn_status flashrnn_describe_backends(char* text, size_t capacity, size_t* length) {
  return guard("flashrnn_describe_backends",
               [&] { write_text(describe_backends(), text, capacity, length); });
}

}  // extern "C"
