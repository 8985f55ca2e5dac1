// SPDX-License-Identifier: Apache-2.0
// Owners of the C ABI's handles and memory. Every failure becomes an Error with the library's own
// message.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include "flashrnn/flashrnn.h"

namespace flashrnn::bench {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws unless the status is FLASHRNN_OK; what names the call.
void check(flashrnn_status status, const char* what);

// A move-only handle with its closing call.
template <typename Handle, flashrnn_status (*kClose)(Handle)>
class Owner {
 public:
  Owner() = default;
  explicit Owner(Handle handle) : handle_(handle) {}
  Owner(Owner&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Owner& operator=(Owner&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Owner() { kClose(handle_); }
  Handle get() const { return handle_; }

 private:
  Handle handle_ = nullptr;
};

using Device = Owner<flashrnn_device, flashrnn_device_close>;
using Plan = Owner<flashrnn_plan, flashrnn_plan_close>;
using Event = Owner<flashrnn_event, flashrnn_event_close>;

Device open_device(flashrnn_backend backend, int ordinal);
Plan create_plan(const Device& device, const flashrnn_problem& problem);
Event create_event(const Device& device);

std::string describe(const Device& device);
std::string describe(const Plan& plan);
flashrnn_device_info info_of(const Device& device);
flashrnn_plan_sizes sizes_of(const Plan& plan);
std::string version_text();  // "0.1.0"

// Memory of a device. The device must outlive it.
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Device& device, size_t size);
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer();

  void* data() const { return data_; }
  size_t size() const { return size_; }
  void upload(const void* source, size_t size);
  void download(void* destination, size_t size) const;
  void fill(uint8_t value);

 private:
  flashrnn_device device_ = nullptr;
  void* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace flashrnn::bench
