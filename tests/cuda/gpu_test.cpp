// SPDX-License-Identifier: Apache-2.0
// What the CUDA backend claims beyond right answers, on a GPU: calls can be captured into a graph,
// kernels that wait for each other's CTAs end whatever else runs, and random delays wherever warps
// and CTAs meet change no bit.
//
//   flashrnn-cuda-gpu-test [--delay-steps=N] [GoogleTest's options]
//
// N: time steps of each kernel family and direction under delays. Exit status 77: no device.
#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gpu_kernels.hpp"
#include "trial.hpp"

namespace flashrnn::test {
namespace {

const Device* device = nullptr;
std::string reason;
int64_t delay_steps = 20000;

class Gpu : public testing::Test {
 protected:
  void SetUp() override {
    if (device == nullptr) GTEST_SKIP() << reason;
  }
};

void require(cudaError_t error, const char* what) {
  if (error != cudaSuccess) {
    throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(error));
  }
}

// An application's stream, and the library's name for it.
class Stream {
 public:
  Stream() {
    require(cudaStreamCreateWithFlags(&native_, cudaStreamNonBlocking), "cudaStreamCreate");
    check(flashrnn_stream_wrap(device->handle(), native_, &wrapped_), "flashrnn_stream_wrap");
  }
  ~Stream() {
    flashrnn_stream_close(wrapped_);
    cudaStreamDestroy(native_);
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  cudaStream_t native() const { return native_; }
  flashrnn_stream wrapped() const { return wrapped_; }
  void wait() const { require(cudaStreamSynchronize(native_), "cudaStreamSynchronize"); }

 private:
  cudaStream_t native_ = nullptr;
  flashrnn_stream wrapped_ = nullptr;
};

void run(const Trial& trial, const Stream& stream) {
  flashrnn_forward_args forward = trial.forward_args();
  forward.stream = stream.wrapped();
  check(flashrnn_forward(trial.plan().handle(), &forward), "flashrnn_forward");
  flashrnn_backward_args backward = trial.backward_args();
  backward.stream = stream.wrapped();
  check(flashrnn_backward(trial.plan().handle(), &backward), "flashrnn_backward");
}

// Both calls with nothing else on the device; what they give.
std::vector<uint8_t> run_alone(Trial& trial) {
  trial.forward();
  trial.backward();
  return trial.output_bytes();
}

// Bytes in which two runs differ.
size_t differences(const std::vector<uint8_t>& a, const std::vector<uint8_t>& b) {
  EXPECT_EQ(a.size(), b.size());
  size_t count = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) count += a[i] != b[i] ? 1 : 0;
  return count;
}

// A problem and the configuration of one family.
struct Family {
  const char* name;
  Case c;
  std::string config;
  int only_major = 0;  // the compute capability that it is for, if it is for one
};
// Whether the device has it; else says so.
bool runs_here(const Family& f) {
  if (f.only_major == 0) return true;
  cudaDeviceProp properties{};
  require(cudaGetDeviceProperties(&properties, 0), "cudaGetDeviceProperties");
  if (properties.major == f.only_major) return true;
  std::printf("%s is for compute capability %d.x alone: left out\n", f.name, f.only_major);
  return false;
}

Case problem(int64_t batch, int64_t time, int64_t heads, int64_t head_dim) {
  Case c;
  c.dtypes = {FLASHRNN_BFLOAT16, FLASHRNN_BFLOAT16, FLASHRNN_FLOAT32};
  c.batch = batch, c.time = time, c.heads = heads, c.head_dim = head_dim;
  c.want_states = false;
  c.given = kGiveH | kGiveLast;
  return c;
}

std::vector<Family> families(int64_t time) {
  const auto config = [&](int family, int columns) {
    const std::string f = std::to_string(family), c = std::to_string(columns);
    return "forward_family=" + f + ",backward_family=" + f + ",forward_columns=" + c +
           ",backward_columns=" + c;
  };
  const auto with_lengths = [&](int64_t batch, int64_t heads, int64_t head_dim) {
    Case c = problem(batch, time, heads, head_dim);
    c.lengths = FLASHRNN_INT32;
    c.resets = true;
    return c;
  };
  const auto of = [](flashrnn_cell cell, Case c) {
    c.cell = cell;
    return c;
  };
  const std::string shared = ",forward_depth_warps=2", whole = ",forward_depth_warps=1",
                    clusters = ",forward_cluster=8,forward_depth_warps=4",
                    sharing =
                        "forward_family=2,backward_family=3,forward_columns=8,backward_columns=8,"
                        "forward_units=32,forward_depth_warps=1";
  return {
      {"direct", problem(16, time, 2, 64), config(1, 8)},
      {"direct_asked", with_lengths(13, 2, 64), config(1, 8)},
      {"direct_of_four", problem(16, time, 2, 64), config(1, 4)},
      {"direct_of_four_asked", with_lengths(13, 2, 24), config(1, 4)},
      {"cluster", problem(16, time, 2, 128), config(2, 8) + shared},
      {"cluster_of_two_tiles", problem(16, time, 2, 128), config(2, 16)},
      {"cluster_asked", with_lengths(13, 2, 128), config(2, 16)},
      {"cluster_long_way", with_lengths(13, 2, 100), config(2, 8) + shared},
      {"whole_depth", problem(16, time, 2, 128), config(2, 8) + whole},
      {"whole_depth_of_sixteen", problem(16, time, 2, 256), config(2, 8) + whole},
      {"whole_depth_asked", with_lengths(13, 2, 128), config(2, 8) + whole},
      {"whole_depth_long_way", with_lengths(13, 2, 100), config(2, 8) + whole},
      {"shared_depth", problem(16, time, 1, 384), sharing, 9},
      {"shared_depth_asked", with_lengths(13, 1, 448), sharing, 9},
      {"shared_depth_long_way", with_lengths(13, 1, 316), sharing, 9},
      {"shared_depth_of_four", of(FLASHRNN_ELMAN, problem(16, time, 2, 128)), sharing, 9},
      {"shared_depth_of_three_states", of(FLASHRNN_SLSTM, with_lengths(13, 1, 384)), sharing, 9},
      {"global", problem(16, time, 1, 512), config(3, 8) + ",forward_depth_warps=4"},
      {"global_on_trust", problem(16, time, 1, 512), config(3, 8) + ",forward_depth_warps=8"},
      {"global_of_one_cluster", problem(16, time, 1, 256), config(3, 8) + ",backward_cluster=16"},
      {"global_of_two_tiles", problem(16, time, 1, 512), config(3, 16)},
      {"global_asked", with_lengths(13, 1, 512), config(3, 16)},
      {"global_of_four_tiles", problem(32, time, 1, 512), config(3, 32)},
      {"global_of_clusters", problem(16, time, 1, 384), config(3, 8) + clusters},
      {"global_of_clusters_asked", with_lengths(13, 1, 384), config(3, 8) + clusters},
      {"global_of_clusters_long_way", with_lengths(13, 1, 380), config(3, 8) + clusters},
      {"global_of_clusters_of_sixteen", of(FLASHRNN_GRU, with_lengths(13, 1, 512)),
       config(3, 8) + ",forward_cluster=16,forward_depth_warps=4"},
      {"global_of_clusters_two_sequences", with_lengths(13, 1, 764),
       config(3, 8) + ",forward_cluster=16,forward_depth_warps=8"},
      {"global_of_five_clusters", of(FLASHRNN_ELMAN, problem(16, time, 1, 632)),
       config(3, 8) + clusters}};
}

// And the kernel that is none of them, by a library's products.
std::vector<Family> families_and_alternating(int64_t time) {
  std::vector<Family> all = families(time);
  all.push_back({"alternating", problem(16, time, 1, 192), "kernel=2"});
  return all;
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
  std::vector<std::unique_ptr<Runner>> runners;
  for (const Family& f : families_and_alternating(300)) {
    if (!runs_here(f)) continue;
    for (int copy = 0; copy < 2; ++copy) {
      auto runner = std::make_unique<Runner>();
      runner->trial = std::make_unique<Trial>(*device, f.c, f.config);
      runner->expected = run_alone(*runner->trial);
      runners.push_back(std::move(runner));
    }
  }
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

constexpr int64_t kDelayTime = 1000;

// Calls of a trial, one after the other on a stream, and on the device the bytes in which they
// differ from another trial's outputs.
class RepeatedTrial {
 public:
  RepeatedTrial(const Family& f, const Values& values, std::shared_ptr<const Plan> plan)
      : trial_(*device, f.c, values, std::move(plan)) {
    require(cudaMalloc(reinterpret_cast<void**>(&count_), sizeof *count_), "cudaMalloc");
    require(cudaMemset(count_, 0, sizeof *count_), "cudaMemset");
  }
  ~RepeatedTrial() { cudaFree(count_); }
  RepeatedTrial(const RepeatedTrial&) = delete;
  RepeatedTrial& operator=(const RepeatedTrial&) = delete;

  void enqueue(const Trial& expected) {
    const auto written = trial_.written_memory(), like = expected.written_memory();
    for (const GuardedMemory* memory : written)
      require(
          cudaMemsetAsync(memory->data(), GuardedMemory::kPoison, memory->size(), stream_.native()),
          "poison");
    run(trial_, stream_);
    for (size_t i = 0; i < written.size(); ++i) {
      require(launch_count_differences(stream_.native(), written[i]->data(), like[i]->data(),
                                       written[i]->size(), count_),
              "count_differences");
    }
  }
  unsigned long long wait_for_differences() {
    stream_.wait();
    unsigned long long count = 0;
    require(cudaMemcpy(&count, count_, sizeof count, cudaMemcpyDeviceToHost), "cudaMemcpy");
    return count;
  }

 private:
  Trial trial_;
  Stream stream_;
  unsigned long long* count_ = nullptr;
};

class GpuDelays : public Gpu, public testing::WithParamInterface<Family> {};

TEST_P(GpuDelays, ChangeNoBit) {
  const Family& f = GetParam();
  if (!runs_here(f)) GTEST_SKIP() << f.name << " is for another compute capability";
  const Values values = draw_values(f.c);
  Trial plain(*device, f.c, values, std::make_shared<const Plan>(*device, f.c, f.config));
  run_alone(plain);
  setenv("FLASHRNN_CUDA_DELAYS", "1", 1);
  const auto plan = std::make_shared<const Plan>(*device, f.c, f.config);
  unsetenv("FLASHRNN_CUDA_DELAYS");
  RepeatedTrial delayed(f, values, plan);
  const auto start = std::chrono::steady_clock::now();
  int64_t steps = 0;
  while (steps < delay_steps && !HasFailure()) {
    delayed.enqueue(plain);
    steps += kDelayTime;
    EXPECT_EQ(delayed.wait_for_differences(), 0u) << "within " << steps << " steps";
  }
  std::printf("%s: %lld steps, %.1f s\n", f.name, static_cast<long long>(steps),
              std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  std::fflush(stdout);
}

INSTANTIATE_TEST_SUITE_P(Families, GpuDelays, testing::ValuesIn(families(kDelayTime)),
                         [](const auto& f) { return std::string(f.param.name); });

}  // namespace
}  // namespace flashrnn::test

int main(int argc, char** argv) {
  using flashrnn::test::Device;
  testing::InitGoogleTest(&argc, argv);
  for (int k = 1; k < argc; ++k) {
    const std::string argument = argv[k];
    if (argument.rfind("--delay-steps=", 0) != 0) {
      std::fprintf(stderr, "unknown argument %s; usage: [--delay-steps=N]\n", argv[k]);
      return 2;
    }
    flashrnn::test::delay_steps = std::stoll(argument.substr(14));
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
