// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <stdexcept>

#include "info.hpp"
#include "problem_text.hpp"

namespace flashrnn::info {
namespace {

void check(flashrnn_status status, const char* what) {
  if (status == FLASHRNN_OK) return;
  throw std::runtime_error(
      fmt::format("{}: {}: {}", what, flashrnn_status_name(status), flashrnn_last_error_message()));
}

template <typename Call>
Json described(const char* what, const Call& call) {
  size_t length = 0;
  check(call(nullptr, 0, &length), what);
  std::string text(length + 1, '\0');
  check(call(text.data(), text.size(), &length), what);
  text.resize(length);
  return Json::parse(text);
}

Json gather_cells() {
  int32_t count = 0;
  check(flashrnn_list_cells(nullptr, 0, &count), "flashrnn_list_cells");
  std::vector<flashrnn_cell> cells(count);
  check(flashrnn_list_cells(cells.data(), count, &count), "flashrnn_list_cells");
  Json list = Json::array();
  for (const flashrnn_cell cell : cells) {
    flashrnn_cell_info info{};
    info.struct_size = sizeof(info);
    check(flashrnn_get_cell_info(cell, &info), "flashrnn_get_cell_info");
    list.push_back({{"name", info.name},
                    {"value", info.cell},
                    {"input_gates", info.input_gate_names},
                    {"recurrent_gates", info.recurrent_gate_names},
                    {"biases", info.bias_gate_names},
                    {"states", info.state_names}});
  }
  return list;
}

Json gather_devices() {
  int32_t count = 0;
  check(flashrnn_list_devices(nullptr, 0, &count), "flashrnn_list_devices");
  std::vector<flashrnn_device_info> infos(count);
  for (flashrnn_device_info& info : infos) info.struct_size = sizeof(info);
  if (count > 0) check(flashrnn_list_devices(infos.data(), count, &count), "flashrnn_list_devices");
  Json list = Json::array();
  for (const flashrnn_device_info& info : infos) {
    Json entry = {{"backend", info.backend_name},
                  {"ordinal", info.ordinal},
                  {"name", info.name},
                  {"compute_units", info.compute_units},
                  {"memory_bytes", info.memory_bytes}};
    flashrnn_device device = nullptr;
    check(flashrnn_device_open(info.backend, info.ordinal, &device), "flashrnn_device_open");
    entry["facts"] =
        described("flashrnn_device_describe", [&](char* text, size_t size, size_t* length) {
          return flashrnn_device_describe(device, text, size, length);
        });
    flashrnn_device_close(device);
    list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace

Json gather_library() {
  const int32_t version = flashrnn_version();
  return {{"version",
           fmt::format("{}.{}.{}", version / 1000000, version / 1000 % 1000, version % 1000)},
          {"cells", gather_cells()},
          {"backends", described("flashrnn_describe_backends", flashrnn_describe_backends)},
          {"devices", gather_devices()}};
}

Json gather_plan(const std::string& text, flashrnn_backend backend, int ordinal) {
  const problem_text::Problem problem = problem_text::parse(text);
  Json result = {{"problem", problem_text::print(problem)}};
  flashrnn_device device = nullptr;
  flashrnn_plan plan = nullptr;
  flashrnn_status status = flashrnn_device_open(backend, ordinal, &device);
  if (status == FLASHRNN_OK) {
    const flashrnn_problem abi = problem_text::to_abi(problem);
    status = flashrnn_plan_create(device, &abi, &plan);
  }
  if (status == FLASHRNN_OK) {
    result["plan"] =
        described("flashrnn_plan_describe", [&](char* out, size_t size, size_t* length) {
          return flashrnn_plan_describe(plan, out, size, length);
        });
  } else {
    result["status"] = flashrnn_status_name(status);
    result["message"] = flashrnn_last_error_message();
  }
  flashrnn_plan_close(plan);
  flashrnn_device_close(device);
  return result;
}

}  // namespace flashrnn::info
