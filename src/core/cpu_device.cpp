// SPDX-License-Identifier: Apache-2.0
// The CPU as a device. Runs are over when their call returns, so streams have no state and events
// are points in time.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>

#include "api/error.hpp"
#include "backend/builtin.hpp"
#include "core/cpu_config.hpp"
#include "core/cpu_cost.hpp"
#include "core/portable/kernel.hpp"
#include "core/runtime.hpp"
#include "core/simd/kernel.hpp"
#include "core/simd/product_kind.hpp"
#include "topology/host.hpp"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace flashrnn {

namespace {

const char* const kModel =
#include "cpu_model.inc"
    ;

using Clock = std::chrono::steady_clock;

constexpr size_t kAlignment = 256;
constexpr size_t kHugePage = size_t{2} << 20;

struct CpuEvent {
  Clock::time_point time;
};

// The bfloat16 products have 16 lanes, and so must the instruction set that they work with.
bool takes_pairs(simd::ProductKind kind) {
  return simd::has_product(kind) && simd::instruction_sets().back().lanes_f32 == 16;
}

class CpuDevice final : public Device {
 public:
  CpuDevice() {
    const HostFacts& host = host_facts();
    info_.backend = 1;
    info_.backend_name = "cpu";
    info_.name = host.processor;
    info_.compute_units = host.cores;
    info_.memory_bytes = host.memory_bytes;
  }

  const DeviceInfo& info() const override { return info_; }

  std::string describe() const override {
    const HostFacts& host = host_facts();
    nlohmann::ordered_json sets = nlohmann::ordered_json::array();
    for (const auto& set : simd::instruction_sets()) {
      sets.push_back(
          {{"name", set.name}, {"float32_lanes", set.lanes_f32}, {"float64_lanes", set.lanes_f64}});
    }
    const nlohmann::ordered_json json = {
        {"backend", "cpu"},
        {"name", host.processor},
        {"vendor", host.vendor},
        {"cores", host.cores},
        {"hardware_threads", host.threads},
        {"numa_nodes", host.numa_nodes},
        {"l1_data_bytes", host.l1_bytes},
        {"l2_bytes_per_core", host.l2_bytes},
        {"l3_bytes", host.l3_bytes},
        {"l3_shared_by_cores", host.l3_cores},
        {"cache_line_bytes", host.line_bytes},
        {"memory_bytes", host.memory_bytes},
        {"instruction_sets", sets},
        {"bfloat16_dot", simd::has_product(simd::ProductKind::kDot)},
        {"bfloat16_tile", simd::has_product(simd::ProductKind::kTile)},
        {"threads", core_is_threaded() ? host.cores : 1},
        {"topology", host.topology_version}};
    return json.dump(2);
  }

  std::string model() const override { return kModel; }

  NamedValues parameters(const Problem& p) const override {
    int64_t threads = core_is_threaded() ? host_facts().cores : 1;
    if (p.threads > 0) threads = std::min<int64_t>(threads, p.threads);
    return {{"batch", p.batch},
            {"time", p.time},
            {"heads", p.heads},
            {"head_dim", p.head_dim},
            {"is_bfloat16", p.dtype == DType::kBfloat16 ? 1 : 0},
            {"threads", threads},
            {"best_isa", static_cast<int64_t>(simd::instruction_sets().size()) - 1},
            {"has_dot", takes_pairs(simd::ProductKind::kDot) ? 1 : 0},
            {"has_tile", takes_pairs(simd::ProductKind::kTile) ? 1 : 0}};
  }

  double predict(const Problem& problem, const KernelConfig& config) const override {
    check_cpu_config(problem, config);
    return predict_cpu_microseconds(problem, config);
  }

  std::shared_ptr<const Kernel> kernel(const Problem& problem,
                                       const KernelConfig& config) const override {
    return config.get("kernel") == 0 ? make_portable_kernel(problem, config)
                                     : make_simd_kernel(problem, config);
  }

  void check(const Problem&) const override {}

  void* allocate(size_t size) const override {
    const size_t alignment = size >= kHugePage ? kHugePage : kAlignment;
    const size_t rounded = (std::max<size_t>(size, 1) + alignment - 1) / alignment * alignment;
    void* data = rounded < size ? nullptr : std::aligned_alloc(alignment, rounded);
    if (data == nullptr) fail(Status::kOutOfMemory, "size is {}: the host has no such block", size);
#if defined(__linux__)
    // A step touches rows that lie megabytes apart: with small pages each would be a miss of the
    // TLB. Only a hint.
    if (alignment == kHugePage) madvise(data, rounded, MADV_HUGEPAGE);
#endif
    return data;
  }
  void free(void* data) const override { std::free(data); }
  void copy(void*, void* destination, const void* source, size_t size, int32_t) const override {
    std::memmove(destination, source, size);
  }
  void fill(void*, void* destination, uint8_t value, size_t size) const override {
    std::memset(destination, value, size);
  }

  void* make_stream() const override { return nullptr; }
  void* wrap_stream(void* native) const override {
    require(native == nullptr, "native is {}: the cpu backend has no streams to wrap, must be NULL",
            fmt::ptr(native));
    return nullptr;
  }
  void synchronize(void*) const override {}
  void destroy_stream(void*) const override {}

  void* make_event() const override { return new CpuEvent; }
  void record(void* event, void*) const override {
    static_cast<CpuEvent*>(event)->time = Clock::now();
  }
  void wait(void*) const override {}
  double elapsed_milliseconds(void* first, void* second) const override {
    const auto span = static_cast<CpuEvent*>(second)->time - static_cast<CpuEvent*>(first)->time;
    return std::chrono::duration<double, std::milli>(span).count();
  }
  void destroy_event(void* event) const override { delete static_cast<CpuEvent*>(event); }
  bool host_accessible() const override { return true; }

 private:
  DeviceInfo info_;
};

class CpuBackend final : public Backend {
 public:
  int32_t id() const override { return 1; }
  const char* name() const override { return "cpu"; }
  int device_count(std::string*) const override { return 1; }
  std::shared_ptr<const Device> open(int) const override {
    static const auto device = std::make_shared<const CpuDevice>();
    return device;
  }
};

}  // namespace

const Backend& cpu_backend() {
  static const CpuBackend backend;
  return backend;
}

}  // namespace flashrnn
