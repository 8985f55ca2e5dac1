// SPDX-License-Identifier: Apache-2.0
// Times of the general CUDA kernels, medians over launches.
#include <algorithm>
#include <array>
#include <functional>

#include "general_arrays.hpp"

namespace flashrnn::check {

namespace {

double median_ms(int repeats, const std::function<cudaError_t()>& launch) {
  cudaEvent_t first, second;
  require(cudaEventCreate(&first), "event");
  require(cudaEventCreate(&second), "event");
  for (int i = 0; i < 2; ++i) require(launch(), "launch");
  std::vector<float> times(repeats);
  for (float& ms : times) {
    require(cudaEventRecord(first), "record");
    require(launch(), "launch");
    require(cudaEventRecord(second), "record");
    require(cudaEventSynchronize(second), "run");
    require(cudaEventElapsedTime(&ms, first, second), "elapsed");
  }
  std::sort(times.begin(), times.end());
  cudaEventDestroy(first);
  cudaEventDestroy(second);
  return times[times.size() / 2];
}

View packed(void* data, int dtype, std::initializer_list<Index> dims) {
  View view{data, {}, dtype, 0};
  Index at = 1;
  for (int axis = int(dims.size()) - 1; axis >= 0; --axis) {
    view.stride[axis] = at;
    at *= dims.begin()[axis];
  }
  return view;
}

void show(const char* what, const cuda::GeneralPlan& p, double ms) {
  const char* const homes[] = {"registers", "shared memory", "workspace"};
  std::printf("  %-22s %8.3f ms  columns %d, ranks %d, units %d, threads %d, slices %d, R in %s\n",
              what, ms, p.columns, p.ranks, p.units, p.threads, p.slices, homes[p.weights_home]);
}

// LSTM, wx and its gradient as [B, T, G, N, D].
void time_shape(int dtype, Index B, Index T, Index N, Index D) {
  const Index G = 4;
  const size_t bytes = dtype == gpu::kFloat32 ? 4 : 2;
  const char* const names[] = {"", "fp32", "bf16", "fp16"};
  std::printf("LSTM %s B%lld T%lld %lldx%lld\n", names[dtype], B, T, D, N);
  cuda::Shape shape{};
  shape.batch = int(B);
  shape.time = int(T);
  shape.heads = int(N);
  shape.units = int(D);
  shape.dtype = dtype;
  // Random values: a chip that multiplies zeros draws less power and runs faster.
  Random random(1);
  Array pattern(dtype, {1 << 16}), weights_pattern(gpu::kFloat32, {1 << 16});
  pattern.fill(random, 1);
  weights_pattern.fill(random, 1 / std::sqrt(double(D)));
  const auto fill = [](const Buffer& buffer, size_t size, const Array& from) {
    const size_t step = (size_t(1) << 16) * (from.view().dtype == gpu::kFloat32 ? 4 : 2);
    for (size_t at = 0; at < size; at += step) {
      require(cudaMemcpy(static_cast<char*>(buffer.data()) + at, from.device(),
                         std::min(step, size - at), cudaMemcpyDeviceToDevice),
              "fill");
    }
  };
  const Index rows = B * T * N * D;
  const Buffer wx(rows * G * bytes), d_wx(rows * G * bytes), h(rows * bytes), d_h(rows * bytes);
  const Buffer r(G * N * D * D * 4), d_r(G * N * D * D * 4), bias(G * N * D * 4),
      d_bias(G * N * D * 4);
  fill(wx, rows * G * bytes, pattern);
  fill(d_h, rows * bytes, pattern);
  fill(r, G * N * D * D * 4, weights_pattern);
  fill(bias, G * N * D * 4, weights_pattern);
  cuda::GeneralPlan plan, back;
  require(cuda::plan_general(1, shape, false, &plan), "plan");
  require(cuda::plan_general(1, shape, true, &back), "plan");
  const Buffer workspace(std::max(plan.workspace_bytes, back.workspace_bytes));
  const Buffer saved(plan.saved_bytes);

  gpu::ForwardParams f{};
  f.shape = shape;
  f.wx = packed(wx.data(), dtype, {B, T, G, N, D});
  f.r = packed(r.data(), gpu::kFloat32, {G, N, D, D});
  f.bias = packed(bias.data(), gpu::kFloat32, {G, N, D});
  f.h = packed(h.data(), dtype, {B, T, N, D});
  f.saved = saved.data();
  f.exchange = workspace.data();
  const int repeats = D > 256 ? 5 : 20;
  std::printf("  %-22s %8.3f ms\n", "pack", median_ms(20, [&] {
                return cuda::launch_general_pack(plan, shape, f.r, workspace.data(), nullptr);
              }));
  show("forward", plan,
       median_ms(repeats, [&] { return cuda::launch_general_forward(plan, f, nullptr); }));

  gpu::BackwardParams b{};
  b.shape = shape;
  b.r = f.r;
  b.h = f.h;
  b.d_h = packed(d_h.data(), dtype, {B, T, N, D});
  for (int k = 0; k < G; ++k) {
    b.slot_gradient[k] = {static_cast<char*>(d_wx.data()) + k * N * D * Index(bytes),
                          {T * G * N * D, G * N * D, D, 1},
                          dtype,
                          0};
  }
  b.saved = saved.data();
  b.exchange = workspace.data();
  require(cuda::launch_general_pack(back, shape, f.r, workspace.data(), nullptr), "pack");
  show("backward", back,
       median_ms(repeats, [&] { return cuda::launch_general_backward(back, b, nullptr); }));

  for (bool allow_tf32 : {false, true}) {
    if (allow_tf32 && dtype != gpu::kFloat32) continue;
    cuda::WeightGradientPlan weights;
    require(cuda::plan_weight_gradients(1, shape, allow_tf32, {}, &weights), "plan");
    const Buffer sums(weights.workspace_bytes);
    cuda::WeightGradientParams w{};
    w.shape = shape;
    w.cell = 1;
    w.allow_tf32 = allow_tf32;
    for (int k = 0; k < G; ++k) w.slot_gradient[k] = b.slot_gradient[k];
    w.h = f.h;
    w.d_r = packed(d_r.data(), gpu::kFloat32, {G, N, D, D});
    w.d_bias = packed(d_bias.data(), gpu::kFloat32, {G, N, D});
    w.workspace = sums.data();
    const double ms =
        median_ms(20, [&] { return cuda::launch_weight_gradients(weights, w, nullptr); });
    std::printf("  %-22s %8.3f ms  %.0f TFLOP/s, slices %d\n",
                allow_tf32 ? "weights, tf32" : "weights", ms, 2e-9 * G * D * D * N * B * T / ms,
                weights.slices);
  }
  std::printf("  %-22s %8.3f ms\n", "copy of h",
              median_ms(20, [&] { return cuda::launch_copy_view(shape, f.h, b.d_h, nullptr); }));
}

}  // namespace

void print_times() {
  for (int dtype : {gpu::kFloat32, gpu::kBfloat16}) {
    for (const auto& [batch, units, heads] :
         {std::array{16, 768, 1}, std::array{64, 768, 1}, std::array{16, 64, 12},
          std::array{16, 16, 48}, std::array{16, 128, 6}, std::array{16, 256, 3},
          std::array{64, 64, 12}, std::array{2, 768, 1}}) {
      time_shape(dtype, batch, 1024, heads, units);
    }
  }
}

}  // namespace flashrnn::check
