// SPDX-License-Identifier: Apache-2.0
#include "core/simd/kernel.hpp"

#include <hwy/cache_control.h>

#include <algorithm>
#include <optional>

#include "core/elements.hpp"
#include "core/layout.hpp"
#include "core/runtime.hpp"
#include "core/simd/backward.hpp"
#include "core/simd/forward.hpp"
#include "core/simd/pack.hpp"
#include "core/simd/tiles.hpp"
#include "topology/host.hpp"

namespace flashrnn {

namespace {

using namespace simd;

std::array<GateOfProduct, kMaxSlots> gates_of(const CellTraits& cell) {
  std::array<GateOfProduct, kMaxSlots> gates;
  int lone_input = -1;  // of a slot without a recurrent gate
  for (int slot = 0; slot < cell.slots; ++slot) {
    const int recurrent = cell.recurrent_of_slot[static_cast<size_t>(slot)];
    const int input = cell.input_of_slot[static_cast<size_t>(slot)];
    if (recurrent < 0) lone_input = input;
    if (recurrent >= 0) gates[static_cast<size_t>(recurrent)] = {slot, input, input};
  }
  for (GateOfProduct& gate : gates) {
    if (gate.fetched < 0) gate.fetched = std::max(lone_input, 0);
  }
  return gates;
}

// Whether so many bytes, which another call reads, are more than are found in a cache then.
bool outlives_caches(int64_t bytes) { return bytes > 4 * host_facts().l2_bytes; }

Setup make_setup(const Problem& p, const KernelConfig& config) {
  Setup setup;
  setup.problem = p;
  const InstructionSet& set = instruction_sets().at(static_cast<size_t>(config.get("isa")));
  setup.target = set.target;
  setup.kind = static_cast<ProductKind>(config.get("product"));
  setup.product = product_function(setup.kind, p.dtype, set.target);
  setup.real_product = product_function(ProductKind::kFma, p.dtype, set.target);
  setup.cell = &cell_kernels(*p.cell, set.target);
  setup.rows = &row_kernels(set.target);
  setup.gates = gates_of(*p.cell);

  Geometry& g = setup.geometry;
  g.batch = p.batch;
  g.time = p.time;
  g.heads = p.heads;
  g.units = p.head_dim;
  g.gates = p.cell->recurrent_gates;
  g.slots = p.cell->slots;
  g.states = p.cell->states;
  g.saved = p.cell->saved;
  g.kept = p.cell->kept;
  g.lanes = p.double_precision() ? set.lanes_f64 : set.lanes_f32;
  g.vectors = divide_up(g.units, g.lanes);
  g.padded = g.vectors * g.lanes;
  g.block_rows = block_rows(setup.kind, set.target);
  g.line_vectors = std::clamp<int64_t>(kLineBytes / (g.lanes * setup.real_size()), 1, g.block_rows);
  // Whole lines and, with all gates, whole blocks.
  g.group_vectors = g.line_vectors;
  while (g.group_vectors * g.gates < kGroupRows || g.group_vectors * g.gates % g.block_rows != 0)
    g.group_vectors += g.line_vectors;
  g.groups = divide_up(g.vectors, g.group_vectors);
  const int64_t unit = depth_unit(setup.kind);
  g.depth = divide_up(g.units, unit) * unit;
  g.gradient_depth = divide_up(g.gates * g.padded, unit) * unit;
  g.block_depth = setup.kind == ProductKind::kTile ? g.depth : config.get("block_depth");
  // A block's panel of so many bytes is read for each part of the columns without a loss; shorter
  // passes read and write the sums more often.
  constexpr int64_t kBlockBytes = 32768;
  const int64_t row_bytes = g.block_rows * g.lanes * setup.operand_size();
  g.gradient_block_depth = setup.kind == ProductKind::kTile
                               ? g.gradient_depth
                               : std::max(g.block_depth, kBlockBytes / row_bytes);
  g.batch_tile = config.get("batch_tile");
  g.tiles = divide_up(g.batch, g.batch_tile);
  g.head_block = config.get("head_block");
  g.backward_head_block = config.get("backward_head_block");
  g.workers = config.get("workers");
  g.shares = config.get("shares");
  g.chunk_steps = config.get("chunk_steps");
  setup.fetches_panels =
      setup.kind == ProductKind::kFma &&
      forward_panel_bytes(g, setup.kind, setup.real_size()) > host_facts().l2_bytes / 2;
  setup.streams_d_wx = outlives_caches(g.batch * g.time * g.heads * g.units * p.cell->input_gates *
                                       static_cast<int64_t>(dtype_size(p.dtype)));
  return setup;
}

// The forward workspace of all workers.
template <typename Real>
struct ForwardMemory {
  std::byte* panels;
  Real* bias;
  std::byte* scratch;
  size_t scratch_size;

