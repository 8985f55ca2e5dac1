// SPDX-License-Identifier: Apache-2.0
// Running a plan allocates nothing: beyond the caller's buffers, the workspace that was asked for
// is all. malloc and its kin are replaced in this program, and through it in every library, by
// versions that count.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "trial.hpp"

namespace {
std::atomic<long> allocations{0};
}  // namespace

#if defined(__GLIBC__)
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* data, size_t size);
void* __libc_memalign(size_t alignment, size_t size);

void* malloc(size_t size) {
  ++allocations;
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  ++allocations;
  return __libc_calloc(count, size);
}
void* realloc(void* data, size_t size) {
  ++allocations;
  return __libc_realloc(data, size);
}
void* memalign(size_t alignment, size_t size) {
  ++allocations;
  return __libc_memalign(alignment, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  ++allocations;
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** data, size_t alignment, size_t size) {
  ++allocations;
  *data = __libc_memalign(alignment, size);
  return *data == nullptr ? 12 : 0;
}
}
#endif

namespace flashrnn::test {
namespace {

// "VmPeak" or another entry of /proc/self/status, in KiB; 0 where there is none.
long process_memory(const std::string& entry) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(entry + ":", 0) == 0) return std::atol(line.c_str() + entry.size() + 1);
  }
  return 0;
}

class MemoryUse : public testing::Test {
 protected:
  void SetUp() override {
#if !defined(__GLIBC__)
    GTEST_SKIP() << "malloc can be counted with glibc only";
#endif
  }
};

Case problem(flashrnn_mode mode, int threads, flashrnn_dtype dtype) {
  Case c;
  c.mode = mode;
  c.threads = threads;
  c.dtypes = {dtype, dtype, FLASHRNN_FLOAT32};
  c.batch = 20;
  c.time = 30;
  c.heads = 3;
  c.head_dim = 50;
  c.input_layout = Layout::kStrange;  // a layout that invites a copy
  c.output_layout = Layout::kStrange;
  c.lengths = FLASHRNN_INT32;
  c.resets = true;
  return c;
}

TEST_F(MemoryUse, TheCounterCounts) {
  const long before = allocations;
  const std::string text(1000, 'x');
  EXPECT_GT(allocations, before) << text.size();
}

TEST_F(MemoryUse, RunsAllocateNothingEvenTheFirst) {
  const Device device(FLASHRNN_BACKEND_CPU);
  for (const flashrnn_dtype dtype : {FLASHRNN_FLOAT32, FLASHRNN_BFLOAT16}) {
    for (const flashrnn_mode mode :
         {FLASHRNN_MODE_TRAINING, FLASHRNN_MODE_RECOMPUTE, FLASHRNN_MODE_INFERENCE}) {
      const Case c = problem(mode, 1, dtype);
      SCOPED_TRACE(name_of(c));
      Trial trial(device, c);
      const flashrnn_forward_args forward = trial.forward_args();
      long before = allocations;
      ASSERT_EQ(flashrnn_forward(trial.plan().handle(), &forward), FLASHRNN_OK)
          << flashrnn_last_error_message();
      EXPECT_EQ(allocations - before, 0) << "in flashrnn_forward";
      if (!trial.has_backward()) continue;
      const flashrnn_backward_args backward = trial.backward_args();
      before = allocations;
      ASSERT_EQ(flashrnn_backward(trial.plan().handle(), &backward), FLASHRNN_OK)
          << flashrnn_last_error_message();
      EXPECT_EQ(allocations - before, 0) << "in flashrnn_backward";
    }
  }
}

TEST_F(MemoryUse, RunsOnSeveralThreadsAllocateNothingOnceTheThreadsAreThere) {
  const Device device(FLASHRNN_BACKEND_CPU);
  const Case c = problem(FLASHRNN_MODE_TRAINING, 0, FLASHRNN_FLOAT32);
  Trial trial(device, c);
  const flashrnn_forward_args forward = trial.forward_args();
  const flashrnn_backward_args backward = trial.backward_args();
  trial.forward();
  trial.backward();
  const long before = allocations;
  for (int k = 0; k < 5; ++k) {
    ASSERT_EQ(flashrnn_forward(trial.plan().handle(), &forward), FLASHRNN_OK)
        << flashrnn_last_error_message();
    ASSERT_EQ(flashrnn_backward(trial.plan().handle(), &backward), FLASHRNN_OK)
        << flashrnn_last_error_message();
  }
  EXPECT_EQ(allocations - before, 0);
}

// malloc is not the only way to memory: the process as a whole must not grow either.
TEST_F(MemoryUse, TheProcessDoesNotGrowWhileRunning) {
  if (process_memory("VmPeak") == 0) GTEST_SKIP() << "no /proc/self/status";
  const Device device(FLASHRNN_BACKEND_CPU);
  Case c = problem(FLASHRNN_MODE_TRAINING, 0, FLASHRNN_FLOAT32);
  Trial warm(device, c);  // threads and whatever else is made once
  warm.forward();
  warm.backward();
  c.batch = 40;
  c.time = 100;
  Trial trial(device, c);
  const flashrnn_forward_args forward = trial.forward_args();
  const flashrnn_backward_args backward = trial.backward_args();
  const long before = process_memory("VmPeak");
  ASSERT_EQ(flashrnn_forward(trial.plan().handle(), &forward), FLASHRNN_OK)
      << flashrnn_last_error_message();
  ASSERT_EQ(flashrnn_backward(trial.plan().handle(), &backward), FLASHRNN_OK)
      << flashrnn_last_error_message();
  // One copy of wx would be 40 * 100 * 4 * 3 * 50 * 4 bytes = 9.4 MiB; a thread's stack cache may
  // move by a page or two.
  EXPECT_LT(process_memory("VmPeak") - before, 256) << "KiB";
}

// Handles leak nothing: after the first rounds, opening and closing leaves no block behind.
TEST_F(MemoryUse, OpeningAndClosingLeavesNothingBehind) {
  const auto round = [] {
    const Device device(FLASHRNN_BACKEND_CPU);
    Trial trial(device, Case{});
    trial.forward();
    trial.backward();
  };
  for (int k = 0; k < 20; ++k) round();
  const long before = process_memory("VmData");
  for (int k = 0; k < 200; ++k) round();
  EXPECT_LT(process_memory("VmData") - before, 512) << "KiB";
}

}  // namespace
}  // namespace flashrnn::test
