// SPDX-License-Identifier: Apache-2.0
// Backward with one CTA a (head, batch tile). A warp owns 16 units: it holds their columns of R for
// all gates as the A operands of mma.sync, so the whole gradient that passes through R to an
// element arrives in the thread that carries the element's gradients. What the warps exchange is
// the slots' gradients, through two buffers in shared memory and one barrier a step.
#pragma once

#include "cuda/fused/backward_pair.cuh"
#include "cuda/fused/operand.cuh"
#include "cuda/fused/progress.cuh"

namespace flashrnn::cuda {

inline constexpr int kRingSteps = gpu::kRingSteps;

template <int D, int Columns, bool TakesRegisters>
__device__ __forceinline__ void direct_backward(const BackwardParams& p, unsigned char* shared) {
  using Tile = DirectTile<Columns>;
  constexpr int Tiles = Tile::kTiles, kPairs = Tile::kPairs;
  constexpr int kWarps = D / 16, kThreads = kWarps * 32;
  constexpr int kDepth = (D + 31) / 32;  // B operands of 32 units, of each gate
  constexpr int kGates = Cell::kRecurrents;
  constexpr int kBufferBytes = Tiles * kGates * kDepth * kOperandBytes;
  constexpr int kStepBytes = kPairs * kThreads * BackwardRing::kPairBytes;
  const u32 buffer = shared_address(shared);
  const u32 ring_base = buffer + 2 * kBufferBytes;
  if (threadIdx.x >= kThreads) {
    if constexpr (TakesRegisters) give_registers<gpu::kFourMoving>();
    return;
  }
  if constexpr (TakesRegisters) take_registers<gpu::kFourComputing>();
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, q = lane % 4, row = lane / 4;
  const int group = p.first_group + blockIdx.x, n = group % p.shape.heads,
            b0 = gpu::first_sequence(group / p.shape.heads, Columns);
  const int u = warp * 16 + 2 * row;
  const BackwardFacts facts(p);

  for (u32 i = threadIdx.x; i < (2 * kBufferBytes + kRingSteps * kStepBytes) / 4; i += kThreads)
    sts32(buffer + 4 * i, 0);

  u32 a[kGates][kDepth][2][4];
  load_all_columns(p.r, n, q * 8, u, p.shape.units, a);
  warps_meet<kWarps>();

  BackwardPair pair[kPairs];
#pragma unroll
  for (int j = 0; j < kPairs; ++j) {
    pair[j].ring_pairs = kPairs * kThreads;
    pair[j].start(p, facts, b0 + Tile::sequence(j, q), n, u);
  }
#pragma unroll
  for (int s = 0; s < kRingSteps; ++s) {
    if (s < p.shape.time) {
#pragma unroll
      for (int j = 0; j < kPairs; ++j) {
        const BackwardRing ring(ring_base, kPairs * kThreads, j * kThreads + threadIdx.x);
        pair[j].fetch(p, facts, p.shape.time - 1 - s, ring, s * kStepBytes);
      }
    }
    copy_commit();
  }
  const u32 own = buffer + operand_word(u, 2 * q);
  const u32 operand = buffer + operand_lane(lane);

  // Iteration j is step T - 1 - j; what remains of step 0 is done in iteration T.
  for (int j0 = 0; j0 <= p.shape.time; j0 += kRingSteps) {
#pragma unroll
    for (int s = 0; s < kRingSteps; ++s) {
      const int iteration = j0 + s, step = p.shape.time - 1 - iteration;
      if (iteration > p.shape.time) break;
      const u32 write = (s & 1) * kBufferBytes, read = ((s + 1) & 1) * kBufferBytes;
      copy_wait<kRingSteps - 1>();
#pragma unroll
      for (int j = 0; j < kPairs; ++j) {
        const BackwardRing ring(ring_base, kPairs * kThreads, j * kThreads + threadIdx.x);
        pair[j].read(p, step, ring, s * kStepBytes);
      }
      float sum[kGates][Tiles][4];
      clear(sum);
      if (iteration > 0) {
        warps_meet<kWarps>();
        multiply_each(sum, a, operand + read);
#pragma unroll
        for (int j = 0; j < kPairs; ++j) pair[j].store(p, facts);
      }
#pragma unroll
      for (int j = 0; j < kPairs; ++j) {
        const BackwardRing ring(ring_base, kPairs * kThreads, j * kThreads + threadIdx.x);
        if (step >= kRingSteps) pair[j].fetch(p, facts, step - kRingSteps, ring, s * kStepBytes);
      }
      copy_commit();
      if (iteration > 0) {
#pragma unroll
        for (int j = 0; j < kPairs; ++j) {
          float through[2] = {0.0f, 0.0f};
#pragma unroll
          for (int g = 0; g < kGates; ++g) {
            through[0] += sum[g][j / 2][j % 2];
            through[1] += sum[g][j / 2][2 + j % 2];
          }
          pair[j].receive(p, through);
          pair[j].leave(p);
        }
      }
      if (step < 0) break;
#pragma unroll
      for (int j = 0; j < kPairs; ++j) {
        pair[j].advance(p, step);
#pragma unroll
        for (int k = 0; k < Cell::kSlots; ++k) {
          const int gate = Cell::recurrent_of_slot(k);
          if (gate < 0) continue;
          sts32(
              own + write + (j / 2 * kGates + gate) * kDepth * kOperandBytes + j % 2 * kColumnBytes,
              pair[j].gradient[k]);
        }
      }
    }
  }
#pragma unroll
  for (int j = 0; j < kPairs; ++j) pair[j].finish(p);
  warps_meet<kWarps>();
  if (threadIdx.x == 0) Progress(p, n).tell_all(p.shape.time, 1);
}

}  // namespace flashrnn::cuda
