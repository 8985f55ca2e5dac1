// SPDX-License-Identifier: Apache-2.0
// The general device kernels, compiled ahead of time: any cell, any shape, any strides. Nothing
// here allocates, waits or keeps state; every function can be called while a stream is being
// captured. Plans are made for the current device.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>

#include "cuda/general/weight_gradient_slices.hpp"
#include "gpu/params.hpp"

namespace flashrnn::cuda {

using gpu::BackwardParams;
using gpu::ForwardParams;
using gpu::Index;
using gpu::Shape;
using gpu::View;

// The ABI's values of flashrnn_dtype that only lengths and resets have.
enum IndexType : int { kUint8 = 5, kInt32 = 6, kInt64 = 7 };

// Buffers that the caller provides (workspaces, saved memory) must be aligned to this many bytes.
inline constexpr size_t kAlignment = 256;

// ---- Sources: lengths and resets as one byte a step (gpu/params.hpp) ----

struct SourcesParams {
  int batch, time;
  bool is_reverse;
  View lengths;  // [B], kInt32 or kInt64; values past 0 .. T are clamped
  View resets;   // [T, B], kUint8
  unsigned char* sources;
  Index source_stride;
};

// source_stride that holds `time` steps.
constexpr Index source_stride(int time) { return (Index(time) + 15) / 16 * 16; }

cudaError_t launch_sources(const SourcesParams& params, cudaStream_t stream);

// ---- The general recurrence: one cluster of CTAs a (head, batch tile), float32 FMA, R from the
// nearest memory it fits in ----

// Where a rank keeps its part of R for all of time.
enum WeightsHome : int { kRegisters = 0, kSharedMemory = 1, kWorkspace = 2 };

struct GeneralPlan {
  int cell;  // the ABI's value
  int is_backward;
  int columns;             // sequences of a batch tile: 2 or 8
  int ranks;               // CTAs of a cluster; 1: no cluster
  int units;               // of one rank; a multiple of 4
  int quad_threads;        // threads side by side, four rows of the product each
  int slices;              // parts of the product's depth that different threads sum
  int threads;             // of a CTA
  int weights_home;        // WeightsHome
  int is_tile_in_shared;   // else what a batch tile needs lies in the workspace: any D runs
  size_t shared_bytes;     // of a CTA
  size_t packed_bytes;     // of the workspace: R as packed by launch_general_pack
  size_t workspace_bytes;  // ForwardParams.exchange, BackwardParams.exchange
  size_t saved_bytes;      // forward and backward of one shape have the same
};

// Only the shape's batch, time, heads, units and dtype matter.
cudaError_t plan_general(int cell, const Shape& shape, bool is_backward, GeneralPlan* plan);

// A plan with these choices, cudaErrorInvalidConfiguration where they are not legal on this device.
cudaError_t force_general_plan(int cell, const Shape& shape, bool is_backward, int columns,
                               int ranks, int weights_home, bool is_tile_in_shared,
                               GeneralPlan* plan);

// Rounds R to the problem's dtype and packs it into the workspace's first packed_bytes: needed
// before every launch whose R may have changed since.
cudaError_t launch_general_pack(const GeneralPlan& plan, const Shape& shape, const View& r,
                                void* workspace, cudaStream_t stream);

// `exchange` is the workspace, with R packed; nothing of it needs to be filled otherwise.
// first_group is not used. A batch size or time in the shape below the plan's is allowed (a single
// step: time 1, whose wx and h have any time stride).
cudaError_t launch_general_forward(const GeneralPlan& plan, const ForwardParams& params,
                                   cudaStream_t stream);

// Slot gradients (rounded to the problem's dtype; zero where there is no step) and, where present,
// d_initial_states. `r` and `d_initial` are not used.
cudaError_t launch_general_backward(const GeneralPlan& plan, const BackwardParams& params,
                                    cudaStream_t stream);

// ---- Gradients of R and of the biases, from the slot gradients of any backward ----

struct WeightGradientParams {
  Shape shape;
  int cell;
  bool allow_tf32;                        // float32 on tensor cores
  View slot_gradient[gpu::kMaxGpuSlots];  // [B, T, N, D] in the problem's dtype, as BackwardParams
                                          // says
  View h;                                 // [B, T, N, D]
  View initial_states;                    // [S, B, N, D]
  const unsigned char* sources;
  Index source_stride;
  View d_r;     // [Gr, N, D out, D in]; may be absent
  View d_bias;  // [Gb, N, D]; may be absent
  void* workspace;
  // BackwardParams::progress of the launch just before on the stream, beside which the product may
  // run, and how many of each head count there; nullptr: the slot gradients are ready.
  const unsigned* progress;
  unsigned tellers;
};

struct WeightGradientPlan {
  int row_tile;  // of slot units
  int slices;    // parts of (batch, time), summed in order
  Index first_block[kMostSlices + 1];
  bool has_warpgroups;  // the product is by warpgroup instructions
  bool is_beside;       // it runs beside a fused backward
  size_t workspace_bytes;
};

cudaError_t plan_weight_gradients(int cell, const Shape& shape, bool allow_tf32,
                                  const Beside& beside, WeightGradientPlan* plan);

// Before the backward that gives the slot gradients, which needs not be there yet.
cudaError_t prepare_weight_gradients(const WeightGradientPlan& plan,
                                     const WeightGradientParams& params, cudaStream_t stream);

cudaError_t launch_weight_gradients(const WeightGradientPlan& plan,
                                    const WeightGradientParams& params, cudaStream_t stream);

// ---- Copies ----

// from and to: [B, T, N, D] of shape, any strides and dtypes.
cudaError_t launch_copy_view(const Shape& shape, const View& from, const View& to,
                             cudaStream_t stream);

}  // namespace flashrnn::cuda
