// SPDX-License-Identifier: Apache-2.0
#include "device.hpp"

#include <algorithm>
#include <stdexcept>

namespace flashrnn::test {

void check(flashrnn_status status, const std::string& what) {
  if (status == FLASHRNN_OK) return;
  throw std::runtime_error(what + ": " + flashrnn_status_name(status) + ": " +
                           flashrnn_last_error_message());
}

Device::Device(flashrnn_backend backend) : backend_(backend) {
  check(flashrnn_device_open(backend, 0, &handle_), "flashrnn_device_open");
}

Device::~Device() { flashrnn_device_close(handle_); }

std::string Device::describe() const {
  size_t length = 0;
  check(flashrnn_device_describe(handle_, nullptr, 0, &length), "flashrnn_device_describe");
  std::string text(length + 1, '\0');
  check(flashrnn_device_describe(handle_, text.data(), text.size(), nullptr),
        "flashrnn_device_describe");
  text.resize(length);
  return text;
}

bool Device::can_open(flashrnn_backend backend, std::string* reason) {
  flashrnn_device device = nullptr;
  const flashrnn_status status = flashrnn_device_open(backend, 0, &device);
  if (status == FLASHRNN_OK) return flashrnn_device_close(device) == FLASHRNN_OK;
  *reason = std::string(flashrnn_status_name(status)) + ": " + flashrnn_last_error_message();
  // Any other failure is a fault to be seen, not a missing device.
  if (status != FLASHRNN_DEVICE_UNAVAILABLE) throw std::runtime_error(*reason);
  return false;
}

flashrnn_backend backend_of(const std::string& name) {
  if (name == "cpu") return FLASHRNN_BACKEND_CPU;
  if (name == "cuda") return FLASHRNN_BACKEND_CUDA;
  if (name == "hip") return FLASHRNN_BACKEND_HIP;
  if (name == "vulkan") return FLASHRNN_BACKEND_VULKAN;
  throw std::invalid_argument("no backend: " + name);
}

GuardedMemory::GuardedMemory(const Device& device, size_t size, size_t alignment, size_t offset)
    : device_(device), size_(size) {
  total_ = size + 2 * kGuardSize + alignment + offset;
  check(flashrnn_memory_allocate(device.handle(), total_, &base_), "flashrnn_memory_allocate");
  const size_t address = reinterpret_cast<size_t>(base_);
  const size_t start = (address + kGuardSize + alignment - 1) / alignment * alignment + offset;
  before_ = start - address;
  data_ = static_cast<uint8_t*>(base_) + before_;
  check(flashrnn_memory_fill(device_.handle(), nullptr, base_, kGuard, total_),
        "flashrnn_memory_fill");
  poison();
}

GuardedMemory::~GuardedMemory() { flashrnn_memory_free(device_.handle(), base_); }

void GuardedMemory::poison() {
  if (size_ == 0) return;
  check(flashrnn_memory_fill(device_.handle(), nullptr, data_, kPoison, size_),
        "flashrnn_memory_fill");
}

void GuardedMemory::write(const std::vector<uint8_t>& bytes) {
  if (bytes.size() != size_) throw std::invalid_argument("GuardedMemory::write: size differs");
  if (size_ == 0) return;
  check(flashrnn_memory_copy(device_.handle(), nullptr, data_, bytes.data(), size_,
                             FLASHRNN_COPY_HOST_TO_DEVICE),
        "flashrnn_memory_copy to the device");
}

std::vector<uint8_t> GuardedMemory::read() const {
  std::vector<uint8_t> bytes(size_);
  if (size_ == 0) return bytes;
  check(flashrnn_memory_copy(device_.handle(), nullptr, bytes.data(), data_, size_,
                             FLASHRNN_COPY_DEVICE_TO_HOST),
        "flashrnn_memory_copy from the device");
  return bytes;
}

bool GuardedMemory::guards_intact() const {
  std::vector<uint8_t> bytes(total_);
  check(flashrnn_memory_copy(device_.handle(), nullptr, bytes.data(), base_, total_,
                             FLASHRNN_COPY_DEVICE_TO_HOST),
        "flashrnn_memory_copy from the device");
  const auto intact = [](uint8_t byte) { return byte == kGuard; };
  const auto end = bytes.begin() + static_cast<std::ptrdiff_t>(before_);
  return std::all_of(bytes.begin(), end, intact) &&
         std::all_of(end + static_cast<std::ptrdiff_t>(size_), bytes.end(), intact);
}

}  // namespace flashrnn::test
