// SPDX-License-Identifier: Apache-2.0
// All that a plan of the vector kernel fixes, and views of a call's tensors at one tile and step.
#pragma once

#include <array>

#include "backend/backend.hpp"
#include "core/portable/steps.hpp"
#include "core/simd/cell_kernels.hpp"
#include "core/simd/geometry.hpp"
#include "core/simd/product_kind.hpp"
#include "core/simd/rows.hpp"
#include "plan/problem.hpp"

namespace flashrnn::simd {

// What belongs to a recurrent gate: its slot, the input gate that this slot adds (-1: none), and
// the input gate whose next values are fetched during the gate's product. That is its own or else
// one whose slot has no product.
struct GateOfProduct {
  int slot = 0;
  int input = -1;
  int fetched = -1;
};

struct Setup {
  Problem problem;
  Geometry geometry;
  int64_t target = 0;  // one of Highway's
  ProductKind kind = ProductKind::kFma;
  ProductFunction product = nullptr;       // of h and R, in the operand's type
  ProductFunction real_product = nullptr;  // of reals, for the weights' gradients
  const CellKernels* cell = nullptr;
  std::array<GateOfProduct, kMaxSlots> gates;
  const RowKernels* rows = nullptr;
  // Whether what a whole call writes goes past the caches: it would not stay there, and its lines
  // need not be read first.
  bool streams_saved = false;
  bool streams_d_wx = false;
  bool fetches_panels = false;  // a head's do not stay in L2

  int64_t real_size() const { return problem.double_precision() ? 8 : 4; }
  int64_t operand_size() const { return takes_bfloat16(kind) ? 2 : real_size(); }
  // Position of the problem's dtype in the tables of kernels.
  size_t dtype_index() const { return static_cast<size_t>(problem.dtype) - 1; }

  portable::Steps steps(const Tensor& lengths, const Tensor& resets) const {
    portable::Shape shape{};
    shape.batch = geometry.batch;
    shape.time = geometry.time;
    shape.is_reverse = problem.reverse;
    return {shape, lengths, resets};
  }
};

// Lists the columns that do something at this step, where not all do.
inline void set_active(Extent& extent, uint8_t* list) {
  if (extent.sources == nullptr) return;
  int64_t count = 0;
  for (int64_t c = 0; c < extent.columns; ++c) {
    if (extent.sources[c] != Source::kNone) list[count++] = static_cast<uint8_t>(c);
  }
  if (count == extent.columns) return;
  extent.active = list;
  extent.active_count = count;
}

// Of a tensor [B, T, N, D].
inline View sequence_view(const Tensor& tensor, int64_t b, int64_t t, int64_t n) {
  if (!tensor) return {};
  const int64_t at = b * tensor.stride[0] + t * tensor.stride[1] + n * tensor.stride[2];
  return {tensor.data + at * static_cast<int64_t>(dtype_size(tensor.dtype)), tensor.stride[0], 0,
          tensor.stride[3]};
}

// Of a tensor [B, T, G, N, D].
inline View projection_view(const Tensor& tensor, int64_t b, int64_t t, int64_t n) {
  if (!tensor) return {};
  const int64_t at = b * tensor.stride[0] + t * tensor.stride[1] + n * tensor.stride[3];
  return {tensor.data + at * static_cast<int64_t>(dtype_size(tensor.dtype)), tensor.stride[0],
          tensor.stride[2], tensor.stride[4]};
}

// Of a tensor [S, B, T, N, D].
inline View states_view(const Tensor& tensor, int64_t b, int64_t t, int64_t n) {
  if (!tensor) return {};
  const int64_t at = b * tensor.stride[1] + t * tensor.stride[2] + n * tensor.stride[3];
  return {tensor.data + at * static_cast<int64_t>(dtype_size(tensor.dtype)), tensor.stride[1],
          tensor.stride[0], tensor.stride[4]};
}

// Whether the lines of a tensor's rows are the cache's: every row, of units side by side, begins
// with one.
inline bool is_in_lines(const Tensor& tensor, int rank) {
  const auto size = static_cast<int64_t>(dtype_size(tensor.dtype));
  bool is = reinterpret_cast<uintptr_t>(tensor.data) % kLineBytes == 0;
  for (int axis = 0; axis + 1 < rank; ++axis)
    is = is && tensor.stride[static_cast<size_t>(axis)] * size % kLineBytes == 0;
  return is && tensor.stride[static_cast<size_t>(rank - 1)] == 1;
}

// A tile's states from a tensor [S, B, N, D] into blocks [vector][column][S][lanes], zero past the
// units or where absent.
template <typename Real>
void load_states(const Geometry& g, const Tensor& tensor, int64_t n, int64_t b0, int64_t columns,
                 Real* out) {
  for (int64_t v = 0; v < g.vectors; ++v) {
    for (int64_t c = 0; c < columns; ++c) {
      for (int64_t s = 0; s < g.states; ++s) {
        for (int64_t lane = 0; lane < g.lanes; ++lane) {
          const int64_t unit = v * g.lanes + lane;
          *out++ = unit < g.units ? portable::state_at<Real>(tensor, s, b0 + c, n, unit) : Real(0);
        }
      }
    }
  }
}

// The way back; `extra`, where given, is added.
template <typename Real>
void store_states(const Geometry& g, const Tensor& tensor, int64_t n, int64_t b0, int64_t columns,
                  const Real* blocks, const Real* extra) {
  for (int64_t v = 0; v < g.vectors; ++v) {
    for (int64_t c = 0; c < columns; ++c) {
      for (int64_t s = 0; s < g.states; ++s) {
        const int64_t at = ((v * columns + c) * g.states + s) * g.lanes;
        const int64_t to =
            s * tensor.stride[0] + (b0 + c) * tensor.stride[1] + n * tensor.stride[2];
        for (int64_t lane = 0; lane < g.lanes && v * g.lanes + lane < g.units; ++lane) {
          const Real value = blocks[at + lane] + (extra == nullptr ? Real(0) : extra[at + lane]);
          portable::store(tensor.data, tensor.dtype, to + (v * g.lanes + lane) * tensor.stride[3],
                          value);
        }
      }
    }
  }
}

}  // namespace flashrnn::simd
