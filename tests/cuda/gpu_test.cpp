// SPDX-License-Identifier: Apache-2.0
// What the CUDA backend claims beyond right answers, on a GPU: calls can be captured into a graph,
// kernels that wait for each other's CTAs end whatever else runs, and (gpu_delay_test.cpp) random
// delays wherever warps and CTAs meet change no bit.
//
//   flashrnn-cuda-gpu-test [--delay-steps=N] [--delay-only=NAME[,NAME...]] [GoogleTest's options]
//
// N: time steps of each kernel family and direction under delays. NAME: a family that
// GpuDelaysTogether is to run, by default all of them; GpuDelays has a test for each, called by
// that name. Exit status 77: no device; 2: an unknown argument or NAME.
//
// CUDA_DEVICE_MAX_CONNECTIONS=32 in the environment spares GpuDelaysTogether waits: by default CUDA
// has 8 queues for all streams, and those that share one wait for each other.
#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <future>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "gpu_families.hpp"
#include "gpu_fixture.hpp"
#include "gpu_kernels.hpp"

namespace flashrnn::test {
namespace {

// float16's sigmoid and tanh rely on it where the compute capability is 9.0 (gpu/fused/cell.hpp).
TEST_F(Gpu, TanhIsCloseEnoughForFloat16) {
  cudaDeviceProp properties{};
  require(cudaGetDeviceProperties(&properties, 0), "cudaGetDeviceProperties");
  if (properties.major != 9 || properties.minor != 0)
    GTEST_SKIP() << "float16 does not take tanh.approx on compute capability " << properties.major
                 << "." << properties.minor;
  float* largest = nullptr;
  require(cudaMalloc(reinterpret_cast<void**>(&largest), sizeof *largest), "cudaMalloc");
  require(cudaMemset(largest, 0, sizeof *largest), "cudaMemset");
  require(launch_measure_tanh(nullptr, 12.0, 1 << 24, largest), "measure_tanh");
  float error = 1;
  require(cudaMemcpy(&error, largest, sizeof error, cudaMemcpyDeviceToHost), "cudaMemcpy");
  cudaFree(largest);
  std::printf("the largest relative error of tanh.approx is %.2e\n", static_cast<double>(error));
  EXPECT_LT(error, 0x1p-16f);
}

TEST_F(Gpu, CallsAreCapturedIntoAGraph) {
  for (const Family& f : families_and_alternating(70)) {
    SCOPED_TRACE(f.name);
    if (!runs_here(f)) continue;
    Trial trial(*device, f.c, f.config);
    const std::vector<uint8_t> expected = run_alone(trial);
    const Stream stream;
    // An allocation or a wait within a call would break the capture.
    require(cudaStreamBeginCapture(stream.native(), cudaStreamCaptureModeGlobal), "capture");
    run(trial, stream);
    cudaGraph_t graph = nullptr;
    require(cudaStreamEndCapture(stream.native(), &graph), "cudaStreamEndCapture");
    cudaGraphExec_t executable = nullptr;
    require(cudaGraphInstantiate(&executable, graph, 0), "cudaGraphInstantiate");
    for (int k = 0; k < 3; ++k) {
      trial.poison_forward_outputs();
      trial.poison_backward_outputs();
      require(cudaDeviceSynchronize(), "cudaDeviceSynchronize");  // not ordered with the stream
      require(cudaGraphLaunch(executable, stream.native()), "cudaGraphLaunch");
      stream.wait();
      EXPECT_EQ(differences(trial.output_bytes(), expected), 0u);
    }
    cudaGraphExecDestroy(executable);
    cudaGraphDestroy(graph);
  }
}

// Plans of every family at once, each on a stream of its own and from a thread of its own: those
// whose CTAs wait for each other must not hold a part of the chip that another one waits for.
TEST_F(Gpu, PlansOnManyStreamsEndAndGiveTheSameBits) {
  struct Runner {
    std::unique_ptr<Trial> trial;
    std::vector<uint8_t> expected;
    Stream stream;
    std::string failure;
  };
  using Runners = std::vector<std::unique_ptr<Runner>>;
  // Values and kernels take seconds of a processor each.
  std::vector<std::future<Runners>> made;
  for (const Family& f : families_and_alternating(300)) {
    if (!runs_here(f)) continue;
    made.push_back(std::async(std::launch::async, [f] {
      const Values values = draw_values(f.c);
      Runners both;
      for (int copy = 0; copy < 2; ++copy) {
        both.push_back(std::make_unique<Runner>());
        both.back()->trial = std::make_unique<Trial>(
            *device, f.c, values, std::make_shared<const Plan>(*device, f.c, f.config));
      }
      return both;
    }));
  }
  Runners runners;
  for (std::future<Runners>& both : made) {
    for (std::unique_ptr<Runner>& runner : both.get()) runners.push_back(std::move(runner));
  }
  for (const auto& runner : runners) runner->expected = run_alone(*runner->trial);
  std::vector<std::thread> threads;
  threads.reserve(runners.size());
  for (auto& runner : runners) {
    threads.emplace_back([&r = *runner] {
      try {
        for (int k = 0; k < 20; ++k) run(*r.trial, r.stream);
        r.stream.wait();
      } catch (const std::exception& error) {
        r.failure = error.what();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (auto& runner : runners) {
    EXPECT_EQ(runner->failure, "");
    EXPECT_EQ(differences(runner->trial->output_bytes(), runner->expected), 0u);
  }
}

TEST_F(Gpu, WaitsWhileAnotherKernelHoldsMultiprocessors) {
  cudaDeviceProp properties{};
  require(cudaGetDeviceProperties(&properties, 0), "cudaGetDeviceProperties");
  for (const Family& f : families(70)) {
    SCOPED_TRACE(f.name);
    if (!runs_here(f)) continue;
    Trial trial(*device, f.c, f.config);
    const std::vector<uint8_t> expected = run_alone(trial);
    const Stream holding, stream;
    // All but three of them, for longer than a call takes.
    ASSERT_EQ(launch_hold(holding.native(), properties.multiProcessorCount - 3, 50'000'000,
                          static_cast<int>(properties.sharedMemPerBlockOptin)),
              cudaSuccess);
    run(trial, stream);
    stream.wait();
    holding.wait();
    EXPECT_EQ(differences(trial.output_bytes(), expected), 0u);
  }
}

// Warps that look for words through L2 pause by 32 bits of their multiprocessor's clock, which go
// round in some two seconds: no launch may wait for that, whenever it begins.
TEST_F(Gpu, LaunchesThroughL2BeginAtAnyTimeOfTheClock) {
  using Clock = std::chrono::steady_clock;
  for (const Family& f : families(70)) {
    if (std::string(f.name) != "global_on_trust" || !runs_here(f)) continue;
    Trial trial(*device, f.c, f.config);
    run_alone(trial);
    const Stream stream;
    std::chrono::duration<double> longest{};
    const Clock::time_point start = Clock::now();
    while (Clock::now() - start < std::chrono::seconds(6)) {
      const Clock::time_point before = Clock::now();
      run(trial, stream);
      stream.wait();
      longest = std::max<std::chrono::duration<double>>(longest, Clock::now() - before);
    }
    EXPECT_LT(longest.count(), 0.25) << "seconds, for 70 steps forward and backward";
    return;
  }
  GTEST_SKIP() << "no kernels through L2 here";
}

// Whether the argument is one of this program's, which then has its value.
bool take(const std::string& argument) {
  const std::string steps = "--delay-steps=", only = "--delay-only=";
  if (argument.rfind(steps, 0) == 0) {
    delay_steps = std::stoll(argument.substr(steps.size()));
    return true;
  }
  if (argument.rfind(only, 0) != 0) return false;
  const std::vector<Family> all = families(1);
  std::istringstream names(argument.substr(only.size()));
  for (std::string name; std::getline(names, name, ',');) {
    if (std::none_of(all.begin(), all.end(), [&](const Family& f) { return name == f.name; }))
      return false;
    delay_only.push_back(name);
  }
  return !delay_only.empty();
}

}  // namespace
}  // namespace flashrnn::test

int main(int argc, char** argv) {
  using flashrnn::test::Device;
  testing::InitGoogleTest(&argc, argv);
  for (int k = 1; k < argc; ++k) {
    if (!flashrnn::test::take(argv[k])) {
      std::fprintf(stderr,
                   "unknown argument or family in %s; usage: [--delay-steps=N] "
                   "[--delay-only=NAME[,NAME...]]\n",
                   argv[k]);
      return 2;
    }
  }
  std::unique_ptr<Device> device;
  if (Device::can_open(FLASHRNN_BACKEND_CUDA, &flashrnn::test::reason)) {
    device = std::make_unique<Device>(FLASHRNN_BACKEND_CUDA);
    flashrnn::test::device = device.get();
  }
  const int failed = RUN_ALL_TESTS();
  if (device == nullptr && failed == 0) {
    std::printf("all skipped: %s\n", flashrnn::test::reason.c_str());
    return 77;
  }
  return failed;
}