  ForwardMemory(const Setup& setup, Layout& layout) {
    const Geometry& g = setup.geometry;
    panels = layout.take<std::byte>(g.heads * forward_panel_bytes(g, setup.kind, sizeof(Real)));
    bias = layout.take<Real>(g.heads * g.padded * g.slots);
    Layout one(nullptr);
    ForwardScratch<Real>(setup, one);
    scratch_size = one.size();
    scratch = layout.take<std::byte>(g.workers * g.head_block * static_cast<int64_t>(scratch_size));
  }
};

template <typename Real>
class SimdKernel final : public Kernel {
 public:
  SimdKernel(const Problem& problem, const KernelConfig& config)
      : setup_(make_setup(problem, config)), step_setup_(setup_) {
    step_setup_.geometry.time = 1;
    step_setup_.problem.reverse = false;
    name_ = "simd ";
    name_ += instruction_sets().at(static_cast<size_t>(config.get("isa"))).name;
    constexpr const char* kNames[] = {" fma", " bf16 dot", " bf16 tile"};
    name_ += kNames[static_cast<int64_t>(setup_.kind)];
    sizes_.alignment = Layout::kAlignment;
    Layout forward(nullptr);
    ForwardMemory<Real>(setup_, forward);
    sizes_.forward_workspace = sizes_.step_workspace = forward.size();
    if (problem.mode != Mode::kInference) {
      Layout backward(nullptr);
      BackwardMemory(*this, backward);
      sizes_.backward_workspace = backward.size();
    }
    if (problem.mode == Mode::kTraining) {
      Layout saved(nullptr);
      take_saved(saved, geometry().batch * geometry().heads);
      sizes_.saved = saved.size();
      setup_.streams_saved = outlives_caches(static_cast<int64_t>(saved.size()));
    }
  }

  std::string name() const override { return name_; }
  PlanSizes sizes() const override { return sizes_; }

  void forward(const ForwardCall& call) const override {
    Layout workspace(call.workspace);
    const ForwardMemory<Real> memory(setup_, workspace);
    Layout saved(call.saved);
    const SavedTile<Real> all = call.saved == nullptr
                                    ? SavedTile<Real>{}
                                    : take_saved(saved, geometry().batch * geometry().heads);
    run_forward(setup_, call, memory, all);
  }

  void step(const StepCall& call) const override {
    ForwardCall one;
    one.wx = call.wx;
    one.wx.stride = {call.wx.stride[0], 0, call.wx.stride[1], call.wx.stride[2], call.wx.stride[3]};
    one.r = call.r;
    one.bias = call.bias;
    one.initial_states = call.states;
    one.last_states = call.new_states;
    one.h = call.h;
    one.h.stride = {call.h.stride[0], 0, call.h.stride[1], call.h.stride[2], 0};
    one.weights_unchanged = call.weights_unchanged;
    Layout workspace(call.workspace);
    run_forward(step_setup_, one, ForwardMemory<Real>(setup_, workspace), {});
  }

  void backward(const BackwardCall& call) const override {
    Layout workspace(call.workspace);
    const BackwardMemory memory(*this, workspace);
    const Geometry& g = geometry();
    if (!call.weights_unchanged) pack(call, memory);
    Layout saved(const_cast<std::byte*>(call.saved));
    const bool is_recomputed = setup_.problem.mode == Mode::kRecompute;
    const SavedTile<Real> all =
        is_recomputed ? SavedTile<Real>{} : take_saved(saved, g.batch * g.heads);
    const int64_t items = divide_up(g.heads, g.backward_head_block) * g.shares;
    const int64_t workers = std::min(g.workers, items);
    run_workers(static_cast<int>(workers), [&](int worker) {
      for (int64_t item = worker; item < items; item += workers) {
        const int64_t first = item / g.shares * g.backward_head_block;
        run_share(call, memory, all, first, std::min(first + g.backward_head_block, g.heads),
                  item % g.shares, worker);
      }
    });
    run_workers(static_cast<int>(std::min(g.workers, g.heads)), [&](int worker) {
      const int64_t step = std::min(g.workers, g.heads);
      for (int64_t head = worker; head < g.heads; head += step) sum_shares(call, memory, head);
    });
  }

