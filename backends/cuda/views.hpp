// SPDX-License-Identifier: Apache-2.0
// The checked tensors of a call as what kernels take.
#pragma once

#include <algorithm>

#include "backend/backend.hpp"
#include "gpu/params.hpp"

namespace flashrnn::cuda {

inline gpu::View view_of(const Tensor& tensor) {
  gpu::View view{};
  view.data = tensor.data;
  std::copy(tensor.stride.begin(), tensor.stride.end(), view.stride);
  view.dtype = static_cast<int>(tensor.dtype);
  return view;
}

inline gpu::Shape shape_of(const Problem& p) {
  gpu::Shape shape{};
  shape.batch = static_cast<int>(p.batch);
  shape.time = static_cast<int>(p.time);
  shape.heads = static_cast<int>(p.heads);
  shape.units = static_cast<int>(p.head_dim);
  shape.dtype = static_cast<int>(p.dtype);
  shape.is_reverse = p.reverse ? 1 : 0;
  shape.cut_recurrent_gradient = p.cut_recurrent_gradient ? 1 : 0;
  shape.forward_clip = static_cast<float>(p.forward_clip);
  shape.recurrent_gradient_clip = static_cast<float>(p.recurrent_gradient_clip);
  return shape;
}

// One gate of d_wx [B, T, Gi, N, D] as [B, T, N, D].
inline gpu::View gate_of(const Tensor& d_wx, int gate) {
  gpu::View view{};
  view.data = d_wx.data + d_wx.stride[2] * gate * static_cast<int64_t>(dtype_size(d_wx.dtype));
  view.stride[0] = d_wx.stride[0];
  view.stride[1] = d_wx.stride[1];
  view.stride[2] = d_wx.stride[3];
  view.stride[3] = d_wx.stride[4];
  view.dtype = static_cast<int>(d_wx.dtype);
  return view;
}

// The rule of BackwardParams.slot_gradient. Strides of axes with one element do not count, and are
// made to keep the rule.
inline bool keeps_slot_rule(gpu::View& view, const gpu::Shape& shape) {
  constexpr gpu::Index kElements = 8;
  constexpr uintptr_t kBytes = 16;
  if (shape.batch <= 1) view.stride[0] = 0;
  if (shape.time <= 1) view.stride[1] = 0;
  if (shape.heads <= 1) view.stride[2] = 0;
  if (shape.units <= 1) view.stride[3] = 1;
  return view.stride[0] % kElements == 0 && view.stride[1] % kElements == 0 &&
         view.stride[2] % kElements == 0 && view.stride[3] == 1 &&
         reinterpret_cast<uintptr_t>(view.data) % kBytes == 0;
}

// Gives `views` the gates of d_wx that the cell's slots have, where all of them keep the rule.
// Kernels step through slots that have an input gate with one offset, so these stand either all in
// d_wx or all elsewhere: a gate alone may be aligned where its neighbour is not.
inline bool take_in_place(const Tensor& d_wx, const CellTraits& cell, const gpu::Shape& shape,
                          gpu::View* views) {
  if (!d_wx) return false;
  std::array<gpu::View, kMaxSlots> gates{};
  for (size_t slot = 0; slot < static_cast<size_t>(cell.slots); ++slot) {
    if (cell.input_of_slot[slot] < 0) continue;
    gates[slot] = gate_of(d_wx, cell.input_of_slot[slot]);
    if (!keeps_slot_rule(gates[slot], shape)) return false;
  }
  for (size_t slot = 0; slot < static_cast<size_t>(cell.slots); ++slot) {
    if (cell.input_of_slot[slot] >= 0) views[slot] = gates[slot];
  }
  return true;
}

// A packed [B, T, N, D] that keeps the rule: heads begin at multiples of 8 elements.
inline gpu::View slot_view(void* data, const gpu::Shape& shape) {
  const gpu::Index units = (gpu::Index{shape.units} + 7) / 8 * 8;
  gpu::View view{};
  view.data = data;
  view.stride[3] = 1;
  view.stride[2] = units;
  view.stride[1] = units * shape.heads;
  view.stride[0] = units * shape.heads * shape.time;
  view.dtype = shape.dtype;
  return view;
}

inline int64_t slot_bytes(const gpu::Shape& shape) {
  return int64_t{shape.batch} * slot_view(nullptr, shape).stride[0] *
         static_cast<int64_t>(dtype_size(static_cast<DType>(shape.dtype)));
}

}  // namespace flashrnn::cuda
