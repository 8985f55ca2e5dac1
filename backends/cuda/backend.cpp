// SPDX-License-Identifier: Apache-2.0
// Which CUDA devices there are, or why there is none.
#include <algorithm>
#include <memory>
#include <mutex>
#include <vector>

#include "backend/builtin.hpp"
#include "cuda/check.hpp"
#include "cuda/device.hpp"

namespace flashrnn {

namespace cuda {
namespace {

constexpr int kLeastMajor = 8;

std::string version_text(int version) {
  return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

// What stands in the way of any device, "" for nothing.
std::string refuse_machine(int* count) {
  *count = 0;
  int driver = 0;
  const cudaError_t asked = cudaDriverGetVersion(&driver);
  if (asked != cudaSuccess || driver == 0) {
    (void)cudaGetLastError();
    return "no NVIDIA driver (libcuda.so.1) is installed";
  }
  const cudaError_t error = cudaGetDeviceCount(count);
  if (error == cudaSuccess && *count > 0) return "";
  (void)cudaGetLastError();
  *count = 0;
  if (error == cudaErrorInsufficientDriver) {
    return fmt::format("the NVIDIA driver supports CUDA {}: must be {} or newer",
                       version_text(driver), version_text(CUDART_VERSION));
  }
  if (error == cudaErrorNoDevice || error == cudaSuccess) {
    return "the NVIDIA driver finds no device (CUDA_VISIBLE_DEVICES hides devices too)";
  }
  return fmt::format("the CUDA runtime says: {} ({})", cudaGetErrorString(error),
                     cudaGetErrorName(error));
}

class CudaBackend final : public Backend {
 public:
  int32_t id() const override { return 2; }
  const char* name() const override { return "cuda"; }

  int device_count(std::string* refusal) const override {
    const Found& found = find();
    if (found.ordinals.empty() && refusal != nullptr) *refusal = found.refusal;
    return static_cast<int>(found.ordinals.size());
  }

  std::shared_ptr<const Device> open(int ordinal) const override {
    const Found& found = find();
    require(ordinal >= 0 && ordinal < static_cast<int>(found.ordinals.size()),
            "ordinal is {}: backend cuda has {} devices", ordinal, found.ordinals.size());
    // One object a device for the life of the process: its facts are asked for once.
    static std::mutex mutex;
    static std::vector<std::shared_ptr<const Device>> devices(found.ordinals.size());
    const std::lock_guard lock(mutex);
    auto& device = devices.at(static_cast<size_t>(ordinal));
    if (device == nullptr)
      device = make_device(ordinal, found.ordinals[static_cast<size_t>(ordinal)]);
    return device;
  }

 private:
  struct Found {
    std::vector<int> ordinals;  // the runtime's, of the devices that are taken
    std::string refusal;
  };

  // Drivers and devices do not come and go within a process.
  static const Found& find() {
    static const Found found = [] {
      Found result;
      int count = 0;
      result.refusal = refuse_machine(&count);
      for (int i = 0; i < count; ++i) {
        int major = 0;
        int minor = 0;
        const bool is_known =
            cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, i) == cudaSuccess &&
            cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, i) == cudaSuccess;
        if (is_known && major >= kLeastMajor) {
          result.ordinals.push_back(i);
          continue;
        }
        if (!result.refusal.empty()) result.refusal += "; ";
        result.refusal +=
            fmt::format("device {} has compute capability {}.{}: must be {}.0 or newer", i, major,
                        minor, kLeastMajor);
      }
      return result;
    }();
    return found;
  }
};

}  // namespace
}  // namespace cuda

const Backend* cuda_backend() {
  static const cuda::CudaBackend backend;
  return &backend;
}

}  // namespace flashrnn
