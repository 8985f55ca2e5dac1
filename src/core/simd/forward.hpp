// SPDX-License-Identifier: Apache-2.0
// One (head, batch tile) through time, forward.
#pragma once

#include "core/layout.hpp"
#include "core/simd/setup.hpp"

namespace flashrnn::simd {

// What one worker's forward needs.
template <typename Real>
struct ForwardScratch {
  std::byte* initial_operand;  // h of the initial states, as the product's operand
  std::byte* operands[2];      // old and new h, taking turns
  Real* state;                 // [vector][column][S][lanes]
  Real* initial;               // likewise
  Real* sums;
  Source* sources;
  uint8_t* active;
  const void** prefetch;  // lines of the next step's wx for one group of vectors
  AddendRow* addends;     // of all rows, a group after the other

  ForwardScratch(const Setup& setup, Layout& layout);
};

// Where a tile's forward leaves what backward needs; null: nowhere.
template <typename Real>
struct SavedTile {
  std::byte* values = nullptr;
  Real* kept = nullptr;
};

template <typename Real>
class ForwardTile {
 public:
  // panels and bias are those of the head.
  ForwardTile(const Setup& setup, const ForwardCall& call, int64_t head, int64_t tile,
              const std::byte* panels, const Real* bias, SavedTile<Real> saved,
              ForwardScratch<Real>& scratch);

  // begin(), then step(i) for every i in the order of processing, then finish().
  void begin();
  void step(int64_t i);
  void finish();

 private:
  // Returns the sources of the columns at a step, nullptr where all go on from the step before.
  const Source* begin_step(int64_t i, int64_t t);
  // Which group a step does as its j-th.
  int64_t group_at(int64_t step, int64_t j) const {
    return step % 2 == 0 ? j : setup_.geometry.groups - 1 - j;
  }
  // The j-th group of a step. Meanwhile fetches what the next step will touch of the group that is
  // in this one's place then: always a whole step ahead. `to_next_*` are 0 where there is nothing
  // to fetch.
  void run_group(const ForwardStep& step, int64_t i, int64_t j, int64_t to_next_wx,
                 int64_t to_next_h);
  // sums = R h of a group, with bias and wx where they are whole. Meanwhile fetches what is
  // `to_later_wx` elements from them (0: nothing), and where the next group's panels begin.
  void multiply(const ForwardStep& step, int64_t to_later_wx, int64_t next_group);
  // Lists bias and wx of all rows.
  void list_addends();
  // Lists the lines of the next step's wx that a group will read.
  void list_next_wx(const View& wx, int64_t to_next, int64_t first, int64_t vectors) const;

  const Setup& setup_;
  const ForwardCall& call_;
  int64_t head_;
  const std::byte* panels_;
  const Real* bias_;
  SavedTile<Real> saved_;
  ForwardScratch<Real>& scratch_;
  int64_t b0_;
  int64_t columns_;
  portable::Steps steps_;
  int64_t current_ = 0;  // which operand holds the old h
};

}  // namespace flashrnn::simd
