// SPDX-License-Identifier: Apache-2.0
// Part of flashrnn.hpp: errors, cells, devices, streams, events and device memory.
#ifndef FLASHRNN_DEVICE_HPP_
#define FLASHRNN_DEVICE_HPP_

#include <flashrnn/flashrnn.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flashrnn {

class Error : public std::runtime_error {
 public:
  Error(flashrnn_status status, const std::string& message)
      : std::runtime_error(std::string(flashrnn_status_name(status)) + ": " + message),
        status_(status) {}
  flashrnn_status status() const noexcept { return status_; }

 private:
  flashrnn_status status_;
};

inline void check(flashrnn_status status) {
  if (status != FLASHRNN_OK) throw Error(status, flashrnn_last_error_message());
}

inline bool has_feature(const char* name) { return flashrnn_has_feature(name) != 0; }

inline flashrnn_cell_info cell_info(flashrnn_cell cell) {
  flashrnn_cell_info info{};
  info.struct_size = sizeof info;
  check(flashrnn_get_cell_info(cell, &info));
  return info;
}

// Every cell of the library, in order of value.
inline std::vector<flashrnn_cell> cells() {
  std::int32_t count = 0;
  check(flashrnn_list_cells(nullptr, 0, &count));
  std::vector<flashrnn_cell> values(static_cast<std::size_t>(count));
  check(flashrnn_list_cells(values.data(), count, &count));
  return values;
}

// The cell of that name ("lstm", ...).
inline flashrnn_cell cell_by_name(std::string_view name) {
  std::string known;
  for (flashrnn_cell cell : cells()) {
    const char* candidate = cell_info(cell).name;
    if (name == candidate) return cell;
    known += (known.empty() ? "" : ", ") + std::string(candidate);
  }
  throw Error(FLASHRNN_INVALID_ARGUMENT,
              "cell \"" + std::string(name) + "\": must be one of " + known);
}

