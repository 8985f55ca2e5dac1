// SPDX-License-Identifier: Apache-2.0
// Sizes and offsets of the general recurrence that the host and the device must agree on.
#pragma once

#include "cuda/general/launch.hpp"
#include "gpu/saved_layout.hpp"

namespace flashrnn::cuda {

// Three warps a scheduler leave each thread 168 registers.
inline constexpr int kMaxGeneralThreads = 384;
inline constexpr int kMaxRanks = 16;
// Depth of one thread's part of the product where R stays in registers.
inline constexpr int kResidentDepth = 12;

// The product of one step: rows x columns out of rows x depth weights and a depth x columns
// operand. Forward's rows are (unit, recurrent gate) and its depth the units of h; backward's rows
// are the units of h and its depth (unit, recurrent gate).
struct ProductShape {
  int rows;   // of a rank, a multiple of 4
  int depth;  // of the whole head
  int pitch;  // floats between the rows of one depth and the next in the packed weights
};

FLASHRNN_GPU_HOST_DEVICE constexpr ProductShape product_shape(const GeneralPlan& plan, int units,
                                                              int recurrents) {
  const int rows = plan.is_backward ? plan.units : plan.units * recurrents;
  return {rows, plan.is_backward ? units * recurrents : units, rows * plan.ranks};
}

// Offsets in floats of a CTA's shared memory, and sizes of the same pieces in the workspace.
// Arrays: of a float per element that the CTA keeps from step to step (forward: the states;
// backward: gradients of the states, and of the initial states).
struct TileLayout {
  int partial, states, constants, weights;  // the operand comes first
  int operand_floats, partial_floats, own_floats;
  Index shared_floats;

  FLASHRNN_GPU_HOST_DEVICE constexpr Index group_floats(int ranks) const {
    return operand_floats + Index(ranks) * own_floats;
  }
};

FLASHRNN_GPU_HOST_DEVICE constexpr TileLayout tile_layout(const GeneralPlan& plan,
                                                          const ProductShape& product, int arrays,
                                                          int constants) {
  TileLayout at{};
  at.operand_floats = (2 * product.depth * plan.columns + 7) / 8 * 8;
  at.partial_floats = plan.slices * plan.columns * product.rows;
  const int states_floats = arrays * plan.columns * plan.units;
  at.own_floats = at.partial_floats + states_floats;
  if (plan.is_tile_in_shared) {
    at.partial = at.operand_floats;
    at.states = at.partial + at.partial_floats;
    at.constants = at.states + states_floats;
  }
  at.weights = at.constants + constants * plan.units;
  at.shared_floats = at.weights;
  if (plan.weights_home == kSharedMemory) at.shared_floats += Index(product.depth) * product.rows;
  return at;
}

// Arrays of a float per element; per-unit constants (biases) of forward.
FLASHRNN_GPU_HOST_DEVICE constexpr int tile_arrays(bool is_backward, int states) {
  return is_backward ? 2 * states : states;
}
FLASHRNN_GPU_HOST_DEVICE constexpr int tile_constants(bool is_backward, int slots) {
  return is_backward ? 0 : slots;
}

// Saved for backward: values in the problem's dtype [N, B, T, saved, D], then kept states in
// float32 [N, B, T, kept, D]; T in the order of processing.
FLASHRNN_GPU_HOST_DEVICE constexpr size_t saved_values_bytes(const Shape& s, int saved) {
  const size_t bytes =
      size_t(s.heads) * s.batch * s.time * saved * s.units * (s.dtype == gpu::kFloat32 ? 4 : 2);
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

FLASHRNN_GPU_HOST_DEVICE constexpr size_t saved_bytes_of(const Shape& s, int saved, int kept) {
  return saved_values_bytes(s, saved) +
         size_t(s.heads) * s.batch * s.time * kept * s.units * sizeof(float);
}

// Kernels by cell, dtype and columns, for occupancy queries and launches; nullptr: none.
const void* general_forward_kernel(int cell, int dtype, int columns);
const void* general_backward_kernel(int cell, int dtype, int columns);

// Launches one of them with its only two arguments.
cudaError_t launch_general(const void* kernel, const GeneralPlan& plan, const Shape& shape,
                           const void* params, cudaStream_t stream);

}  // namespace flashrnn::cuda
