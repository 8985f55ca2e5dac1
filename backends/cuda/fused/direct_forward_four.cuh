// SPDX-License-Identifier: Apache-2.0
// Forward with one CTA a (head, batch tile of 4). A warp owns eight units, of which two gates are a
// tile of rows, or 16, of which one is; a lane has all of the sums of one of them or of a pair.
// Each sequence has two columns of the product, of which the even one counts.
//
// A step is: barrier, loads of h and of the inputs, what the last step saves, product, the cell, h.
// The assembler orders these well where nothing keeps it from that. Three more warps move tensors
// (direct_mover.cuh), since copies and stores hold the registers of their addresses for as long as
// a step takes. Their copies also stand before the loads of inputs on the way to shared memory, so
// that a product may be through before its inputs: heads of 16 and 64 units, which that made
// slower, read them a step sooner, behind the product. On the long way (way.cuh) lanes load and
// store their own elements.
#pragma once

#include "cuda/fused/direct_mover.cuh"
#include "cuda/fused/forward_element.cuh"

namespace flashrnn::cuda {

template <int D, int UnitsOfWarp, int Chunk, bool TakesRegisters, Way TheWay>
struct DirectForwardFour {
  using Mover = DirectMover<D, D / UnitsOfWarp, Chunk, TheWay>;
  using Chunks = typename Mover::Chunks;
  // Sequences may start anew or stand still at a step, or more is asked of it.
  static constexpr bool IsAsked = Mover::IsAsked, IsLong = Mover::IsLong;
  static constexpr int kColumns = Mover::kColumns, kWarps = Mover::kWarps;
  static constexpr int kDepth = (D + 31) / 32;  // operands of 32 units
  static constexpr int kGates = Cell::kRecurrents, kInputs = Cell::kInputs,
                       kOwn = UnitsOfWarp / 8,  // units of a lane
      kTiles = kOwn == 2 ? kGates : (kGates + 1) / 2, kAhead = Mover::kAhead;
  static constexpr bool kIsShallow = Mover::kIsShallow;
  static_assert(UnitsOfWarp == 8 || (UnitsOfWarp == 16 && !kIsShallow));
  static constexpr bool kReadsEarly = D == 16 || D == 64;  // by measurement (docs/cuda-notebook.md)
  static constexpr int kBufferBytes = Mover::kBufferBytes, kRowBytes = Mover::kRowBytes,
                       kKindBytes = Mover::kKindBytes, kStepBytes = Mover::kStepBytes;
  using Element = ForwardElement<4>;  // whose `operand`, between two lanes, is not used here

  const ForwardParams& p;
  Chunks chunks;
  int lane, b, n, u;             // the lane's sequence, head and first unit
  bool is_odd;                   // of one unit a lane: the second of its pair
  u32 word;                      // of this lane's first input in the rows of step 0
  u32 values_place, kept_place;  // of this lane in the chunk at hand of saved memory
  u32 a[kTiles][kDepth][2][4];
  ElementBias bias[kOwn];
  Element element[kOwn];
  // From the biases on. The sums of columns that no sequence has stay where they are: zeros anew
  // would stand before each first product.
  float sum[kTiles][4];
  u32 inputs[4];  // of both units, or of one in the low half
  SourceWords<1> source;
  // Whether a sequence of the warp starts anew in the four steps at hand, and at the one after
  // them.
  bool any_anew, any_beyond;
  // The long way: the inputs loaded last and where they go, the h stored last.
  const char* from;
  char* to;
  Index wx_step, h_step;
  u32 late_slot;
  unsigned short late[kOwn][4];
  bool was_still;

