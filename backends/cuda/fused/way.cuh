// SPDX-License-Identifier: Apache-2.0
// The ways through a fused kernel. The short one is for tensors whose rows are whole pieces of 16
// bytes: a warp or the copy engine moves pieces, and a step has no address but running pointers.
// Heads may end within the kernel's head dimension, but not within a piece: what is not there is
// never fetched, so it is the zeros that its place was filled with, and never stored.
//
// The short way is there twice: kPlain for what nearly every training run asks, where a step has no
// branch either; kAsked where steps differ (lengths, resets) or more is asked of each.
#pragma once

#include "cuda/fused/number.cuh"
#include "gpu/fused/cell.hpp"
#include "gpu/fused_config.hpp"

namespace flashrnn::cuda {

enum class Way { kPlain, kAsked, kLong };

// With the exchange between CTAs a thread that updates has time for what is seldom asked; a thread
// that multiplies too has no registers for it, but with one element a lane or two.
inline constexpr bool kAskedTakesAll = FLASHRNN_FUSED_FAMILY != gpu::kDirect ||
                                       (!FLASHRNN_FUSED_BACKWARD && FLASHRNN_FUSED_COLUMNS < 8);

// Rows of whole 16-byte pieces, or nothing.
template <int Axes>
__device__ __forceinline__ bool has_pieces(const View& v) {
  Index odd = 0;
#pragma unroll
  for (int k = 0; k < Axes - 1; ++k) odd |= v.stride[k] & 7;
  return v.data == nullptr || (v.stride[Axes - 1] == 1 && odd == 0 &&
                               (reinterpret_cast<unsigned long long>(v.data) & 15) == 0);
}

__device__ __forceinline__ Way way_through(const gpu::ForwardParams& p) {
  const bool has_seldom = p.shape.forward_clip > 0.0f || p.states.data != nullptr;
  if (p.shape.units % 8 != 0 || !has_pieces<5>(p.wx) || !has_pieces<4>(p.h) ||
      (has_seldom && !kAskedTakesAll))
    return Way::kLong;
  return has_seldom || p.sources != nullptr ? Way::kAsked : Way::kPlain;
}

__device__ __forceinline__ Way way_through(const gpu::BackwardParams& p) {
  const bool has_seldom = p.shape.forward_clip > 0.0f || p.d_states.data != nullptr;
  if (p.shape.units % 8 != 0 || !has_pieces<4>(p.d_h) ||
      (gpu::Cell::kReadsH && !has_pieces<4>(p.h)) || (has_seldom && !kAskedTakesAll))
    return Way::kLong;
  return has_seldom || p.sources != nullptr || p.shape.cut_recurrent_gradient ||
                 p.shape.recurrent_gradient_clip > 0.0f
             ? Way::kAsked
             : Way::kPlain;
}

// What a sequence does at the steps, one after the other (Sign: up or down). Four steps are a word
// of the sources, fetched four steps ahead: a byte that is fetched when it is asked for takes as
// long as the step.
template <int Sign>
struct SourceWords {
  u32 now, ahead;

  static __device__ __forceinline__ bool is_first_of_word(int step) {
    return step % 4 == (Sign > 0 ? 0 : 3);
  }
  // Sequences past the batch, and steps past the last one, go on.
  template <typename Params>
  static __device__ __forceinline__ u32 fetch(const Params& p, int b, int word) {
    const bool is_there =
        p.sources != nullptr && b < p.shape.batch && word >= 0 && 4 * word < p.shape.time;
    return is_there ? reinterpret_cast<const u32*>(p.sources + b * p.source_stride)[word] : 0;
  }

  // Before the first step is come to.
  template <typename Params>
  __device__ __forceinline__ void open(const Params& p, int b, int step) {
    now = ahead = fetch(p, b, step / 4);
    if (!is_first_of_word(step)) ahead = fetch(p, b, step / 4 + Sign);
  }
  // At the first step of a word. Gives all that is done at the word's steps; going down, at the one
  // later too. What is ahead has only been asked for.
  template <typename Params>
  __device__ __forceinline__ u32 turn(const Params& p, int b, int step) {
    const u32 before = now;
    now = ahead;
    ahead = fetch(p, b, step / 4 + Sign);
    return now | (Sign > 0 ? 0 : before);
  }

  __device__ __forceinline__ int at(int step) const { return now >> step % 4 * 8 & 0xff; }
  // `what`: a SourceByte that is one bit.
  __device__ __forceinline__ bool is(int what, int step) const {
    return (now & u32(what) << step % 4 * 8) != 0;
  }
  // The same at the step after it, going up.
  __device__ __forceinline__ bool is_next(int what, int step) const {
    return ((step % 4 == 3 ? ahead : now) & u32(what) << (step + 1) % 4 * 8) != 0;
  }
};
static_assert(gpu::kInitialStates == 1 && gpu::kNoStep == 2);

// Whether a sequence of the warp starts anew at one of some steps: told by the warp as one, so that
// steps in which none does have one branch.
__device__ __forceinline__ bool any_starts(u32 sources) {
  return __any_sync(0xffffffffu, (sources & 0x01010101u * gpu::kInitialStates) != 0);
}

}  // namespace flashrnn::cuda
