// SPDX-License-Identifier: Apache-2.0
// flashrnn-backend-test: every backend against the oracle, through the C ABI alone.
//
//   flashrnn-backend-test [--backend=cpu|cuda|hip|vulkan] [--random-seconds=S] [--random-seed=N]
//                         [--config=NAME=VALUE,...] [GoogleTest's options]
//
// With --config every plan that may have that configuration has it; where none may, the exit status
// is 77 as well.
//
// Exit status 77 means that the device is missing and every test was skipped.
//
// How to extend it
//   a cell      Nothing to do here: flashrnn_list_cells is asked. The oracle needs it in
//   tests/oracle/elements.cpp, the
//               golden files in tests/golden/generate.py, and draw_values (support/case.cpp) where
//               random states make no sense for it.
//   an option   A field in Case (support/case.hpp) with its part in name_of, problem_of or the args
//   of Trial
//               (support/trial.cpp), in the oracle, and a factor in matrix_test.cpp.
//   a layout    A Layout (support/tensor.hpp) and its strides in Tensor::plan.
//   a shape     A value in the lists of matrix_test.cpp.
//   a backend   Its name in backend_of (support/device.cpp) and one add_test line with --backend.
//   a claim     One file here, of the form <claim>_test.cpp, on the fixture BackendTest.
#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <string>

#include "environment.hpp"
#include "kernels_seen.hpp"
#include "trial.hpp"

namespace flashrnn::test {

Environment& environment() {
  static Environment instance;
  return instance;
}

std::vector<flashrnn_cell> all_cells() {
  int32_t count = 0;
  check(flashrnn_list_cells(nullptr, 0, &count), "flashrnn_list_cells");
  std::vector<flashrnn_cell> cells(static_cast<size_t>(count));
  check(flashrnn_list_cells(cells.data(), count, &count), "flashrnn_list_cells");
  return cells;
}

}  // namespace flashrnn::test

namespace {
constexpr const char* kUsage =
    "[--backend=cpu|cuda|hip|vulkan] [--random-seconds=S] [--random-seed=N] "
    "[--config=NAME=VALUE,...] [GoogleTest's options]";
}

int main(int argc, char** argv) {
  using flashrnn::test::Device;
  testing::InitGoogleTest(&argc, argv);
  auto& environment = flashrnn::test::environment();
  std::unique_ptr<Device> device;
  try {
    std::string name = "cpu";
    for (int k = 1; k < argc; ++k) {
      const std::string argument = argv[k];
      const auto value_of = [&](const std::string& option) {
        return argument.rfind(option, 0) == 0 ? argument.substr(option.size()) : std::string();
      };
      const std::string backend = value_of("--backend="), seconds = value_of("--random-seconds="),
                        seed = value_of("--random-seed="), config = value_of("--config=");
      if (!backend.empty()) {
        name = backend;
      } else if (!seconds.empty()) {
        environment.random_seconds = std::stod(seconds);
      } else if (!seed.empty()) {
        environment.random_seed = std::stoull(seed);
      } else if (!config.empty()) {
        flashrnn::test::Plan::preferred_config() = config;
      } else {
        std::fprintf(stderr, "unknown argument %s; usage: %s\n", argv[k], kUsage);
        return 2;
      }
    }
    environment.backend = flashrnn::test::backend_of(name);
    if (Device::can_open(environment.backend, &environment.reason)) {
      device = std::make_unique<Device>(environment.backend);
      environment.device = device.get();
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
  int failed = 0;
  {
    const flashrnn::test::KernelsSeen kernels;
    failed = RUN_ALL_TESTS();
    if (device != nullptr) std::printf("kernels that ran: %s\n", kernels.text().c_str());
  }
  if (environment.device == nullptr && failed == 0) {
    std::printf("all skipped: %s\n", environment.reason.c_str());
    return 77;
  }
  using flashrnn::test::Plan;
  if (!Plan::preferred_config().empty() && Plan::with_preferred() == 0 && failed == 0) {
    std::printf("as good as skipped: no plan may have the configuration %s here\n",
                Plan::preferred_config().c_str());
    return 77;
  }
  return failed;
}
