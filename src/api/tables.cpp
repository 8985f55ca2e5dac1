// SPDX-License-Identifier: Apache-2.0
#include "api/tables.hpp"

namespace flashrnn {

// Never destroyed: a handle may still be used, or leaked, while static objects are torn down at
// exit.
HandleTable<flashrnn_device, const Device>& device_table() {
  static auto& table = *new HandleTable<flashrnn_device, const Device>(0xd1, "device");
  return table;
}

HandleTable<flashrnn_plan, const Plan>& plan_table() {
  static auto& table = *new HandleTable<flashrnn_plan, const Plan>(0xd2, "plan");
  return table;
}

HandleTable<flashrnn_stream, StreamObject>& stream_table() {
  static auto& table = *new HandleTable<flashrnn_stream, StreamObject>(0xd3, "stream");
  return table;
}

HandleTable<flashrnn_event, EventObject>& event_table() {
  static auto& table = *new HandleTable<flashrnn_event, EventObject>(0xd4, "event");
  return table;
}

void* native_stream(flashrnn_stream stream, const Device& device) {
  if (stream == nullptr) return nullptr;
  const auto object = stream_table().get(stream);
  const DeviceInfo& mine = object->device->info();
  const DeviceInfo& wanted = device.info();
  require(mine.backend == wanted.backend && mine.ordinal == wanted.ordinal,
          "stream belongs to {} device {}: must belong to {} device {}", mine.backend_name,
          mine.ordinal, wanted.backend_name, wanted.ordinal);
  return object->native;
}

}  // namespace flashrnn
