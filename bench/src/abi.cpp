// SPDX-License-Identifier: Apache-2.0
#include "abi.hpp"

#include <fmt/format.h>

namespace flashrnn::bench {

void check(flashrnn_status status, const char* what) {
  if (status == FLASHRNN_OK) return;
  throw Error(
      fmt::format("{}: {}: {}", what, flashrnn_status_name(status), flashrnn_last_error_message()));
}

Device open_device(flashrnn_backend backend, int ordinal) {
  flashrnn_device device = nullptr;
  check(flashrnn_device_open(backend, ordinal, &device), "flashrnn_device_open");
  return Device(device);
}

Plan create_plan(const Device& device, const flashrnn_problem& problem) {
  flashrnn_plan plan = nullptr;
  check(flashrnn_plan_create(device.get(), &problem, &plan), "flashrnn_plan_create");
  return Plan(plan);
}

Event create_event(const Device& device) {
  flashrnn_event event = nullptr;
  check(flashrnn_event_create(device.get(), &event), "flashrnn_event_create");
  return Event(event);
}

namespace {

template <typename Handle>
std::string text(flashrnn_status (*call)(Handle, char*, size_t, size_t*), Handle handle,
                 const char* what) {
  size_t length = 0;
  check(call(handle, nullptr, 0, &length), what);
  std::string text(length + 1, '\0');
  check(call(handle, text.data(), text.size(), &length), what);
  text.resize(length);
  return text;
}

}  // namespace

std::string describe(const Device& device) {
  return text(flashrnn_device_describe, device.get(), "flashrnn_device_describe");
}

std::string describe(const Plan& plan) {
  return text(flashrnn_plan_describe, plan.get(), "flashrnn_plan_describe");
}

flashrnn_device_info info_of(const Device& device) {
  flashrnn_device_info info{};
  info.struct_size = sizeof(info);
  check(flashrnn_device_get_info(device.get(), &info), "flashrnn_device_get_info");
  return info;
}

flashrnn_plan_sizes sizes_of(const Plan& plan) {
  flashrnn_plan_sizes sizes{};
  sizes.struct_size = sizeof(sizes);
  check(flashrnn_plan_get_sizes(plan.get(), &sizes), "flashrnn_plan_get_sizes");
  return sizes;
}

std::string version_text() {
  const int32_t version = flashrnn_version();
  return fmt::format("{}.{}.{}", version / 1000000, version / 1000 % 1000, version % 1000);
}

Buffer::Buffer(const Device& device, size_t size) : device_(device.get()), size_(size) {
  check(flashrnn_memory_allocate(device_, size, &data_), "flashrnn_memory_allocate");
}

Buffer::Buffer(Buffer&& other) noexcept { *this = std::move(other); }

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(device_, other.device_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

Buffer::~Buffer() {
  if (data_) flashrnn_memory_free(device_, data_);
}

void Buffer::upload(const void* source, size_t size) {
  if (size == 0) return;
  check(flashrnn_memory_copy(device_, nullptr, data_, source, size, FLASHRNN_COPY_HOST_TO_DEVICE),
        "flashrnn_memory_copy");
}

void Buffer::download(void* destination, size_t size) const {
  if (size == 0) return;
  check(flashrnn_memory_copy(device_, nullptr, destination, data_, size,
                             FLASHRNN_COPY_DEVICE_TO_HOST),
        "flashrnn_memory_copy");
}

void Buffer::fill(uint8_t value) {
  if (size_ == 0) return;
  check(flashrnn_memory_fill(device_, nullptr, data_, value, size_), "flashrnn_memory_fill");
}

}  // namespace flashrnn::bench
