// SPDX-License-Identifier: Apache-2.0
// One (head, batch tile) through time, backward.
#pragma once

#include "core/layout.hpp"
#include "core/simd/forward.hpp"
#include "core/simd/setup.hpp"

namespace flashrnn::simd {

// Sums over the tiles of one share: gradients of R and of the biases.
template <typename Real>
struct WeightGradients {
  Real* d_r;     // [gate][unit][padded units in]
  Real* d_bias;  // [vector][slot][lanes]

  WeightGradients(const Geometry& g, Layout& layout)
      : d_r(layout.take<Real>(g.gates * g.units * g.padded)),
        d_bias(layout.take<Real>(g.padded * g.slots)) {}
};

// What one worker's backward needs.
template <typename Real>
struct BackwardScratch {
  Real* carry;         // [vector][column][S][lanes]
  Real* d_initial;     // likewise
  Real* initial;       // likewise
  Real* initial_h;     // rows, rounded as the product's operand
  Real* sums;          // [vector][column][lanes]
  Real* d_slots;       // rows of the chunk's steps: [step][column]
  Real* old_h;         // likewise
  std::byte* operand;  // rows of bfloat16, where the product takes them
  Source* sources;
  uint8_t* active;

  BackwardScratch(const Setup& setup, Layout& layout);
};

template <typename Real>
class BackwardTile {
 public:
  // panels are those of the head.
  BackwardTile(const Setup& setup, const BackwardCall& call, int64_t head, int64_t tile,
               const std::byte* panels, SavedTile<Real> saved,
               const WeightGradients<Real>& gradients, BackwardScratch<Real>& scratch);

  // begin(), then step(i) for every i in reverse of the order of processing, then finish().
  void begin();
  void step(int64_t i);
  void finish();

 private:
  const Source* begin_step(int64_t i, int64_t t);
  void load_old_h(const Source* sources, int64_t t_before, Real* rows) const;
  BackwardStep make_step(const Extent& extent, int64_t t, int64_t t_before, int64_t slot) const;
  // Lists what the next step will touch of some vectors.
  void list_ahead(const BackwardStep& step, const ToNext& to_next, int64_t first, int64_t end,
                  Ahead& ahead) const;
  // Likewise of the saved values, those that its cell begins with: it fetches the others itself.
  void list_saved(int64_t i, int64_t block, Ahead& ahead) const;
  void multiply(const BackwardStep& step, const ToNext& to_next, int64_t i);  // sums = R^T dG
  void hand_to_initial(const Source* sources);  // the carried gradients of columns that start here
  void add_weights(int64_t steps);              // of the chunk's first `steps`

  const Setup& setup_;
  const BackwardCall& call_;
  int64_t head_;
  const std::byte* panels_;
  SavedTile<Real> saved_;
  const WeightGradients<Real>& gradients_;
  BackwardScratch<Real>& scratch_;
  int64_t b0_;
  int64_t columns_;
  portable::Steps steps_;
  // Of the cell's steps.
  bool is_by_lines_;
  bool streams_d_wx_;
  int64_t slot_ = 0;  // of the chunk
};

}  // namespace flashrnn::simd