namespace detail {

// The two-call pattern of every text that the ABI gives: ask for the length, then for the text.
template <class Call>
std::string text(Call call) {
  std::size_t length = 0;
  check(call(nullptr, 0, &length));
  std::string result(length + 1, '\0');
  check(call(result.data(), result.size(), &length));
  result.resize(length);
  return result;
}

template <class Raw, flashrnn_status (*close)(Raw)>
class Owner {
 public:
  Owner() = default;
  Owner(Owner&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  Owner& operator=(Owner&& other) noexcept {
    std::swap(raw_, other.raw_);
    return *this;
  }
  ~Owner() {
    if (raw_ != nullptr) close(raw_);
  }
  // The C handle, still owned by this object.
  Raw get() const noexcept { return raw_; }

 protected:
  Raw raw_ = nullptr;
};

}  // namespace detail

// JSON: every backend this version knows, whether it can be used here and if not, why.
inline std::string describe_backends() { return detail::text(flashrnn_describe_backends); }

template <class T>
class Buffer;

class Device : public detail::Owner<flashrnn_device, flashrnn_device_close> {
 public:
  static Device open(flashrnn_backend backend = FLASHRNN_BACKEND_BEST, std::int32_t ordinal = 0) {
    Device device;
    check(flashrnn_device_open(backend, ordinal, &device.raw_));
    return device;
  }
  // Every device of this machine, the fastest kind first.
  static std::vector<flashrnn_device_info> list() {
    std::int32_t count = 0;
    check(flashrnn_list_devices(nullptr, 0, &count));
    std::vector<flashrnn_device_info> infos(static_cast<std::size_t>(count));
    if (count > 0) {
      infos[0].struct_size = sizeof infos[0];
      check(flashrnn_list_devices(infos.data(), count, &count));
    }
    return infos;
  }
  flashrnn_device_info info() const {
    flashrnn_device_info info{};
    info.struct_size = sizeof info;
    check(flashrnn_device_get_info(raw_, &info));
    return info;
  }
  // JSON: every fact that plan-time decisions use.
  std::string describe() const {
    return detail::text([this](char* t, std::size_t n, std::size_t* l) {
      return flashrnn_device_describe(raw_, t, n, l);
    });
  }
  // Whether tensors of this device are plain host memory.
  bool is_host() const { return info().backend == FLASHRNN_BACKEND_CPU; }
  template <class T>
  Buffer<T> allocate(std::size_t count) const;
};

// A stream of the library's own.
class Stream : public detail::Owner<flashrnn_stream, flashrnn_stream_close> {
 public:
  explicit Stream(const Device& device) { check(flashrnn_stream_create(device.get(), &raw_)); }
  // Wraps the backend's own stream (cudaStream_t, ...), which the caller keeps owning.
  Stream(const Device& device, void* native) {
    check(flashrnn_stream_wrap(device.get(), native, &raw_));
  }
  void synchronize() const { check(flashrnn_stream_synchronize(raw_)); }
};

class Event : public detail::Owner<flashrnn_event, flashrnn_event_close> {
 public:
  explicit Event(const Device& device) { check(flashrnn_event_create(device.get(), &raw_)); }
  void record(flashrnn_stream stream = nullptr) { check(flashrnn_event_record(raw_, stream)); }
  void synchronize() const { check(flashrnn_event_synchronize(raw_)); }
  // Milliseconds from first to second; waits for the second.
  static double elapsed(const Event& first, const Event& second) {
    double milliseconds = 0;
    check(flashrnn_event_elapsed(first.get(), second.get(), &milliseconds));
    return milliseconds;
  }
};

// `size()` elements of device memory, aligned to 256 bytes, not initialised. A contiguous range,
// whose elements the host may touch only where Device::is_host().
template <class T>
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Device& device, std::size_t count) : device_(device.get()), count_(count) {
    if (count > SIZE_MAX / sizeof(T))
      throw Error(FLASHRNN_INVALID_ARGUMENT, "buffer of " + std::to_string(count) +
                                                 " elements: its bytes must fit into size_t");
    void* data = nullptr;
    check(flashrnn_memory_allocate(device_, count * sizeof(T), &data));
    data_ = static_cast<T*>(data);
  }
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Buffer() {
    if (device_ != nullptr) flashrnn_memory_free(device_, data_);
  }

  T* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return count_; }
  T* begin() const noexcept { return data_; }
  T* end() const noexcept { return data_ + count_; }

  // Copies from or to host memory of just as many elements; done when they return.
  void upload(std::span<const T> host, flashrnn_stream stream = nullptr) {
    check_size(host.size());
    check(flashrnn_memory_copy(device_, stream, data_, host.data(), host.size_bytes(),
                               FLASHRNN_COPY_HOST_TO_DEVICE));
  }
  void download(std::span<T> host, flashrnn_stream stream = nullptr) const {
    check_size(host.size());
    check(flashrnn_memory_copy(device_, stream, host.data(), data_, host.size_bytes(),
                               FLASHRNN_COPY_DEVICE_TO_HOST));
  }
  // Sets every byte.
  void fill(std::uint8_t value, flashrnn_stream stream = nullptr) {
    check(flashrnn_memory_fill(device_, stream, data_, value, count_ * sizeof(T)));
  }

 private:
  void swap(Buffer& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
  }
  void check_size(std::size_t count) const {
    if (count != count_)
      throw Error(FLASHRNN_INVALID_ARGUMENT,
                  "copy of " + std::to_string(count) + " elements: the buffer has " +
                      std::to_string(count_) + ", and the counts must be equal");
  }
  flashrnn_device device_ = nullptr;
  T* data_ = nullptr;
  std::size_t count_ = 0;
};

template <class T>
Buffer<T> Device::allocate(std::size_t count) const {
  return Buffer<T>(*this, count);
}

}  // namespace flashrnn

#endif  // FLASHRNN_DEVICE_HPP_
