// SPDX-License-Identifier: Apache-2.0
// Between the products of the alternating recurrence: one thread an element, the elements'
// maths of the general one.
#include <algorithm>

#include "cuda/alternating/launch.hpp"
#include "cuda/general/backward_element.cuh"
#include "cuda/general/forward_element.cuh"

namespace flashrnn::cuda {

namespace {

constexpr int kThreads = 128;

// Which element a thread has.
struct Position {
  Index index, count;
  int n, b, u;
  bool exists;

  __device__ __forceinline__ explicit Position(const Shape& s) {
    index = Index(blockIdx.x) * kThreads + threadIdx.x;
    count = Index(s.heads) * s.batch * s.units;
    exists = index < count;
    u = int(index % s.units);
    const Index row = index / s.units;
    b = int(row % s.batch);
    n = int(row / s.batch);
  }
  // In what has `gates` values for each element.
  __device__ __forceinline__ Index of_gate(const Shape& s, int gates, int gate) const {
    return (index - u) * gates + Index(gate) * s.units + u;
  }
};

template <typename Element>
__global__ void pack(const __grid_constant__ Shape s, const __grid_constant__ View r, int gates,
                     void* to) {
  const bool is_half = s.dtype == gpu::kFloat16;
  const Index rows = Index(s.heads) * gates * s.units;
  for (Index row = blockIdx.x; row < rows; row += gridDim.x) {
    const int out = int(row % s.units), gate = int(row / s.units % gates),
              head = int(row / s.units / gates);
    const Index from = gate * r.stride[0] + head * r.stride[1] + out * r.stride[2];
    auto* const at = static_cast<typename Element::Raw*>(to) + row * s.units;
    for (int in = threadIdx.x; in < s.units; in += blockDim.x)
      at[in] = Element::raw(load_any(r, from + in * r.stride[3]), is_half);
  }
}

template <typename Cell, typename Element>
__global__ void forward_start(const __grid_constant__ ForwardParams p,
                              const __grid_constant__ AlternatingMemory m) {
  const Position e(p.shape);
  if (!e.exists) return;
  const ForwardElements<Cell, Element> elements{p, p.shape.dtype == gpu::kFloat16};
  for (int k = 0; k < Cell::kStates; ++k)
    m.carried[k * e.count + e.index] = state_at(p.initial_states, k, e.b, e.n, e.u);
  static_cast<typename Element::Raw*>(m.operands)[e.index] =
      Element::raw(elements.initial_operand(e.b, e.n, e.u), elements.is_half);
}

template <typename Cell, typename Element>
__global__ void __launch_bounds__(kThreads)
    forward_step(const __grid_constant__ ForwardParams p,
                 const __grid_constant__ AlternatingMemory m, int step) {
  const Position e(p.shape);
  if (!e.exists) return;
  const ForwardElements<Cell, Element> elements{p, p.shape.dtype == gpu::kFloat16};
  const ForwardPlace place(p, e.b, e.n, e.u);
  ForwardInput<Cell, Element> input;
  input.load(p, place, step);
  auto* const operand = static_cast<typename Element::Raw*>(m.operands) + e.index;
  const auto state = [&](int k) -> float& { return m.carried[k * e.count + e.index]; };
  const float next = elements.advance(
      place, input, elements.next_source(e.b, step), step,
      Element::value(*operand, elements.is_half),
      [&](int slot) {
        const View& b = p.bias;
        return b.data == nullptr
                   ? 0.0f
                   : load_any(b, slot * b.stride[0] + e.n * b.stride[1] + e.u * b.stride[2]);
      },
      [&](int gate) { return m.sums[e.of_gate(p.shape, Cell::kRecurrents, gate)]; }, state);
  *operand = Element::raw(next, elements.is_half);
  if (step == p.shape.time - 1) elements.finish(e.b, e.n, e.u, state);
}

template <typename Cell, typename Element>
__global__ void __launch_bounds__(kThreads)
    backward_step(const __grid_constant__ BackwardParams p,
                  const __grid_constant__ AlternatingMemory m, int step) {
  const Position e(p.shape);
  if (!e.exists) return;
  const BackwardElements<Cell, Element> elements{p, p.shape.dtype == gpu::kFloat16};
  const BackwardPlace place(p, e.b, e.n, e.u);
  const auto carry = [&](int k) -> float& { return m.carried[k * e.count + e.index]; };
  if (step == p.shape.time - 1) {
    elements.start(place, carry);
  } else {
    elements.carry_back(source_at(p.sources, p.source_stride, e.b, step + 1), carry,
                        [&] { return m.sums[e.index]; });
  }
  if (step < 0) return elements.finish(place, carry);
  BackwardInput<Cell, Element> input;
  input.load(p, place, step);
  auto* const operands = static_cast<typename Element::Raw*>(m.operands);
  elements.update(place, input, step, carry, [&](int gate, float gradient) {
    operands[e.of_gate(p.shape, Cell::kRecurrents, gate)] =
        Element::raw(gradient, elements.is_half);
  });
}

unsigned blocks_of(const Shape& s) {
  const Index elements = Index(s.heads) * s.batch * s.units;
  return unsigned((elements + kThreads - 1) / kThreads);
}

// Body<Cell, Element>::launch() of a cell and dtype.
template <template <typename, typename> typename Body, typename... Arguments>
cudaError_t with(int cell, int dtype, const Arguments&... arguments) {
#define FLASHRNN_CELL(name, ENUM, value, ...)                                               \
  if (cell == (value)) {                                                                    \
    return dtype == gpu::kFloat32 ? Body<cells::name##_cell, Float32>::launch(arguments...) \
                                  : Body<cells::name##_cell, Bits16>::launch(arguments...); \
  }
#include "cells/cells.def"
#undef FLASHRNN_CELL
  return cudaErrorInvalidValue;
}

template <typename Cell, typename Element>
struct Start {
  static cudaError_t launch(const ForwardParams& p, const AlternatingMemory& m,
                            cudaStream_t stream) {
    forward_start<Cell, Element><<<blocks_of(p.shape), kThreads, 0, stream>>>(p, m);
    return cudaPeekAtLastError();
  }
};
template <typename Cell, typename Element>
struct Step {
  static cudaError_t launch(const ForwardParams& p, const AlternatingMemory& m, int step,
                            cudaStream_t stream) {
    forward_step<Cell, Element><<<blocks_of(p.shape), kThreads, 0, stream>>>(p, m, step);
    return cudaPeekAtLastError();
  }
  static cudaError_t launch(const BackwardParams& p, const AlternatingMemory& m, int step,
                            cudaStream_t stream) {
    backward_step<Cell, Element><<<blocks_of(p.shape), kThreads, 0, stream>>>(p, m, step);
    return cudaPeekAtLastError();
  }
};

}  // namespace

cudaError_t launch_alternating_pack(int cell, const Shape& s, const View& r, void* weights,
                                    cudaStream_t stream) {
  const CellTraits* traits = find_cell(cell);
  if (traits == nullptr) return cudaErrorInvalidValue;
  const int gates = traits->recurrent_gates;
  const unsigned blocks = unsigned(std::min<Index>(Index(s.heads) * gates * s.units, 65536));
  if (s.dtype == gpu::kFloat32) {
    pack<Float32><<<blocks, kThreads, 0, stream>>>(s, r, gates, weights);
  } else {
    pack<Bits16><<<blocks, kThreads, 0, stream>>>(s, r, gates, weights);
  }
  return cudaPeekAtLastError();
}

cudaError_t launch_alternating_start(int cell, const ForwardParams& p, const AlternatingMemory& m,
                                     cudaStream_t stream) {
  return with<Start>(cell, p.shape.dtype, p, m, stream);
}

cudaError_t launch_alternating_step(int cell, const ForwardParams& p, const AlternatingMemory& m,
                                    int step, cudaStream_t stream) {
  return with<Step>(cell, p.shape.dtype, p, m, step, stream);
}

cudaError_t launch_alternating_step(int cell, const BackwardParams& p, const AlternatingMemory& m,
                                    int step, cudaStream_t stream) {
  return with<Step>(cell, p.shape.dtype, p, m, step, stream);
}

}  // namespace flashrnn::cuda
