// SPDX-License-Identifier: Apache-2.0
// The short ways (way.cuh) through a direct backward CTA with a batch tile of 4. Iteration i is
// step T - 1 - i.
//
// A warp owns 16 units, as in direct_backward.cuh; how it multiplies and what is exchanged is told
// in direct_backward_products.cuh.
//
// Where warps send partial gradients, what a step reads is in shared memory two steps sooner and
// waits in registers, and its factors are worked out a step sooner. Other warps move all tensors
// (direct_backward_mover.cuh) but for the gradients of a slot without a product.
#pragma once

#include "cuda/fused/direct_backward_mover.cuh"
#include "cuda/fused/direct_backward_pairs.cuh"
#include "cuda/fused/direct_backward_products.cuh"

namespace flashrnn::cuda {

template <int D, int Chunk, typename Product, bool HasTellingWarp, bool TakesRegisters,
          bool IsAsked>
struct DirectBackwardFour {
  using Pairs = DirectBackwardPairs<gpu::kBlockSequences, IsAsked>;
  using Mover = DirectBackwardMover<D, Chunk, Product>;
  using Chunks = typename Mover::Chunks;
  static_assert(Pairs::kPairs == 1 && Chunk % 2 == 0 && Mover::kAhead % Chunk == 0);
  static constexpr int kWarps = D / 16, kGates = Cell::kRecurrents;

  const BackwardParams& p;
  Pairs pairs;
  Chunks chunks;
  int warp, lane;
  Product product;
  u32 gradients, word;    // places of this thread's pair among slots' gradients, and rows
  u32 value, kept, rows;  // and of what is read in the chunk at hand
  typename Pairs::Weighed weighed;

  static __device__ __forceinline__ void meet() { all_warps_meet<Mover::kAllWarps>(); }

  // What iteration i = c Chunk + s reads. The chunk that has step 0 gets the initial states where
  // forward saved nothing before it.
  __device__ __forceinline__ void read(int c, int s) {
    if (s == 0) {
      if (c * Chunk < p.shape.time) chunks.wait(c);
      value = chunks.value_place(c, pairs.number), kept = chunks.kept_place(c, pairs.number);
      rows = word + c * Chunk % Mover::kAhead * Mover::kStepBytes;
      if (!IsAsked && c == (p.shape.time - 1) / Chunk) {
        const int last = (p.shape.time - 1) % Chunk;
#pragma unroll
        for (int k = 0; k < Cell::kKept; ++k)
          pairs.first[0][k].stage(kept + Chunks::further_kept(Chunk - 1 - last, k, 0));
        if constexpr (Cell::kReadsH)
          sts32(rows + last * Mover::kStepBytes + Mover::kKindBytes, pairs.first_h[0]);
      }
    }
    pairs.saved[0].take(value + Chunks::further_value(Chunk - 1 - s, 0));
#pragma unroll
    for (int k = 0; k < Cell::kKept; ++k)
      pairs.old[0][k].take(kept + Chunks::further_kept(Chunk - 1 - s, k, 0));
    pairs.d_h[0] = lds32(rows + s * Mover::kStepBytes);
    if constexpr (Cell::kReadsH)
      pairs.h[0] = lds32(rows + s * Mover::kStepBytes + Mover::kKindBytes);
  }

