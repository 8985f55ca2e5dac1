// SPDX-License-Identifier: Apache-2.0
// What the GPU kernels are launched with. Read by the host's compiler and by the device's, at build
// time and at run time, so it includes nothing.
#pragma once

#if defined(__CUDACC__) || defined(__HIPCC__) || defined(__CUDACC_RTC__)
#define FLASHRNN_GPU_HOST_DEVICE __host__ __device__
#else
#define FLASHRNN_GPU_HOST_DEVICE
#endif

namespace flashrnn::gpu {

using Index = long long;

// The ABI's values of flashrnn_dtype that tensors of a GPU have.
enum ElementType : int { kFloat32 = 1, kBfloat16 = 2, kFloat16 = 3 };

// What a sequence starts a step from, one byte a step in the order of processing.
enum SourceByte : unsigned char { kPreviousStep = 0, kInitialStates = 1, kNoStep = 2 };

inline constexpr int kMaxGpuSlots = 4;

// A tensor as the ABI's header describes it: strides in elements; data == nullptr: absent.
struct View {
  void* data;
  Index stride[5];
  int dtype;
  int reserved;
};

struct Shape {
  int batch, time, heads, units;
  int dtype;       // of wx, h and of the operands of R h
  int is_reverse;  // step i stands at time T - 1 - i
  int cut_recurrent_gradient;
  float forward_clip;             // 0: none
  float recurrent_gradient_clip;  // 0: none
};

// sources[b * source_stride + i] says what sequence b does at step i (a SourceByte); source_stride
// is a multiple of 16 and the bytes past T are kPreviousStep. nullptr: every sequence starts from
// its initial states at step 0 and goes on to the end.
struct ForwardParams {
  Shape shape;
  View wx;              // [B, T, Gi, N, D]
  View r;               // [Gr, N, D out, D in]
  View bias;            // [Gb, N, D]
  View initial_states;  // [S, B, N, D]
  View h;               // [B, T, N, D]
  View states;          // [S, B, T, N, D]
  View last_states;     // [S, B, N, D]
  const unsigned char* sources;
  Index source_stride;
  void* saved;      // of the kernel's own layout; nullptr: nothing is saved
  void* exchange;   // of the kernel's own layout, prepared as its config says
  int first_group;  // the launch takes (head, batch tile) groups from here on
  int reserved;
};

struct BackwardParams {
  Shape shape;
  View r, initial_states, h;
  View d_h;               // [B, T, N, D]
  View d_states;          // [S, B, T, N, D]
  View d_last_states;     // [S, B, N, D]
  View d_initial_states;  // [S, B, N, D]
  // Where the gradient of each slot goes, [B, T, N, D] in the problem's dtype. Never absent: its
  // strides are multiples of 8 elements but for the last, which is 1, and its address is a multiple
  // of 16. Slots that have an input gate have the same strides.
  View slot_gradient[kMaxGpuSlots];
  const unsigned char* sources;
  Index source_stride;
  const void* saved;
  float*
      d_initial;  // [S, B, N, D] packed, filled with zero; with sources and d_initial_states only
  void* exchange;
  // progress[head * progress_blocks(time) + block] counts up, from all bits set, those of the
  // head's warps that move gradients which have all of the block's steps in memory; nullptr: nobody
  // asks.
  unsigned* progress;
  int first_group;
  int reserved;
};

// Steps, in the order of processing, of a block of BackwardParams::progress.
inline constexpr int kProgressSteps = 64;
FLASHRNN_GPU_HOST_DEVICE constexpr int progress_blocks(int time) {
  return (time + kProgressSteps - 1) / kProgressSteps;
}

}  // namespace flashrnn::gpu
