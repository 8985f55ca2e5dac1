// SPDX-License-Identifier: Apache-2.0
// The backward recurrence as one Kokkos team functor, and the sum of the tiles' weight gradients.
#pragma once

#include "core/portable/steps.hpp"

namespace flashrnn::portable {

// Reals of one team: the carried and the initial states' gradients, the slots' gradients.
inline int64_t backward_scratch(const CellTraits& cell, int64_t batch_tile, int64_t units) {
  return (2 * cell.states + cell.slots) * batch_tile * units;
}

// Reals of one (head, batch tile): its share of the gradients of R and of the biases.
inline int64_t weight_gradient_size(const CellTraits& cell, int64_t units) {
  return (cell.recurrent_gates * units + cell.slots) * units;
}

template <typename Cell, typename Real, typename Space>
struct Backward {
  using Policy = Kokkos::TeamPolicy<Space>;
  using Member = typename Policy::member_type;

  Steps steps;
  Tensor r, initial_states, h, d_h, d_states, d_last_states, d_wx, d_initial_states;
  SavedMemory<Real> saved;
  Real* scratch;
  int64_t scratch_size;
  Real* weight_gradients;  // [N, tiles][Gr, D, D | Gb, D]
  int64_t weight_gradient_size;

  struct Tile {
    int64_t n, b0, columns;
    Real* carry;      // [S, columns, D]: gradient of the states after the step at hand
    Real* d_initial;  // [S, columns, D]
    Real* d_slots;    // [slots, columns, D]
    Real* d_r;
    Real* d_bias;
  };

  KOKKOS_INLINE_FUNCTION void operator()(const Member& team) const {
    const Shape& s = steps.shape;
    for (int64_t item = team.league_rank(); item < s.heads * s.tiles; item += team.league_size()) {
      Tile tile;
      tile.n = item / s.tiles;
      tile.b0 = item % s.tiles * s.batch_tile;
      tile.columns = s.batch - tile.b0 < s.batch_tile ? s.batch - tile.b0 : s.batch_tile;
      tile.carry = scratch + team.league_rank() * scratch_size;
      tile.d_initial = tile.carry + Cell::kStates * tile.columns * s.units;
      tile.d_slots = tile.d_initial + Cell::kStates * tile.columns * s.units;
      tile.d_r = weight_gradients + item * weight_gradient_size;
      tile.d_bias = tile.d_r + Cell::kRecurrents * s.units * s.units;
      run(team, tile);
    }
  }

