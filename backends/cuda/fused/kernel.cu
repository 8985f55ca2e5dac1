// SPDX-License-Identifier: Apache-2.0
// One fused kernel: the configuration comes as macros (docs/cuda.md lists them), so that the same
// text is compiled by nvcc when the library is built and by NVRTC when a program asks for a shape
// that was not.
#include "gpu/fused_config.hpp"
#include "gpu/params.hpp"

#if FLASHRNN_FUSED_FAMILY == 1 && FLASHRNN_FUSED_BACKWARD
#include "cuda/fused/direct_backward.cuh"
#include "cuda/fused/direct_backward_four.cuh"
#include "cuda/fused/direct_backward_short.cuh"
#elif FLASHRNN_FUSED_FAMILY == 1
#include "cuda/fused/direct_forward.cuh"
#include "cuda/fused/direct_forward_four.cuh"
#include "cuda/fused/direct_forward_short.cuh"
#elif FLASHRNN_FUSED_BACKWARD
#include "cuda/fused/split_backward.cuh"
#else
#include "cuda/fused/split_forward.cuh"
#include "cuda/fused/whole_forward.cuh"
#endif

inline constexpr flashrnn::gpu::FusedConfig kConfig = {
    FLASHRNN_FUSED_CELL_ID, FLASHRNN_FUSED_DTYPE,       FLASHRNN_FUSED_BACKWARD,
    FLASHRNN_FUSED_FAMILY,  FLASHRNN_FUSED_HEAD_DIM,    FLASHRNN_FUSED_COLUMNS,
    FLASHRNN_FUSED_UNITS,   FLASHRNN_FUSED_DEPTH_WARPS, FLASHRNN_FUSED_MIN_CTAS,
    FLASHRNN_FUSED_CLUSTER};
inline constexpr int kChunk = flashrnn::gpu::chunk_of(kConfig);
inline constexpr int kSequences = flashrnn::gpu::sequences_of_thread(kConfig);
inline constexpr int kHeldClusters = flashrnn::gpu::held_clusters_of(kConfig);
inline constexpr bool kIsNear = flashrnn::gpu::has_near_gradients(kConfig);
inline constexpr int kHeldDepth = flashrnn::gpu::held_depth_of(kConfig);
inline constexpr int kLookers = flashrnn::gpu::lookers_of(kConfig);
inline constexpr int kPartialBuffers = flashrnn::gpu::partial_buffers_of(kConfig);
inline constexpr bool kSendsPartials = flashrnn::gpu::sends_partials(kConfig);
inline constexpr int kGroups = flashrnn::gpu::updating_groups_of(kConfig);
inline constexpr int kSharers = flashrnn::gpu::sharers_of_depth(kConfig);
inline constexpr bool kIsTrusting = flashrnn::gpu::multiplies_on_trust(kConfig);
inline constexpr int kUnitsOfWarp = flashrnn::gpu::units_of_warp(kConfig);
inline constexpr int kExtraWarps = flashrnn::gpu::extra_warps(kConfig);
inline constexpr bool kHasTellingWarp = flashrnn::gpu::has_telling_warp(kConfig);
inline constexpr bool kTakesRegisters = flashrnn::gpu::takes_registers(kConfig);
inline constexpr bool kLooksAhead = flashrnn::gpu::looks_ahead(kConfig);
inline constexpr bool kPrefetchesInputs = flashrnn::gpu::prefetches_inputs(kConfig);
inline constexpr int kSumBuffers = flashrnn::gpu::sum_buffers_of(kConfig);
#define FLASHRNN_FUSED_BOUNDS                                                          \
  __launch_bounds__(                                                                   \
      flashrnn::gpu::threads_of(kConfig) + flashrnn::gpu::telling_threads_of(kConfig), \
      kConfig.min_ctas)