 private:
  struct BackwardMemory {
    std::byte* panels;
    std::byte* gradients;  // of every (head, share)
    size_t gradient_size;
    std::byte* scratch;  // of every worker
    size_t scratch_size;
    // Recompute mode: the forward pass again, with room for what one tile saves.
    std::byte* forward = nullptr;
    std::byte* saved = nullptr;
    size_t saved_size = 0;

    BackwardMemory(const SimdKernel& kernel, Layout& layout) {
      const Setup& setup = kernel.setup_;
      const Geometry& g = setup.geometry;
      panels = layout.take<std::byte>(g.heads * backward_panel_bytes(g, setup.kind, sizeof(Real)));
      Layout share(nullptr);
      WeightGradients<Real>(g, share);
      gradient_size = share.size();
      gradients = layout.take<std::byte>(g.heads * g.shares * static_cast<int64_t>(gradient_size));
      Layout one(nullptr);
      BackwardScratch<Real>(setup, one);
      scratch_size = one.size();
      scratch = layout.take<std::byte>(g.workers * g.backward_head_block *
                                       static_cast<int64_t>(scratch_size));
      if (setup.problem.mode != Mode::kRecompute) return;
      Layout again(nullptr);
      ForwardMemory<Real>(setup, again);
      forward = layout.take<std::byte>(static_cast<int64_t>(again.size()));
      Layout tile(nullptr);
      kernel.take_saved(tile, g.batch_tile);
      saved_size = tile.size();
      saved = layout.take<std::byte>(g.workers * g.backward_head_block *
                                     static_cast<int64_t>(saved_size));
    }
  };

  const Geometry& geometry() const { return setup_.geometry; }

  // Saved memory for so many sequences of one head.
  SavedTile<Real> take_saved(Layout& layout, int64_t sequences) const {
    const Geometry& g = geometry();
    const int64_t elements = sequences * g.time * g.padded;
    SavedTile<Real> saved;
    saved.values = layout.take<std::byte>(elements * g.saved *
                                          static_cast<int64_t>(dtype_size(setup_.problem.dtype)));
    saved.kept = layout.take<Real>(elements * g.kept);
    return saved;
  }

  // The part of a tile, which follows those before it.
  SavedTile<Real> saved_of(const SavedTile<Real>& all, int64_t head, int64_t tile) const {
    if (all.values == nullptr) return {};
    const Geometry& g = geometry();
    const int64_t elements = (head * g.batch + tile * g.batch_tile) * g.time * g.padded;
    return {
        all.values + elements * g.saved * static_cast<int64_t>(dtype_size(setup_.problem.dtype)),
        all.kept + elements * g.kept};
  }

  void run_forward(const Setup& setup, const ForwardCall& call, const ForwardMemory<Real>& memory,
                   const SavedTile<Real>& saved) const {
    const Geometry& g = setup.geometry;
    if (!call.weights_unchanged) pack_forward_weights(call.r, call.bias, memory);
    const int64_t items = divide_up(g.heads, g.head_block) * g.tiles;
    const int64_t workers = std::min(g.workers, items);
    run_workers(static_cast<int>(workers), [&](int worker) {
      for (int64_t item = worker; item < items; item += workers) {
        const int64_t first = item / g.tiles * g.head_block;
        const int64_t tile = item % g.tiles;
        run_forward_heads(setup, call, memory, first, std::min(first + g.head_block, g.heads), tile,
                          worker, [&](int64_t head) { return saved_of(saved, head, tile); });
      }
    });
  }

