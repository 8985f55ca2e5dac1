// SPDX-License-Identifier: Apache-2.0
#include "core/simd/forward.hpp"

#include <algorithm>
#include <cstring>

#include "core/elements.hpp"

namespace flashrnn::simd {

template <typename Real>
ForwardScratch<Real>::ForwardScratch(const Setup& setup, Layout& layout) {
  const Geometry& g = setup.geometry;
  const int64_t operand_bytes = g.batch_tile * g.operand_stride() * setup.operand_size();
  initial_operand = layout.take<std::byte>(operand_bytes);
  operands[0] = layout.take<std::byte>(operand_bytes);
  operands[1] = layout.take<std::byte>(operand_bytes);
  state = layout.take<Real>(g.padded * g.batch_tile * g.states);
  initial = layout.take<Real>(g.padded * g.batch_tile * g.states);
  sums = layout.take<Real>(g.group_vectors * g.gates * g.batch_tile * g.lanes);
  sources = layout.take<Source>(g.batch_tile);
  active = layout.take<uint8_t>(g.batch_tile);
  prefetch =
      layout.take<const void*>(g.group_vectors * setup.problem.cell->input_gates * g.batch_tile);
  addends = layout.take<AddendRow>(g.vectors * g.gates);
}

template <typename Real>
ForwardTile<Real>::ForwardTile(const Setup& setup, const ForwardCall& call, int64_t head,
                               int64_t tile, const std::byte* panels, const Real* bias,
                               SavedTile<Real> saved, ForwardScratch<Real>& scratch)
    : setup_(setup),
      call_(call),
      head_(head),
      panels_(panels),
      bias_(bias),
      saved_(saved),
      scratch_(scratch),
      b0_(tile * setup.geometry.batch_tile),
      columns_(setup.geometry.columns_of(tile)),
      steps_(setup.steps(call.lengths, call.resets)) {}

template <typename Real>
void ForwardTile<Real>::begin() {
  const Geometry& g = setup_.geometry;
  load_states(g, call_.initial_states, head_, b0_, columns_, scratch_.initial);
  std::memcpy(scratch_.state, scratch_.initial,
              static_cast<size_t>(g.padded * columns_ * g.states) * sizeof(Real));
  // The padding of the rows must be numbers: it is multiplied by zero.
  const auto operand_bytes =
      static_cast<size_t>(columns_ * g.operand_stride() * setup_.operand_size());
  std::memset(scratch_.initial_operand, 0, operand_bytes);
  for (int64_t c = 0; c < columns_; ++c) {
    for (int64_t unit = 0; unit < g.units; ++unit) {
      const Real h = portable::state_at<Real>(call_.initial_states, 0, b0_ + c, head_, unit);
      const int64_t at = c * g.operand_stride() + unit;
      if (takes_bfloat16(setup_.kind)) {
        reinterpret_cast<uint16_t*>(scratch_.initial_operand)[at] =
            to_bfloat16(static_cast<float>(h));
      } else {
        reinterpret_cast<Real*>(scratch_.initial_operand)[at] = rounded_to(setup_.problem.dtype, h);
      }
    }
  }
  list_addends();
  std::memcpy(scratch_.operands[0], scratch_.initial_operand, operand_bytes);
  std::memcpy(scratch_.operands[1], scratch_.initial_operand, operand_bytes);
}

template <typename Real>
const Source* ForwardTile<Real>::begin_step(int64_t i, int64_t t) {
  const Geometry& g = setup_.geometry;
  if (!call_.lengths && !call_.resets) return nullptr;
  bool is_plain = true;
  for (int64_t c = 0; c < columns_; ++c) {
    scratch_.sources[c] = steps_.source(b0_ + c, t);
    is_plain = is_plain && scratch_.sources[c] == Source::kPrevious;
    if (scratch_.sources[c] != Source::kInitial || i == 0) continue;
    const int64_t row_bytes = g.operand_stride() * setup_.operand_size();
    std::memcpy(scratch_.operands[current_] + c * row_bytes,
                scratch_.initial_operand + c * row_bytes, static_cast<size_t>(row_bytes));
    for (int64_t v = 0; v < g.vectors; ++v) {
      const int64_t at = (v * columns_ + c) * g.states * g.lanes;
      std::memcpy(scratch_.state + at, scratch_.initial + at,
                  static_cast<size_t>(g.states * g.lanes) * sizeof(Real));
    }
  }
  return is_plain ? nullptr : scratch_.sources;
}

template <typename Real>
void ForwardTile<Real>::list_addends() {
  const Geometry& g = setup_.geometry;
  const int64_t gate_stride = call_.wx.stride[2];
  AddendRow* row = scratch_.addends;
  for (int64_t first = 0; first < g.vectors; first += g.group_vectors) {
    const int64_t end = std::min(first + g.group_vectors, g.vectors);
    for (int64_t gate = 0; gate < g.gates; ++gate) {
      const GateOfProduct& of = setup_.gates[static_cast<size_t>(gate)];
      for (int64_t v = first; v < end; ++v, ++row) {
        row->offset = bias_ + (v * g.slots + of.slot) * g.lanes;
        row->has_from = of.input >= 0;
        row->from = of.input * gate_stride + v * g.lanes;
        row->fetched = of.fetched * gate_stride + v * g.lanes;
        row->begins_line = ((v - first) & (g.line_vectors - 1)) == 0;
      }
    }
  }
}

template <typename Real>
void ForwardTile<Real>::list_next_wx(const View& wx, int64_t to_next, int64_t first,
                                     int64_t vectors) const {
  const Geometry& g = setup_.geometry;
  const auto size = static_cast<int64_t>(dtype_size(setup_.problem.dtype));
  const auto* base = static_cast<const std::byte*>(wx.data) + to_next * size;
  const int64_t column_bytes = wx.column_stride * size;
  const int64_t gate_bytes = wx.item_stride * size;
  const void** line = scratch_.prefetch;
  for (int64_t i = 0; i < vectors; ++i) {
    const int64_t v = std::min(first + i, g.vectors - 1);
    const std::byte* column = base + v * g.lanes * wx.unit_stride * size;
    for (int64_t c = 0; c < columns_; ++c, column += column_bytes) {
      const std::byte* at = column;
      for (int64_t gate = setup_.problem.cell->input_gates; gate-- > 0; at += gate_bytes)
        *line++ = at;
    }
  }
}

template <typename Real>
void ForwardTile<Real>::multiply(const ForwardStep& step, int64_t to_later_wx, int64_t next_group) {
  const Geometry& g = setup_.geometry;
  const int64_t first = step.extent.first_vector;
  const int64_t rows = (step.extent.end_vector - first) * g.gates;
  const auto* wx = static_cast<const Real*>(step.wx.data);
  const int64_t wx_stride = step.wx.column_stride;
  constexpr auto kSize = static_cast<int64_t>(sizeof(Real));
  Product p;
  p.x_column_stride = g.operand_stride();
  p.x_depth_stride = 1;
  p.sum_row_stride = columns_ * g.lanes;
  p.sum_column_stride = g.lanes;
  p.columns = columns_;
  for (int64_t row = 0; row < rows; row += g.block_rows) {
    const std::byte* panel =
        panels_ + (first * g.gates + row) * g.lanes * g.depth * setup_.operand_size();
    const AddendRow* addends = scratch_.addends + first * g.gates + row;
    const Addend addend{addends, wx, wx_stride};
    p.row_vectors = std::min(g.block_rows, rows - row);
    Ahead ahead;
    for (int64_t r = 0; step.are_whole && to_later_wx != 0 && r < p.row_vectors; ++r) {
      if (addends[r].begins_line)
        ahead.add(wx + to_later_wx + addends[r].fetched, wx_stride * kSize);
    }
    if (setup_.fetches_panels) {
      // The next block's first lines, as many for each column: going backwards over the groups,
      // the processor does not foresee where it begins.
      constexpr int64_t kLines = 4;
      const int64_t next = row + g.block_rows < rows ? first * g.gates + row + g.block_rows
                                                     : next_group * g.group_vectors * g.gates;
      const std::byte* begin = panels_ + next * g.lanes * g.depth * setup_.operand_size();
      for (int64_t k = 0; k < kLines; ++k) ahead.add(begin + k * columns_ * kLineBytes, kLineBytes);
    }
    p.panel_stride = p.row_vectors * g.lanes;
    p.sum = scratch_.sums + row * p.sum_row_stride;
    for (int64_t k = 0; k < g.depth; k += g.block_depth) {
      p.panel = panel + k * p.panel_stride * setup_.operand_size();
      p.x = scratch_.operands[current_] + k * setup_.operand_size();
      p.depth = std::min(g.block_depth, g.depth - k);
      p.accumulate = k > 0;
      const bool is_last = k + p.depth == g.depth;
      p.addend = step.are_whole && is_last ? &addend : nullptr;
      p.ahead = is_last ? &ahead : nullptr;
      setup_.product(p);
    }
  }
}

template <typename Real>
void ForwardTile<Real>::run_group(const ForwardStep& whole, int64_t i, int64_t j,
                                  int64_t to_next_wx, int64_t to_next_h) {
  const Geometry& g = setup_.geometry;
  const int64_t first = group_at(i, j) * g.group_vectors;
  const int64_t in_group = std::min(g.group_vectors, g.vectors - first);
  ForwardStep step = whole;
  step.extent.first_vector = first;
  step.extent.end_vector = first + in_group;
  // Of the group that will be in this one's place at the next step.
  const int64_t later_first = group_at(i + 1, j) * g.group_vectors;
  const auto size = static_cast<int64_t>(dtype_size(setup_.problem.dtype));
  // Groups that go on in a line that another begins find it fetched.
  const bool begins_line = later_first * g.lanes * size % kLineBytes == 0;
  step.are_whole = setup_.kind == ProductKind::kFma && size == sizeof(Real) &&
                   whole.wx.unit_stride == 1 && (first + in_group) * g.lanes <= g.units;
  if (to_next_h != 0 && begins_line)
    step.h_ahead = to_next_h + (later_first - first) * g.lanes * whole.h.unit_stride;
  if (!step.are_whole && to_next_wx != 0 && begins_line) {
    list_next_wx(whole.wx, to_next_wx, later_first, in_group);
    step.prefetch = scratch_.prefetch;
  }
  multiply(step, to_next_wx == 0 ? 0 : to_next_wx + (later_first - first) * g.lanes,
           j + 1 < g.groups ? group_at(i, j + 1) : group_at(i + 1, 0));
  setup_.cell->forward[setup_.dtype_index()](step);
}

template <typename Real>
void ForwardTile<Real>::step(int64_t i) {
  const Geometry& g = setup_.geometry;
  const int64_t step_elements = columns_ * g.padded;
  const int64_t t = steps_.time_of(i);
  ForwardStep step{};
  step.extent = {columns_, g.units, 0, g.vectors, begin_step(i, t), nullptr, columns_};
  set_active(step.extent, scratch_.active);
  step.sums = scratch_.sums;
  step.bias = bias_;
  step.state = scratch_.state;
  step.wx = projection_view(call_.wx, b0_, t, head_);
  const int64_t to_next = i + 1 < g.time ? steps_.time_of(i + 1) - t : 0;
  step.h = sequence_view(call_.h, b0_, t, head_);
  step.states = states_view(call_.states, b0_, t, head_);
  step.old_operand = scratch_.operands[current_];
  step.operand = scratch_.operands[1 - current_];
  step.operand_stride = g.operand_stride();
  step.is_bfloat16_operand = takes_bfloat16(setup_.kind);
  if (saved_.values != nullptr) {
    const auto size = static_cast<int64_t>(dtype_size(setup_.problem.dtype));
    step.saved = saved_.values + t * step_elements * g.saved * size;
    step.kept = saved_.kept + t * step_elements * g.kept;
    step.streams_saved = setup_.streams_saved;
  }
  step.clip = setup_.problem.forward_clip;
  // Every other step goes backwards over the groups, so that what a cache smaller than the panels
  // holds is used again.
  for (int64_t j = 0; j < g.groups; ++j)
    run_group(step, i, j, to_next * call_.wx.stride[1], call_.h ? to_next * call_.h.stride[1] : 0);
  current_ = 1 - current_;
}

template <typename Real>
void ForwardTile<Real>::finish() {
  const Geometry& g = setup_.geometry;
  if (call_.last_states) {
    store_states<Real>(g, call_.last_states, head_, b0_, columns_, scratch_.state, nullptr);
  }
}

template struct ForwardScratch<float>;
template struct ForwardScratch<double>;
template class ForwardTile<float>;
template class ForwardTile<double>;

}  // namespace flashrnn::simd
