// SPDX-License-Identifier: Apache-2.0
// A struct per cell that carries its functions and counts, for templates. Included into a namespace where the cells
// themselves (all_cells.inl, generated from cells.def) were included.

#define FLASHRNN_CELL(name, ENUM, id, inputs, recurrents, slots, states, kept, kept_bits, saved, reads_h, input_map,  \
                      recurrent_map, input_names, recurrent_names, slot_names, state_names)       \
  struct name##_cell {                                                                            \
    static constexpr int kId = id;                                                                \
    static constexpr int kInputs = inputs;                                                        \
    static constexpr int kRecurrents = recurrents;                                                \
    static constexpr int kSlots = slots;                                                          \
    static constexpr int kStates = states;                                                        \
    static constexpr int kKept = kept;                                                            \
    static constexpr int kSaved = saved;                                                          \
    static constexpr bool kReadsH = reads_h != 0;                                                 \
    static constexpr ::flashrnn::GateMaps kMaps{::flashrnn::detail::gate_map input_map,           \
                                                ::flashrnn::detail::gate_map recurrent_map};      \
    using Slots = name##_slots;                                                                   \
    using States = name##_states;                                                                 \
    using Saved = name##_saved;                                                                   \
    using Step = name##_step;                                                                     \
    using Gradient = name##_gradient;                                                             \
    static CELL_FUNCTION Step forward(Slots g, States old) { return name##_forward(g, old); }     \
    static CELL_FUNCTION Slots activate(Slots g) { return name##_activate(g); }                   \
    static CELL_FUNCTION Step update(Slots a, States old) { return name##_update(a, old); }       \
    static CELL_FUNCTION Gradient backward(Saved a, States old, States now, States d) {           \
      return name##_backward(a, old, now, d);                                                     \
    }                                                                                             \
  };
#include "cells/cells.def"
#undef FLASHRNN_CELL
