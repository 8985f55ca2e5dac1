// SPDX-License-Identifier: Apache-2.0
// What the host needs to know of a cell, as a table made from cells.def.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace flashrnn {

inline constexpr int kMaxSlots = 4;
inline constexpr int kMaxStates = 4;

struct CellTraits {
  const char* name;
  int32_t id;  // the ABI's enum value
  int input_gates;
  int recurrent_gates;
  int slots;
  int states;
  int kept;       // states 1 .. kept are saved for backward
  int kept_bits;  // that each of them needs then, at least
  int saved;      // values that the element's forward saves for its backward
  int reads_h;    // 1: backward reads h before the step
  std::array<int, kMaxSlots> input_of_slot;
  std::array<int, kMaxSlots> recurrent_of_slot;
  const char* input_gate_names;
  const char* recurrent_gate_names;
  const char* slot_names;
  const char* state_names;
};

namespace detail {
template <typename... Gates>
constexpr std::array<int, kMaxSlots> gate_map(Gates... gates) {
  std::array<int, kMaxSlots> map{-1, -1, -1, -1};
  int slot = 0;
  ((map[slot++] = gates), ...);
  return map;
}
}  // namespace detail

// Which input and which recurrent gate each slot adds; -1: none.
struct GateMaps {
  std::array<int, kMaxSlots> input_of_slot;
  std::array<int, kMaxSlots> recurrent_of_slot;
};

inline constexpr CellTraits kCells[] = {
#define FLASHRNN_CELL(name, ENUM, id, inputs, recurrents, slots, states, kept, kept_bits, saved,   \
                      reads_h, input_map, recurrent_map, input_names, recurrent_names, slot_names, \
                      state_names)                                                                 \
  {#name,                                                                                          \
   id,                                                                                             \
   inputs,                                                                                         \
   recurrents,                                                                                     \
   slots,                                                                                          \
   states,                                                                                         \
   kept,                                                                                           \
   kept_bits,                                                                                      \
   saved,                                                                                          \
   reads_h,                                                                                        \
   detail::gate_map input_map,                                                                     \
   detail::gate_map recurrent_map,                                                                 \
   input_names,                                                                                    \
   recurrent_names,                                                                                \
   slot_names,                                                                                     \
   state_names},
#include "cells.def"
#undef FLASHRNN_CELL
};

// nullptr for a value that names no cell.
constexpr const CellTraits* find_cell(int32_t id) {
  for (const CellTraits& cell : kCells) {
    if (cell.id == id) return &cell;
  }
  return nullptr;
}

}  // namespace flashrnn
