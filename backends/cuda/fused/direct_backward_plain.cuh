// SPDX-License-Identifier: Apache-2.0
// The short way through direct_backward.cuh (plain.cuh says when): the same product and cell; a warp of its own moves the tensors
// (mover.cuh). Step i of the mover is step T - 1 - i here, and so is iteration i.
#pragma once

#include "cuda/fused/backward_pair.cuh"
#include "cuda/fused/mover_setup.cuh"
#include "cuda/fused/operand.cuh"
#include "cuda/fused/plain.cuh"

namespace flashrnn::cuda {

template <int D, int Tiles, int Chunk>
struct DirectBackwardPlain {
  static constexpr int kWarps = D / 16, kThreads = kWarps * 32, kPairs = 2 * Tiles, kColumns = 8 * Tiles;
  static constexpr int kDepth = (D + 31) / 32;
  static constexpr int kGates = Cell::kRecurrents;
  static constexpr int kGateBytes = kDepth * kOperandBytes, kTileBytes = kGates * kGateBytes, kBufferBytes = Tiles * kTileBytes;
  static constexpr gpu::StageShape kIn = gpu::input_stage(kCounts, true, D, kColumns);
  static constexpr gpu::StageShape kOut = gpu::output_stage(kCounts, true, D, kColumns);
  static constexpr int kRowBytes = gpu::row_bytes(D);
  static constexpr int kKept = Cell::kKept > 0 ? Cell::kKept : 1;

  using DirectStages = Stages<Chunk, kIn.bytes(), kOut.bytes()>;

  const BackwardParams& p;
  DirectStages stages;
  int warp, lane, q, row, n, b0, u;
  u32 word, block;
  u32 a[kGates][kDepth][2][4];
  float carry[kPairs][Cell::kStates][2];
  float now[kPairs][kKept][2], old[kPairs][kKept][2], first[kPairs][kKept][2];
  u32 saved[kPairs][4], d_h[kPairs], h[kPairs], first_h[kPairs];
  u32 gradient[kPairs][Cell::kSlots];

  // Step s of chunk c.
  __device__ __forceinline__ void read(int c, int s) {
    if (s == 0) stages.wait_ready(c);
    const bool is_first = c * Chunk + s == p.shape.time - 1;
    const u32 at = stages.input(c) + s * kIn.bytes();
#pragma unroll
    for (int j = 0; j < kPairs; ++j) {
      const u32 pair = j / 2 * (kWarps * gpu::kBlockPairs) + j % 2 * 32 + block;
      if constexpr (Cell::kSaved > 2) {
        const uint4 v = lds128(at + pair * 16);
        saved[j][0] = v.x, saved[j][1] = v.y, saved[j][2] = v.z, saved[j][3] = v.w;
      } else if constexpr (Cell::kSaved == 2) {
        const uint2 v = lds64(at + pair * 8);
        saved[j][0] = v.x, saved[j][1] = v.y;
      } else {
        saved[j][0] = lds32(at + pair * 4);
      }
#pragma unroll
      for (int k = 0; k < Cell::kKept; ++k) {
        const uint2 v = lds64(at + kIn.kept_at() + k * kIn.kept_bytes() + pair * 8);
        old[j][k][0] = is_first ? first[j][k][0] : __uint_as_float(v.x);
        old[j][k][1] = is_first ? first[j][k][1] : __uint_as_float(v.y);
      }
      const u32 rows = at + kIn.rows_at() + word + (j / 2 * 8 + j % 2) * kRowBytes;
      d_h[j] = lds32(rows);
      if constexpr (Cell::kReadsH) h[j] = is_first ? first_h[j] : lds32(rows + kColumns * kRowBytes);
    }
  }

  __device__ __forceinline__ void write(int c, int s, bool is_last) {
    if (s == 0) stages.wait_free(c);
    const u32 at = stages.output(c) + s * kOut.bytes() + kOut.rows_at() + word;
#pragma unroll
    for (int j = 0; j < kPairs; ++j) {
#pragma unroll
      for (int k = 0; k < Cell::kSlots; ++k) sts32(at + (k * kColumns + j / 2 * 8 + j % 2) * kRowBytes, gradient[j][k]);
    }
    if (s == Chunk - 1 || is_last) stages.tell_done(c);
  }