  KOKKOS_INLINE_FUNCTION void run(const Member& team, const Tile& tile) const {
    const Shape& s = steps.shape;
    const int64_t elements = tile.columns * s.units;
    Kokkos::parallel_for(
        Kokkos::TeamThreadRange(team, Cell::kStates * elements), [&](const int64_t e) {
          const int64_t b = tile.b0 + e % elements / s.units;
          tile.carry[e] = state_at<Real>(d_last_states, e / elements, b, tile.n, e % s.units);
          tile.d_initial[e] = 0;
        });
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, weight_gradient_size),
                         [&](const int64_t e) { tile.d_r[e] = 0; });
    team.team_barrier();
    for (int64_t i = s.time; i-- > 0;) {
      const int64_t t = steps.time_of(i);
      Kokkos::parallel_for(Kokkos::TeamThreadRange(team, elements),
                           [&](const int64_t e) { element(tile, t, e); });
      team.team_barrier();
      Kokkos::parallel_for(Kokkos::TeamThreadRange(team, elements),
                           [&](const int64_t e) { carry_back(tile, t, e); });
      Kokkos::parallel_for(Kokkos::TeamThreadRange(team, Cell::kSlots * s.units),
                           [&](const int64_t e) { add_weights(tile, t, e); });
      team.team_barrier();
    }
    if (d_initial_states.data == nullptr) return;
    Kokkos::parallel_for(
        Kokkos::TeamThreadRange(team, Cell::kStates * elements), [&](const int64_t e) {
          const Tensor& d = d_initial_states;
          store(d.data, d.dtype,
                e / elements * d.stride[0] + (tile.b0 + e % elements / s.units) * d.stride[1] +
                    tile.n * d.stride[2] + e % s.units * d.stride[3],
                tile.carry[e] + tile.d_initial[e]);
        });
    team.team_barrier();
  }

  // h before the step, as the product read it.
  KOKKOS_INLINE_FUNCTION Real old_h(Source source, int64_t n, int64_t b, int64_t t,
                                    int64_t u) const {
    if (source == Source::kInitial) {
      return rounded_to(steps.shape.dtype, state_at<Real>(initial_states, 0, b, n, u));
    }
    return load<Real>(h.data, h.dtype, sequence_offset(h, b, steps.previous(t), n, u));
  }

  // Gradients of the slots, and what of the old states' gradients does not pass through R.
  KOKKOS_INLINE_FUNCTION void element(const Tile& tile, int64_t t, int64_t e) const {
    constexpr GateMaps maps = Cell::kMaps;  // device code cannot refer to the member
    const Shape& s = steps.shape;
    const int64_t u = e % s.units;
    const int64_t b = tile.b0 + e / s.units;
    const int64_t elements = tile.columns * s.units;
    const Source source = steps.source(b, t);
    typename Cell::Gradient gradient{};
    if (source != Source::kNone) {
      typename Cell::States d;
      for (int k = 0; k < Cell::kStates; ++k) {
        d.v[k] = tile.carry[k * elements + e] + incoming(k, tile.n, b, t, u);
      }
      gradient = differentiate(source, tile.n, b, t, u, d);
      for (int k = 0; k < Cell::kStates; ++k) tile.carry[k * elements + e] = gradient.old.v[k];
    }
    for (int k = 0; k < Cell::kSlots; ++k) {
      const int input = maps.input_of_slot[k];
      tile.d_slots[k * elements + e] = gradient.slots.v[k];
      if (input >= 0 && d_wx.data != nullptr) {
        store(d_wx.data, d_wx.dtype, projection_offset(d_wx, b, t, input, tile.n, u),
              gradient.slots.v[k]);
      }
    }
  }

  KOKKOS_INLINE_FUNCTION Real incoming(int k, int64_t n, int64_t b, int64_t t, int64_t u) const {
    Real sum = 0;
    if (k == 0 && d_h.data != nullptr) {
      sum += load<Real>(d_h.data, d_h.dtype, sequence_offset(d_h, b, t, n, u));
    }
    if (d_states.data != nullptr) {
      sum +=
          load<Real>(d_states.data, d_states.dtype, state_sequence_offset(d_states, k, b, t, n, u));
    }
    return sum;
  }

  KOKKOS_INLINE_FUNCTION typename Cell::Gradient differentiate(Source source, int64_t n, int64_t b,
                                                               int64_t t, int64_t u,
                                                               typename Cell::States d) const {
    const Shape& s = steps.shape;
    typename Cell::Saved values;
    for (int k = 0; k < Cell::kSaved; ++k) {
      values.v[k] =
          load<Real>(saved.values, s.dtype, SavedMemory<Real>::at(s, Cell::kSaved, n, b, t, k, u));
    }
    typename Cell::States old{};
    typename Cell::States now{};
    const bool is_fresh = source == Source::kInitial;
    old.v[0] = old_h(source, n, b, t, u);
    now.v[0] = load<Real>(h.data, h.dtype, sequence_offset(h, b, t, n, u));
    if (s.forward_clip > 0) {
      // h was stored in the problem's dtype: so is the limit that it is compared with.
      const Real limit = rounded_to(s.dtype, Real(s.forward_clip));
      if (now.v[0] >= limit || now.v[0] <= -limit) d.v[0] = 0;
    }
    for (int k = 1; k <= Cell::kKept; ++k) {
      now.v[k] = saved.kept[SavedMemory<Real>::at(s, Cell::kKept, n, b, t, k - 1, u)];
      old.v[k] =
          is_fresh
              ? state_at<Real>(initial_states, k, b, n, u)
              : saved
                    .kept[SavedMemory<Real>::at(s, Cell::kKept, n, b, steps.previous(t), k - 1, u)];
    }
    return Cell::backward(values, old, now, d);
  }

  // Adds to h's gradient what passes through R, clips it, and hands it to the initial states where
  // they were the old ones.
  KOKKOS_INLINE_FUNCTION void carry_back(const Tile& tile, int64_t t, int64_t e) const {
    constexpr GateMaps maps = Cell::kMaps;  // device code cannot refer to the member
    const Shape& s = steps.shape;
    const int64_t u = e % s.units;
    const int64_t column = e / s.units;
    const int64_t elements = tile.columns * s.units;
    const Source source = steps.source(tile.b0 + column, t);
    if (source == Source::kNone) return;
    Real sum = tile.carry[e];
    if (!s.cut_recurrent_gradient) {
      for (int k = 0; k < Cell::kSlots; ++k) {
        const int g = maps.recurrent_of_slot[k];
        if (g < 0) continue;
        const Real* row = tile.d_slots + k * elements + column * s.units;
        const int64_t at = g * r.stride[0] + tile.n * r.stride[1] + u * r.stride[3];
        for (int64_t j = 0; j < s.units; ++j) {
          sum += rounded_to(s.dtype, load<Real>(r.data, r.dtype, at + j * r.stride[2])) * row[j];
        }
      }
    }
    if (s.recurrent_gradient_clip > 0) sum = clamp(sum, Real(s.recurrent_gradient_clip));
    tile.carry[e] = sum;
    if (source != Source::kInitial) return;
    for (int k = 0; k < Cell::kStates; ++k) {
      tile.d_initial[k * elements + e] += tile.carry[k * elements + e];
      tile.carry[k * elements + e] = 0;
    }
  }

  // One row of the weights' gradients: slot e / D, unit e % D.
  KOKKOS_INLINE_FUNCTION void add_weights(const Tile& tile, int64_t t, int64_t e) const {
    constexpr GateMaps maps = Cell::kMaps;  // device code cannot refer to the member
    const Shape& s = steps.shape;
    const int64_t elements = tile.columns * s.units;
    const int g = maps.recurrent_of_slot[e / s.units];
    for (int64_t column = 0; column < tile.columns; ++column) {
      const int64_t b = tile.b0 + column;
      const Source source = steps.source(b, t);
      if (source == Source::kNone) continue;
      const Real d = tile.d_slots[e / s.units * elements + column * s.units + e % s.units];
      tile.d_bias[e] += d;
      if (g < 0) continue;
      Real* row = tile.d_r + (g * s.units + e % s.units) * s.units;
      for (int64_t k = 0; k < s.units; ++k) row[k] += d * old_h(source, tile.n, b, t, k);
    }
  }
};

