// SPDX-License-Identifier: Apache-2.0
// A device and memory on it, through the C ABI alone, so that every test works on every backend.
#ifndef FLASHRNN_TESTS_SUPPORT_DEVICE_HPP_
#define FLASHRNN_TESTS_SUPPORT_DEVICE_HPP_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "flashrnn/flashrnn.h"

namespace flashrnn::test {

// Throws std::runtime_error with the library's message unless status is FLASHRNN_OK.
void check(flashrnn_status status, const std::string& what);

// An opened device. Throws where it does not open; can_open tells whether it would, and why not.
class Device {
 public:
  explicit Device(flashrnn_backend backend);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  static bool can_open(flashrnn_backend backend, std::string* reason);

  flashrnn_device handle() const { return handle_; }
  flashrnn_backend backend() const { return backend_; }
  std::string describe() const;  // JSON

 private:
  flashrnn_device handle_ = nullptr;
  flashrnn_backend backend_;
};

// "cpu", "cuda", "hip" or "vulkan"; throws otherwise.
flashrnn_backend backend_of(const std::string& name);

// Device memory of just `size` bytes between two guard zones, all of it poisoned with bytes that
// are a NaN in every floating-point dtype.
class GuardedMemory {
 public:
  static constexpr uint8_t kPoison = 0xff;
  static constexpr uint8_t kGuard = 0xa5;
  static constexpr size_t kGuardSize = 512;

  // data() is a multiple of `alignment` plus `offset`.
  GuardedMemory(const Device& device, size_t size, size_t alignment = 256, size_t offset = 0);
  ~GuardedMemory();
  GuardedMemory(const GuardedMemory&) = delete;
  GuardedMemory& operator=(const GuardedMemory&) = delete;

  void* data() const { return data_; }
  size_t size() const { return size_; }

  void poison();
  void write(const std::vector<uint8_t>& bytes);
  std::vector<uint8_t> read() const;
  // True while no byte of the guard zones has changed.
  bool guards_intact() const;

 private:
  const Device& device_;
  size_t size_, before_ = 0, total_ = 0;
  void* base_ = nullptr;
  uint8_t* data_ = nullptr;
};

}  // namespace flashrnn::test

#endif  // FLASHRNN_TESTS_SUPPORT_DEVICE_HPP_
