// SPDX-License-Identifier: Apache-2.0
// What a backend is: the interface that CPU, CUDA, HIP and Vulkan fill, each in its own folder.
// plan/ decides with the facts, model and predictions that a device gives; api/ checks calls and
// hands them on. How to add one: docs/adding-a-backend.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "plan/dtype.hpp"
#include "plan/kernel_config.hpp"
#include "plan/problem.hpp"

namespace flashrnn {

inline constexpr int kMaxAxes = 5;

// A checked tensor: dtype and strides (in elements) are explicit; data == nullptr means absent.
struct Tensor {
  std::byte* data = nullptr;
  DType dtype = DType::kFloat32;
  std::array<int64_t, kMaxAxes> stride{};

  explicit operator bool() const { return data != nullptr; }
};

struct ForwardCall {
  void* stream =
      nullptr;  // what the device's make_stream or wrap_stream gave; nullptr: its default
  Tensor wx, r, bias, initial_states, lengths, resets;
  Tensor h, states, last_states;
  std::byte* workspace = nullptr;
  std::byte* saved = nullptr;
  bool weights_unchanged = false;
};

struct BackwardCall {
  void* stream = nullptr;
  Tensor wx, r, bias, initial_states, lengths, resets, h;
  Tensor d_h, d_states, d_last_states;
  Tensor d_wx, d_r, d_bias, d_initial_states;
  std::byte* workspace = nullptr;
  const std::byte* saved = nullptr;
  bool weights_unchanged = false;
};

struct StepCall {
  void* stream = nullptr;
  Tensor wx;  // [B, Gi, N, D]
  Tensor r, bias, states, new_states;
  Tensor h;  // [B, N, D]
  std::byte* workspace = nullptr;
  bool weights_unchanged = false;
};

struct PlanSizes {
  size_t forward_workspace = 0;
  size_t backward_workspace = 0;
  size_t step_workspace = 0;
  size_t saved = 0;
  size_t alignment = 256;
};

// A problem bound to a kernel and a configuration. Immutable; runs from any number of threads at
// once.
class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual PlanSizes sizes() const = 0;
  virtual void forward(const ForwardCall& call) const = 0;
  virtual void backward(const BackwardCall& call) const = 0;
  virtual void step(const StepCall& call) const = 0;
  // The kernel's name, for people: "simd AVX3 fma".
  virtual std::string name() const = 0;
};

struct DeviceInfo {
  int32_t backend = 0;  // the ABI's value
  int32_t ordinal = 0;
  int32_t compute_units = 0;
  uint64_t memory_bytes = 0;
  std::string name;
  std::string backend_name;
};

// What the hardware would need for a problem's recurrences if nothing but that took time, in
// microseconds; 0: not known. In turn: if what a step of all sequences is made of did not overlap.
struct Floors {
  double forward = 0, backward = 0;
  double forward_in_turn = 0, backward_in_turn = 0;
};

using NamedValues = std::vector<std::pair<std::string, int64_t>>;

class Device {
 public:
  virtual ~Device() = default;
  virtual const DeviceInfo& info() const = 0;
  // JSON of every fact that plan-time decisions use.
  virtual std::string describe() const = 0;

  // Plan time. The constraint model's text, the facts it takes as named parameters, the predicted
  // microseconds of forward plus backward (or of forward alone in inference) under a configuration,
  // and the kernel for it.
  virtual std::string model() const = 0;
  virtual NamedValues parameters(const Problem& problem) const = 0;
  virtual double predict(const Problem& problem, const KernelConfig& config) const = 0;
  virtual Floors floors(const Problem&, const KernelConfig&) const { return {}; }
  virtual std::shared_ptr<const Kernel> kernel(const Problem& problem,
                                               const KernelConfig& config) const = 0;
  // Throws Error (unsupported) for a problem that no kernel of this backend runs.
  virtual void check(const Problem& problem) const = 0;

  virtual void* allocate(size_t size) const = 0;
  virtual void free(void* data) const = 0;
  virtual void copy(void* stream, void* destination, const void* source, size_t size,
                    int32_t kind) const = 0;
  virtual void fill(void* stream, void* destination, uint8_t value, size_t size) const = 0;
  virtual void* make_stream() const = 0;
  virtual void* wrap_stream(void* native) const = 0;
  virtual void synchronize(void* stream) const = 0;
  virtual void destroy_stream(void* stream) const = 0;
  virtual void* make_event() const = 0;
  virtual void record(void* event, void* stream) const = 0;
  virtual void wait(void* event) const = 0;
  virtual double elapsed_milliseconds(void* first, void* second) const = 0;
  virtual void destroy_event(void* event) const = 0;
  // Host threads may read tensors' values at their addresses, so that lengths are checked before a
  // run.
  virtual bool host_accessible() const = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual int32_t id() const = 0;  // the ABI's value
  virtual const char* name() const = 0;
  // The number of devices; 0 with the reason in *refusal.
  virtual int device_count(std::string* refusal) const = 0;
  virtual std::shared_ptr<const Device> open(int ordinal) const = 0;
};

}  // namespace flashrnn
