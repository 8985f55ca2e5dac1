// SPDX-License-Identifier: Apache-2.0
// The options --backend and --device, and the device that they name.
#ifndef FLASHRNN_EXAMPLES_DEVICE_OPTION_HPP_
#define FLASHRNN_EXAMPLES_DEVICE_OPTION_HPP_

#include <CLI/CLI.hpp>
#include <cstdio>
#include <flashrnn/flashrnn.hpp>
#include <map>
#include <string>

namespace examples {

class DeviceOption {
 public:
  void add_to(CLI::App& app) {
    const std::map<std::string, flashrnn_backend> names{{"best", FLASHRNN_BACKEND_BEST},
                                                        {"cpu", FLASHRNN_BACKEND_CPU},
                                                        {"cuda", FLASHRNN_BACKEND_CUDA},
                                                        {"hip", FLASHRNN_BACKEND_HIP},
                                                        {"vulkan", FLASHRNN_BACKEND_VULKAN}};
    app.add_option("--backend", backend_, "best, cpu, cuda, hip or vulkan")
        ->transform(CLI::CheckedTransformer(names));
    app.add_option("--device", ordinal_, "Number of the device within its backend")
        ->check(CLI::NonNegativeNumber);
  }
  // Opens the device and prints which one it is.
  flashrnn::Device open() const {
    flashrnn::Device device = flashrnn::Device::open(backend_, ordinal_);
    const flashrnn_device_info info = device.info();
    std::printf("device: %s (%s, %d cores or multiprocessors)\n", info.name, info.backend_name,
                info.compute_units);
    return device;
  }

 private:
  flashrnn_backend backend_ = FLASHRNN_BACKEND_BEST;
  int ordinal_ = 0;
};

}  // namespace examples

#endif  // FLASHRNN_EXAMPLES_DEVICE_OPTION_HPP_
