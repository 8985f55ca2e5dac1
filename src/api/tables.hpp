// SPDX-License-Identifier: Apache-2.0
// The tables behind the handles that the ABI gives out.
#pragma once

#include <memory>

#include "api/handles.hpp"
#include "backend/backend.hpp"
#include "flashrnn/flashrnn.h"
#include "plan/plan.hpp"

namespace flashrnn {

// A backend's stream or event with the device that made it.
struct StreamObject {
  std::shared_ptr<const Device> device;
  void* native = nullptr;
  ~StreamObject() {
    if (device) device->destroy_stream(native);
  }
};

struct EventObject {
  std::shared_ptr<const Device> device;
  void* native = nullptr;
  bool recorded = false;
  ~EventObject() {
    if (device) device->destroy_event(native);
  }
};

HandleTable<flashrnn_device, const Device>& device_table();
HandleTable<flashrnn_plan, const Plan>& plan_table();
HandleTable<flashrnn_stream, StreamObject>& stream_table();
HandleTable<flashrnn_event, EventObject>& event_table();

// The backend's stream behind a handle: nullptr for NULL, the device's default. Throws where it
// belongs to another device.
void* native_stream(flashrnn_stream stream, const Device& device);

}  // namespace flashrnn
