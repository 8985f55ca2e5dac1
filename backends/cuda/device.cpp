// SPDX-License-Identifier: Apache-2.0
// A CUDA device: facts, memory, streams, events, and the way to its kernels.
#include "cuda/device.hpp"

#include <cuda_runtime_api.h>

#include <climits>
#include <mutex>
#include <nlohmann/json.hpp>

#include "cuda/alternating/blas.hpp"
#include "cuda/check.hpp"
#include "cuda/config.hpp"
#include "cuda/cost.hpp"
#include "cuda/facts.hpp"
#include "cuda/floor.hpp"
#include "cuda/kernel.hpp"
#include "cuda/modules/module_cache.hpp"
#include "cuda/modules/nvrtc.hpp"
#include "cuda/stream.hpp"

namespace flashrnn::cuda {

namespace {

const char* const kModel =
#include "cuda_model.inc"
    ;

class CudaDevice final : public Device {
 public:
  CudaDevice(int ordinal, int runtime_ordinal) : facts_(query_facts(runtime_ordinal)) {
    info_.backend = 2;
    info_.ordinal = ordinal;
    info_.compute_units = facts_.multiprocessors;
    info_.memory_bytes = facts_.memory_bytes;
    info_.name = facts_.name;
    info_.backend_name = "cuda";
  }

  const DeviceInfo& info() const override { return info_; }

  std::string describe() const override {
    const DeviceFacts& f = facts();
    nlohmann::ordered_json clusters = nlohmann::ordered_json::object();
    for (int ctas = 2; ctas <= kLargestCluster; ++ctas)
      clusters[std::to_string(ctas)] = f.active_clusters_of(ctas);
    const nlohmann::ordered_json json = {
        {"backend", "cuda"},
        {"name", f.name},
        {"compute_capability", fmt::format("{}.{}", f.major, f.minor)},
        {"architecture", f.architecture()},
        {"multiprocessors", f.multiprocessors},
        {"registers_per_multiprocessor", f.registers_per_multiprocessor},
        {"registers_per_block", f.registers_per_block},
        {"shared_bytes_per_block", f.shared_per_block},
        {"shared_bytes_per_multiprocessor", f.shared_per_multiprocessor},
        {"threads_per_block", f.threads_per_block},
        {"threads_per_multiprocessor", f.threads_per_multiprocessor},
        {"l2_bytes", f.l2_bytes},
        {"clock_khz", f.clock_khz},
        {"memory_clock_khz", f.memory_clock_khz},
        {"memory_bus_bits", f.memory_bus_bits},
        {"memory_bytes", f.memory_bytes},
        {"cooperative_launch", f.has_cooperative_launch},
        {"clusters", f.has_clusters},
        {"max_cluster", f.max_cluster},
        {"active_clusters", clusters},
        {"driver", fmt::format("{}.{}", f.driver_version / 1000, f.driver_version % 1000 / 10)},
        {"runtime", fmt::format("{}.{}", f.runtime_version / 1000, f.runtime_version % 1000 / 10)},
        {"runtime_compiler", nvrtc_state()},
        {"kernel_cache", cache_state()},
        {"embedded_kernels", static_cast<int>(embedded_configs(f.architecture()).size())}};
    return json.dump(2);
  }

  std::string model() const override { return kModel + availability_rules(facts(), can_compile()); }

  NamedValues parameters(const Problem& problem) const override {
    const bool compiles = can_compile();
    return model_parameters(facts(), problem, compiles,
                            may_alternate(facts(), problem, compiles) && has_blas());
  }

  double predict(const Problem& problem, const KernelConfig& config) const override {
    check_config(facts(), problem, config);
    return predict_microseconds(facts(), problem, config);
  }

  Floors floors(const Problem& problem, const KernelConfig& config) const override {
    return floors_of(facts(), problem, config);
  }

  std::shared_ptr<const Kernel> kernel(const Problem& problem,
                                       const KernelConfig& config) const override {
    const DeviceScope scope(facts_.ordinal);
    return make_kernel(facts(), problem, config);
  }

  void check(const Problem& p) const override {
    if (p.double_precision()) {
      fail(Status::kUnsupported,
           "problem.dtype is float64: the cuda backend has float32, bfloat16, float16");
    }
    for (const auto& [name, size] :
         {std::pair{"batch", p.batch}, std::pair{"time", p.time}, std::pair{"heads", p.heads},
          std::pair{"head_dim", p.head_dim}}) {
      if (size > INT_MAX) {
        fail(Status::kUnsupported, "problem.{} is {}: must be at most {} on cuda", name, size,
             INT_MAX);
      }
    }
  }