  __device__ __forceinline__ float state_at(const View& v, int k, int j, int e) const {
    const int b = b0 + j / 2 * 8 + 2 * q + j % 2;
    if (v.data == nullptr || b >= p.shape.batch) return 0.0f;
    return load_any(v.data, v.dtype, k * v.stride[0] + b * v.stride[1] + n * v.stride[2] + (u + e) * v.stride[3]);
  }

  __device__ __forceinline__ void start() {
    const SavedPlace place(p.shape, Place{n, b0, 0}, p.shape.time - 1);
    const auto* kept = reinterpret_cast<const float2*>(static_cast<const char*>(p.saved) + place.value_bytes) + place.pair + block;
#pragma unroll
    for (int j = 0; j < kPairs; ++j) {
#pragma unroll
      for (int k = 0; k < Cell::kStates; ++k) carry[j][k][0] = state_at(p.d_last_states, k, j, 0), carry[j][k][1] = state_at(p.d_last_states, k, j, 1);
#pragma unroll
      for (int k = 0; k < Cell::kKept; ++k) {
        const float2 v = p.shape.time > 0 && b0 + j / 2 * 8 < p.shape.batch ? kept[k * place.all_pairs + j / 2 * place.tile_pairs + j % 2 * 32] : float2{0.0f, 0.0f};
        now[j][k][0] = v.x, now[j][k][1] = v.y;
        first[j][k][0] = state_at(p.initial_states, k + 1, j, 0), first[j][k][1] = state_at(p.initial_states, k + 1, j, 1);
      }
      if constexpr (Cell::kReadsH) first_h[j] = pack(state_at(p.initial_states, 0, j, 0), state_at(p.initial_states, 0, j, 1));
    }
  }

  __device__ __forceinline__ void product(u32 operand, float (&sum)[kGates][Tiles][4]) {
#pragma unroll
    for (int g = 0; g < kGates; ++g) {
#pragma unroll
      for (int c = 0; c < Tiles; ++c) sum[g][c][0] = sum[g][c][1] = sum[g][c][2] = sum[g][c][3] = 0.0f;
    }
#pragma unroll
    for (int d = 0; d < kDepth; ++d) {
      uint4 b[kGates][Tiles];
#pragma unroll
      for (int g = 0; g < kGates; ++g) {
#pragma unroll
        for (int c = 0; c < Tiles; ++c) b[g][c] = lds128(operand + c * kTileBytes + g * kGateBytes + d * kOperandBytes);
      }
#pragma unroll
      for (int g = 0; g < kGates; ++g) {
#pragma unroll
        for (int c = 0; c < Tiles; ++c) multiply_add(sum[g][c], a[g][d][0], b[g][c].x, b[g][c].y);
      }
#pragma unroll
      for (int g = 0; g < kGates; ++g) {
#pragma unroll
        for (int c = 0; c < Tiles; ++c) multiply_add(sum[g][c], a[g][d][1], b[g][c].z, b[g][c].w);
      }
    }
  }

  __device__ __forceinline__ void receive(const float (&sum)[kGates][Tiles][4]) {
#pragma unroll
    for (int j = 0; j < kPairs; ++j) {
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        float through = sum[0][j / 2][2 * e + j % 2];
#pragma unroll
        for (int g = 1; g < kGates; ++g) through += sum[g][j / 2][2 * e + j % 2];
        carry[j][0][e] += through;
      }
    }
  }

