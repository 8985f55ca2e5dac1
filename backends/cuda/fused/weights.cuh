// SPDX-License-Identifier: Apache-2.0
// How a kernel reads R, once, before its first step: as bits of this compilation's dtype, with
// zeros outside of the head.
//
// Where its rows are plain, whole pieces of them are one load each and nothing is asked of single
// elements. The two ways are apart as a whole (`read_weights`), so that all loads of the plain one
// are under way at once: R comes from memory, and one load after the other would take as long as
// dozens of steps.
#pragma once

#include "cuda/fused/number.cuh"

namespace flashrnn::cuda {

template <bool IsPlain>
struct WeightRows {
  const View& r;
  int head, units;

  __device__ __forceinline__ bool has(int out, int in) const { return out < units && in < units; }
  __device__ __forceinline__ Index row_of(int gate, int out) const {
    return gate * r.stride[0] + head * r.stride[1] + out * r.stride[2];
  }
  // Of elements that follow one another from a multiple of their number on, all in the head or
  // none.
  template <typename Words>
  __device__ __forceinline__ Words words_at(int gate, int out, int in) const {
    Words v;
    load_constant_if(has(out, in),
                     static_cast<const unsigned short*>(r.data) + row_of(gate, out) + in, v);
    return v;
  }
  __device__ __forceinline__ u32 bits(int gate, int out, int in) const {
    if (!has(out, in)) return 0;
    const Index at = row_of(gate, out) + in * r.stride[3];
    if (r.dtype == FLASHRNN_FUSED_DTYPE) return static_cast<const unsigned short*>(r.data)[at];
    return pack(load_any(r.data, r.dtype, at), 0.0f) & 0xffffu;
  }
  __device__ __forceinline__ u32 pair(int gate, int out, int in) const {
    return bits(gate, out, in) | bits(gate, out, in + 1) << 16;
  }

  // Four or eight neighbouring elements of the row of unit `out`, from a multiple of that on.
  __device__ __forceinline__ uint2 quad(int gate, int out, int in) const {
    if constexpr (IsPlain) return words_at<uint2>(gate, out, in);
    return {pair(gate, out, in), pair(gate, out, in + 2)};
  }
  __device__ __forceinline__ uint4 octet(int gate, int out, int in) const {
    if constexpr (IsPlain) return words_at<uint4>(gate, out, in);
    const uint2 low = quad(gate, out, in), high = quad(gate, out, in + 4);
    return {low.x, low.y, high.x, high.y};
  }
  // Of the columns `in` (x) and `in` + 1 (y), `in` even, the elements of the rows `out` and `out` +
  // Apart.
  template <int Apart = 1>
  __device__ __forceinline__ uint2 column_pairs(int gate, int out, int in) const {
    if constexpr (IsPlain) {
      const u32 first = words_at<u32>(gate, out, in), second = words_at<u32>(gate, out + Apart, in);
      return {bytes_of(first, second, 0x5410), bytes_of(first, second, 0x7632)};
    }
    return {bits(gate, out, in) | bits(gate, out + Apart, in) << 16,
            bits(gate, out, in + 1) | bits(gate, out + Apart, in + 1) << 16};
  }
};

// Calls `read` with the rows of a head's R.
template <typename Read>
__device__ __forceinline__ void read_weights(const View& r, int head, int units, const Read& read) {
  const Index strides = r.stride[0] | r.stride[1] | r.stride[2];
  if (r.dtype == FLASHRNN_FUSED_DTYPE && r.stride[3] == 1 && ((strides | units) & 7) == 0 &&
      (reinterpret_cast<unsigned long long>(r.data) & 15) == 0) {
    read(WeightRows<true>{r, head, units});
  } else {
    read(WeightRows<false>{r, head, units});
  }
}

}  // namespace flashrnn::cuda