  void* allocate(size_t size) const override {
    const DeviceScope scope(facts_.ordinal);
    void* data = nullptr;
    cuda::check(cudaMalloc(&data, size == 0 ? 1 : size), "cudaMalloc");
    return data;
  }

  void free(void* data) const override {
    const DeviceScope scope(facts_.ordinal);
    cuda::check(cudaFree(data), "cudaFree");
  }

  void copy(void* stream, void* destination, const void* source, size_t size,
            int32_t kind) const override {
    const DeviceScope scope(facts_.ordinal);
    constexpr int32_t kHostToDevice = 1;
    constexpr int32_t kDeviceToHost = 2;
    const cudaMemcpyKind way = kind == kHostToDevice   ? cudaMemcpyHostToDevice
                               : kind == kDeviceToHost ? cudaMemcpyDeviceToHost
                                                       : cudaMemcpyDeviceToDevice;
    cuda::check(cudaMemcpyAsync(destination, source, size, way, native_stream(stream)),
                "cudaMemcpyAsync");
    if (way != cudaMemcpyDeviceToDevice) synchronize(stream);
  }

  void fill(void* stream, void* destination, uint8_t value, size_t size) const override {
    const DeviceScope scope(facts_.ordinal);
    cuda::check(cudaMemsetAsync(destination, value, size, native_stream(stream)),
                "cudaMemsetAsync");
  }

  // Ordered with the legacy default stream, which the helpers use for a stream of NULL.
  void* make_stream() const override {
    const DeviceScope scope(facts_.ordinal);
    cudaStream_t stream = nullptr;
    cuda::check(cudaStreamCreate(&stream), "cudaStreamCreate");
    return new CudaStream{stream, true};
  }

  void* wrap_stream(void* stream) const override {
    return new CudaStream{static_cast<cudaStream_t>(stream), false};
  }

  void synchronize(void* stream) const override {
    const DeviceScope scope(facts_.ordinal);
    cuda::check(cudaStreamSynchronize(native_stream(stream)), "cudaStreamSynchronize");
  }

  void destroy_stream(void* stream) const override {
    const auto* object = static_cast<CudaStream*>(stream);
    // A close cannot fail: what the stream still runs goes on, and its errors show in later calls.
    if (object != nullptr && object->is_own) (void)cudaStreamDestroy(object->stream);
    delete object;
  }

  void* make_event() const override {
    const DeviceScope scope(facts_.ordinal);
    cudaEvent_t event = nullptr;
    cuda::check(cudaEventCreate(&event), "cudaEventCreate");
    return event;
  }

  void record(void* event, void* stream) const override {
    const DeviceScope scope(facts_.ordinal);
    cuda::check(cudaEventRecord(static_cast<cudaEvent_t>(event), native_stream(stream)),
                "cudaEventRecord");
  }

  void wait(void* event) const override {
    cuda::check(cudaEventSynchronize(static_cast<cudaEvent_t>(event)), "cudaEventSynchronize");
  }

  double elapsed_milliseconds(void* first, void* second) const override {
    wait(second);
    float milliseconds = 0;
    cuda::check(cudaEventElapsedTime(&milliseconds, static_cast<cudaEvent_t>(first),
                                     static_cast<cudaEvent_t>(second)),
                "cudaEventElapsedTime");
    return milliseconds;
  }

  void destroy_event(void* event) const override {
    if (event != nullptr) (void)cudaEventDestroy(static_cast<cudaEvent_t>(event));
  }

  bool host_accessible() const override { return false; }

 private:
  // Complete from the first plan on: a program that only lists devices makes no context on each.
  const DeviceFacts& facts() const {
    std::call_once(has_clusters_, [this] { query_clusters(facts_); });
    return facts_;
  }

  mutable DeviceFacts facts_;
  mutable std::once_flag has_clusters_;
  DeviceInfo info_;
};

}  // namespace

std::shared_ptr<const Device> make_device(int ordinal, int runtime_ordinal) {
  return std::make_shared<const CudaDevice>(ordinal, runtime_ordinal);
}

}  // namespace flashrnn::cuda
