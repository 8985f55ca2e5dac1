// SPDX-License-Identifier: Apache-2.0
#include "table.hpp"

#include <algorithm>
#include <iterator>

#include "dialects.hpp"

namespace flashrnn::test {
namespace {

template <class Struct, class Real>
Struct load_struct(const Real* values) {
  Struct s;
  std::copy_n(values, std::size(s.v), s.v);
  return s;
}

template <class Struct, class Real>
void store_struct(const Struct& s, Real* values) {
  std::copy_n(s.v, std::size(s.v), values);
}

}  // namespace

#define FLASHRNN_TESTS_LIST(...) \
  { __VA_ARGS__ }

#define FLASHRNN_TESTS_FUNCTIONS(space, Real, name)                                               \
  CellFunctions<Real> {                                                                           \
    [](const Real* slots, Real* activated) {                                                      \
      store_struct(space::name##_activate(load_struct<space::name##_slots>(slots)), activated);   \
    },                                                                                            \
        [](const Real* slots, const Real* old, Real* now, Real* saved) {                          \
          const auto step = space::name##_forward(load_struct<space::name##_slots>(slots),        \
                                                  load_struct<space::name##_states>(old));        \
          store_struct(step.now, now);                                                            \
          store_struct(step.saved, saved);                                                        \
        },                                                                                        \
        [](const Real* saved, const Real* old, const Real* now, const Real* d_now, Real* d_slots, \
           Real* d_old) {                                                                         \
          const auto gradient = space::name##_backward(                                           \
              load_struct<space::name##_saved>(saved), load_struct<space::name##_states>(old),    \
              load_struct<space::name##_states>(now), load_struct<space::name##_states>(d_now));  \
          store_struct(gradient.slots, d_slots);                                                  \
          store_struct(gradient.old, d_old);                                                      \
        }                                                                                         \
  }

const std::vector<CellEntry>& cell_table() {
  static const std::vector<CellEntry> table = {
#define FLASHRNN_CELL(name, ENUM, value, input_gates, recurrent_gates, slots, states, kept, \
                      kept_bits, saved, reads_h, input_map, recurrent_map, input_names,     \
                      recurrent_names, slot_names, state_names)                             \
  {#name,                                                                                   \
   value,                                                                                   \
   input_gates,                                                                             \
   recurrent_gates,                                                                         \
   slots,                                                                                   \
   states,                                                                                  \
   kept,                                                                                    \
   kept_bits,                                                                               \
   saved,                                                                                   \
   reads_h,                                                                                 \
   FLASHRNN_TESTS_LIST input_map,                                                           \
   FLASHRNN_TESTS_LIST recurrent_map,                                                       \
   FLASHRNN_TESTS_FUNCTIONS(in_float, float, name),                                         \
   FLASHRNN_TESTS_FUNCTIONS(in_double, double, name),                                       \
   FLASHRNN_TESTS_FUNCTIONS(in_dual, Dual, name)},
#include "cells.def"
#undef FLASHRNN_CELL
  };
  return table;
}

}  // namespace flashrnn::test
