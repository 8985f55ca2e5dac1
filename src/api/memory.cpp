// SPDX-License-Identifier: Apache-2.0
// Entry points on memory, streams and events.
#include "api/guard.hpp"
#include "api/tables.hpp"
#include "flashrnn/flashrnn.h"

using namespace flashrnn;

extern "C" {

flashrnn_status flashrnn_memory_allocate(flashrnn_device device, size_t size, void** data) {
  return guard("flashrnn_memory_allocate", [&] {
    require(data != nullptr, "data is NULL: must point to a pointer");
    *data = device_table().get(device)->allocate(size);
  });
}

flashrnn_status flashrnn_memory_free(flashrnn_device device, void* data) {
  return guard("flashrnn_memory_free", [&] {
    const auto owner = device_table().get(device);
    if (data != nullptr) owner->free(data);
  });
}

flashrnn_status flashrnn_memory_copy(flashrnn_device device, flashrnn_stream stream,
                                     void* destination, const void* source, size_t size,
                                     flashrnn_copy_kind kind) {
  return guard("flashrnn_memory_copy", [&] {
    const auto owner = device_table().get(device);
    require(kind >= FLASHRNN_COPY_HOST_TO_DEVICE && kind <= FLASHRNN_COPY_DEVICE_TO_DEVICE,
            "kind is {}: must be a value of flashrnn_copy_kind", kind);
    require(size == 0 || destination != nullptr, "destination is NULL: must hold {} bytes", size);
    require(size == 0 || source != nullptr, "source is NULL: must hold {} bytes", size);
    void* native = native_stream(stream, *owner);
    if (size > 0) owner->copy(native, destination, source, size, kind);
  });
}

flashrnn_status flashrnn_memory_fill(flashrnn_device device, flashrnn_stream stream,
                                     void* destination, uint8_t value, size_t size) {
  return guard("flashrnn_memory_fill", [&] {
    const auto owner = device_table().get(device);
    require(size == 0 || destination != nullptr, "destination is NULL: must hold {} bytes", size);
    void* native = native_stream(stream, *owner);
    if (size > 0) owner->fill(native, destination, value, size);
  });
}

flashrnn_status flashrnn_stream_create(flashrnn_device device, flashrnn_stream* stream) {
  return guard("flashrnn_stream_create", [&] {
    require(stream != nullptr, "stream is NULL: must point to a handle");
    const auto owner = device_table().get(device);
    auto object = std::make_shared<StreamObject>();
    object->native = owner->make_stream();
    object->device = owner;
    *stream = stream_table().insert(std::move(object));
  });
}

flashrnn_status flashrnn_stream_wrap(flashrnn_device device, void* native,
                                     flashrnn_stream* stream) {
  return guard("flashrnn_stream_wrap", [&] {
    require(stream != nullptr, "stream is NULL: must point to a handle");
    const auto owner = device_table().get(device);
    auto object = std::make_shared<StreamObject>();
    object->native = owner->wrap_stream(native);
    object->device = owner;
    *stream = stream_table().insert(std::move(object));
  });
}

flashrnn_status flashrnn_stream_synchronize(flashrnn_stream stream) {
  return guard("flashrnn_stream_synchronize", [&] {
    const auto object = stream_table().get(stream);
    object->device->synchronize(object->native);
  });
}

flashrnn_status flashrnn_stream_close(flashrnn_stream stream) {
  return guard("flashrnn_stream_close", [&] { stream_table().close(stream); });
}

flashrnn_status flashrnn_event_create(flashrnn_device device, flashrnn_event* event) {
  return guard("flashrnn_event_create", [&] {
    require(event != nullptr, "event is NULL: must point to a handle");
    const auto owner = device_table().get(device);
    auto object = std::make_shared<EventObject>();
    object->native = owner->make_event();
    object->device = owner;
    *event = event_table().insert(std::move(object));
  });
}

flashrnn_status flashrnn_event_record(flashrnn_event event, flashrnn_stream stream) {
  return guard("flashrnn_event_record", [&] {
    const auto object = event_table().get(event);
    object->device->record(object->native, native_stream(stream, *object->device));
    object->recorded = true;
  });
}

flashrnn_status flashrnn_event_synchronize(flashrnn_event event) {
  return guard("flashrnn_event_synchronize", [&] {
    const auto object = event_table().get(event);
    if (object->recorded) object->device->wait(object->native);
  });
}

flashrnn_status flashrnn_event_elapsed(flashrnn_event first, flashrnn_event second,
                                       double* milliseconds) {
  return guard("flashrnn_event_elapsed", [&] {
    require(milliseconds != nullptr, "milliseconds is NULL: must point to a number");
    const auto a = event_table().get(first);
    const auto b = event_table().get(second);
    require(a->recorded && b->recorded, "{} event was never recorded: both must be",
            a->recorded ? "second" : "first");
    require(a->device->info().backend == b->device->info().backend &&
                a->device->info().ordinal == b->device->info().ordinal,
            "the events belong to two devices: must be of one");
    *milliseconds = a->device->elapsed_milliseconds(a->native, b->native);
  });
}

flashrnn_status flashrnn_event_close(flashrnn_event event) {
  return guard("flashrnn_event_close", [&] { event_table().close(event); });
}

}  // extern "C"