#if FLASHRNN_FUSED_BACKWARD
extern "C" __global__ void FLASHRNN_FUSED_BOUNDS
flashrnn_fused_backward(const __grid_constant__ flashrnn::gpu::BackwardParams params) {
  using namespace flashrnn::cuda;
  extern __shared__ __align__(128) unsigned char shared[];
  if (threadIdx.x == 0 && params.progress != nullptr) let_next_grid_start();
#if FLASHRNN_FUSED_FAMILY != 1
  SplitBackward<kConfig.family, kConfig.head_dim, kConfig.cluster, kConfig.depth_warps,
                kConfig.columns / 8, kGroups, kLookers, kPartialBuffers, kChunk, kHeldClusters,
                kIsNear, kTakesRegisters, kPrefetchesInputs>{params, {}, {}, {}}
      .run(shared, way_through(params));
#else
#if FLASHRNN_FUSED_COLUMNS < 8
  using Product = DirectBackwardProduct<kConfig.head_dim, kSendsPartials>;
  using Plain = DirectBackwardFour<kConfig.head_dim, kChunk, Product, kHasTellingWarp,
                                   kTakesRegisters, false>;
  using Asked =
      DirectBackwardFour<kConfig.head_dim, kChunk, Product, kHasTellingWarp, kTakesRegisters, true>;
#else
  using Plain = DirectBackwardShort<kConfig.head_dim, kConfig.columns, kChunk, false>;
  using Asked = DirectBackwardShort<kConfig.head_dim, kConfig.columns, kChunk, true>;
#endif
  const Way way = way_through(params);
  if (way == Way::kPlain) {
    Plain{params, {params}}.run(shared);
    return;
  }
  if (way == Way::kAsked) {
    Asked{params, {params}}.run(shared);
    return;
  }
  direct_backward<kConfig.head_dim, kConfig.columns, kTakesRegisters>(params, shared);
#endif
}
#else
extern "C" __global__ void FLASHRNN_FUSED_BOUNDS
flashrnn_fused_forward(const __grid_constant__ flashrnn::gpu::ForwardParams params) {
  using namespace flashrnn::cuda;
  extern __shared__ __align__(128) unsigned char shared[];
#if FLASHRNN_FUSED_FAMILY == 2 && FLASHRNN_FUSED_DEPTH_WARPS == 1
  static_assert(kConfig.units <= 32 && kConfig.columns <= 8);
  WholeForward<kConfig.head_dim, kConfig.units, kConfig.columns, kSharers, kExtraWarps, kChunk>{
      params, {}, {}, 0}
      .run(shared, way_through(params));
#elif FLASHRNN_FUSED_FAMILY != 1
  SplitForward<kConfig.family, kConfig.head_dim, kConfig.units, kConfig.cluster,
               kConfig.depth_warps, kConfig.columns / 8, kSequences, kExtraWarps, kChunk,
               kHeldDepth, kSumBuffers, kIsTrusting, kTakesRegisters, kLooksAhead,
               kPrefetchesInputs>{params, {}, 0, 0, {}}
      .run(shared, way_through(params));
#elif FLASHRNN_FUSED_COLUMNS < 8
  const Way way = way_through(params);
  if (way == Way::kPlain) {
    DirectForwardFour<kConfig.head_dim, kUnitsOfWarp, kChunk, kTakesRegisters, Way::kPlain>{params,
                                                                                            {}}
        .run(shared);
  } else if (way == Way::kAsked) {
    DirectForwardFour<kConfig.head_dim, kUnitsOfWarp, kChunk, kTakesRegisters, Way::kAsked>{params,
                                                                                            {}}
        .run(shared);
  } else {
    DirectForwardFour<kConfig.head_dim, kUnitsOfWarp, kChunk, kTakesRegisters, Way::kLong>{params,
                                                                                           {}}
        .run(shared);
  }
#else
  const Way way = way_through(params);
  if (way == Way::kPlain) {
    DirectForwardShort<kConfig.head_dim, kConfig.columns, kChunk, (kExtraWarps > 0), false>{params,
                                                                                            {}}
        .run(shared);
    return;
  }
  if (way == Way::kAsked) {
    DirectForwardShort<kConfig.head_dim, kConfig.columns, kChunk, (kExtraWarps > 0), true>{params,
                                                                                           {}}
        .run(shared);
    return;
  }
  direct_forward<kConfig.head_dim, kConfig.columns>(params, shared);
#endif
}
#endif
