// SPDX-License-Identifier: Apache-2.0
// Closed, forged, foreign and NULL handles are refused; what was made from a device outlives its
// handle.
#include <functional>

#include "abi.hpp"

namespace flashrnn::test {
namespace {

class Handles : public AbiTest {
 protected:
  flashrnn_device open() {
    flashrnn_device device = nullptr;
    check(flashrnn_device_open(FLASHRNN_BACKEND_CPU, 0, &device), "flashrnn_device_open");
    return device;
  }
  flashrnn_plan make_plan(flashrnn_device device) {
    const flashrnn_problem problem = good_problem();
    flashrnn_plan plan = nullptr;
    check(flashrnn_plan_create(device, &problem, &plan), "flashrnn_plan_create");
    return plan;
  }
};

// Every call that takes a device, a plan, a stream or an event, with a good value for all else.
using DeviceCall = std::pair<const char*, std::function<flashrnn_status(flashrnn_device)>>;
using PlanCall = std::pair<const char*, std::function<flashrnn_status(flashrnn_plan)>>;

std::vector<DeviceCall> device_calls() {
  static flashrnn_device_info info{};
  info.struct_size = sizeof info;
  static flashrnn_problem problem = problem_of(Case{});
  static flashrnn_plan plan;
  static flashrnn_stream stream;
  static flashrnn_event event;
  static size_t length;
  static void* data;
  static unsigned char bytes[16];
  return {
      {"device_get_info", [](auto d) { return flashrnn_device_get_info(d, &info); }},
      {"device_describe", [](auto d) { return flashrnn_device_describe(d, nullptr, 0, &length); }},
      {"plan_create", [](auto d) { return flashrnn_plan_create(d, &problem, &plan); }},
      {"memory_allocate", [](auto d) { return flashrnn_memory_allocate(d, 16, &data); }},
      {"memory_free", [](auto d) { return flashrnn_memory_free(d, nullptr); }},
      {"memory_copy",
       [](auto d) {
         return flashrnn_memory_copy(d, nullptr, bytes, bytes + 8, 8, FLASHRNN_COPY_HOST_TO_DEVICE);
       }},
      {"memory_fill", [](auto d) { return flashrnn_memory_fill(d, nullptr, bytes, 0, 16); }},
      {"stream_create", [](auto d) { return flashrnn_stream_create(d, &stream); }},
      {"stream_wrap", [](auto d) { return flashrnn_stream_wrap(d, nullptr, &stream); }},
      {"event_create", [](auto d) { return flashrnn_event_create(d, &event); }},
  };
}

std::vector<PlanCall> plan_calls() {
  static flashrnn_plan_sizes sizes{};
  sizes.struct_size = sizeof sizes;
  static flashrnn_forward_args forward{};
  static flashrnn_backward_args backward{};
  static flashrnn_step_args step{};
  static size_t length;
  forward.struct_size = sizeof forward;
  backward.struct_size = sizeof backward;
  step.struct_size = sizeof step;
  return {
      {"plan_get_sizes", [](auto p) { return flashrnn_plan_get_sizes(p, &sizes); }},
      {"plan_describe", [](auto p) { return flashrnn_plan_describe(p, nullptr, 0, &length); }},
      {"forward", [](auto p) { return flashrnn_forward(p, &forward); }},
      {"backward", [](auto p) { return flashrnn_backward(p, &backward); }},
      {"step", [](auto p) { return flashrnn_step(p, &step); }},
  };
}

template <class Handle>
Handle forged(uintptr_t value) {
  return reinterpret_cast<Handle>(value);  // NOLINT(performance-no-int-to-ptr)
}

// Values that were never handles: an address of ours too.
const std::vector<uintptr_t>& forgeries() {
  static int object = 0;
  static const std::vector<uintptr_t> all = {
      1, 2, 0xdeadbeef, ~uintptr_t{0}, uintptr_t{1} << 63, reinterpret_cast<uintptr_t>(&object)};
  return all;
}

TEST_F(Handles, EveryCallRefusesADeviceThatIsNone) {
  const flashrnn_device closed = open();
  ASSERT_EQ(flashrnn_device_close(closed), FLASHRNN_OK);
  const flashrnn_plan plan = make_plan(device().handle());
  for (const auto& [name, call] : device_calls()) {
    SCOPED_TRACE(name);
    expect_refused(call(nullptr), FLASHRNN_INVALID_HANDLE, {});
    expect_refused(call(closed), FLASHRNN_INVALID_HANDLE, {});
    expect_refused(call(reinterpret_cast<flashrnn_device>(plan)), FLASHRNN_INVALID_HANDLE, {});
    for (const uintptr_t value : forgeries()) {
      expect_refused(call(forged<flashrnn_device>(value)), FLASHRNN_INVALID_HANDLE, {});
    }
  }
  flashrnn_plan_close(plan);
}

TEST_F(Handles, EveryCallRefusesAPlanThatIsNone) {
  const flashrnn_plan closed = make_plan(device().handle());
  ASSERT_EQ(flashrnn_plan_close(closed), FLASHRNN_OK);
  for (const auto& [name, call] : plan_calls()) {
    SCOPED_TRACE(name);
    expect_refused(call(nullptr), FLASHRNN_INVALID_HANDLE, {});
    expect_refused(call(closed), FLASHRNN_INVALID_HANDLE, {});
    expect_refused(call(reinterpret_cast<flashrnn_plan>(device().handle())),
                   FLASHRNN_INVALID_HANDLE, {});
    for (const uintptr_t value : forgeries()) {
      expect_refused(call(forged<flashrnn_plan>(value)), FLASHRNN_INVALID_HANDLE, {});
    }
  }
}

TEST_F(Handles, StreamsAndEventsThatAreNoneAreRefused) {
  flashrnn_stream stream = nullptr;
  flashrnn_event event = nullptr, second = nullptr;
  double milliseconds = -1;
  ASSERT_EQ(flashrnn_stream_create(device().handle(), &stream), FLASHRNN_OK);
  ASSERT_EQ(flashrnn_event_create(device().handle(), &event), FLASHRNN_OK);
  ASSERT_EQ(flashrnn_event_create(device().handle(), &second), FLASHRNN_OK);
  ASSERT_EQ(flashrnn_event_record(event, stream), FLASHRNN_OK);
  ASSERT_EQ(flashrnn_stream_close(stream), FLASHRNN_OK);
  ASSERT_EQ(flashrnn_event_close(second), FLASHRNN_OK);
  expect_refused(flashrnn_stream_synchronize(stream), FLASHRNN_INVALID_HANDLE, {});
  expect_refused(flashrnn_event_record(event, stream), FLASHRNN_INVALID_HANDLE, {});
  expect_refused(flashrnn_event_record(second, nullptr), FLASHRNN_INVALID_HANDLE, {});
  expect_refused(flashrnn_event_record(nullptr, nullptr), FLASHRNN_INVALID_HANDLE, {});
  expect_refused(flashrnn_event_synchronize(second), FLASHRNN_INVALID_HANDLE, {});
  expect_refused(flashrnn_event_elapsed(event, second, &milliseconds), FLASHRNN_INVALID_HANDLE, {});
  expect_refused(flashrnn_event_elapsed(second, event, &milliseconds), FLASHRNN_INVALID_HANDLE, {});
  EXPECT_EQ(milliseconds, -1);
  Trial trial(device(), Case{});
  flashrnn_forward_args args = trial.forward_args();
  args.stream = stream;
  expect_refused(flashrnn_forward(trial.plan().handle(), &args), FLASHRNN_INVALID_HANDLE, {});
  for (const uintptr_t value : forgeries()) {
    args.stream = forged<flashrnn_stream>(value);
    expect_refused(flashrnn_forward(trial.plan().handle(), &args), FLASHRNN_INVALID_HANDLE, {});
    expect_refused(flashrnn_stream_close(forged<flashrnn_stream>(value)), FLASHRNN_INVALID_HANDLE,
                   {});
    expect_refused(flashrnn_event_close(forged<flashrnn_event>(value)), FLASHRNN_INVALID_HANDLE,
                   {});
    expect_refused(flashrnn_plan_close(forged<flashrnn_plan>(value)), FLASHRNN_INVALID_HANDLE, {});
    expect_refused(flashrnn_device_close(forged<flashrnn_device>(value)), FLASHRNN_INVALID_HANDLE,
                   {});
  }
  EXPECT_EQ(flashrnn_event_close(event), FLASHRNN_OK);
}

TEST_F(Handles, ClosingNullIsIgnoredAndClosingTwiceRefused) {
  EXPECT_EQ(flashrnn_device_close(nullptr), FLASHRNN_OK);
  EXPECT_EQ(flashrnn_plan_close(nullptr), FLASHRNN_OK);
  EXPECT_EQ(flashrnn_stream_close(nullptr), FLASHRNN_OK);
  EXPECT_EQ(flashrnn_event_close(nullptr), FLASHRNN_OK);
  const flashrnn_device device = open();
  const flashrnn_plan plan = make_plan(device);
  EXPECT_EQ(flashrnn_plan_close(plan), FLASHRNN_OK);
  expect_refused(flashrnn_plan_close(plan), FLASHRNN_INVALID_HANDLE, {});
  EXPECT_EQ(flashrnn_device_close(device), FLASHRNN_OK);
  expect_refused(flashrnn_device_close(device), FLASHRNN_INVALID_HANDLE, {});
}

TEST_F(Handles, AClosedHandleStaysClosedWhenOthersAreOpened) {
  const flashrnn_plan closed = make_plan(device().handle());
  flashrnn_plan_close(closed);
  for (int k = 0; k < 100; ++k) {
    const flashrnn_plan plan = make_plan(device().handle());
    flashrnn_plan_sizes sizes{};
    sizes.struct_size = sizeof sizes;
    EXPECT_EQ(flashrnn_plan_get_sizes(closed, &sizes), FLASHRNN_INVALID_HANDLE);
    flashrnn_plan_close(plan);
  }
}

TEST_F(Handles, PlansStreamsAndEventsOutliveTheirDevicesHandle) {
  const flashrnn_device short_lived = open();
  flashrnn_stream stream = nullptr;
  flashrnn_event first = nullptr, second = nullptr;
  ASSERT_EQ(flashrnn_stream_create(short_lived, &stream), FLASHRNN_OK);
  ASSERT_EQ(flashrnn_event_create(short_lived, &first), FLASHRNN_OK);
  ASSERT_EQ(flashrnn_event_create(short_lived, &second), FLASHRNN_OK);
  const flashrnn_plan plan = make_plan(short_lived);
  ASSERT_EQ(flashrnn_device_close(short_lived), FLASHRNN_OK);
  Trial trial(device(), Case{});
  flashrnn_forward_args args = trial.forward_args();
  EXPECT_EQ(flashrnn_event_record(first, nullptr), FLASHRNN_OK);
  EXPECT_EQ(flashrnn_forward(plan, &args), FLASHRNN_OK) << flashrnn_last_error_message();
  args.stream = stream;
  EXPECT_EQ(flashrnn_forward(plan, &args), FLASHRNN_OK) << flashrnn_last_error_message();
  EXPECT_EQ(flashrnn_event_record(second, stream), FLASHRNN_OK);
  double milliseconds = -1;
  EXPECT_EQ(flashrnn_event_elapsed(first, second, &milliseconds), FLASHRNN_OK)
      << flashrnn_last_error_message();
  EXPECT_GE(milliseconds, 0);
  EXPECT_EQ(flashrnn_stream_synchronize(stream), FLASHRNN_OK);
  EXPECT_EQ(flashrnn_plan_close(plan), FLASHRNN_OK);
  EXPECT_EQ(flashrnn_event_close(first), FLASHRNN_OK);
  EXPECT_EQ(flashrnn_event_close(second), FLASHRNN_OK);
  EXPECT_EQ(flashrnn_stream_close(stream), FLASHRNN_OK);
}

}  // namespace
}  // namespace flashrnn::test