  __device__ __forceinline__ void receive() {
    float through[2];
    product.sum(through);
    pairs.receive([&](int, int e) { return through[e]; });
  }
  __device__ __forceinline__ void step(int c, int s) {
    const int i = c * Chunk + s, step = p.shape.time - 1 - i;
    const u32 place = gradients + s % 2 * Mover::kBufferBytes;
    u32 gradient[kGates];
    const auto put = [&](int, int gate, u32 pair) { gradient[gate] = pair; };
    meet();
    product.take(s % 2);
    if constexpr (!Product::kSendsPartials) {
      read(c, s);
      if (i > 0) pairs.store_alone();
      pairs.turn(step);
      pairs.weigh(step, weighed);
      pairs.add_given(weighed);
      if (!IsAsked || i > 0) receive();
      pairs.advance(step, weighed, put);
      product.give(gradient, place, (s + 1) % 2);
      return;
    }
    // Of the step after this one, past step 0 of what is not used: while partial gradients are on
    // their way.
    typename Pairs::Weighed next;
    pairs.add_given(weighed);
    if constexpr (!IsAsked) pairs.weigh(step - 1, next);
    if (i > 0) pairs.store_alone();
    if (!IsAsked || i > 0) receive();
    pairs.advance(step, weighed, put);
    if constexpr (IsAsked) {
      pairs.turn(step - 1);
      pairs.weigh(step - 1, next);
    }
    product.give(gradient, place, (s + 1) % 2);
    weighed = next;
    pairs.round(weighed);
    read(c + (s + 2) / Chunk, (s + 2) % Chunk);
  }

  __device__ __forceinline__ void run(unsigned char* shared) {
    warp = warp_number(), lane = threadIdx.x % 32;
    const int group = p.first_group + blockIdx.x;
    pairs.n = group % p.shape.heads,
    pairs.b0 = gpu::first_sequence(group / p.shape.heads, gpu::kBlockSequences);
    const u32 all_rows = shared_address(shared),
              exchange = all_rows + Mover::kAhead * Mover::kStepBytes,
              all_gradients = exchange + Product::kExchangeBytes,
              all_chunks = all_gradients + 2 * Mover::kBufferBytes;
    chunks.set_up(p.shape, const_cast<void*>(p.saved), Place{pairs.n, pairs.b0, 0}, all_chunks);
    for (u32 at = all_rows + 4 * threadIdx.x; at < all_chunks; at += 4 * blockDim.x) sts32(at, 0);
    __shared__ u32 left_blocks;
    const BlocksLeft blocks{HasTellingWarp ? shared_address(&left_blocks) : 0};
    if (threadIdx.x == 0) {
      chunks.init_loads();
      blocks.init(p.shape.time);
    }
    __syncthreads();
    if (warp >= kWarps) {
      if constexpr (TakesRegisters) give_registers<gpu::kFourMoving>();
      if (warp == Mover::kAllWarps) {
        if (blocks.is_asked() && lane == 0) Progress(p, pairs.n).tell_each(blocks, p.shape.time);
        return;
      }
      const Mover mover{p, chunks, blocks, lane, pairs.n, pairs.b0};
      mover.move(warp - kWarps, all_rows, all_gradients);
      return;
    }
    if constexpr (TakesRegisters) take_registers<gpu::kFourComputing>();
    const int q = lane % 4;
    pairs.q = q, pairs.u = warp * 16 + lane / 4 * 2, pairs.number = threadIdx.x;
    word = all_rows + q * Mover::kRowBytes + pairs.u * 2;
    gradients = all_gradients + Product::gradient_place(pairs.u, q);
    keep(word), keep(gradients);
    product.start(p.r, pairs.n, p.shape.units, warp, lane, exchange, all_gradients);
    pairs.start();
    if constexpr (Product::kSendsPartials) {
      meet();
      pairs.turn(p.shape.time - 1);
      read(0, 0);
      pairs.weigh(p.shape.time - 1, weighed);
      read(1 / Chunk, 1 % Chunk);
    }
    int c = 0;
    // Without a branch between steps where that is faster.
    if constexpr (Product::kSendsPartials) {
      for (; (c + 1) * Chunk <= p.shape.time; ++c) {
#pragma unroll
        for (int s = 0; s < Chunk; ++s) step(c, s);
      }
    }
    for (; c * Chunk < p.shape.time; ++c) {
#pragma unroll
      for (int s = 0; s < Chunk; ++s) {
        if (c * Chunk + s >= p.shape.time) break;
        step(c, s);
      }
    }
    meet();
    product.take(p.shape.time % 2);
    pairs.store_alone();
    if constexpr (Mover::kMeetsLast) meet();
    pairs.any_anew = true;
    receive();
    pairs.finish();
  }
};

}  // namespace flashrnn::cuda