  // Steps the heads [first, end) of one batch tile together.
  template <typename SavedOf>
  void run_forward_heads(const Setup& setup, const ForwardCall& call,
                         const ForwardMemory<Real>& memory, int64_t first, int64_t end,
                         int64_t tile, int worker, const SavedOf& saved_of_head) const {
    const Geometry& g = setup.geometry;
    std::optional<ForwardScratch<Real>> scratch[kMaxHeadBlock];
    std::optional<ForwardTile<Real>> tiles[kMaxHeadBlock];
    const int64_t count = end - first;
    for (int64_t j = 0; j < count; ++j) {
      const int64_t head = first + j;
      Layout layout(memory.scratch +
                    static_cast<size_t>(worker * g.head_block + j) * memory.scratch_size);
      scratch[j].emplace(setup_, layout);
      tiles[j].emplace(setup, call, head, tile,
                       memory.panels + head * forward_panel_bytes(g, setup.kind, sizeof(Real)),
                       memory.bias + head * g.padded * g.slots, saved_of_head(head), *scratch[j]);
      tiles[j]->begin();
    }
    const TileUnit unit(setup.kind, g.columns_of(tile));
    for (int64_t i = 0; i < g.time; ++i) {
      for (int64_t j = 0; j < count; ++j) tiles[j]->step(i);
    }
    for (int64_t j = 0; j < count; ++j) tiles[j]->finish();
    if (setup.streams_saved) hwy::FlushStream();
  }

  void pack_forward_weights(const Tensor& r, const Tensor& bias,
                            const ForwardMemory<Real>& memory) const {
    const Geometry& g = geometry();
    const int64_t workers = std::min(g.workers, g.heads);
    run_workers(static_cast<int>(workers), [&](int worker) {
      for (int64_t head = worker; head < g.heads; head += workers) {
        pack_forward(g, *setup_.rows, setup_.kind, setup_.problem.dtype, r, head,
                     memory.panels + head * forward_panel_bytes(g, setup_.kind, sizeof(Real)));
        pack_bias(g, setup_.problem.dtype, bias, head,
                  reinterpret_cast<std::byte*>(memory.bias + head * g.padded * g.slots));
      }
    });
  }

  void pack(const BackwardCall& call, const BackwardMemory& memory) const {
    const Geometry& g = geometry();
    const int64_t workers = std::min(g.workers, g.heads);
    run_workers(static_cast<int>(workers), [&](int worker) {
      for (int64_t head = worker; head < g.heads; head += workers) {
        pack_backward(g, setup_.kind, setup_.problem.dtype, call.r, head,
                      memory.panels + head * backward_panel_bytes(g, setup_.kind, sizeof(Real)));
      }
    });
    if (setup_.problem.mode != Mode::kRecompute) return;
    Layout layout(memory.forward);
    pack_forward_weights(call.r, call.bias, ForwardMemory<Real>(setup_, layout));
  }

  // The heads [first, end) together over the tiles of one share.
  void run_share(const BackwardCall& call, const BackwardMemory& memory, const SavedTile<Real>& all,
                 int64_t first, int64_t end, int64_t share, int worker) const {
    const Geometry& g = geometry();
    std::optional<WeightGradients<Real>> gradients[kMaxHeadBlock];
    std::optional<BackwardScratch<Real>> scratch[kMaxHeadBlock];
    const int64_t count = end - first;
    for (int64_t j = 0; j < count; ++j) {
      gradients[j] = gradients_of(memory, first + j, share);
      std::fill_n(gradients[j]->d_r, g.gates * g.units * g.padded, Real(0));
      std::fill_n(gradients[j]->d_bias, g.padded * g.slots, Real(0));
      Layout layout(memory.scratch +
                    static_cast<size_t>(worker * g.backward_head_block + j) * memory.scratch_size);
      scratch[j].emplace(setup_, layout);
    }
    for (int64_t tile = share; tile < g.tiles; tile += g.shares) {
      if (setup_.problem.mode == Mode::kRecompute)
        recompute(call, memory, first, end, tile, worker);
      std::optional<BackwardTile<Real>> tiles[kMaxHeadBlock];
      for (int64_t j = 0; j < count; ++j) {
        const int64_t head = first + j;
        const SavedTile<Real> saved = setup_.problem.mode == Mode::kRecompute
                                          ? recomputed(memory, j, worker)
                                          : saved_of(all, head, tile);
        tiles[j].emplace(setup_, call, head, tile,
                         memory.panels + head * backward_panel_bytes(g, setup_.kind, sizeof(Real)),
                         saved, *gradients[j], *scratch[j]);
        tiles[j]->begin();
      }
      const TileUnit unit(setup_.kind, g.columns_of(tile));
      for (int64_t i = g.time; i-- > 0;) {
        for (int64_t j = 0; j < count; ++j) tiles[j]->step(i);
      }
      for (int64_t j = 0; j < count; ++j) tiles[j]->finish();
    }
    if (setup_.streams_d_wx) hwy::FlushStream();
  }