  static __device__ __forceinline__ unsigned short number_of(float v) {
    return static_cast<unsigned short>(pack(v, 0.0f));
  }
  __device__ __forceinline__ void read(u32 slot) {
#pragma unroll
    for (int g = 0; g < kInputs; ++g) {
      const u32 at = word + slot + g * kKindBytes;
      inputs[g] = kOwn == 2 ? lds32(at) : lds16(at);
    }
  }
  __device__ __forceinline__ void load_weights() {
    if constexpr (kOwn == 2) {
      load_all_rows(p.r, n, u, u + 1, lane % 4 * 8, p.shape.units, a);
    } else {
      read_weights(p.r, n, p.shape.units, [&](const auto& rows) {
#pragma unroll
        for (int t = 0; t < kTiles; ++t) {
#pragma unroll
          for (int d = 0; d < kDepth; ++d)
            load_gates<kIsShallow>(rows, 2 * t, u, d * 32, lane % 4, a[t][d]);
        }
      });
    }
  }
  __device__ __forceinline__ float& sum_of(int gate, int e) {
    return kOwn == 2 ? sum[gate][2 * e] : sum[gate / 2][gate % 2 * 2];
  }
  __device__ __forceinline__ void begin_sums() {
#pragma unroll
    for (int e = 0; e < kOwn; ++e) {
#pragma unroll
      for (int k = 0; k < Cell::kSlots; ++k) {
        const int gate = Cell::recurrent_of_slot(k);
        if (gate >= 0) sum_of(gate, e) = bias[e].v[k];
      }
    }
  }
  // Inputs come last, since they may be read while the product is under way.
  __device__ __forceinline__ void end_slots(int e, float (&slots)[Cell::kSlots]) {
#pragma unroll
    for (int k = 0; k < Cell::kSlots; ++k) {
      const int gate = Cell::recurrent_of_slot(k), input = Cell::input_of_slot(k);
      slots[k] = gate < 0 ? bias[e].v[k] : sum_of(gate < 0 ? 0 : gate, e);
      const u32 both = inputs[input < 0 ? 0 : input];
      if (input >= 0) slots[k] += e == 0 ? low_of(both) : high_of(both);
    }
  }

  // h, to its place.
  __device__ __forceinline__ void put(u32 own) const {
    if constexpr (kOwn == 2) {
      sts32(own, pack(element[0].state[0], element[1].state[0]));
    } else {
      sts16(own, number_of(element[0].state[0]));
    }
  }

  // What the first step stages is none of a step's, and is written over before it is read.
  __device__ __forceinline__ void open_chunk(int c) {
    const u32 pair = u / 2 * kColumns + lane % 4;
    values_place = chunks.value_place(c, pair) + is_odd * kSavedUnitBytes,
    kept_place = chunks.kept_place(c, pair) + is_odd * (kKeptPairBytes / 2);
    keep(values_place), keep(kept_place);
  }
  // What the cell of step s of the chunk gave for backward.
  __device__ __forceinline__ void stage(int s) const {
    const u32 values = values_place + Chunks::further_value(s, 0),
              kept = kept_place + Chunks::further_kept(s, 0, 0);
    if constexpr (kOwn == 2) {
      Element::stage_pair(element[0], element[1], values, kept, Chunks::further_kept(0, 1, 0));
    } else {
      element[0].stage_own(values, kept, Chunks::further_kept(0, 1, 0));
    }
  }
  // The places of chunk c, which go round.
  __device__ __forceinline__ void next_chunk(int c) {
    const u32 further =
        c % Mover::kChunks == 0 ? (1 - Mover::kChunks) * Chunks::kBytes : Chunks::kBytes;
    values_place += further, kept_place += further;
    keep(values_place), keep(kept_place);
  }
  // Where the next step starts anew: h of this one, which stands at `own`, to its tensor, and to
  // its place what the next one reads, zeros past the head, where a NaN would live on.
  __device__ __forceinline__ void put_initial(int i, u32 own, int u) const {
    if (!source.is_next(gpu::kInitialStates, i)) return;
    if (!IsLong && p.h.data != nullptr && Element::is_there(p, b, u)) {
      const Index t = p.shape.is_reverse ? p.shape.time - 1 - i : i;
      auto* at = static_cast<unsigned short*>(p.h.data) + b * p.h.stride[0] + t * p.h.stride[1] +
                 n * p.h.stride[2] + u;
      *at = source.is(gpu::kNoStep, i) ? 0 : static_cast<unsigned short>(lds16(own));
    }
    Element fresh;
    fresh.start(p, b, n, u);
    sts16(own, number_of(fresh.state[0]));
  }

