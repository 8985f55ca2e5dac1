// SPDX-License-Identifier: Apache-2.0
// Devices that need not be here: their facts, and plans for them.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "backend/backend.hpp"
#include "cells/traits.hpp"
#include "cuda/config.hpp"
#include "cuda/cost.hpp"
#include "cuda/facts.hpp"
#include "plan/choose.hpp"

namespace flashrnn::cuda {

inline const char* const kModel =
#include "cuda_model.inc"
    ;

inline DeviceFacts hopper() {
  DeviceFacts f;
  f.name = "H200";
  f.major = 9;
  f.multiprocessors = 132;
  f.registers_per_multiprocessor = f.registers_per_block = 65536;
  f.shared_per_block = 227 * 1024;
  f.shared_per_multiprocessor = 228 * 1024;
  f.threads_per_block = 1024;
  f.threads_per_multiprocessor = 2048;
  f.l2_bytes = 50 << 20;
  f.clock_khz = 1980000;
  f.memory_clock_khz = 3201000;
  f.memory_bus_bits = 6144;
  f.has_cooperative_launch = f.has_clusters = true;
  f.max_cluster = 16;
  f.active_clusters = {0, 0, 66, 39, 30, 22, 17, 15, 15, 9, 7, 7, 7, 7, 7, 7, 7};
  return f;
}

// The same with an H100's memory.
inline DeviceFacts hopper_of_less_memory() {
  DeviceFacts f = hopper();
  f.name = "H100";
  f.memory_clock_khz = 2619000;
  f.memory_bus_bits = 5120;
  return f;
}

// Hopper's opposite among those with fused kernels: little shared memory, no large clusters.
inline DeviceFacts consumer_blackwell() {
  DeviceFacts f = hopper();
  f.major = 12;
  f.multiprocessors = 84;
  f.shared_per_block = 99 * 1024;
  f.shared_per_multiprocessor = 100 * 1024;
  f.threads_per_multiprocessor = 1536;
  f.max_cluster = 8;
  f.active_clusters = {0, 0, 42, 28, 21, 16, 14, 12, 10};
  return f;
}

inline DeviceFacts ampere() {
  DeviceFacts f = hopper();
  f.major = 8;
  f.multiprocessors = 108;
  f.shared_per_block = 163 * 1024;
  f.shared_per_multiprocessor = 164 * 1024;
  f.has_clusters = false;
  f.max_cluster = 1;
  f.active_clusters = {};
  return f;
}

inline DeviceFacts ada() {
  DeviceFacts f = ampere();
  f.minor = 9;
  f.shared_per_block = 99 * 1024;
  f.shared_per_multiprocessor = 100 * 1024;
  return f;
}

// Plans, and nothing else.
class FakeDevice final : public Device {
 public:
  FakeDevice(DeviceFacts facts, bool compiles, bool has_blas = false)
      : facts_(std::move(facts)), compiles_(compiles), has_blas_(has_blas) {
    info_.backend_name = "cuda";
  }
  std::string more_rules;  // of the model, after its own
  const DeviceInfo& info() const override { return info_; }
  std::string describe() const override { return ""; }
  std::string model() const override {
    return kModel + availability_rules(facts_, compiles_) + more_rules;
  }
  NamedValues parameters(const Problem& p) const override {
    return model_parameters(facts_, p, compiles_, has_blas_);
  }
  double predict(const Problem& p, const KernelConfig& c) const override {
    check_config(facts_, p, c);
    return predict_microseconds(facts_, p, c);
  }
  std::shared_ptr<const Kernel> kernel(const Problem&, const KernelConfig&) const override {
    return nullptr;
  }
  void check(const Problem&) const override {}
  void* allocate(size_t) const override { return nullptr; }
  void free(void*) const override {}
  void copy(void*, void*, const void*, size_t, int32_t) const override {}
  void fill(void*, void*, uint8_t, size_t) const override {}
  void* make_stream() const override { return nullptr; }
  void* wrap_stream(void*) const override { return nullptr; }
  void synchronize(void*) const override {}
  void destroy_stream(void*) const override {}
  void* make_event() const override { return nullptr; }
  void record(void*, void*) const override {}
  void wait(void*) const override {}
  double elapsed_milliseconds(void*, void*) const override { return 0; }
  void destroy_event(void*) const override {}
  bool host_accessible() const override { return false; }

 private:
  DeviceFacts facts_;
  bool compiles_, has_blas_;
  DeviceInfo info_;
};

inline Problem problem_of(int cell, DType dtype, int64_t batch, int64_t heads, int64_t head_dim) {
  Problem p;
  p.cell = find_cell(cell);
  p.dtype = p.weight_dtype = p.state_dtype = dtype;
  p.batch = batch;
  p.time = 1024;
  p.heads = heads;
  p.head_dim = head_dim;
  return p;
}

}  // namespace flashrnn::cuda
