// SPDX-License-Identifier: Apache-2.0
#include "core/simd/backward.hpp"

#include <algorithm>
#include <cstring>

#include "core/elements.hpp"

namespace flashrnn::simd {

template <typename Real>
BackwardScratch<Real>::BackwardScratch(const Setup& setup, Layout& layout) {
  const Geometry& g = setup.geometry;
  const int64_t blocks = g.padded * g.batch_tile;
  carry = layout.take<Real>(blocks * g.states);
  d_initial = layout.take<Real>(blocks * g.states);
  initial = layout.take<Real>(blocks * g.states);
  initial_h = layout.take<Real>(g.batch_tile * g.history_stride());
  sums = layout.take<Real>(blocks);
  d_slots = layout.take<Real>(g.chunk_steps * g.batch_tile * g.gradient_stride());
  old_h = layout.take<Real>(g.chunk_steps * g.batch_tile * g.history_stride());
  operand = layout.take<std::byte>(
      takes_bfloat16(setup.kind) ? g.batch_tile * g.gradient_stride() * 2 : 0);
  sources = layout.take<Source>(g.batch_tile);
  active = layout.take<uint8_t>(g.batch_tile);
}

namespace {

// Of heads whose R^T does not stay in L2 from step to step, its panels are what is to be fetched:
// fetching the saved values too made 512 units 5 % slower.
constexpr int64_t kMostUnitsByLines = 256;

// That share a line, as reals.
int64_t line_units(const Setup& setup) { return kLineBytes / setup.real_size(); }

}  // namespace

template <typename Real>
BackwardTile<Real>::BackwardTile(const Setup& setup, const BackwardCall& call, int64_t head,
                                 int64_t tile, const std::byte* panels, SavedTile<Real> saved,
                                 const WeightGradients<Real>& gradients,
                                 BackwardScratch<Real>& scratch)
    : setup_(setup),
      call_(call),
      head_(head),
      panels_(panels),
      saved_(saved),
      gradients_(gradients),
      scratch_(scratch),
      b0_(tile * setup.geometry.batch_tile),
      columns_(setup.geometry.columns_of(tile)),
      steps_(setup.steps(call.lengths, call.resets)),
      is_by_lines_(setup.kind == ProductKind::kFma && setup.geometry.units <= kMostUnitsByLines &&
                   dtype_size(setup.problem.dtype) == sizeof(Real) &&
                   line_units(setup) <= 2 * setup.geometry.lanes &&
                   setup.geometry.units % line_units(setup) == 0),
      streams_d_wx_(setup.streams_d_wx && call.d_wx && is_in_lines(call.d_wx, 5) &&
                    dtype_size(setup.problem.dtype) == sizeof(Real) &&
                    (is_by_lines_ || line_units(setup) == setup.geometry.lanes)) {}

template <typename Real>
void BackwardTile<Real>::begin() {
  const Geometry& g = setup_.geometry;
  load_states(g, call_.d_last_states, head_, b0_, columns_, scratch_.carry);
  load_states(g, call_.initial_states, head_, b0_, columns_, scratch_.initial);
  std::fill_n(scratch_.d_initial, g.padded * columns_ * g.states, Real(0));
  std::fill_n(scratch_.sums, g.padded * columns_, Real(0));
  // The padding of the rows must be numbers: it is multiplied by zero.
  std::fill_n(scratch_.d_slots, g.chunk_steps * columns_ * g.gradient_stride(), Real(0));
  std::fill_n(scratch_.old_h, g.chunk_steps * columns_ * g.history_stride(), Real(0));
  std::fill_n(scratch_.initial_h, columns_ * g.history_stride(), Real(0));
  if (takes_bfloat16(setup_.kind)) {
    std::memset(scratch_.operand, 0, static_cast<size_t>(columns_ * g.gradient_stride() * 2));
  }
  for (int64_t c = 0; c < columns_; ++c) {
    for (int64_t unit = 0; unit < g.units; ++unit) {
      scratch_.initial_h[c * g.history_stride() + unit] =
          rounded_to(setup_.problem.dtype,
                     portable::state_at<Real>(call_.initial_states, 0, b0_ + c, head_, unit));
    }
  }
}

template <typename Real>
const Source* BackwardTile<Real>::begin_step(int64_t i, int64_t t) {
  if (!call_.lengths && !call_.resets && i > 0) return nullptr;
  bool is_plain = true;
  for (int64_t c = 0; c < columns_; ++c) {
    scratch_.sources[c] = steps_.source(b0_ + c, t);
    is_plain = is_plain && scratch_.sources[c] == Source::kPrevious;
  }
  return is_plain ? nullptr : scratch_.sources;
}

template <typename Real>
void BackwardTile<Real>::load_old_h(const Source* sources, int64_t t_before, Real* rows) const {
  const Geometry& g = setup_.geometry;
  const auto load_row = setup_.rows->load[setup_.dtype_index()];
  const auto size = static_cast<int64_t>(dtype_size(call_.h.dtype));
  for (int64_t c = 0; c < columns_; ++c) {
    Real* row = rows + c * g.history_stride();
    const Source source = sources == nullptr ? Source::kPrevious : sources[c];
    if (source == Source::kNone) {
      std::fill_n(row, g.padded, Real(0));
    } else if (source == Source::kInitial) {
      std::copy_n(scratch_.initial_h + c * g.history_stride(), g.padded, row);
    } else {
      const int64_t at = portable::sequence_offset(call_.h, b0_ + c, t_before, head_, 0);
      load_row(call_.h.data + at * size, call_.h.stride[3], g.units, row);
    }
  }
}

template <typename Real>
BackwardStep BackwardTile<Real>::make_step(const Extent& extent, int64_t t, int64_t t_before,
                                           int64_t slot) const {
  const Geometry& g = setup_.geometry;
  const int64_t step_elements = columns_ * g.padded;
  const auto size = static_cast<int64_t>(dtype_size(setup_.problem.dtype));
  BackwardStep step{};
  step.extent = extent;
  step.saved = saved_.values + t * step_elements * g.saved * size;
  step.kept = saved_.kept + t * step_elements * g.kept;
  step.old_kept = saved_.kept + t_before * step_elements * g.kept;
  step.initial = scratch_.initial;
  step.old_h = scratch_.old_h + slot * columns_ * g.history_stride();
  step.old_h_stride = g.history_stride();
  step.h = sequence_view(call_.h, b0_, t, head_);
  step.d_h = sequence_view(call_.d_h, b0_, t, head_);
  step.d_states = states_view(call_.d_states, b0_, t, head_);
  step.carry = scratch_.carry;
  step.d_wx = projection_view(call_.d_wx, b0_, t, head_);
  step.d_slots = scratch_.d_slots + slot * columns_ * g.gradient_stride();
  step.d_slots_operand = takes_bfloat16(setup_.kind) ? scratch_.operand : nullptr;
  step.d_slots_stride = g.gradient_stride();
  step.d_slots_operand_stride = g.gradient_stride();
  step.padded_units = g.padded;
  step.d_bias = gradients_.d_bias;
  step.clip = setup_.problem.forward_clip;
  step.is_by_lines = is_by_lines_;
  step.streams_d_wx = streams_d_wx_;
  return step;
}

template <typename Real>
void BackwardTile<Real>::list_ahead(const BackwardStep& step, const ToNext& to_next, int64_t first,
                                    int64_t end, Ahead& ahead) const {
  const Geometry& g = setup_.geometry;
  const auto size = static_cast<int64_t>(dtype_size(setup_.problem.dtype));
  const auto add = [&](const View& view, int64_t offset, int64_t v, int64_t item) {
    if (offset == 0) return;
    const int64_t at = offset + v * g.lanes * view.unit_stride + item * view.item_stride;
    ahead.add(static_cast<const std::byte*>(view.data) + at * size, view.column_stride * size);
  };
  for (int64_t v = first; v < end; ++v) {
    if (v * g.lanes * size % kLineBytes != 0) continue;
    add(step.d_h, to_next.d_h, v, 0);
    add(step.h, to_next.h, v, 0);
    for (int64_t input = 0; input < setup_.problem.cell->input_gates; ++input)
      add(step.d_wx, to_next.d_wx, v, input);
  }
}

template <typename Real>
void BackwardTile<Real>::list_saved(int64_t i, int64_t block, Ahead& ahead) const {
  if (!is_by_lines_ || i == 0) return;
  const Geometry& g = setup_.geometry;
  const int64_t step_elements = columns_ * g.padded;
  const int64_t t = steps_.time_of(i - 1);
  // Of the first line's vectors, dealt out among the blocks.
  const int64_t blocks = divide_up(g.vectors, g.block_rows);
  int64_t next = 0;
  const auto add = [&](const std::byte* values, int64_t count) {
    const int64_t column_bytes = count * g.lanes * setup_.real_size();
    for (int64_t v = 0; v < g.line_vectors; ++v) {
      for (int64_t line = 0; line < column_bytes; line += kLineBytes) {
        if (next++ % blocks == block)
          ahead.add(values + v * columns_ * column_bytes + line, column_bytes);
      }
    }
  };
  add(saved_.values + t * step_elements * g.saved * setup_.real_size(), g.saved);
  if (i == 1) return;
  const int64_t t_before = steps_.time_of(i - 2);
  add(reinterpret_cast<const std::byte*>(saved_.kept + t_before * step_elements * g.kept), g.kept);
}

template <typename Real>
void BackwardTile<Real>::multiply(const BackwardStep& step, const ToNext& to_next, int64_t i) {
  const Geometry& g = setup_.geometry;
  Product p;
  p.x_column_stride = g.gradient_stride();
  p.x_depth_stride = 1;
  p.sum_row_stride = columns_ * g.lanes;
  p.sum_column_stride = g.lanes;
  p.columns = columns_;
  const auto* x =
      takes_bfloat16(setup_.kind) ? scratch_.operand : static_cast<const std::byte*>(step.d_slots);
  for (int64_t first = 0; first < g.vectors; first += g.block_rows) {
    p.row_vectors = std::min(g.block_rows, g.vectors - first);
    p.panel_stride = p.row_vectors * g.lanes;
    p.sum = scratch_.sums + first * columns_ * g.lanes;
    const std::byte* panel = panels_ + first * g.lanes * g.gradient_depth * setup_.operand_size();
    Ahead ahead;
    list_ahead(step, to_next, first, first + p.row_vectors, ahead);
    list_saved(i, first / g.block_rows, ahead);
    for (int64_t k = 0; k < g.gradient_depth; k += g.gradient_block_depth) {
      p.panel = panel + k * p.panel_stride * setup_.operand_size();
      p.x = x + k * setup_.operand_size();
      p.depth = std::min(g.gradient_block_depth, g.gradient_depth - k);
      p.accumulate = k > 0;
      p.ahead = k == 0 ? &ahead : nullptr;
      setup_.product(p);
    }
  }
}

template <typename Real>
void BackwardTile<Real>::hand_to_initial(const Source* sources) {
  if (sources == nullptr) return;
  const Geometry& g = setup_.geometry;
  for (int64_t v = 0; v < g.vectors; ++v) {
    for (int64_t c = 0; c < columns_; ++c) {
      if (sources[c] != Source::kInitial) continue;
      const int64_t at = (v * columns_ + c) * g.states * g.lanes;
      for (int64_t e = at; e < at + g.states * g.lanes; ++e) {
        scratch_.d_initial[e] += scratch_.carry[e];
        scratch_.carry[e] = 0;
      }
    }
  }
}

template <typename Real>
void BackwardTile<Real>::add_weights(int64_t steps) {
  const Geometry& g = setup_.geometry;
  if (!call_.d_r) return;
  Product p;
  p.panel = scratch_.old_h;
  p.panel_stride = g.history_stride();
  p.x_column_stride = 1;
  p.x_depth_stride = g.gradient_stride();
  p.sum_row_stride = g.lanes;
  p.sum_column_stride = g.padded;
  p.row_vectors = g.vectors;
  p.columns = g.units;
  p.depth = steps * columns_;
  p.accumulate = true;
  for (int64_t gate = 0; gate < g.gates; ++gate) {
    p.x = scratch_.d_slots + gate * g.padded;
    p.sum = gradients_.d_r + gate * g.units * g.padded;
    setup_.real_product(p);
  }
}

template <typename Real>
void BackwardTile<Real>::step(int64_t i) {
  const Geometry& g = setup_.geometry;
  const int64_t t = steps_.time_of(i);
  // At the first step no column reads what lies before it; any valid address will do.
  const int64_t t_before = i > 0 ? steps_.previous(t) : t;
  Extent extent{columns_, g.units, 0, g.vectors, begin_step(i, t), nullptr, columns_};
  set_active(extent, scratch_.active);
  load_old_h(extent.sources, t_before, scratch_.old_h + slot_ * columns_ * g.history_stride());
  BackwardStep step = make_step(extent, t, t_before, slot_);
  ToNext to_next;
  if (i > 0) {
    if (call_.d_h) to_next.d_h = (t_before - t) * call_.d_h.stride[1];
    if (call_.d_wx && !streams_d_wx_) to_next.d_wx = (t_before - t) * call_.d_wx.stride[1];
  }
  // The step before begins by reading what h was before it.
  if (i > 1) to_next.h = 2 * (t_before - t) * call_.h.stride[1];
  // The products of bfloat16 do not fetch.
  const bool product_fetches = setup_.kind == ProductKind::kFma;
  if (!product_fetches) step.to_next = to_next;
  setup_.cell->backward[setup_.dtype_index()](step);
  CarryStep carry{extent, nullptr, scratch_.carry, setup_.problem.recurrent_gradient_clip};
  if (!setup_.problem.cut_recurrent_gradient) {
    multiply(step, product_fetches ? to_next : ToNext{}, i);
    carry.sums = scratch_.sums;
  }
  setup_.cell->carry[setup_.dtype_index()](carry);
  hand_to_initial(extent.sources);
  if (++slot_ == g.chunk_steps || i == 0) {
    add_weights(slot_);
    slot_ = 0;
  }
}

template <typename Real>
void BackwardTile<Real>::finish() {
  const Geometry& g = setup_.geometry;
  if (call_.d_initial_states) {
    store_states<Real>(g, call_.d_initial_states, head_, b0_, columns_, scratch_.carry,
                       scratch_.d_initial);
  }
}

template struct BackwardScratch<float>;
template struct BackwardScratch<double>;
template class BackwardTile<float>;
template class BackwardTile<double>;

}  // namespace flashrnn::simd