  // ---- the long way ----
  __device__ __forceinline__ void start_long() {
    const Index sign = p.shape.is_reverse ? -1 : 1, t = p.shape.is_reverse ? p.shape.time - 1 : 0;
    wx_step = 2 * sign * p.wx.stride[1];
    h_step = 2 * sign * p.h.stride[1];
    from = static_cast<const char*>(p.wx.data) +
           2 * (b * p.wx.stride[0] + (t - sign) * p.wx.stride[1] + n * p.wx.stride[3] +
                u * p.wx.stride[4]);
    to = static_cast<char*>(p.h.data) + 2 * (b * p.h.stride[0] + (t - 2 * sign) * p.h.stride[1] +
                                             n * p.h.stride[2] + u * p.h.stride[3]);
    was_still = false;
    late_slot = 0;
#pragma unroll
    for (int e = 0; e < kOwn; ++e) {
#pragma unroll
      for (int g = 0; g < 4; ++g) late[e][g] = 0;
    }
    for (int s = 0; s < kAhead; ++s) fetch_long(s * kStepBytes, s < p.shape.time);
  }
  // The inputs of a later step; what was loaded before goes to its place.
  __device__ __forceinline__ void fetch_long(u32 slot, bool is_wanted) {
    from += wx_step;
#pragma unroll
    for (int e = 0; e < kOwn; ++e) {
#pragma unroll
      for (int g = 0; g < kInputs; ++g) {
        sts16(word + late_slot + g * kKindBytes + 2 * e, late[e][g]);
        if (is_wanted && Element::is_there(p, b, u + e))
          late[e][g] = reinterpret_cast<const unsigned short*>(
              from)[g * p.wx.stride[2] + e * p.wx.stride[4]];
      }
    }
    late_slot = slot;
  }
  // h of step i - 1.
  __device__ __forceinline__ void store_long(int i) {
    to += h_step;
#pragma unroll
    for (int e = 0; e < kOwn; ++e) {
      if (i > 0 && p.h.data != nullptr && Element::is_there(p, b, u + e)) {
        reinterpret_cast<unsigned short*>(to)[e * p.h.stride[3]] =
            was_still ? 0 : number_of(element[e].state[0]);
      }
    }
    was_still = source.is(gpu::kNoStep, i);
  }

  // ---- a step ----
  using Operands = uint4[kDepth];
  __device__ __forceinline__ void look(u32 at, Operands& operands) const {
    if constexpr (kIsShallow) {
      const uint2 v = lds64(at);
      operands[0] = uint4{v.x, v.y, 0, 0};
    } else {
#pragma unroll
      for (int d = 0; d < kDepth; ++d) operands[d] = lds128(at + d * kOperandBytes);
    }
  }
  // A single tile's chain of products is cut in two, which overlap.
  __device__ __forceinline__ void multiply(const Operands& operands) {
    constexpr bool kIsCut = kTiles == 1 && !kIsShallow;
    float other[4] = {0.0f, 0.0f, 0.0f, 0.0f};
#pragma unroll
    for (int d = 0; d < kDepth; ++d) {
#pragma unroll
      for (int t = 0; t < kTiles; ++t)
        multiply_add(sum[t], a[t][d][0], operands[d].x, operands[d].y);
#pragma unroll
      for (int t = 0; t < (kIsShallow ? 0 : kTiles); ++t)
        multiply_add(kIsCut ? other : sum[t], a[t][d][1], operands[d].z, operands[d].w);
    }
    if constexpr (kIsCut) sum[0][0] += other[0], sum[0][2] += other[2];
  }

  // Step s of chunk c, which is there: of `left` steps in this chunk and later ones. `slot`: of its
  // rows, `next`: of the next step's, `own`: where h goes.
  __device__ __forceinline__ void step(const Operands& operands, int c, int s, int left, u32 slot,
                                       u32 next, u32 own) {
    const int i = c * Chunk + s;
    begin_sums();
    stage((s + Chunk - 1) % Chunk);  // what the last step gave; in the first one, what nobody reads
    if constexpr (!kReadsEarly) read(slot);
    multiply(operands);
    if (s == 0) next_chunk(c);
    if (IsAsked && SourceWords<1>::is_first_of_word(i)) any_anew = any_starts(source.turn(p, b, i));
    if constexpr (IsLong) {
      store_long(i);
      fetch_long(slot, s + kAhead < left);
      __syncwarp();
    }
    if (IsAsked && i % 4 == 3) any_beyond = any_starts(source.ahead & 0xffu);
    if (IsAsked && any_anew) {
#pragma unroll
      for (int e = 0; e < kOwn; ++e)
        if (source.is(gpu::kInitialStates, i)) element[e].start(p, b, n, u + e);
      __syncwarp();
    }
    float slots[kOwn][Cell::kSlots];
#pragma unroll
    for (int e = 0; e < kOwn; ++e) end_slots(e, slots[e]);
    if constexpr (kReadsEarly) read(next);
#pragma unroll
    for (int e = 0; e < kOwn; ++e)
      element[e].template advance<IsAsked>(p, slots[e], IsAsked && source.is(gpu::kNoStep, i));
    put(own);
    // Not between the cells of two units, which are worked out together.
    if (IsAsked && p.states.data != nullptr) {
#pragma unroll
      for (int e = 0; e < kOwn; ++e)
        element[e].store_states(p, b, n, u + e, i, source.is(gpu::kNoStep, i));
      __syncwarp();
    }
    if (IsAsked && (any_anew || (i % 4 == 3 && any_beyond))) {
#pragma unroll
      for (int e = 0; e < kOwn; ++e) put_initial(i, own + 2 * e, u + e);
      __syncwarp();
    }
  }

