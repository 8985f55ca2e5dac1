// SPDX-License-Identifier: Apache-2.0
// What a CTA's mover moves: which rows and which saved memory, forward and backward.
#pragma once

#include "cuda/fused/kept_pair.cuh"
#include "cuda/fused/mover.cuh"
#include "cuda/fused/saved_place.cuh"

namespace flashrnn::cuda {

using gpu::BackwardParams;
using gpu::ForwardParams;

// Octets of units that a head's saved memory has, whole blocks, of the `units` from u0 on.
__device__ __forceinline__ int octets_at(const gpu::Shape& shape, int u0, int units) {
  const int all = (shape.units + gpu::kBlockUnits - 1) / gpu::kBlockUnits * (gpu::kBlockUnits / 8);
  return max(0, min(units / 8, all - u0 / 8));
}

// Whether row r of a batch tile is of a sequence that the batch has.
template <int Columns>
__device__ __forceinline__ bool is_in_batch(const gpu::Shape& shape, const Place& at, int r) {
  return at.b0 + r % Columns * gpu::sequence_step(Columns) < shape.batch;
}

// Row r of a batch tile's inputs at the first step, from the head's first unit on.
template <int Columns>
__device__ __forceinline__ char* input_row(const ForwardParams& p, const Place& at, int r) {
  const View& v = p.wx;
  const int t = p.shape.is_reverse ? p.shape.time - 1 : 0,
            gate = min(r / Columns, Cell::kInputs - 1),
            b = min(at.b0 + r % Columns * gpu::sequence_step(Columns), p.shape.batch - 1);
  return static_cast<char*>(v.data) +
         2 * (b * v.stride[0] + t * v.stride[1] + gate * v.stride[2] + at.n * v.stride[3]);
}

// `rank`: of the `ranks` CTAs that have the batch tile.
template <int Units, int Columns, bool PrefetchesInputs>
__device__ __forceinline__ void set_up(Mover<false, Units, Columns, PrefetchesInputs>& m,
                                       const ForwardParams& p, const Place& at, int rank, int ranks,
                                       int lane) {
  using M = Mover<false, Units, Columns, PrefetchesInputs>;
  constexpr gpu::StageShape in = M::kIn, out = M::kOut;
  const int sign = p.shape.is_reverse ? -1 : 1, t = p.shape.is_reverse ? p.shape.time - 1 : 0,
            last = p.shape.batch - 1;
#pragma unroll
  for (int k = 0; k < M::InRows::kOfLane; ++k) {
    const int r = M::InRows::row(lane, k), u = M::InRows::unit(lane, k);
    m.in.is_there[k] = r < in.rows() && at.u0 + u < p.shape.units;
    m.in.at[k] = input_row<Columns>(p, at, r) + 2 * (at.u0 + u);
    m.in.step[k] = 2 * sign * p.wx.stride[1];
    m.in.place[k] = in.rows_at() + r * gpu::row_bytes(Units) + u * 2;
  }
  if constexpr (PrefetchesInputs) {
    const int r = rank + lane * ranks;
    const bool is_row = r < in.rows() && is_in_batch<Columns>(p.shape, at, r);
    m.ahead = RowAhead{input_row<Columns>(p, at, r), 2 * sign * p.wx.stride[1],
                       p.shape.units / 8 * 16u, is_row ? p.shape.time : 0};
  }
#pragma unroll
  for (int k = 0; k < M::OutRows::kOfLane; ++k) {
    const int r = M::OutRows::row(lane, k), u = M::OutRows::unit(lane, k),
              b = at.b0 + r * gpu::sequence_step(Columns);
    m.out.is_there[k] =
        r < out.rows() && b <= last && at.u0 + u < p.shape.units && p.h.data != nullptr;
    m.out.at[k] =
        static_cast<char*>(p.h.data) +
        2 * (min(b, last) * p.h.stride[0] + t * p.h.stride[1] + at.n * p.h.stride[2] + at.u0 + u);
    m.out.step[k] = 2 * sign * p.h.stride[1];
    m.out.place[k] = out.rows_at() + min(r, out.rows() - 1) * gpu::row_bytes(Units) + u * 2;
  }
  m.blocks = blocks_of_tile<Columns>(p.shape, at.b0);
  const SavedPlace saved(p.shape, at, 0);
  m.octets = octets_at(p.shape, at.u0, Units);
  m.has_saved = p.saved != nullptr && m.octets > 0;
  m.values_in = m.kept_in = nullptr;
  m.values_out = static_cast<char*>(p.saved) + saved.pair * kSavedPairBytes;
  m.kept_out = static_cast<char*>(p.saved) + saved.value_bytes + saved.pair * kKeptPairBytes;
  m.values_step = saved.step_pairs * kSavedPairBytes;
  m.kept_step = saved.step_pairs * kKeptPairBytes;
  m.block_values = saved.block_pairs * kSavedPairBytes;
  m.block_kept = saved.block_pairs * kKeptPairBytes;
  m.all_kept = saved.all_pairs * kKeptPairBytes;
}

// Likewise in backward: rows of gradients of h, and behind them those of h.
template <int Columns>
__device__ __forceinline__ bool is_of_h(int r) {
  return Cell::kReadsH && r >= Columns;
}
template <int Columns>
__device__ __forceinline__ const View& tensor_of_row(const BackwardParams& p, int r) {
  return is_of_h<Columns>(r) ? p.h : p.d_h;
}
template <int Columns>
__device__ __forceinline__ char* input_row(const BackwardParams& p, const Place& at, int r) {
  const View& v = tensor_of_row<Columns>(p, r);
  const int sign = p.shape.is_reverse ? -1 : 1, first = p.shape.is_reverse ? 0 : p.shape.time - 1,
            t = is_of_h<Columns>(r) ? first - sign : first,
            b = min(at.b0 + r % Columns * gpu::sequence_step(Columns), p.shape.batch - 1);
  return static_cast<char*>(v.data) + 2 * (b * v.stride[0] + t * v.stride[1] + at.n * v.stride[2]);
}

// Step i of the mover is step T - 1 - i; kept states and h come from the step before that.
template <int Units, int Columns, bool PrefetchesInputs>
__device__ __forceinline__ void set_up(Mover<true, Units, Columns, PrefetchesInputs>& m,
                                       const BackwardParams& p, const Place& at, int rank,
                                       int ranks, int lane) {
  using M = Mover<true, Units, Columns, PrefetchesInputs>;
  constexpr gpu::StageShape in = M::kIn, out = M::kOut;
  const int sign = p.shape.is_reverse ? -1 : 1, t = p.shape.is_reverse ? 0 : p.shape.time - 1,
            last = p.shape.batch - 1;
#pragma unroll
  for (int k = 0; k < M::InRows::kOfLane; ++k) {
    const int r = M::InRows::row(lane, k), u = M::InRows::unit(lane, k);
    const View& v = tensor_of_row<Columns>(p, r);
    m.in.is_there[k] = r < in.rows() && at.u0 + u < p.shape.units && v.data != nullptr;
    m.in.at[k] = input_row<Columns>(p, at, r) + 2 * (at.u0 + u);
    m.in.step[k] = -2 * sign * v.stride[1];
    m.in.place[k] = in.rows_at() + r * gpu::row_bytes(Units) + u * 2;
  }
  if constexpr (PrefetchesInputs) {
    const int r = rank + lane * ranks;
    const bool is_row = r < in.rows() && is_in_batch<Columns>(p.shape, at, r);
    const View& v = tensor_of_row<Columns>(p, r);
    m.ahead =
        RowAhead{input_row<Columns>(p, at, r), -2 * sign * v.stride[1], p.shape.units / 8 * 16u,
                 is_row && v.data != nullptr ? p.shape.time - is_of_h<Columns>(r) : 0};
  }
#pragma unroll
  for (int k = 0; k < M::OutRows::kOfLane; ++k) {
    const int r = M::OutRows::row(lane, k), u = M::OutRows::unit(lane, k),
              slot = min(r / Columns, Cell::kSlots - 1),
              b = at.b0 + r % Columns * gpu::sequence_step(Columns);
    const View* v = &p.slot_gradient[0];
#pragma unroll
    for (int s = 1; s < Cell::kSlots; ++s) {
      if (slot == s) v = &p.slot_gradient[s];
    }
    m.out.is_there[k] = r < out.rows() && b <= last && at.u0 + u < p.shape.units;
    m.out.at[k] =
        static_cast<char*>(v->data) +
        2 * (min(b, last) * v->stride[0] + t * v->stride[1] + at.n * v->stride[2] + at.u0 + u);
    m.out.step[k] = -2 * sign * v->stride[1];
    m.out.place[k] = out.rows_at() + min(r, out.rows() - 1) * gpu::row_bytes(Units) + u * 2;
  }
  m.blocks = blocks_of_tile<Columns>(p.shape, at.b0);
  const SavedPlace saved(p.shape, at, p.shape.time - 1);
  m.values_in = static_cast<const char*>(p.saved) + saved.pair * kSavedPairBytes;
  m.kept_in = static_cast<const char*>(p.saved) + saved.value_bytes +
              (saved.pair - saved.step_pairs) * kKeptPairBytes;
  m.values_out = m.kept_out = nullptr;
  m.octets = octets_at(p.shape, at.u0, Units);
  m.has_saved = false;
  m.values_step = -saved.step_pairs * kSavedPairBytes;
  m.kept_step = -saved.step_pairs * kKeptPairBytes;
  m.block_values = saved.block_pairs * kSavedPairBytes;
  m.block_kept = saved.block_pairs * kKeptPairBytes;
  m.all_kept = saved.all_pairs * kKeptPairBytes;
}

}  // namespace flashrnn::cuda
