// SPDX-License-Identifier: Apache-2.0
// Compares the general CUDA kernels with plain loops on small awkward shapes, under every legal
// plan, and times them. Exit status: 0 all agree, 1 some do not, 77 no GPU. Arguments: "times" only
// times, "checks" only checks.
#include <string>

#include "general_reference.hpp"

namespace flashrnn::check {

namespace {

int checks = 0;
int failures = 0;

double bound_of(int dtype) {
  return dtype == gpu::kFloat32 ? 1e-5 : dtype == gpu::kBfloat16 ? 1.5e-2 : 2e-3;
}

// ||out - ref|| / ||ref||, where expected(index) is the reference.
template <typename F>
void compare(const std::string& what, Array& out, double bound, F expected) {
  out.download();
  double error = 0;
  double size = 0;
  out.for_each([&](const std::vector<int>& i) {
    const double e = expected(i);
    const double d = out.at_index(i) - e;
    error += d * d;
    size += e * e;
  });
  ++checks;
  const double relative = std::sqrt(error) / std::max(std::sqrt(size), 1e-20);
  if (size == 0 ? error == 0 : relative <= bound) return;
  ++failures;
  if (failures <= 60) std::printf("FAIL %s: %.3g, bound %.3g\n", what.c_str(), relative, bound);
}

void expect_same(const std::string& what, const Array& a, const std::vector<uint8_t>& bytes) {
  ++checks;
  if (a.host() == bytes) return;
  ++failures;
  if (failures <= 60) std::printf("FAIL %s: not the same bits again\n", what.c_str());
}

struct Case {
  int dtype, weight_dtype, state_dtype, batch, time, heads, units;
  bool is_masked, is_reverse, has_initial, has_bias, is_cut;
  float forward_clip, gradient_clip;
  Layout layout;
  std::string name;
};

struct Sources {
  Buffer bytes;
  Index stride;

  explicit Sources(const Problem& p)
      : bytes(size_t(p.shape.batch) * cuda::source_stride(p.shape.time)),
        stride(cuda::source_stride(p.shape.time)) {
    cuda::SourcesParams params{};
    params.batch = p.shape.batch;
    params.time = p.shape.time;
    params.is_reverse = p.shape.is_reverse != 0;
    if (p.lengths) params.lengths = p.lengths.view();
    if (p.resets) params.resets = p.resets.view();
    params.sources = static_cast<unsigned char*>(bytes.data());
    params.source_stride = stride;
    require(cuda::launch_sources(params, nullptr), "launch_sources");
    std::vector<unsigned char> host(size_t(p.shape.batch) * stride);
    require(cudaMemcpy(host.data(), bytes.data(), host.size(), cudaMemcpyDeviceToHost), "sources");
    ++checks;
    for (int b = 0; b < p.shape.batch; ++b) {
      for (int i = 0; i < stride; ++i) {
        const int expected = i < p.shape.time ? p.source(b, i) : int(gpu::kPreviousStep);
        if (host[b * stride + i] == expected) continue;
        ++failures;
        std::printf("FAIL sources of sequence %d, step %d: %d for %d\n", b, i,
                    int(host[b * stride + i]), expected);
        return;
      }
    }
  }
};

template <typename Cell>
class CellCheck {
 public:
  explicit CellCheck(const Case& c) : c_(c), random_(c.units * 131 + c.time * 7 + Cell::kId) {
    Problem& p = problem_;
    const int T = c.time, B = c.batch, N = c.heads, D = c.units;
    p.shape = {B, T, N, D, c.dtype, c.is_reverse, c.is_cut, c.forward_clip, c.gradient_clip};
    p.wx = Array(c.dtype, {B, T, Cell::kInputs, N, D}, c.layout);
    p.wx.fill(random_, 1.5);
    p.r = Array(c.weight_dtype, {Cell::kRecurrents, N, D, D}, c.layout);
    p.r.fill(random_, 1.2 / std::sqrt(double(D)));
    if (c.has_bias) {
      p.bias = Array(c.weight_dtype, {Cell::kSlots, N, D}, c.layout);
      p.bias.fill(random_, 0.5);
    }
    if (c.has_initial) {
      p.initial_states = Array(c.state_dtype, {Cell::kStates, B, N, D}, c.layout);
      p.initial_states.fill(random_, 0.8);
      p.d_states = Array(c.dtype, {Cell::kStates, B, T, N, D}, c.layout);
      p.d_states.fill(random_, 0.3);
    }
    if (c.is_masked) {
      p.lengths = Array(c.has_bias ? int(cuda::kInt32) : int(cuda::kInt64), {B});
      p.resets = Array(cuda::kUint8, {T, B}, Layout::kAwkward);
      for (int b = 0; b < B; ++b) {
        p.lengths.set(b == 0 ? 0 : b == 1 ? T : double(random_.next() % (T + 1)), b);
        for (int t = 0; t < T; ++t) p.resets.set(random_.next() % 4 == 0, t, b);
      }
      p.lengths.upload();
      p.resets.upload();
    }
    p.d_h = Array(c.dtype, {B, T, N, D}, c.layout);
    p.d_h.fill(random_, 1);
    p.d_last_states = Array(c.state_dtype, {Cell::kStates, B, N, D}, c.layout);
    p.d_last_states.fill(random_, 1);
  }