  // All steps. Whether there is another one is asked when its operands have been asked for: the
  // compiler puts nothing else of the step before that.
  __device__ __forceinline__ void steps(u32 own, u32 operand) {
    for (int c = 0, left = p.shape.time;; ++c, left -= Chunk) {
      const u32 slot = c * Chunk % kAhead * kStepBytes,
                after = (c + 1) * Chunk % kAhead * kStepBytes;
#pragma unroll
      for (int s = 0; s < Chunk; ++s) {
        Operands operands;
        all_warps_meet<Mover::kAllWarps>();
        look(operand + s % 2 * kBufferBytes, operands);
        if (s >= left) return;
        step(operands, c, s, left, slot + s * kStepBytes,
             s + 1 < Chunk ? slot + (s + 1) * kStepBytes : after, own + (s + 1) % 2 * kBufferBytes);
      }
    }
  }

  __device__ __forceinline__ void run(unsigned char* shared) {
    const int warp = warp_number(), group = p.first_group + blockIdx.x,
              b0 = gpu::first_sequence(group / p.shape.heads, kColumns);
    lane = threadIdx.x % 32, n = group % p.shape.heads;
    const u32 h_buffer = shared_address(shared), rows = h_buffer + 2 * kBufferBytes;
    chunks.set_up(p.shape, p.saved, Place{n, b0, 0}, rows + kAhead * kStepBytes);
    for (u32 i = threadIdx.x; i < (2 * kBufferBytes + kAhead * kStepBytes) / 4; i += blockDim.x)
      sts32(h_buffer + 4 * i, 0);
    __syncthreads();
    if (warp >= kWarps) {
      static_assert(Mover::kAllWarps == kWarps + 3);
      if constexpr (TakesRegisters) {
        give_registers<gpu::kFourMoving>();
        if (warp == Mover::kAllWarps) return;
      }
      Mover mover{p, chunks, lane, n, b0};
      if (warp == kWarps) {
        mover.move_inputs(rows, h_buffer);
      } else if (warp == kWarps + 1) {
        mover.move_h(rows, h_buffer);
      } else {
        mover.move_saved();
      }
      return;
    }
    if constexpr (TakesRegisters) take_registers<gpu::kFourComputing>();
    b = b0 + lane % 4 * gpu::sequence_step(kColumns);
    u = warp * UnitsOfWarp + lane / 4 * kOwn;
    is_odd = u % 2 != 0;
    word = rows + lane % 4 * kRowBytes + u * 2;
    keep(word);
    if constexpr (IsAsked) source.open(p, b, 0);
    load_weights();
#pragma unroll
    for (int e = 0; e < kOwn; ++e) bias[e].load(p, n, u + e), element[e].start(p, b, n, u + e);
    if constexpr (IsLong) start_long();
    const u32 own = h_buffer + Mover::place_of_h(u, lane % 4);
    put(own);
#pragma unroll
    for (int t = 0; t < kTiles; ++t) sum[t][0] = sum[t][1] = sum[t][2] = sum[t][3] = 0.0f;
    open_chunk(Mover::kChunks - 1);
    all_warps_meet<Mover::kAllWarps>();  // the first step's inputs have come
    if constexpr (kReadsEarly) read(0);
    steps(own, h_buffer + (kIsShallow ? lane / 4 * 32 + lane % 4 * 8 : operand_lane(lane)));
    if (p.shape.time > 0) {
      if constexpr (IsLong) {
        store_long(p.shape.time);
        __syncwarp();
      }
      stage((p.shape.time - 1) % Chunk);
    }
    all_warps_meet<Mover::kAllWarps>();
#pragma unroll
    for (int e = 0; e < kOwn; ++e) element[e].finish(p, b, n, u + e);
  }
};

}  // namespace flashrnn::cuda