  __device__ __forceinline__ void advance(u32 own) {
#pragma unroll
    for (int j = 0; j < kPairs; ++j) {
      float slots[Cell::kSlots][2];
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        typename Cell::Saved s;
        typename Cell::States before, after, d;
#pragma unroll
        for (int k = 0; k < Cell::kSaved; ++k) s.v[k] = e == 0 ? low_of(saved[j][k]) : high_of(saved[j][k]);
#pragma unroll
        for (int k = 0; k < Cell::kStates; ++k) before.v[k] = after.v[k] = 0.0f, d.v[k] = carry[j][k][e];
#pragma unroll
        for (int k = 0; k < Cell::kKept; ++k) after.v[k + 1] = now[j][k][e], before.v[k + 1] = old[j][k][e];
        if constexpr (Cell::kReadsH) before.v[0] = e == 0 ? low_of(h[j]) : high_of(h[j]);
        d.v[0] += e == 0 ? low_of(d_h[j]) : high_of(d_h[j]);
        const typename Cell::Gradient g = Cell::backward(s, before, after, d);
#pragma unroll
        for (int k = 0; k < Cell::kSlots; ++k) slots[k][e] = g.slots.v[k];
#pragma unroll
        for (int k = 0; k < Cell::kStates; ++k) carry[j][k][e] = g.old.v[k];
      }
#pragma unroll
      for (int k = 0; k < Cell::kSlots; ++k) {
        const int gate = Cell::recurrent_of_slot(k);
        gradient[j][k] = pack(slots[k][0], slots[k][1]);
        if (gate >= 0) sts32(own + j / 2 * kTileBytes + gate * kGateBytes + j % 2 * kColumnBytes, gradient[j][k]);
      }
#pragma unroll
      for (int k = 0; k < Cell::kKept; ++k) now[j][k][0] = old[j][k][0], now[j][k][1] = old[j][k][1];
    }
  }

  __device__ __forceinline__ void step(int c, int s, u32 own, u32 operand) {
    const int i = c * Chunk + s;
    float sum[kGates][Tiles][4];
    barrier_sync<kThreads>(1);
    product(operand, sum);  // of zeros in iteration 0
    read(c, s);
    if (i > 0) write(s == 0 ? c - 1 : c, (s + Chunk - 1) % Chunk, false);
#pragma unroll
    for (int g = 0; g < kGates; ++g) {
#pragma unroll
      for (int c = 0; c < Tiles; ++c) {
#pragma unroll
        for (int r = 0; r < 4; ++r) keep(sum[g][c][r]);
      }
    }
    receive(sum);
    advance(own);
  }

  __device__ __forceinline__ void run(unsigned char* shared) {
    warp = threadIdx.x / 32, lane = threadIdx.x % 32, q = lane % 4, row = lane / 4;
    const int group = p.first_group + blockIdx.x;
    n = group % p.shape.heads, b0 = group / p.shape.heads * kColumns, u = warp * 16 + 2 * row;
    const u32 buffer = shared_address(shared);
    stages.set_up(buffer + 2 * kBufferBytes);
    for (u32 i = threadIdx.x; i < 2 * kBufferBytes / 4; i += kThreads + 32) sts32(buffer + 4 * i, 0);
    if (threadIdx.x == 0) stages.init(kWarps, true);
    __syncthreads();
    if (warp == kWarps) {
      Mover<true, D, kColumns> mover;
      set_up(mover, p, Place{n, b0, 0}, lane);
      mover.run(stages, p.shape.time, p.shape.time - 1, lane, [](int) {});
      return;
    }
    word = 2 * q * kRowBytes + u * 2;
    block = warp * gpu::kBlockPairs + lane;
#pragma unroll
    for (int g = 0; g < kGates; ++g) {
#pragma unroll
      for (int d = 0; d < kDepth; ++d) load_columns(p.r, g, n, d * 32 + q * 8, u, p.shape.units, a[g][d]);
    }
    start();
    const u32 own = buffer + operand_word(u, 2 * q), operand = buffer + operand_lane(lane);
    for (int c = 0; c * Chunk < p.shape.time; ++c) {
#pragma unroll
      for (int s = 0; s < Chunk; ++s) {
        if (c * Chunk + s >= p.shape.time) break;
        step(c, s, own + (s + 1) % 2 * kBufferBytes, operand + s % 2 * kBufferBytes);
      }
    }
    if (p.shape.time > 0) {
      float sum[kGates][Tiles][4];
      barrier_sync<kThreads>(1);
      product(operand + p.shape.time % 2 * kBufferBytes, sum);
      write((p.shape.time - 1) / Chunk, (p.shape.time - 1) % Chunk, true);
      receive(sum);
    }
    const View& v = p.d_initial_states;
    if (v.data == nullptr) return;
#pragma unroll
    for (int j = 0; j < kPairs; ++j) {
      const int b = b0 + j / 2 * 8 + 2 * q + j % 2;
      if (b >= p.shape.batch) continue;
#pragma unroll
      for (int k = 0; k < Cell::kStates; ++k) {
#pragma unroll
        for (int e = 0; e < 2; ++e) {
          store_any(v.data, v.dtype, k * v.stride[0] + b * v.stride[1] + n * v.stride[2] + (u + e) * v.stride[3], carry[j][k][e]);
        }
      }
    }
  }
};

}  // namespace flashrnn::cuda
