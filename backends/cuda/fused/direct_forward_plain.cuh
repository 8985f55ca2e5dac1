// SPDX-License-Identifier: Apache-2.0
// The short way through direct_forward.cuh (plain.cuh says when): the same product and cell; a warp of its own moves the tensors
// (mover.cuh). A step is: barrier, product; while that is under way, the last step's outputs and the next step's inputs; the
// cell, h.
#pragma once

#include "cuda/fused/forward_pair.cuh"
#include "cuda/fused/mover_setup.cuh"
#include "cuda/fused/operand.cuh"
#include "cuda/fused/plain.cuh"
#include "gpu/fused/geometry.hpp"

namespace flashrnn::cuda {

template <int D, int Tiles, int Chunk>
struct DirectForwardPlain {
  static constexpr int kWarps = D / 16, kThreads = kWarps * 32, kPairs = 2 * Tiles, kColumns = 8 * Tiles;
  static constexpr int kDepth = (D + 31) / 32;
  static constexpr int kGates = Cell::kRecurrents, kInputs = Cell::kInputs;
  static constexpr int kTileBytes = kDepth * kOperandBytes, kBufferBytes = Tiles * kTileBytes;
  static constexpr gpu::StageShape kIn = gpu::input_stage(kCounts, false, D, kColumns);
  static constexpr gpu::StageShape kOut = gpu::output_stage(kCounts, false, D, kColumns);
  static constexpr int kRowBytes = gpu::row_bytes(D);

  using DirectStages = Stages<Chunk, kIn.bytes(), kOut.bytes()>;

  const ForwardParams& p;
  DirectStages stages;
  int warp, lane, q, row, n, b0, u;
  u32 word, block;  // of this thread in a row, and in a block of saved memory
  u32 a[kGates][kDepth][2][4];
  PairBias bias;
  float state[kPairs][Cell::kStates][2];
  float next[kPairs][Cell::kSlots][2];  // the next step's slots before the product
  u32 saved[kPairs][Cell::kSaved], h[kPairs];

  // Step s of chunk c.
  __device__ __forceinline__ void read(int c, int s) {
    if (s == 0) stages.wait_ready(c);
    const u32 at = stages.input(c) + s * kIn.bytes() + word;
#pragma unroll
    for (int j = 0; j < kPairs; ++j) {
      u32 x[4];
#pragma unroll
      for (int g = 0; g < kInputs; ++g) x[g] = lds32(at + (g * kColumns + j / 2 * 8 + j % 2) * kRowBytes);
      slot_inputs(x, bias, next[j]);
    }
  }

  __device__ __forceinline__ void write(int c, int s, bool is_last) {
    if (s == 0) stages.wait_free(c);
    const u32 at = stages.output(c) + s * kOut.bytes();
#pragma unroll
    for (int j = 0; j < kPairs; ++j) {
      sts32(at + kOut.rows_at() + word + (j / 2 * 8 + j % 2) * kRowBytes, h[j]);
      if (p.saved == nullptr) continue;
      const u32 pair = at + (j / 2 * (kWarps * gpu::kBlockPairs) + j % 2 * 32) * (4 * Cell::kSaved) + block * (4 * Cell::kSaved);
      if constexpr (Cell::kSaved == 4) {
        sts128(pair, saved[j][0], saved[j][1], saved[j][2], saved[j][3]);
      } else if constexpr (Cell::kSaved == 2) {
        sts64(pair, saved[j][0], saved[j][1]);
      } else {
#pragma unroll
        for (int k = 0; k < Cell::kSaved; ++k) sts32(pair + 4 * k, saved[j][k]);
      }
#pragma unroll
      for (int k = 0; k < Cell::kKept; ++k) {
        sts64(at + kOut.kept_at() + k * kOut.kept_bytes() + (j / 2 * (kWarps * gpu::kBlockPairs) + j % 2 * 32 + block) * 8,
              __float_as_uint(state[j][k + 1][0]), __float_as_uint(state[j][k + 1][1]));
      }
    }
    if (s == Chunk - 1 || is_last) stages.tell_done(c);
  }

  __device__ __forceinline__ float state_at(const View& v, int k, int j, int e) const {
    const int b = b0 + j / 2 * 8 + 2 * q + j % 2;
    if (v.data == nullptr || b >= p.shape.batch) return 0.0f;
    return load_any(v.data, v.dtype, k * v.stride[0] + b * v.stride[1] + n * v.stride[2] + (u + e) * v.stride[3]);
  }

