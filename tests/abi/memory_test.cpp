// SPDX-License-Identifier: Apache-2.0
// The helpers for memory, streams and events.
#include <cmath>
#include <limits>

#include "abi.hpp"

// The sanitizers would end the program where malloc has to give NULL. Their libraries look for
// these among the symbols that the program shows.
#if defined(FLASHRNN_TESTS_REDUCED)
#define SANITIZER_OPTIONS extern "C" __attribute__((visibility("default"))) const char*
SANITIZER_OPTIONS __asan_default_options() { return "allocator_may_return_null=1"; }  // NOLINT
SANITIZER_OPTIONS __tsan_default_options() { return "allocator_may_return_null=1"; }  // NOLINT
#endif

namespace flashrnn::test {
namespace {

class Memory : public AbiTest {};

TEST_F(Memory, IsAlignedCopiedAndFilled) {
  std::vector<void*> blocks;
  for (const size_t size : {size_t{0}, size_t{1}, size_t{100}, size_t{4096}}) {
    void* data = nullptr;
    ASSERT_EQ(flashrnn_memory_allocate(device().handle(), size, &data), FLASHRNN_OK)
        << flashrnn_last_error_message();
    EXPECT_NE(data, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(data) % 256, 0u);
    blocks.push_back(data);
  }
  const std::vector<uint8_t> bytes = {1, 2, 3, 4, 5};
  std::vector<uint8_t> back(5, 0);
  const auto copy = [&](void* to, const void* from, flashrnn_copy_kind kind) {
    return flashrnn_memory_copy(device().handle(), nullptr, to, from, 5, kind);
  };
  EXPECT_EQ(copy(blocks[2], bytes.data(), FLASHRNN_COPY_HOST_TO_DEVICE), FLASHRNN_OK);
  EXPECT_EQ(copy(blocks[3], blocks[2], FLASHRNN_COPY_DEVICE_TO_DEVICE), FLASHRNN_OK);
  EXPECT_EQ(copy(back.data(), blocks[3], FLASHRNN_COPY_DEVICE_TO_HOST), FLASHRNN_OK);
  EXPECT_EQ(back, bytes);
  EXPECT_EQ(flashrnn_memory_fill(device().handle(), nullptr, blocks[3], 9, 3), FLASHRNN_OK);
  EXPECT_EQ(copy(back.data(), blocks[3], FLASHRNN_COPY_DEVICE_TO_HOST), FLASHRNN_OK);
  EXPECT_EQ(back, (std::vector<uint8_t>{9, 9, 9, 4, 5}));
  for (void* block : blocks) EXPECT_EQ(flashrnn_memory_free(device().handle(), block), FLASHRNN_OK);
  EXPECT_EQ(flashrnn_memory_free(device().handle(), nullptr), FLASHRNN_OK);
}

TEST_F(Memory, BadArgumentsAreRefused) {
  const flashrnn_device d = device().handle();
  void* data = &data;
  expect_refused(flashrnn_memory_allocate(d, 16, nullptr), FLASHRNN_INVALID_ARGUMENT, {"NULL"});
  EXPECT_EQ(flashrnn_memory_allocate(d, std::numeric_limits<size_t>::max(), &data),
            FLASHRNN_OUT_OF_MEMORY);
  EXPECT_EQ(flashrnn_memory_allocate(d, std::numeric_limits<size_t>::max() / 2, &data),
            FLASHRNN_OUT_OF_MEMORY);
  EXPECT_EQ(data, &data) << "a failed call wrote its result";
  unsigned char bytes[16] = {};
  for (const flashrnn_copy_kind kind : {-1, 0, 4}) {
    expect_refused(flashrnn_memory_copy(d, nullptr, bytes, bytes + 8, 8, kind),
                   FLASHRNN_INVALID_ARGUMENT, {"kind", std::to_string(kind)});
  }
  const flashrnn_copy_kind kind = FLASHRNN_COPY_HOST_TO_DEVICE;
  expect_refused(flashrnn_memory_copy(d, nullptr, nullptr, bytes, 8, kind),
                 FLASHRNN_INVALID_ARGUMENT, {"NULL"});
  expect_refused(flashrnn_memory_copy(d, nullptr, bytes, nullptr, 8, kind),
                 FLASHRNN_INVALID_ARGUMENT, {"NULL"});
  expect_refused(flashrnn_memory_fill(d, nullptr, nullptr, 0, 8), FLASHRNN_INVALID_ARGUMENT,
                 {"NULL"});
  EXPECT_EQ(flashrnn_memory_copy(d, nullptr, nullptr, nullptr, 0, kind), FLASHRNN_OK);
  EXPECT_EQ(flashrnn_memory_fill(d, nullptr, nullptr, 0, 0), FLASHRNN_OK);
}

TEST_F(Memory, StreamsAndEventsRefuseBadArguments) {
  const flashrnn_device d = device().handle();
  flashrnn_stream stream = nullptr;
  flashrnn_event first = nullptr, second = nullptr;
  int native = 0;
  expect_refused(flashrnn_stream_create(d, nullptr), FLASHRNN_INVALID_ARGUMENT, {"NULL"});
  expect_refused(flashrnn_stream_wrap(d, nullptr, nullptr), FLASHRNN_INVALID_ARGUMENT, {"NULL"});
  expect_refused(flashrnn_stream_wrap(d, &native, &stream), FLASHRNN_INVALID_ARGUMENT,
                 {"native", "NULL"});
  EXPECT_EQ(stream, nullptr);
  expect_refused(flashrnn_event_create(d, nullptr), FLASHRNN_INVALID_ARGUMENT, {"NULL"});
  ASSERT_EQ(flashrnn_stream_wrap(d, nullptr, &stream), FLASHRNN_OK);
  ASSERT_EQ(flashrnn_event_create(d, &first), FLASHRNN_OK);
  ASSERT_EQ(flashrnn_event_create(d, &second), FLASHRNN_OK);
  double milliseconds = -1;
  expect_refused(flashrnn_event_elapsed(first, second, &milliseconds), FLASHRNN_INVALID_ARGUMENT,
                 {"record"});
  EXPECT_EQ(flashrnn_event_record(first, stream), FLASHRNN_OK);
  expect_refused(flashrnn_event_elapsed(first, second, &milliseconds), FLASHRNN_INVALID_ARGUMENT,
                 {"record"});
  EXPECT_EQ(flashrnn_event_record(second, stream), FLASHRNN_OK);
  expect_refused(flashrnn_event_elapsed(first, second, nullptr), FLASHRNN_INVALID_ARGUMENT,
                 {"NULL"});
  EXPECT_EQ(milliseconds, -1);
  EXPECT_EQ(flashrnn_event_synchronize(second), FLASHRNN_OK);
  EXPECT_EQ(flashrnn_event_elapsed(first, second, &milliseconds), FLASHRNN_OK);
  EXPECT_GE(milliseconds, 0);
  EXPECT_EQ(flashrnn_event_close(first), FLASHRNN_OK);
  EXPECT_EQ(flashrnn_event_close(second), FLASHRNN_OK);
  EXPECT_EQ(flashrnn_stream_close(stream), FLASHRNN_OK);
}

}  // namespace
}  // namespace flashrnn::test
