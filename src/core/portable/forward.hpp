// SPDX-License-Identifier: Apache-2.0
// The forward recurrence as one Kokkos team functor: a team takes one (head, batch tile) after
// another through all of time.
#pragma once

#include "core/portable/steps.hpp"

namespace flashrnn::portable {

// Reals that one team's forward needs: h rounded as the product's operand (initial, and two to
// alternate), and the states.
inline int64_t forward_scratch(const CellTraits& cell, int64_t batch_tile, int64_t units) {
  return (3 + cell.states) * batch_tile * units;
}

template <typename Cell, typename Real, typename Space>
struct Forward {
  using Policy = Kokkos::TeamPolicy<Space>;
  using Member = typename Policy::member_type;

  Steps steps;
  Tensor wx, r, bias, initial_states, h, states, last_states;
  SavedMemory<Real> saved;  // null: nothing is saved
  Real* scratch;            // of one team
  int64_t scratch_size;

  struct Tile {
    int64_t n, b0, columns;
    Real* initial_h;
    Real* h_old;
    Real* h_new;
    Real* state;  // [S, columns, D]
  };

  KOKKOS_INLINE_FUNCTION void operator()(const Member& team) const {
    const Shape& s = steps.shape;
    const int64_t size = s.batch_tile * s.units;
    for (int64_t item = team.league_rank(); item < s.heads * s.tiles; item += team.league_size()) {
      Tile tile;
      tile.n = item / s.tiles;
      tile.b0 = item % s.tiles * s.batch_tile;
      tile.columns = s.batch - tile.b0 < s.batch_tile ? s.batch - tile.b0 : s.batch_tile;
      tile.initial_h = scratch + team.league_rank() * scratch_size;
      tile.h_old = tile.initial_h + size;
      tile.h_new = tile.h_old + size;
      tile.state = tile.h_new + size;
      run(team, tile);
    }
  }

  KOKKOS_INLINE_FUNCTION void run(const Member& team, Tile& tile) const {
    const Shape& s = steps.shape;
    const int64_t elements = tile.columns * s.units;
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, elements), [&](const int64_t e) {
      const int64_t b = tile.b0 + e / s.units;
      for (int k = 0; k < Cell::kStates; ++k) {
        tile.state[k * elements + e] = state_at<Real>(initial_states, k, b, tile.n, e % s.units);
      }
      tile.initial_h[e] = rounded_to(s.dtype, tile.state[e]);
      tile.h_old[e] = tile.initial_h[e];
    });
    team.team_barrier();
    for (int64_t i = 0; i < s.time; ++i) {
      const int64_t t = steps.time_of(i);
      Kokkos::parallel_for(Kokkos::TeamThreadRange(team, elements),
                           [&](const int64_t e) { element(tile, t, e); });
      team.team_barrier();
      Real* const old = tile.h_old;
      tile.h_old = tile.h_new;
      tile.h_new = old;
    }
    if (last_states.data == nullptr) return;
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, elements), [&](const int64_t e) {
      for (int k = 0; k < Cell::kStates; ++k) {
        store(last_states.data, last_states.dtype,
              k * last_states.stride[0] + (tile.b0 + e / s.units) * last_states.stride[1] +
                  tile.n * last_states.stride[2] + e % s.units * last_states.stride[3],
              tile.state[k * elements + e]);
      }
    });
    team.team_barrier();
  }

  KOKKOS_INLINE_FUNCTION void element(const Tile& tile, int64_t t, int64_t e) const {
    const Shape& s = steps.shape;
    const int64_t column = e / s.units;
    const int64_t u = e % s.units;
    const int64_t b = tile.b0 + column;
    const int64_t elements = tile.columns * s.units;
    const Source source = steps.source(b, t);
    if (source == Source::kNone) {
      tile.h_new[e] = tile.h_old[e];
      write_zero(tile.n, b, t, u);
      return;
    }
    const bool is_fresh = source == Source::kInitial;
    const Real* h_row = (is_fresh ? tile.initial_h : tile.h_old) + column * s.units;
    typename Cell::States old;
    for (int k = 0; k < Cell::kStates; ++k) {
      old.v[k] =
          is_fresh ? state_at<Real>(initial_states, k, b, tile.n, u) : tile.state[k * elements + e];
    }
    typename Cell::Step step = Cell::forward(slots(tile.n, b, t, u, h_row), old);
    if (s.forward_clip > 0) step.now.v[0] = clamp(step.now.v[0], Real(s.forward_clip));
    for (int k = 0; k < Cell::kStates; ++k) tile.state[k * elements + e] = step.now.v[k];
    tile.h_new[e] = rounded_to(s.dtype, step.now.v[0]);
    write(tile.n, b, t, u, step);
  }

  KOKKOS_INLINE_FUNCTION typename Cell::Slots slots(int64_t n, int64_t b, int64_t t, int64_t u,
                                                    const Real* h_row) const {
    constexpr GateMaps maps = Cell::kMaps;  // device code cannot refer to the member
    typename Cell::Slots g;
    for (int k = 0; k < Cell::kSlots; ++k) {
      const int input = maps.input_of_slot[k];
      const int recurrent = maps.recurrent_of_slot[k];
      Real sum = bias.data == nullptr
                     ? Real(0)
                     : load<Real>(bias.data, bias.dtype,
                                  k * bias.stride[0] + n * bias.stride[1] + u * bias.stride[2]);
      if (input >= 0)
        sum += load<Real>(wx.data, wx.dtype, projection_offset(wx, b, t, input, n, u));
      if (recurrent >= 0) sum += product(n, recurrent, u, h_row);
      g.v[k] = sum;
    }
    return g;
  }

  KOKKOS_INLINE_FUNCTION Real product(int64_t n, int g, int64_t u, const Real* h_row) const {
    const Shape& s = steps.shape;
    const int64_t row = g * r.stride[0] + n * r.stride[1] + u * r.stride[2];
    Real sum = 0;
    for (int64_t k = 0; k < s.units; ++k) {
      sum += rounded_to(s.dtype, load<Real>(r.data, r.dtype, row + k * r.stride[3])) * h_row[k];
    }
    return sum;
  }

  KOKKOS_INLINE_FUNCTION void write_zero(int64_t n, int64_t b, int64_t t, int64_t u) const {
    if (h.data != nullptr) store(h.data, h.dtype, sequence_offset(h, b, t, n, u), Real(0));
    if (states.data == nullptr) return;
    for (int k = 0; k < Cell::kStates; ++k) {
      store(states.data, states.dtype, state_sequence_offset(states, k, b, t, n, u), Real(0));
    }
  }

  KOKKOS_INLINE_FUNCTION void write(int64_t n, int64_t b, int64_t t, int64_t u,
                                    const typename Cell::Step& step) const {
    const Shape& s = steps.shape;
    if (h.data != nullptr) store(h.data, h.dtype, sequence_offset(h, b, t, n, u), step.now.v[0]);
    if (states.data != nullptr) {
      for (int k = 0; k < Cell::kStates; ++k) {
        store(states.data, states.dtype, state_sequence_offset(states, k, b, t, n, u),
              step.now.v[k]);
      }
    }
    if (saved.values == nullptr) return;
    for (int k = 0; k < Cell::kSaved; ++k) {
      store(saved.values, s.dtype, SavedMemory<Real>::at(s, Cell::kSaved, n, b, t, k, u),
            step.saved.v[k]);
    }
    for (int k = 0; k < Cell::kKept; ++k) {
      saved.kept[SavedMemory<Real>::at(s, Cell::kKept, n, b, t, k, u)] = step.now.v[k + 1];
    }
  }
};

}  // namespace flashrnn::portable