// d_r and d_bias as the sums over the batch tiles, in their order.
template <typename Cell, typename Real>
struct SumWeights {
  Shape shape;
  Tensor d_r, d_bias;
  const Real* weight_gradients;
  int64_t weight_gradient_size;

  KOKKOS_INLINE_FUNCTION void operator()(const int64_t index) const {
    const int64_t n = index / weight_gradient_size;
    const int64_t e = index % weight_gradient_size;
    const int64_t units = shape.units;
    const int64_t weights = Cell::kRecurrents * units * units;
    const bool is_bias = e >= weights;
    if ((is_bias ? d_bias : d_r).data == nullptr) return;
    Real sum = 0;
    for (int64_t tile = 0; tile < shape.tiles; ++tile) {
      sum += weight_gradients[(n * shape.tiles + tile) * weight_gradient_size + e];
    }
    if (is_bias) {
      const int64_t at = e - weights;
      store(d_bias.data, d_bias.dtype,
            at / units * d_bias.stride[0] + n * d_bias.stride[1] + at % units * d_bias.stride[2],
            sum);
    } else {
      store(d_r.data, d_r.dtype,
            e / (units * units) * d_r.stride[0] + n * d_r.stride[1] +
                e / units % units * d_r.stride[2] + e % units * d_r.stride[3],
            sum);
    }
  }
};

}  // namespace flashrnn::portable
