// SPDX-License-Identifier: Apache-2.0
// The portable algorithm in every execution space that this Kokkos has on the host, in one program:
// nothing in it may depend on the default one. Held against the oracle in double precision.
#include <gtest/gtest.h>

#include <Kokkos_Core.hpp>
#include <vector>

#include "core/portable/backward.hpp"
#include "core/portable/forward.hpp"
#include "oracle.hpp"

namespace flashrnn {
namespace {

constexpr int64_t kBatch = 5, kTime = 6, kHeads = 3, kUnits = 4, kBatchTile = 2;

std::vector<double> draw(int64_t size) {
  static uint64_t state = 1;
  std::vector<double> values(static_cast<size_t>(size));
  for (double& value : values) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    value = static_cast<double>(state >> 40) / (1 << 23) - 1;
  }
  return values;
}

Tensor packed(std::vector<double>& values, std::vector<int64_t> shape) {
  Tensor tensor;
  tensor.data = reinterpret_cast<std::byte*>(values.data());
  tensor.dtype = DType::kFloat64;
  int64_t stride = 1;
  for (size_t axis = shape.size(); axis-- > 0;) {
    tensor.stride[axis] = stride;
    stride *= shape[axis];
  }
  return tensor;
}

// Everything that a run reads and writes, for one cell.
struct Run {
  explicit Run(const CellTraits& traits) : cell(traits) {
    const int64_t S = cell.states, G = cell.input_gates, R = cell.recurrent_gates;
    inputs.wx = draw(kBatch * kTime * G * kHeads * kUnits);
    inputs.r = draw(R * kHeads * kUnits * kUnits);
    inputs.bias = draw(cell.slots * kHeads * kUnits);
    inputs.initial_states = draw(S * kBatch * kHeads * kUnits);
    upstream.d_h = draw(kBatch * kTime * kHeads * kUnits);
    problem.cell = cell.id;
    problem.batch = kBatch, problem.time = kTime, problem.heads = kHeads;
    problem.head_dim = kUnits;
  }

  portable::Shape shape() const {
    return {
        kBatch,          kTime, kHeads, kUnits, kBatchTile, (kBatch + kBatchTile - 1) / kBatchTile,
        DType::kFloat64, false, 0.0,    0.0,    false};
  }

  const CellTraits& cell;
  oracle::Problem problem;
  oracle::Inputs inputs;
  oracle::OutputGradients upstream;
};

template <typename Functor>
void in_space(const Functor& functor, int teams) {
  Kokkos::parallel_for("flashrnn portable", typename Functor::Policy(teams, 1), functor);
  Kokkos::fence();
}

template <typename Cell, typename Space>
void expect_as_oracle(const CellTraits& cell, int teams) {
  Run run(cell);
  const int64_t S = cell.states, G = cell.input_gates, R = cell.recurrent_gates;
  const int64_t elements = kBatch * kTime * kHeads * kUnits;
  std::vector<double> h(static_cast<size_t>(elements)), d_wx(run.inputs.wx.size());
  std::vector<double> d_r(run.inputs.r.size()), d_bias(run.inputs.bias.size());
  std::vector<double> saved(static_cast<size_t>(elements * Cell::kSaved));
  std::vector<double> kept(static_cast<size_t>(elements * Cell::kKept) + 1);
  const Tensor wx = packed(run.inputs.wx, {kBatch, kTime, G, kHeads, kUnits});
  const Tensor r = packed(run.inputs.r, {R, kHeads, kUnits, kUnits});
  const Tensor initial = packed(run.inputs.initial_states, {S, kBatch, kHeads, kUnits});
  const Tensor h_out = packed(h, {kBatch, kTime, kHeads, kUnits});
  const portable::Shape shape = run.shape();
  const portable::SavedMemory<double> memory{reinterpret_cast<std::byte*>(saved.data()),
                                             kept.data()};

  const int64_t forward_size = portable::forward_scratch(cell, kBatchTile, kUnits);
  std::vector<double> scratch(static_cast<size_t>(teams * forward_size));
  in_space(
      portable::Forward<Cell, double, Space>{{shape, {}, {}},
                                             wx,
                                             r,
                                             packed(run.inputs.bias, {cell.slots, kHeads, kUnits}),
                                             initial,
                                             h_out,
                                             {},
                                             {},
                                             memory,
                                             scratch.data(),
                                             forward_size},
      teams);
  EXPECT_LT(oracle::relative_error(h, oracle::forward(run.problem, run.inputs).h), 1e-12);

  const int64_t backward_size = portable::backward_scratch(cell, kBatchTile, kUnits);
  const int64_t weights = portable::weight_gradient_size(cell, kUnits);
  scratch.assign(static_cast<size_t>(teams * backward_size), 0);
  std::vector<double> gradients(static_cast<size_t>(kHeads * shape.tiles * weights));
  in_space(portable::Backward<Cell, double, Space>{{shape, {}, {}},
                                                   r,
                                                   initial,
                                                   h_out,
                                                   packed(run.upstream.d_h,
                                                          {kBatch, kTime, kHeads, kUnits}),
                                                   {},
                                                   {},
                                                   packed(d_wx, {kBatch, kTime, G, kHeads, kUnits}),
                                                   {},
                                                   memory,
                                                   scratch.data(),
                                                   backward_size,
                                                   gradients.data(),
                                                   weights},
           teams);
  Kokkos::parallel_for(
      "flashrnn sum", Kokkos::RangePolicy<Space>(0, kHeads * weights),
      portable::SumWeights<Cell, double>{shape, packed(d_r, {R, kHeads, kUnits, kUnits}),
                                         packed(d_bias, {cell.slots, kHeads, kUnits}),
                                         gradients.data(), weights});
  Kokkos::fence();
  const oracle::InputGradients expected = oracle::backward(run.problem, run.inputs, run.upstream);
  EXPECT_LT(oracle::relative_error(d_wx, expected.d_wx), 1e-12);
  EXPECT_LT(oracle::relative_error(d_r, expected.d_r), 1e-12);
  EXPECT_LT(oracle::relative_error(d_bias, expected.d_bias), 1e-12);
}

template <typename Space>
void run_all_cells() {
  for (const int teams : {1, 3}) {
#define FLASHRNN_CELL(name, ENUM, value, ...)                                          \
  {                                                                                    \
    SCOPED_TRACE(#name);                                                               \
    expect_as_oracle<portable::twofold::name##_cell, Space>(*find_cell(value), teams); \
  }
#include "cells/cells.def"
#undef FLASHRNN_CELL
  }
}

#if defined(KOKKOS_ENABLE_SERIAL)
TEST(PortableSpaces, Serial) { run_all_cells<Kokkos::Serial>(); }
#endif
#if defined(KOKKOS_ENABLE_OPENMP)
TEST(PortableSpaces, OpenMp) { run_all_cells<Kokkos::OpenMP>(); }
#endif
#if defined(KOKKOS_ENABLE_THREADS)
TEST(PortableSpaces, Threads) { run_all_cells<Kokkos::Threads>(); }
#endif

}  // namespace
}  // namespace flashrnn

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const Kokkos::ScopeGuard kokkos(argc, argv);
  return RUN_ALL_TESTS();
}
