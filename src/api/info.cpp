// SPDX-License-Identifier: Apache-2.0
// Entry points that need no device: status names, messages, version, features, log, dtypes, cells.
#include <cstring>
#include <string_view>

#include "api/guard.hpp"
#include "api/log.hpp"
#include "api/structs.hpp"
#include "backend/registry.hpp"
#include "cells/traits.hpp"
#include "core/runtime.hpp"
#include "flashrnn/flashrnn.h"
#include "plan/dtype.hpp"

namespace flashrnn {

namespace {
// A fixed buffer, so that keeping a message cannot fail.
constexpr size_t kMessageSize = 2048;
thread_local char last_message[kMessageSize] = "";
}  // namespace

void set_last_error(const char* message) noexcept {
  std::strncpy(last_message, message, kMessageSize - 1);
  last_message[kMessageSize - 1] = '\0';
}

}  // namespace flashrnn

using namespace flashrnn;

extern "C" {

const char* flashrnn_status_name(flashrnn_status status) {
  switch (status) {
    case FLASHRNN_OK:
      return "FLASHRNN_OK";
    case FLASHRNN_INVALID_ARGUMENT:
      return "FLASHRNN_INVALID_ARGUMENT";
    case FLASHRNN_INVALID_HANDLE:
      return "FLASHRNN_INVALID_HANDLE";
    case FLASHRNN_UNSUPPORTED:
      return "FLASHRNN_UNSUPPORTED";
    case FLASHRNN_OUT_OF_MEMORY:
      return "FLASHRNN_OUT_OF_MEMORY";
    case FLASHRNN_DEVICE_UNAVAILABLE:
      return "FLASHRNN_DEVICE_UNAVAILABLE";
    case FLASHRNN_DEVICE_ERROR:
      return "FLASHRNN_DEVICE_ERROR";
    case FLASHRNN_INFEASIBLE:
      return "FLASHRNN_INFEASIBLE";
    case FLASHRNN_INTERNAL:
      return "FLASHRNN_INTERNAL";
    default:
      return "unknown status";
  }
}

const char* flashrnn_last_error_message(void) { return last_message; }

int32_t flashrnn_version(void) {
  return FLASHRNN_VERSION_MAJOR * 1000000 + FLASHRNN_VERSION_MINOR * 1000 + FLASHRNN_VERSION_PATCH;
}

int32_t flashrnn_has_feature(const char* name) {
  if (name == nullptr) return 0;
  const std::string_view wanted(name);
  for (const std::string_view always : {"recompute", "lengths", "resets", "step"}) {
    if (wanted == always) return 1;
  }
  if (wanted == "threads") return core_is_threaded() ? 1 : 0;
  for (const CellTraits& cell : kCells) {
    if (wanted == cell.name) return 1;
  }
  for (const KnownBackend& known : known_backends()) {
    if (wanted == known.name) return known.backend != nullptr ? 1 : 0;
  }
  return 0;
}

flashrnn_status flashrnn_set_log_callback(flashrnn_log_callback callback, flashrnn_log_level level,
                                          void* user) {
  return guard("flashrnn_set_log_callback", [&] {
    require(level >= FLASHRNN_LOG_DEBUG && level <= FLASHRNN_LOG_OFF,
            "level is {}: must be a value of flashrnn_log_level", level);
    set_log_callback(callback, static_cast<LogLevel>(level), user);
  });
}

size_t flashrnn_dtype_size(flashrnn_dtype dtype) { return dtype_size(static_cast<DType>(dtype)); }

flashrnn_status flashrnn_list_cells(flashrnn_cell* cells, int32_t capacity, int32_t* count) {
  return guard("flashrnn_list_cells", [&] {
    require(count != nullptr, "count is NULL: must point to an integer");
    require(capacity >= 0, "capacity is {}: must be at least 0", capacity);
    require(cells != nullptr || capacity == 0, "cells is NULL with capacity {}: must be 0 then",
            capacity);
    int32_t index = 0;
    for (const CellTraits& cell : kCells) {
      if (index < capacity) cells[index] = cell.id;
      ++index;
    }
    *count = index;
  });
}

flashrnn_status flashrnn_get_cell_info(flashrnn_cell id, flashrnn_cell_info* info) {
  return guard("flashrnn_get_cell_info", [&] {
    const size_t writable = output_size(info, "info", sizeof(flashrnn_cell_info));
    const CellTraits* cell = find_cell(id);
    require(cell != nullptr, "cell is {}: must be a value of flashrnn_cell", id);
    write_struct(
        info,
        flashrnn_cell_info{0, cell->id, cell->input_gates, cell->recurrent_gates, cell->slots,
                           cell->states, cell->name, cell->input_gate_names,
                           cell->recurrent_gate_names, cell->slot_names, cell->state_names},
        info->struct_size, writable);
  });
}

}  // extern "C"
