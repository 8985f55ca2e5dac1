// SPDX-License-Identifier: Apache-2.0
// The cell that this compilation is for, in device code: FLASHRNN_FUSED_CELL names its file,
// FLASHRNN_FUSED_CELL_ID its line in cells.def.
//
// tanh.approx is documented with a relative error of 2^-11: an eighth of bfloat16's rounding, but a
// whole one of float16, which takes its sigmoid and tanh from ex2.approx and rcp.approx (2 ulp and
// 1 ulp of float32) - but for compute capability 9.0, where tanh.approx is good to 2^-16
// (tests/cuda/gpu_test.cpp measures it).
#pragma once

#include "gpu/params.hpp"

namespace flashrnn::gpu {

#define CELL_FUNCTION __device__ __forceinline__

namespace device_cell {

using real = float;

__device__ __forceinline__ float exp2_approx(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
__device__ __forceinline__ float log2_approx(float x) {
  float y;
  asm("lg2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
__device__ __forceinline__ float reciprocal_approx(float x) {
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
__device__ __forceinline__ float tanh_approx(float x) {
  float y;
  asm("tanh.approx.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

inline constexpr float kLog2E = 1.4426950408889634f;
inline constexpr float kLn2 = 0.6931471805599453f;
#ifdef __CUDA_ARCH__
inline constexpr bool kHasCloseTanh = __CUDA_ARCH__ == 900;
#else
inline constexpr bool kHasCloseTanh = false;  // no device code is compiled in this pass
#endif
#define FLASHRNN_CELL(name, ENUM, id, ...) inline constexpr int name##_id = id;
#include "cells/cells.def"
#undef FLASHRNN_CELL
// A ReLU: where a sum is next to zero, h that is rounded the other way makes its derivative jump.
inline constexpr bool kHasJumps = FLASHRNN_FUSED_CELL_ID == light_gru_id;
inline constexpr bool kTakesTanh =
    FLASHRNN_FUSED_DTYPE != kFloat16 || (kHasCloseTanh && !kHasJumps);

CELL_FUNCTION real cell_zero() { return 0.0f; }
CELL_FUNCTION real cell_one() { return 1.0f; }
CELL_FUNCTION real cell_decay(real x) { return exp2_approx(-kLog2E * fabsf(x)); }
CELL_FUNCTION real cell_sigmoid(real x) {
  if constexpr (!kTakesTanh) return reciprocal_approx(1.0f + exp2_approx(-kLog2E * x));
  return fmaf(tanh_approx(0.5f * x), 0.5f, 0.5f);
}
CELL_FUNCTION real cell_tanh(real x) {
  if constexpr (!kTakesTanh) {
    return fmaf(-2.0f, reciprocal_approx(1.0f + exp2_approx(2.0f * kLog2E * x)), 1.0f);
  }
  return tanh_approx(x);
}
CELL_FUNCTION real cell_log1p_decay(real x) { return kLn2 * log2_approx(1.0f + cell_decay(x)); }
CELL_FUNCTION real cell_quotient(real a, real b) { return a * reciprocal_approx(b); }
// Of two numbers one instruction; where b is NaN it is a, which no cell leaves without another NaN.
CELL_FUNCTION real cell_max(real a, real b) { return fmaxf(a, b); }
CELL_FUNCTION real cell_if_greater(real a, real b, real x, real y) { return a > b ? x : y; }
CELL_FUNCTION real cell_if_equal(real a, real b, real x, real y) { return a == b ? x : y; }

// clang-format off
#define FLASHRNN_FUSED_STRING(text) #text
#define FLASHRNN_FUSED_FILE(name) FLASHRNN_FUSED_STRING(cells/name.inl)
#include FLASHRNN_FUSED_FILE(FLASHRNN_FUSED_CELL)
// clang-format on

template <int Id>
struct CellOf;

__device__ constexpr int gate_at(int slot, int a, int b = -1, int c = -1, int d = -1) {
  return slot == 0 ? a : slot == 1 ? b : slot == 2 ? c : d;
}

#define FLASHRNN_FUSED_JOIN(a, b) a##b
#define FLASHRNN_FUSED_NAMED(a, b) FLASHRNN_FUSED_JOIN(a, b)
#define FLASHRNN_FUSED_TEXT(part) FLASHRNN_FUSED_NAMED(FLASHRNN_FUSED_CELL, part)
#define FLASHRNN_FUSED_ARGUMENTS(...) , __VA_ARGS__
#define FLASHRNN_CELL(name, ENUM, id, inputs, recurrents, slots, states, kept, kept_bits, saved, \
                      reads_h, input_map, recurrent_map, ...)                                    \
  template <>                                                                                    \
  struct CellOf<id> {                                                                            \
    static constexpr int kInputs = inputs, kRecurrents = recurrents, kSlots = slots,             \
                         kStates = states, kKept = kept, kKeptBits = kept_bits, kSaved = saved;  \
    static constexpr bool kReadsH = reads_h != 0;                                                \
    __device__ static constexpr int input_of_slot(int k) {                                       \
      return gate_at(k FLASHRNN_FUSED_ARGUMENTS input_map);                                      \
    }                                                                                            \
    __device__ static constexpr int recurrent_of_slot(int k) {                                   \
      return gate_at(k FLASHRNN_FUSED_ARGUMENTS recurrent_map);                                  \
    }                                                                                            \
  };
#include "cells/cells.def"
#undef FLASHRNN_CELL

}  // namespace device_cell

struct Cell : device_cell::CellOf<FLASHRNN_FUSED_CELL_ID> {
  using Slots = device_cell::FLASHRNN_FUSED_TEXT(_slots);
  using States = device_cell::FLASHRNN_FUSED_TEXT(_states);
  using Saved = device_cell::FLASHRNN_FUSED_TEXT(_saved);
  using Step = device_cell::FLASHRNN_FUSED_TEXT(_step);
  using Factors = device_cell::FLASHRNN_FUSED_TEXT(_factors);
  using Gradient = device_cell::FLASHRNN_FUSED_TEXT(_gradient);
  static CELL_FUNCTION Step forward(Slots g, States old) {
    return device_cell::FLASHRNN_FUSED_TEXT(_forward)(g, old);
  }
  static CELL_FUNCTION Factors weigh(Saved a, States old, States now) {
    return device_cell::FLASHRNN_FUSED_TEXT(_weigh)(a, old, now);
  }
  static CELL_FUNCTION Gradient apply(Factors w, States d) {
    return device_cell::FLASHRNN_FUSED_TEXT(_apply)(w, d);
  }
  static CELL_FUNCTION Gradient backward(Saved a, States old, States now, States d) {
    return device_cell::FLASHRNN_FUSED_TEXT(_backward)(a, old, now, d);
  }
};

#undef CELL_FUNCTION

}  // namespace flashrnn::gpu
