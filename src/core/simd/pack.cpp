// SPDX-License-Identifier: Apache-2.0
#include "core/simd/pack.hpp"

#include <algorithm>

#include "core/elements.hpp"

namespace flashrnn::simd {

namespace {

// Where element (row vector, lane, k) of a panel of `rows` row vectors stands: k by k, or by pairs
// of k.
struct PanelOrder {
  int64_t rows, lanes;
  bool is_paired;

  int64_t at(int64_t row, int64_t lane, int64_t k) const {
    if (is_paired) return ((k / 2 * rows + row) * lanes + lane) * 2 + k % 2;
    return (k * rows + row) * lanes + lane;
  }
};

template <typename Real>
struct RealWriter {
  Real* panel;
  void operator()(int64_t at, Real value) const { panel[at] = value; }
};

// Where R's dtype is wider than the problem's.
template <typename Real>
struct RoundingWriter {
  Real* panel;
  DType dtype;
  void operator()(int64_t at, Real value) const { panel[at] = rounded_to(dtype, value); }
};

struct Bfloat16Writer {
  uint16_t* panel;
  void operator()(int64_t at, float value) const { panel[at] = to_bfloat16(value); }
};

// Whether R's rows are those of a float32 panel but for their order.
bool may_transpose(const Geometry& g, ProductKind kind, DType dtype, const Tensor& r) {
  return kind == ProductKind::kFma && dtype == DType::kFloat32 && r.dtype == dtype &&
         r.stride[3] == 1 && g.units % 4 == 0;
}

// By itself, so that its few variables get registers.
template <typename Load, typename Write>
[[gnu::noinline]] void copy_spaced(Load load_r, int64_t from, int64_t from_stride, Write write,
                                   int64_t to, int64_t to_stride, int64_t count) {
  for (int64_t i = 0; i < count; ++i) write(to + i * to_stride, load_r(from + i * from_stride));
}

// Depth that is packed at a time: the lines of R that are read and those of the panel that are
// written stay in L1 until they are done with.
constexpr int64_t kPackedDepth = 64;

template <typename Load, typename Write>
void pack_forward_panels(const Geometry& g, bool is_paired, const Tensor& r, int64_t head,
                         const Load& load_r, Write write) {
  for (int64_t group = 0; group < g.groups; ++group) {
    const int64_t first = group * g.group_vectors;
    const int64_t in_group = std::min(g.group_vectors, g.vectors - first);
    const int64_t rows = in_group * g.gates;
    for (int64_t block = 0; block < rows; block += g.block_rows) {
      const PanelOrder order{std::min(g.block_rows, rows - block), g.lanes, is_paired};
      const int64_t base = (first * g.gates + block) * g.lanes * g.depth;
      for (int64_t begin = 0; begin < g.depth; begin += kPackedDepth) {
        const int64_t end = std::min(begin + kPackedDepth, g.depth);
        for (int64_t i = 0; i < order.rows * g.lanes; ++i) {
          const int64_t row = block + i / g.lanes;
          const int64_t lane = i % g.lanes;
          const int64_t unit = (first + row % in_group) * g.lanes + lane;
          const int64_t from =
              row / in_group * r.stride[0] + head * r.stride[1] + unit * r.stride[2];
          const int64_t filled = unit < g.units ? std::clamp(g.units, begin, end) : begin;
          // Even and odd depths apart, where they are paired: evenly spaced either way.
          const int64_t every = is_paired ? 2 : 1;
          for (int64_t k = begin; k < begin + every; ++k) {
            const int64_t to = base + order.at(row - block, lane, k);
            copy_spaced(load_r, from + k * r.stride[3], every * r.stride[3], write, to,
                        order.rows * g.lanes * every, divide_up(filled - k, every));
          }
          for (int64_t k = filled; k < end; ++k) write(base + order.at(row - block, lane, k), 0);
        }
      }
    }
  }
}

// The same where may_transpose().
void transpose_forward_panels(const Geometry& g, const RowKernels& kernels, const Tensor& r,
                              int64_t head, float* panel) {
  const auto* data = reinterpret_cast<const float*>(r.data) + head * r.stride[1];
  for (int64_t first = 0; first < g.vectors; first += g.group_vectors) {
    const int64_t in_group = std::min(g.group_vectors, g.vectors - first);
    const int64_t rows = in_group * g.gates;
    for (int64_t block = 0; block < rows; block += g.block_rows) {
      const int64_t width = std::min(g.block_rows, rows - block) * g.lanes;
      float* to = panel + (first * g.gates + block) * g.lanes * g.depth;
      for (int64_t begin = 0; begin < g.depth; begin += kPackedDepth) {
        const int64_t end = std::min(begin + kPackedDepth, g.depth);
        for (int64_t i = 0; i < width; i += g.lanes) {
          const int64_t row = block + i / g.lanes;
          const int64_t unit = (first + row % in_group) * g.lanes;
          const float* from = data + row / in_group * r.stride[0] + unit * r.stride[2] + begin;
          const int64_t filled = std::min(g.lanes, g.units - unit);
          float* at = to + begin * width + i;
          kernels.transpose(from, r.stride[2], filled, end - begin, at, width);
          for (int64_t k = 0; filled < g.lanes && k < end - begin; ++k)
            std::fill(at + k * width + filled, at + k * width + g.lanes, 0.0f);
        }
      }
    }
  }
}

template <typename Load, typename Write>
void pack_backward_panels(const Geometry& g, bool is_paired, const Tensor& r, int64_t head,
                          const Load& load_r, Write write) {
  for (int64_t first = 0; first < g.vectors; first += g.block_rows) {
    const PanelOrder order{std::min(g.block_rows, g.vectors - first), g.lanes, is_paired};
    const int64_t base = first * g.lanes * g.gradient_depth;
    for (int64_t k = 0; k < g.gradient_depth; ++k) {
      const int64_t gate = k / g.padded;
      const int64_t out_unit = k % g.padded;
      const bool is_row = gate < g.gates && out_unit < g.units;
      const int64_t from = gate * r.stride[0] + head * r.stride[1] + out_unit * r.stride[2];
      for (int64_t row = 0; row < order.rows; ++row) {
        const int64_t begin = (first + row) * g.lanes;
        const int64_t filled = is_row ? std::clamp<int64_t>(g.units - begin, 0, g.lanes) : 0;
        for (int64_t lane = 0; lane < filled; ++lane)
          write(base + order.at(row, lane, k), load_r(from + (begin + lane) * r.stride[3]));
        for (int64_t lane = filled; lane < g.lanes; ++lane) write(base + order.at(row, lane, k), 0);
      }
    }
  }
}

// Resolves the types of source and panel once, then packs.
template <typename Real, typename Pack>
void with_writer(DType dtype, const Tensor& r, std::byte* panels, const Pack& pack) {
  auto* reals = reinterpret_cast<Real*>(panels);
  with_loader<Real>(r, [&](auto load_r) {
    if (r.dtype == dtype) {
      pack(load_r, RealWriter<Real>{reals});
    } else {
      pack(load_r, RoundingWriter<Real>{reals, dtype});
    }
  });
}

template <typename Pack>
void with_types(ProductKind kind, DType dtype, const Tensor& r, std::byte* panels,
                const Pack& pack) {
  if (dtype == DType::kFloat64) {
    with_writer<double>(dtype, r, panels, pack);
  } else if (takes_bfloat16(kind)) {
    with_loader<float>(
        r, [&](auto load_r) { pack(load_r, Bfloat16Writer{reinterpret_cast<uint16_t*>(panels)}); });
  } else {
    with_writer<float>(dtype, r, panels, pack);
  }
}

template <typename Real>
void pack_bias_as(const Geometry& g, const Tensor& bias, int64_t head, std::byte* bytes) {
  auto* out = reinterpret_cast<Real*>(bytes);
  for (int64_t i = 0; i < g.vectors * g.slots * g.lanes; ++i) {
    const int64_t unit = i / (g.slots * g.lanes) * g.lanes + i % g.lanes;
    const int64_t slot = i / g.lanes % g.slots;
    out[i] =
        !bias || unit >= g.units
            ? Real(0)
            : load<Real>(bias.data, bias.dtype,
                         slot * bias.stride[0] + head * bias.stride[1] + unit * bias.stride[2]);
  }
}

}  // namespace

int64_t forward_panel_bytes(const Geometry& g, ProductKind kind, int64_t real_size) {
  return g.gates * g.padded * g.depth * (takes_bfloat16(kind) ? 2 : real_size);
}

int64_t backward_panel_bytes(const Geometry& g, ProductKind kind, int64_t real_size) {
  return g.padded * g.gradient_depth * (takes_bfloat16(kind) ? 2 : real_size);
}

void pack_forward(const Geometry& g, const RowKernels& kernels, ProductKind kind, DType dtype,
                  const Tensor& r, int64_t head, std::byte* panels) {
  if (may_transpose(g, kind, dtype, r)) {
    transpose_forward_panels(g, kernels, r, head, reinterpret_cast<float*>(panels));
    return;
  }
  with_types(kind, dtype, r, panels, [&](auto load_r, auto write) {
    pack_forward_panels(g, takes_bfloat16(kind), r, head, load_r, write);
  });
}

void pack_backward(const Geometry& g, ProductKind kind, DType dtype, const Tensor& r, int64_t head,
                   std::byte* panels) {
  with_types(kind, dtype, r, panels, [&](auto load_r, auto write) {
    pack_backward_panels(g, takes_bfloat16(kind), r, head, load_r, write);
  });
}

void pack_bias(const Geometry& g, DType dtype, const Tensor& bias, int64_t head, std::byte* out) {
  if (dtype == DType::kFloat64) {
    pack_bias_as<double>(g, bias, head, out);
  } else {
    pack_bias_as<float>(g, bias, head, out);
  }
}

}  // namespace flashrnn::simd
