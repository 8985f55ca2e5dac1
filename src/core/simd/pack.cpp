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
  DType dtype;
  void operator()(int64_t at, Real value) const { panel[at] = rounded_to(dtype, value); }
};

struct Bfloat16Writer {
  uint16_t* panel;
  void operator()(int64_t at, float value) const { panel[at] = to_bfloat16(value); }
};

template <typename Load, typename Write>
void pack_forward_panels(const Geometry& g, const PanelOrder& whole, const Tensor& r, int64_t head,
                         const Load& load_r, Write write) {
  for (int64_t group = 0; group < g.groups; ++group) {
    const int64_t first = group * g.group_vectors;
    const int64_t in_group = std::min(g.group_vectors, g.vectors - first);
    const PanelOrder order{in_group * g.gates, g.lanes, whole.is_paired};
    const int64_t base = first * g.gates * g.lanes * g.depth;
    for (int64_t row = 0; row < order.rows; ++row) {
      const int64_t gate = row % g.gates;
      const int64_t first_unit = (first + row / g.gates) * g.lanes;
      const int64_t units = std::clamp<int64_t>(g.units - first_unit, 0, g.lanes);
      const int64_t from = gate * r.stride[0] + head * r.stride[1] + first_unit * r.stride[2];
      // Lanes innermost: as many rows of R are read side by side, and what is written is whole
      // lines.
      for (int64_t k = 0; k < g.depth; ++k) {
        const int64_t filled = k < g.units ? units : 0;
        for (int64_t lane = 0; lane < filled; ++lane) {
          write(base + order.at(row, lane, k), load_r(from + lane * r.stride[2] + k * r.stride[3]));
        }
        for (int64_t lane = filled; lane < g.lanes; ++lane) write(base + order.at(row, lane, k), 0);
      }
    }
  }
}

template <typename Load, typename Write>
void pack_backward_panels(const Geometry& g, const PanelOrder& whole, const Tensor& r, int64_t head,
                          const Load& load_r, Write write) {
  for (int64_t first = 0; first < g.vectors; first += kPanelRows) {
    const PanelOrder order{std::min(kPanelRows, g.vectors - first), g.lanes, whole.is_paired};
    const int64_t base = first * g.lanes * g.gradient_depth;
    for (int64_t k = 0; k < g.gradient_depth; ++k) {
      const int64_t gate = k / g.padded;
      const int64_t out_unit = k % g.padded;
      const bool is_row = gate < g.gates && out_unit < g.units;
      const int64_t from = gate * r.stride[0] + head * r.stride[1] + out_unit * r.stride[2];
      for (int64_t row = 0; row < order.rows; ++row) {
        for (int64_t lane = 0; lane < g.lanes; ++lane) {
          const int64_t unit = (first + row) * g.lanes + lane;
          const bool is_element = is_row && unit < g.units;
          write(base + order.at(row, lane, k), is_element ? load_r(from + unit * r.stride[3]) : 0);
        }
      }
    }
  }
}

// Resolves the types of source and panel once, then packs.
template <typename Pack>
void with_types(ProductKind kind, DType dtype, const Tensor& r, std::byte* panels,
                const Pack& pack) {
  if (dtype == DType::kFloat64) {
    with_loader<double>(r, [&](auto load_r) {
      pack(load_r, RealWriter<double>{reinterpret_cast<double*>(panels), dtype});
    });
  } else if (takes_bfloat16(kind)) {
    with_loader<float>(
        r, [&](auto load_r) { pack(load_r, Bfloat16Writer{reinterpret_cast<uint16_t*>(panels)}); });
  } else {
    with_loader<float>(r, [&](auto load_r) {
      pack(load_r, RealWriter<float>{reinterpret_cast<float*>(panels), dtype});
    });
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

void pack_forward(const Geometry& g, ProductKind kind, DType dtype, const Tensor& r, int64_t head,
                  std::byte* panels) {
  const PanelOrder order{0, g.lanes, takes_bfloat16(kind)};
  with_types(kind, dtype, r, panels, [&](auto load_r, auto write) {
    pack_forward_panels(g, order, r, head, load_r, write);
  });
}

void pack_backward(const Geometry& g, ProductKind kind, DType dtype, const Tensor& r, int64_t head,
                   std::byte* panels) {
  const PanelOrder order{0, g.lanes, takes_bfloat16(kind)};
  with_types(kind, dtype, r, panels, [&](auto load_r, auto write) {
    pack_backward_panels(g, order, r, head, load_r, write);
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
