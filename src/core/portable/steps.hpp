// SPDX-License-Identifier: Apache-2.0
// The order of steps and what each sequence does at one, for forward and backward alike.
#pragma once

#include <Kokkos_Core.hpp>
#include <cstdint>

#include "backend/backend.hpp"
#include "core/portable/scalar.hpp"
#include "core/source.hpp"

namespace flashrnn::portable {

struct Shape {
  int64_t batch, time, heads, units;
  int64_t batch_tile, tiles;  // tiles of the batch
  DType dtype;
  bool is_reverse;
  double forward_clip, recurrent_gradient_clip;
  bool cut_recurrent_gradient;
};

struct Steps {
  Shape shape;
  Tensor lengths, resets;

  // The time index of the i-th step in the order of processing.
  KOKKOS_INLINE_FUNCTION int64_t time_of(int64_t i) const {
    return shape.is_reverse ? shape.time - 1 - i : i;
  }
  KOKKOS_INLINE_FUNCTION int64_t previous(int64_t t) const {
    return shape.is_reverse ? t + 1 : t - 1;
  }

  KOKKOS_INLINE_FUNCTION Source source(int64_t b, int64_t t) const {
    int64_t length = shape.time;
    if (lengths.data != nullptr) {
      const int64_t at = b * lengths.stride[0];
      length = lengths.dtype == DType::kInt64 ? reinterpret_cast<const int64_t*>(lengths.data)[at]
                                              : reinterpret_cast<const int32_t*>(lengths.data)[at];
    }
    if (t >= length) return Source::kNone;
    if (t == (shape.is_reverse ? length - 1 : 0)) return Source::kInitial;
    if (resets.data != nullptr &&
        reinterpret_cast<const uint8_t*>(
            resets.data)[t * resets.stride[0] + b * resets.stride[1]] != 0) {
      return Source::kInitial;
    }
    return Source::kPrevious;
  }
};

// Element of a tensor [S, B, N, D], zero where it is absent.
template <typename Real>
KOKKOS_INLINE_FUNCTION Real state_at(const Tensor& tensor, int64_t s, int64_t b, int64_t n,
                                     int64_t u) {
  if (tensor.data == nullptr) return Real(0);
  return load<Real>(
      tensor.data, tensor.dtype,
      s * tensor.stride[0] + b * tensor.stride[1] + n * tensor.stride[2] + u * tensor.stride[3]);
}

// Offset in a tensor [B, T, N, D].
KOKKOS_INLINE_FUNCTION int64_t sequence_offset(const Tensor& tensor, int64_t b, int64_t t,
                                               int64_t n, int64_t u) {
  return b * tensor.stride[0] + t * tensor.stride[1] + n * tensor.stride[2] + u * tensor.stride[3];
}

// Offset in a tensor [X, B, T, N, D] or [B, T, X, N, D] with the strides named.
KOKKOS_INLINE_FUNCTION int64_t offset5(int64_t x, int64_t x_stride, int64_t b, int64_t b_stride,
                                       int64_t t, int64_t t_stride, const Tensor& tensor, int64_t n,
                                       int64_t u) {
  return x * x_stride + b * b_stride + t * t_stride + n * tensor.stride[3] + u * tensor.stride[4];
}

KOKKOS_INLINE_FUNCTION int64_t state_sequence_offset(const Tensor& tensor, int64_t s, int64_t b,
                                                     int64_t t, int64_t n, int64_t u) {
  return offset5(s, tensor.stride[0], b, tensor.stride[1], t, tensor.stride[2], tensor, n, u);
}

KOKKOS_INLINE_FUNCTION int64_t projection_offset(const Tensor& tensor, int64_t b, int64_t t,
                                                 int64_t g, int64_t n, int64_t u) {
  return offset5(g, tensor.stride[2], b, tensor.stride[0], t, tensor.stride[1], tensor, n, u);
}

// What forward saves for backward: the element's values in the problem's dtype, then the kept
// states as Real, both [N, B, T, count, D].
template <typename Real>
struct SavedMemory {
  std::byte* values = nullptr;
  Real* kept = nullptr;

  KOKKOS_INLINE_FUNCTION static int64_t at(const Shape& s, int count, int64_t n, int64_t b,
                                           int64_t t, int k, int64_t u) {
    return (((n * s.batch + b) * s.time + t) * count + k) * s.units + u;
  }
};

}  // namespace flashrnn::portable