  // Where a worker's j-th head keeps what it recomputes.
  SavedTile<Real> recomputed(const BackwardMemory& memory, int64_t j, int worker) const {
    Layout layout(memory.saved + static_cast<size_t>(worker * geometry().backward_head_block + j) *
                                     memory.saved_size);
    return take_saved(layout, geometry().batch_tile);
  }

  void recompute(const BackwardCall& call, const BackwardMemory& memory, int64_t first, int64_t end,
                 int64_t tile, int worker) const {
    ForwardCall again;
    again.wx = call.wx;
    again.initial_states = call.initial_states;
    again.lengths = call.lengths;
    again.resets = call.resets;
    Layout forward(memory.forward);
    const ForwardMemory<Real> forward_memory(setup_, forward);
    const int64_t step = geometry().head_block;
    for (int64_t head = first; head < end; head += step) {
      run_forward_heads(setup_, again, forward_memory, head, std::min(head + step, end), tile,
                        worker, [&](int64_t h) { return recomputed(memory, h - first, worker); });
    }
  }

  WeightGradients<Real> gradients_of(const BackwardMemory& memory, int64_t head,
                                     int64_t share) const {
    Layout layout(memory.gradients +
                  static_cast<size_t>(head * geometry().shares + share) * memory.gradient_size);
    return WeightGradients<Real>(geometry(), layout);
  }

  // d_r and d_bias of a head: the sums over its shares, in their order.
  void sum_shares(const BackwardCall& call, const BackwardMemory& memory, int64_t head) const {
    const Geometry& g = geometry();
    const WeightGradients<Real> first = gradients_of(memory, head, 0);
    for (int64_t share = 1; share < g.shares; ++share) {
      const WeightGradients<Real> other = gradients_of(memory, head, share);
      for (int64_t i = 0; i < g.gates * g.units * g.padded; ++i) first.d_r[i] += other.d_r[i];
      for (int64_t i = 0; i < g.padded * g.slots; ++i) first.d_bias[i] += other.d_bias[i];
    }
    if (call.d_r) {
      for (int64_t row = 0; row < g.gates * g.units; ++row) {
        const int64_t to = row / g.units * call.d_r.stride[0] + head * call.d_r.stride[1] +
                           row % g.units * call.d_r.stride[2];
        for (int64_t k = 0; k < g.units; ++k) {
          store(call.d_r.data, call.d_r.dtype, to + k * call.d_r.stride[3],
                first.d_r[row * g.padded + k]);
        }
      }
    }
    if (!call.d_bias) return;
    for (int64_t i = 0; i < g.padded * g.slots; ++i) {
      const int64_t unit = i / (g.slots * g.lanes) * g.lanes + i % g.lanes;
      const int64_t slot = i / g.lanes % g.slots;
      if (unit >= g.units) continue;
      store(call.d_bias.data, call.d_bias.dtype,
            slot * call.d_bias.stride[0] + head * call.d_bias.stride[1] +
                unit * call.d_bias.stride[2],
            first.d_bias[i]);
    }
  }

  Setup setup_;
  Setup step_setup_;  // the same for one step
  std::string name_;
  PlanSizes sizes_;
};

}  // namespace

std::shared_ptr<const Kernel> make_simd_kernel(const Problem& problem, const KernelConfig& config) {
  if (problem.double_precision()) return std::make_shared<SimdKernel<double>>(problem, config);
  return std::make_shared<SimdKernel<float>>(problem, config);
}

}  // namespace flashrnn
