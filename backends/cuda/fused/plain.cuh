// SPDX-License-Identifier: Apache-2.0
// Which launches may take the short way through a fused kernel: what is asked of them is what
// nearly every training run asks, and then a step has no branch and no address but running
// pointers. Heads may end within the kernel's head dimension, but not within a piece: what is not
// there is never fetched, so it is the zeros that its place was filled with, and never stored.
#pragma once

#include "cuda/fused/number.cuh"

namespace flashrnn::cuda {

// Rows of whole 16-byte pieces.
template <int Axes>
__device__ __forceinline__ bool has_pieces(const View& v) {
  Index odd = 0;
#pragma unroll
  for (int k = 0; k < Axes - 1; ++k) odd |= v.stride[k] & 7;
  return v.stride[Axes - 1] == 1 && odd == 0 &&
         (reinterpret_cast<unsigned long long>(v.data) & 15) == 0;
}

__device__ __forceinline__ bool is_plain(const gpu::ForwardParams& p) {
  return p.shape.units % 8 == 0 && p.sources == nullptr && p.shape.forward_clip == 0.0f &&
         p.states.data == nullptr && has_pieces<5>(p.wx) && has_pieces<4>(p.h) &&
         p.h.data != nullptr;
}

__device__ __forceinline__ bool is_plain(const gpu::BackwardParams& p) {
  return p.shape.units % 8 == 0 && p.sources == nullptr && p.shape.forward_clip == 0.0f &&
         p.d_states.data == nullptr && p.d_h.data != nullptr && has_pieces<4>(p.d_h) &&
         has_pieces<4>(p.h) && !p.shape.cut_recurrent_gradient &&
         p.shape.recurrent_gradient_clip == 0.0f;
}

}  // namespace flashrnn::cuda