  void run() {
    const Reference<Cell> reference(problem_);
    const Sources sources(problem_);
    const bool with_sources = c_.is_masked;
    source_bytes_ = with_sources ? static_cast<unsigned char*>(sources.bytes.data()) : nullptr;
    source_stride_ = sources.stride;
    cuda::GeneralPlan plan;
    require(cuda::plan_general(Cell::kId, problem_.shape, false, &plan), "plan_general");
    run_plan(reference, plan, "planned");
    for (int columns : {2, 8}) {
      for (int ranks : {1, 2, 3, 8, 16}) {
        for (int home : {0, 1, 2}) {
          for (int in_shared : {1, 0}) {
            if (cuda::force_general_plan(Cell::kId, problem_.shape, false, columns, ranks, home,
                                         in_shared, &plan) != cudaSuccess) {
              continue;
            }
            run_plan(reference, plan,
                     "columns " + std::to_string(columns) + " ranks " + std::to_string(ranks) +
                         " home " + std::to_string(home) + " tile " + std::to_string(in_shared));
          }
        }
      }
    }
  }

 private:
  std::string name(const char* tensor, const std::string& plan) const {
    return std::string(cells_name()) + " " + c_.name + " [" + plan + "] " + tensor;
  }
  static const char* cells_name() { return find_cell(Cell::kId)->name; }

  void run_plan(const Reference<Cell>& reference, const cuda::GeneralPlan& plan,
                const std::string& how) {
    const Problem& p = problem_;
    const auto& s = p.shape;
    Array h(c_.dtype, {s.batch, s.time, s.heads, s.units}, c_.layout);
    Array states(c_.dtype, {Cell::kStates, s.batch, s.time, s.heads, s.units}, c_.layout);
    Array last(c_.state_dtype, {Cell::kStates, s.batch, s.heads, s.units}, c_.layout);
    const Buffer workspace(plan.workspace_bytes);
    const Buffer saved(plan.saved_bytes);
    gpu::ForwardParams forward{};
    forward.shape = s;
    forward.wx = p.wx.view();
    forward.r = p.r.view();
    forward.bias = p.bias.view();
    forward.initial_states = p.initial_states.view();
    forward.h = h.view();
    forward.states = states.view();
    forward.last_states = last.view();
    forward.sources = source_bytes_;
    forward.source_stride = source_stride_;
    forward.saved = saved.data();
    forward.exchange = workspace.data();
    require(cuda::launch_general_pack(plan, s, p.r.view(), workspace.data(), nullptr), "pack");
    require(cuda::launch_general_forward(plan, forward, nullptr), "forward");
    require(cudaDeviceSynchronize(), name("forward", how).c_str());
    const double bound = bound_of(c_.dtype);
    const double state_bound = std::max(bound, bound_of(c_.state_dtype));
    const auto step_of = [&](int t) { return s.is_reverse ? s.time - 1 - t : t; };
    compare(name("h", how), h, bound, [&](const std::vector<int>& i) {
      const int step = step_of(i[1]);
      if (p.source(i[0], step) == gpu::kNoStep) return 0.0;
      return reference.now[reference.at(i[0], step, i[2], i[3])].v[0];
    });
    compare(name("states", how), states, bound, [&](const std::vector<int>& i) {
      const int step = step_of(i[2]);
      if (p.source(i[1], step) == gpu::kNoStep) return 0.0;
      return reference.now[reference.at(i[1], step, i[3], i[4])].v[i[0]];
    });
    compare(name("last states", how), last, state_bound, [&](const std::vector<int>& i) {
      return reference.last[reference.at_state(i[1], i[2], i[3])].v[i[0]];
    });
    run_backward(reference, plan, how, h, saved);
  }

