// SPDX-License-Identifier: Apache-2.0
// Everything that only informs: names, versions, lists, texts, messages and the log.
#include <algorithm>
#include <cstring>
#include <limits>
#include <set>
#include <thread>

#include "abi.hpp"

namespace flashrnn::test {
namespace {

class Info : public AbiTest {};

TEST_F(Info, StatusNamesAreTheEnumerators) {
  EXPECT_STREQ(flashrnn_status_name(FLASHRNN_OK), "FLASHRNN_OK");
  EXPECT_STREQ(flashrnn_status_name(FLASHRNN_INVALID_ARGUMENT), "FLASHRNN_INVALID_ARGUMENT");
  EXPECT_STREQ(flashrnn_status_name(FLASHRNN_INVALID_HANDLE), "FLASHRNN_INVALID_HANDLE");
  EXPECT_STREQ(flashrnn_status_name(FLASHRNN_UNSUPPORTED), "FLASHRNN_UNSUPPORTED");
  EXPECT_STREQ(flashrnn_status_name(FLASHRNN_OUT_OF_MEMORY), "FLASHRNN_OUT_OF_MEMORY");
  EXPECT_STREQ(flashrnn_status_name(FLASHRNN_DEVICE_UNAVAILABLE), "FLASHRNN_DEVICE_UNAVAILABLE");
  EXPECT_STREQ(flashrnn_status_name(FLASHRNN_DEVICE_ERROR), "FLASHRNN_DEVICE_ERROR");
  EXPECT_STREQ(flashrnn_status_name(FLASHRNN_INFEASIBLE), "FLASHRNN_INFEASIBLE");
  EXPECT_STREQ(flashrnn_status_name(FLASHRNN_INTERNAL), "FLASHRNN_INTERNAL");
  for (const flashrnn_status status : {-1, 9, std::numeric_limits<int32_t>::max()}) {
    EXPECT_STREQ(flashrnn_status_name(status), "unknown status");
  }
}

TEST_F(Info, VersionFeaturesAndDtypes) {
  EXPECT_EQ(flashrnn_version(), FLASHRNN_VERSION_MAJOR * 1000000 + FLASHRNN_VERSION_MINOR * 1000 +
                                    FLASHRNN_VERSION_PATCH);
  for (const char* name : {"cpu", "lstm", "gru", "elman", "slstm", "elman_relu", "light_gru",
                           "recompute", "lengths", "resets", "step"}) {
    EXPECT_EQ(flashrnn_has_feature(name), 1) << name;
  }
  EXPECT_EQ(flashrnn_has_feature("no such feature"), 0);
  EXPECT_EQ(flashrnn_has_feature(""), 0);
  EXPECT_EQ(flashrnn_has_feature(nullptr), 0);
  const size_t sizes[] = {0, 4, 2, 2, 8, 1, 4, 8};
  for (flashrnn_dtype dtype = 0; dtype < 8; ++dtype)
    EXPECT_EQ(flashrnn_dtype_size(dtype), sizes[dtype]) << dtype;
  EXPECT_EQ(flashrnn_dtype_size(8), 0u);
  EXPECT_EQ(flashrnn_dtype_size(-1), 0u);
}

TEST_F(Info, CellsAreListedInOrderWithWhatTheOracleHas) {
  int32_t count = -1;
  ASSERT_EQ(flashrnn_list_cells(nullptr, 0, &count), FLASHRNN_OK);
  ASSERT_GE(count, 6);
  std::vector<flashrnn_cell> cells(static_cast<size_t>(count), -7);
  ASSERT_EQ(flashrnn_list_cells(cells.data(), 2, &count), FLASHRNN_OK);
  EXPECT_EQ(cells[2], -7) << "written beyond the capacity";
  ASSERT_EQ(flashrnn_list_cells(cells.data(), count, &count), FLASHRNN_OK);
  std::set<std::string> names;
  for (size_t k = 0; k < cells.size(); ++k) {
    if (k > 0) {
      EXPECT_LT(cells[k - 1], cells[k]);
    }
    flashrnn_cell_info info{};
    info.struct_size = sizeof info;
    ASSERT_EQ(flashrnn_get_cell_info(cells[k], &info), FLASHRNN_OK);
    const oracle::CellShape shape = oracle::cell_shape(cells[k]);
    EXPECT_EQ(info.cell, cells[k]);
    EXPECT_EQ(info.input_gates, shape.input_gates) << info.name;
    EXPECT_EQ(info.recurrent_gates, shape.recurrent_gates) << info.name;
    EXPECT_EQ(info.bias_gates, shape.biases) << info.name;
    EXPECT_EQ(info.states, shape.states) << info.name;
    const auto words = [](const char* text) {
      return 1 + std::count(text, text + std::strlen(text), ' ');
    };
    EXPECT_EQ(words(info.input_gate_names), info.input_gates) << info.name;
    EXPECT_EQ(words(info.recurrent_gate_names), info.recurrent_gates) << info.name;
    EXPECT_EQ(words(info.bias_gate_names), info.bias_gates) << info.name;
    EXPECT_EQ(words(info.state_names), info.states) << info.name;
    EXPECT_EQ(info.state_names[0], 'h') << info.name;
    EXPECT_EQ(flashrnn_has_feature(info.name), 1) << info.name;
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
  }
  flashrnn_cell_info info{};
  info.struct_size = sizeof info;
  expect_refused(flashrnn_get_cell_info(0, &info), FLASHRNN_INVALID_ARGUMENT, {"cell", "0"});
  expect_refused(flashrnn_get_cell_info(77, &info), FLASHRNN_INVALID_ARGUMENT, {"cell", "77"});
  expect_refused(flashrnn_get_cell_info(FLASHRNN_LSTM, nullptr), FLASHRNN_INVALID_ARGUMENT,
                 {"NULL"});
  expect_refused(flashrnn_list_cells(cells.data(), -1, &count), FLASHRNN_INVALID_ARGUMENT,
                 {"capacity", "-1"});
  expect_refused(flashrnn_list_cells(nullptr, 3, &count), FLASHRNN_INVALID_ARGUMENT, {"NULL"});
  expect_refused(flashrnn_list_cells(nullptr, 0, nullptr), FLASHRNN_INVALID_ARGUMENT,
                 {"count", "NULL"});
}

TEST_F(Info, DevicesAreListedAndOpened) {
  int32_t count = 0;
  ASSERT_EQ(flashrnn_list_devices(nullptr, 0, &count), FLASHRNN_OK);
  ASSERT_GE(count, 1);
  std::vector<flashrnn_device_info> infos(static_cast<size_t>(count));
  infos[0].struct_size = sizeof infos[0];
  ASSERT_EQ(flashrnn_list_devices(infos.data(), count, &count), FLASHRNN_OK);
  bool has_cpu = false;
  for (const flashrnn_device_info& info : infos) {
    has_cpu |= info.backend == FLASHRNN_BACKEND_CPU;
    EXPECT_GE(info.compute_units, 1);
    EXPECT_GT(info.memory_bytes, 0u);
    EXPECT_NE(std::memchr(info.name, 0, sizeof info.name), nullptr);
    EXPECT_NE(std::memchr(info.backend_name, 0, sizeof info.backend_name), nullptr);
    EXPECT_EQ(flashrnn_has_feature(info.backend_name), 1) << info.backend_name;
  }
  EXPECT_TRUE(has_cpu);
  flashrnn_device best = nullptr;
  ASSERT_EQ(flashrnn_device_open(FLASHRNN_BACKEND_BEST, 0, &best), FLASHRNN_OK);
  flashrnn_device_info info{};
  info.struct_size = sizeof info;
  ASSERT_EQ(flashrnn_device_get_info(best, &info), FLASHRNN_OK);
  EXPECT_EQ(info.backend, infos[0].backend);
  EXPECT_EQ(flashrnn_device_close(best), FLASHRNN_OK);

  flashrnn_device device = nullptr;
  expect_refused(flashrnn_device_open(99, 0, &device), FLASHRNN_INVALID_ARGUMENT,
                 {"backend", "99"});
  expect_refused(flashrnn_device_open(-1, 0, &device), FLASHRNN_INVALID_ARGUMENT,
                 {"backend", "-1"});
  expect_refused(flashrnn_device_open(FLASHRNN_BACKEND_CPU, -1, &device), FLASHRNN_INVALID_ARGUMENT,
                 {"ordinal", "-1"});
  expect_refused(flashrnn_device_open(FLASHRNN_BACKEND_CPU, 0, nullptr), FLASHRNN_INVALID_ARGUMENT,
                 {"NULL"});
  const flashrnn_status status = flashrnn_device_open(FLASHRNN_BACKEND_CPU, 1000, &device);
  EXPECT_TRUE(status == FLASHRNN_INVALID_ARGUMENT || status == FLASHRNN_DEVICE_UNAVAILABLE)
      << status;
  EXPECT_EQ(device, nullptr) << "a failed call wrote its result";
  expect_refused(flashrnn_list_devices(infos.data(), -1, &count), FLASHRNN_INVALID_ARGUMENT,
                 {"capacity", "-1"});
  expect_refused(flashrnn_list_devices(infos.data(), count, nullptr), FLASHRNN_INVALID_ARGUMENT,
                 {"count", "NULL"});
}

// Call is flashrnn_..._describe with all but the text bound.
template <class Call>
void expect_text_rules(const Call& call) {
  size_t length = 0;
  ASSERT_EQ(call(nullptr, 0, &length), FLASHRNN_OK) << flashrnn_last_error_message();
  ASSERT_GT(length, 2u);
  std::string text(length + 1, '#');
  ASSERT_EQ(call(text.data(), text.size(), nullptr), FLASHRNN_OK) << flashrnn_last_error_message();
  EXPECT_EQ(std::strlen(text.c_str()), length);
  EXPECT_TRUE(text[0] == '{' || text[0] == '[') << text;
  std::string small(length, '#');
  size_t told = 0;
  expect_refused(call(small.data(), small.size(), &told), FLASHRNN_INVALID_ARGUMENT,
                 {std::to_string(length)});
  EXPECT_EQ(told, length);
  EXPECT_EQ(small, std::string(length, '#')) << "a failed call wrote to its output";
  expect_refused(call(nullptr, 5, &told), FLASHRNN_INVALID_ARGUMENT, {"NULL", "5"});
}

TEST_F(Info, TextsFollowTheRules) {
  const Plan plan(device(), Case{});
  expect_text_rules([&](auto... out) { return flashrnn_plan_describe(plan.handle(), out...); });
  expect_text_rules(
      [&](auto... out) { return flashrnn_device_describe(device().handle(), out...); });
  expect_text_rules([](auto... out) { return flashrnn_describe_backends(out...); });
}

TEST_F(Info, LastErrorIsTheThreadsOwn) {
  expect_refused(flashrnn_get_cell_info(41, nullptr), FLASHRNN_INVALID_ARGUMENT, {});
  const std::string mine = flashrnn_last_error_message();
  std::string fresh = "unset", others;
  std::thread thread([&] {
    fresh = flashrnn_last_error_message();
    flashrnn_memory_allocate(nullptr, 1, nullptr);
    others = flashrnn_last_error_message();
  });
  thread.join();
  EXPECT_EQ(fresh, "");
  EXPECT_NE(others, "");
  EXPECT_EQ(flashrnn_last_error_message(), mine);
  // A success does not clear it: it is the last failed call's.
  EXPECT_EQ(flashrnn_plan_close(nullptr), FLASHRNN_OK);
  EXPECT_EQ(flashrnn_last_error_message(), mine);
}

TEST_F(Info, LogGoesToTheCallback) {
  struct Lines {
    int count = 0;
    flashrnn_log_level lowest = FLASHRNN_LOG_OFF;
  } lines;
  const auto callback = [](flashrnn_log_level level, const char* message, void* user) {
    auto* out = static_cast<Lines*>(user);
    ++out->count;
    out->lowest = std::min(out->lowest, level);
    EXPECT_NE(message, nullptr);
  };
  ASSERT_EQ(flashrnn_set_log_callback(callback, FLASHRNN_LOG_DEBUG, &lines), FLASHRNN_OK);
  { const Plan plan(device(), Case{}); }
  EXPECT_GT(lines.count, 0) << "a plan says nothing at FLASHRNN_LOG_DEBUG";
  ASSERT_EQ(flashrnn_set_log_callback(callback, FLASHRNN_LOG_OFF, &lines), FLASHRNN_OK);
  const int count = lines.count;
  { const Plan plan(device(), Case{}); }
  EXPECT_EQ(lines.count, count);
  for (const flashrnn_log_level level : {-1, 0, 6}) {
    expect_refused(flashrnn_set_log_callback(callback, level, &lines), FLASHRNN_INVALID_ARGUMENT,
                   {"level", std::to_string(level)});
  }
  ASSERT_EQ(flashrnn_set_log_callback(nullptr, FLASHRNN_LOG_DEBUG, nullptr), FLASHRNN_OK);
  { const Plan plan(device(), Case{}); }
  EXPECT_EQ(lines.count, count);
}

}  // namespace
}  // namespace flashrnn::test