  __device__ __forceinline__ void step(int c, int s, u32 now, u32 after, u32 own, u32 operand) {
    const int i = c * Chunk + s;
    float sum[kGates][Tiles][4];
    float alone[kPairs][Cell::kSlots][2];  // slots without a product
#pragma unroll
    for (int j = 0; j < kPairs; ++j) {
#pragma unroll
      for (int k = 0; k < Cell::kSlots; ++k) {
        const int gate = Cell::recurrent_of_slot(k);
        if (gate < 0) {
          alone[j][k][0] = next[j][k][0], alone[j][k][1] = next[j][k][1];
        } else {
          sum[gate][j / 2][j % 2] = next[j][k][0];
          sum[gate][j / 2][2 + j % 2] = next[j][k][1];
        }
      }
    }
    barrier_sync<kThreads>(1);
    uint4 b[Tiles][kDepth];
#pragma unroll
    for (int c = 0; c < Tiles; ++c) {
#pragma unroll
      for (int d = 0; d < kDepth; ++d) b[c][d] = lds128(operand + now + c * kTileBytes + d * kOperandBytes);
    }
#pragma unroll
    for (int d = 0; d < kDepth; ++d) {
#pragma unroll
      for (int gate = 0; gate < kGates; ++gate) {
#pragma unroll
        for (int c = 0; c < Tiles; ++c) multiply_add(sum[gate][c], a[gate][d][0], b[c][d].x, b[c][d].y);
      }
#pragma unroll
      for (int gate = 0; gate < kGates; ++gate) {
#pragma unroll
        for (int c = 0; c < Tiles; ++c) multiply_add(sum[gate][c], a[gate][d][1], b[c][d].z, b[c][d].w);
      }
    }
    if (i + 1 < p.shape.time) read(s == Chunk - 1 ? c + 1 : c, (s + 1) % Chunk);
    if (i > 0) write(s == 0 ? c - 1 : c, (s + Chunk - 1) % Chunk, false);
#pragma unroll
    for (int gate = 0; gate < kGates; ++gate) {
#pragma unroll
      for (int c = 0; c < Tiles; ++c) {
#pragma unroll
        for (int r = 0; r < 4; ++r) keep(sum[gate][c][r]);
      }
    }
#pragma unroll
    for (int j = 0; j < kPairs; ++j) {
      typename Cell::Step cell[2];
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        typename Cell::Slots slots;
        typename Cell::States old;
#pragma unroll
        for (int k = 0; k < Cell::kSlots; ++k) {
          const int gate = Cell::recurrent_of_slot(k);
          slots.v[k] = gate < 0 ? alone[j][k][e] : sum[gate < 0 ? 0 : gate][j / 2][2 * e + j % 2];
        }
#pragma unroll
        for (int k = 0; k < Cell::kStates; ++k) old.v[k] = state[j][k][e];
        cell[e] = Cell::forward(slots, old);
#pragma unroll
        for (int k = 0; k < Cell::kStates; ++k) state[j][k][e] = cell[e].now.v[k];
      }
      h[j] = pack(state[j][0][0], state[j][0][1]);
      sts32(own + after + j / 2 * kTileBytes + j % 2 * kColumnBytes, h[j]);
#pragma unroll
      for (int k = 0; k < Cell::kSaved; ++k) saved[j][k] = pack(cell[0].saved.v[k], cell[1].saved.v[k]);
    }
  }

  __device__ __forceinline__ void run(unsigned char* shared) {
    warp = threadIdx.x / 32, lane = threadIdx.x % 32, q = lane % 4, row = lane / 4;
    const int group = p.first_group + blockIdx.x;
    n = group % p.shape.heads, b0 = group / p.shape.heads * kColumns, u = warp * 16 + 2 * row;
    const u32 h_buffer = shared_address(shared);
    stages.set_up(h_buffer + 2 * kBufferBytes);
    for (u32 i = threadIdx.x; i < 2 * kBufferBytes / 4; i += kThreads + 32) sts32(h_buffer + 4 * i, 0);
    if (threadIdx.x == 0) stages.init(kWarps, false);
    __syncthreads();
    if (warp == kWarps) {
      Mover<false, D, kColumns> mover;
      set_up(mover, p, Place{n, b0, 0}, lane);
      mover.run(stages, p.shape.time, 0, lane, [](int) {});
      return;
    }
    word = 2 * q * kRowBytes + u * 2;
    block = warp * gpu::kBlockPairs + lane;
#pragma unroll
    for (int g = 0; g < kGates; ++g) {
#pragma unroll
      for (int d = 0; d < kDepth; ++d) load_rows(p.r, g, n, u, d * 32 + q * 8, p.shape.units, a[g][d]);
    }
    bias.load(p, n, u);
#pragma unroll
    for (int j = 0; j < kPairs; ++j) {
#pragma unroll
      for (int k = 0; k < Cell::kStates; ++k) state[j][k][0] = state_at(p.initial_states, k, j, 0), state[j][k][1] = state_at(p.initial_states, k, j, 1);
    }
    const u32 own = h_buffer + operand_word(u, 2 * q), operand = h_buffer + operand_lane(lane);
#pragma unroll
    for (int j = 0; j < kPairs; ++j) {
      sts32(own + j / 2 * kTileBytes + j % 2 * kColumnBytes, pack(state[j][0][0], state[j][0][1]));
    }
    if (p.shape.time > 0) read(0, 0);
    for (int c = 0; c * Chunk < p.shape.time; ++c) {
#pragma unroll
      for (int s = 0; s < Chunk; ++s) {
        if (c * Chunk + s >= p.shape.time) break;
        step(c, s, s % 2 * kBufferBytes, (s + 1) % 2 * kBufferBytes, own, operand);
      }
    }
    if (p.shape.time > 0) write((p.shape.time - 1) / Chunk, (p.shape.time - 1) % Chunk, true);
    const View& v = p.last_states;
    if (v.data == nullptr) return;
#pragma unroll
    for (int j = 0; j < kPairs; ++j) {
      const int b = b0 + j / 2 * 8 + 2 * q + j % 2;
      if (b >= p.shape.batch) continue;
#pragma unroll
      for (int k = 0; k < Cell::kStates; ++k) {
#pragma unroll
        for (int e = 0; e < 2; ++e) {
          store_any(v.data, v.dtype, k * v.stride[0] + b * v.stride[1] + n * v.stride[2] + (u + e) * v.stride[3], state[j][k][e]);
        }
      }
    }
  }
};

}  // namespace flashrnn::cuda