  void run_backward(const Reference<Cell>& reference, const cuda::GeneralPlan& forward_plan,
                    const std::string& how, Array& h, const Buffer& saved) {
    const Problem& p = problem_;
    const auto& s = p.shape;
    cuda::GeneralPlan plan;
    cudaError_t error =
        how == "planned" ? cuda::plan_general(Cell::kId, s, true, &plan)
                         : cuda::force_general_plan(Cell::kId, s, true, forward_plan.columns,
                                                    forward_plan.ranks, forward_plan.weights_home,
                                                    forward_plan.is_tile_in_shared, &plan);
    if (error == cudaErrorInvalidConfiguration) return;
    require(error, "backward plan");
    const Buffer workspace(plan.workspace_bytes);
    Array slots[4];
    gpu::BackwardParams backward{};
    backward.shape = s;
    backward.r = p.r.view();
    backward.initial_states = p.initial_states.view();
    backward.h = h.view();
    backward.d_h = p.d_h.view();
    backward.d_states = p.d_states.view();
    backward.d_last_states = p.d_last_states.view();
    Array d_initial(c_.state_dtype, {Cell::kStates, s.batch, s.heads, s.units}, c_.layout);
    backward.d_initial_states = d_initial.view();
    for (int k = 0; k < Cell::kSlots; ++k) {
      slots[k] = Array(c_.dtype, {s.batch, s.time, s.heads, s.units}, Layout::kPaddedRows);
      backward.slot_gradient[k] = slots[k].view();
    }
    backward.sources = source_bytes_;
    backward.source_stride = source_stride_;
    backward.saved = saved.data();
    backward.exchange = workspace.data();
    require(cuda::launch_general_pack(plan, s, p.r.view(), workspace.data(), nullptr), "pack");
    require(cuda::launch_general_backward(plan, backward, nullptr), "backward");
    require(cudaDeviceSynchronize(), name("backward", how).c_str());
    const double bound = 3 * bound_of(c_.dtype);
    for (int k = 0; k < Cell::kSlots; ++k) {
      compare(name("slot gradient", how), slots[k], bound, [&](const std::vector<int>& i) {
        const int step = s.is_reverse ? s.time - 1 - i[1] : i[1];
        return reference.d_slots[reference.at(i[0], step, i[2], i[3])].v[k];
      });
    }
    compare(name("d_initial_states", how), d_initial, std::max(bound, bound_of(c_.state_dtype)),
            [&](const std::vector<int>& i) {
              return reference.d_initial[reference.at_state(i[1], i[2], i[3])].v[i[0]];
            });
    if (how == "planned") run_weights(h, slots);
  }

  // Against sums over what the GPU itself gave, whose products are exact in double.
  void run_weights(Array& h, Array (&slots)[4]) {
    const auto& s = problem_.shape;
    std::vector<double> d_r(size_t(Cell::kRecurrents) * s.heads * s.units * s.units);
    std::vector<double> d_bias(size_t(Cell::kSlots) * s.heads * s.units);
    for (int slot = 0; slot < Cell::kSlots; ++slot) {
      const int g = Cell::kMaps.recurrent_of_slot[slot];
      for (int n = 0; n < s.heads; ++n) {
        for (int b = 0; b < s.batch; ++b) {
          for (int step = 0; step < s.time; ++step) {
            const int t = problem_.time_of(step);
            const int source = problem_.source(b, step);
            if (source == gpu::kNoStep) continue;
            for (int j = 0; j < s.units; ++j) {
              const double d = slots[slot].at(b, t, n, j);
              d_bias[(size_t(slot) * s.heads + n) * s.units + j] += d;
              for (int k = 0; g >= 0 && k < s.units; ++k) {
                const double old = source == gpu::kInitialStates
                                       ? rounded(s.dtype, problem_.initial(0, b, n, k))
                                       : h.at(b, problem_.time_of(step - 1), n, k);
                d_r[((size_t(g) * s.heads + n) * s.units + j) * s.units + k] += d * old;
              }
            }
          }
        }
      }
    }
    for (bool allow_tf32 : {false, true}) {
      cuda::WeightGradientPlan plan;
      require(cuda::plan_weight_gradients(Cell::kId, s, allow_tf32, {}, &plan), "weights plan");
      const Buffer workspace(plan.workspace_bytes);
      Array out_r(c_.weight_dtype, {Cell::kRecurrents, s.heads, s.units, s.units}, c_.layout);
      Array out_bias(c_.weight_dtype, {Cell::kSlots, s.heads, s.units}, c_.layout);
      cuda::WeightGradientParams params{};
      params.shape = s;
      params.cell = Cell::kId;
      params.allow_tf32 = allow_tf32;
      for (int k = 0; k < Cell::kSlots; ++k) params.slot_gradient[k] = slots[k].view();
      params.h = h.view();
      params.initial_states = problem_.initial_states.view();
      params.sources = source_bytes_;
      params.source_stride = source_stride_;
      params.d_r = out_r.view();
      params.d_bias = out_bias.view();
      params.workspace = workspace.data();
      require(cuda::prepare_weight_gradients(plan, params, nullptr), "initial h");
      require(cuda::launch_weight_gradients(plan, params, nullptr), "weights");
      require(cudaDeviceSynchronize(), name("weights", "").c_str());
      const double bound = std::max(c_.weight_dtype == gpu::kFloat32 ? 1e-5 : 8e-3,
                                    allow_tf32 && c_.dtype == gpu::kFloat32 ? 2e-3 : 0.0);
      compare(name("d_r", allow_tf32 ? "tf32" : "strict"), out_r, bound,
              [&](const std::vector<int>& i) {
                return d_r[((size_t(i[0]) * s.heads + i[1]) * s.units + i[2]) * s.units + i[3]];
              });
      compare(name("d_bias", allow_tf32 ? "tf32" : "strict"), out_bias, bound,
              [&](const std::vector<int>& i) {
                return d_bias[(size_t(i[0]) * s.heads + i[1]) * s.units + i[2]];
              });
      const std::vector<uint8_t> before = out_r.host();
      out_r.poison();
      require(cuda::launch_weight_gradients(plan, params, nullptr), "weights again");
      out_r.download();
      expect_same(name("d_r", "again"), out_r, before);
    }
  }

  Case c_;
  Random random_;
  Problem problem_;
  const unsigned char* source_bytes_ = nullptr;
  Index source_stride_ = 0;
};

void check_copies() {
  Random random(5);
  for (Layout from_layout : {Layout::kPacked, Layout::kPaddedRows, Layout::kAwkward}) {
    for (Layout to_layout : {Layout::kPacked, Layout::kPaddedRows, Layout::kAwkward}) {
      for (int units : {1, 8, 24, 33, 300}) {
        for (int to_dtype : {1, 2, 3}) {
          Array from(gpu::kBfloat16, {3, 5, 2, units}, from_layout);
          Array to(to_dtype, {3, 5, 2, units}, to_layout);
          from.fill(random, 1);
          cuda::Shape shape{};
          shape.batch = 3;
          shape.time = 5;
          shape.heads = 2;
          shape.units = units;
          require(cuda::launch_copy_view(shape, from.view(), to.view(), nullptr), "copy");
          require(cudaDeviceSynchronize(), "copy");
          compare("copy of " + std::to_string(units) + " units", to, 0,
                  [&](const std::vector<int>& i) { return rounded(to_dtype, from.at_index(i)); });
        }
      }
    }
  }
}

template <typename Cell>
void check_cell() {
  const int shapes[][4] = {{3, 5, 2, 7},   {1, 1, 1, 1},    {9, 17, 1, 33},
                           {2, 0, 2, 16},  {2, 40, 1, 100}, {5, 4, 3, 64},
                           {4, 6, 1, 150}, {3, 3, 1, 260},  {17, 33, 2, 16}};
  int index = 0;
  for (const auto& shape : shapes) {
    for (int dtype : {gpu::kFloat32, gpu::kBfloat16, gpu::kFloat16}) {
      for (int variant = 0; variant < 2; ++variant) {
        const int bits = index * 37 + variant * 29 + (index >> 2);
        Case c{};
        c.dtype = dtype;
        c.weight_dtype = index % 3 == 0 ? dtype : gpu::kFloat32;
        c.state_dtype = index % 4 == 1 ? dtype : gpu::kFloat32;
        c.batch = shape[0];
        c.time = shape[1];
        c.heads = shape[2];
        c.units = shape[3];
        c.is_masked = variant == 1;
        c.is_reverse = bits & 1;
        c.has_initial = variant == 1 || bits & 2;
        c.has_bias = bits & 4;
        c.is_cut = index % 7 == 6;
        c.forward_clip = bits & 8 ? 0.6f : 0;
        c.gradient_clip = bits & 16 ? 0.4f : 0;
        c.layout = Layout(index % 3);
        c.name = "dtype " + std::to_string(dtype) + " B" + std::to_string(c.batch) + " T" +
                 std::to_string(c.time) + " N" + std::to_string(c.heads) + " D" +
                 std::to_string(c.units) + " bits " + std::to_string(bits) + " layout " +
                 std::to_string(int(c.layout)) + (c.is_masked ? " masked" : "");
        CellCheck<Cell>(c).run();
        ++index;
      }
    }
  }
}

}  // namespace

void print_times();

int run(const std::string& what) {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    std::printf("skipped: no GPU\n");
    return 77;
  }
  if (what != "times") {
    check_copies();
#define FLASHRNN_CELL(name, ENUM, value, ...)                                  \
  check_cell<cells::name##_cell>();                                            \
  std::printf("%s: %d checks, %d failures so far\n", #name, checks, failures); \
  std::fflush(stdout);
#include "cells/cells.def"
#undef FLASHRNN_CELL
  }
  if (what != "checks") print_times();
  return failures == 0 ? 0 : 1;
}

}  // namespace flashrnn::check

int main(int count, char** arguments) {
  return flashrnn::check::run(count > 1 ? arguments[1] : "");
}
