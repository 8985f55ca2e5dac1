// SPDX-License-Identifier: Apache-2.0
// The element-wise part of a step on vectors of units: what follows the product in forward, what
// comes before it in backward. One table per cell and instruction set.
//
// Arrays of the tile are blocked: [vector][column][count][lanes], so that one element's values lie
// side by side.
#pragma once

#include <cstdint>

#include "cells/traits.hpp"
#include "core/source.hpp"
#include "plan/dtype.hpp"

namespace flashrnn::simd {

// A view of a tensor at one tile and step: the address of its first column and unit. data ==
// nullptr: absent.
struct View {
  void* data = nullptr;
  int64_t column_stride = 0;
  int64_t item_stride = 0;  // between gates or states
  int64_t unit_stride = 0;
};

struct Extent {
  int64_t columns;
  int64_t units;         // D
  int64_t first_vector;  // of those that this call handles
  int64_t end_vector;
  const Source* sources;  // of each column; nullptr: all kPrevious
  const uint8_t* active;  // the columns whose source is not kNone; nullptr: all
  int64_t active_count;
};

struct ForwardStep {
  Extent extent;
  void* sums;        // R h: [Gr][vector - first_vector][column][lanes]; may be activated in place
  bool are_whole;    // the sums have bias and wx in them: only slots without a sum need those
  const void* bias;  // [vector][slot][lanes]
  void* state;       // [vector][column][S][lanes]; updated
  View wx;
  View h;  // no items
  View states;
  // h rounded to the problem's dtype as the next product's operand: rows of reals, or of bfloat16
  // where is_bfloat16_operand.
  const void* old_operand;
  void* operand;
  int64_t operand_stride;
  bool is_bfloat16_operand;
  void* saved;  // [vector][column][saved][lanes] in the problem's dtype; nullptr: nothing is saved
  void* kept;   // [vector][column][kept][lanes]
  bool streams_saved;  // saved and kept go past the caches
  double clip;         // 0: none
  // Lines to fetch into L2 meanwhile, [vector - first_vector][column][input gate]; nullptr: none.
  const void* const* prefetch;
  int64_t h_ahead;  // elements from h to where the next step writes, to fetch likewise; 0: none
};

// Elements from a step's views to what later steps will touch; 0: nothing.
struct ToNext {
  int64_t d_h = 0;
  int64_t h = 0;
  int64_t d_wx = 0;
};

struct BackwardStep {
  Extent extent;
  const void* saved;  // as forward left them, at this step
  const void* kept;
  const void* old_kept;  // at the step before; not read where a column's source is kInitial
  const void* initial;   // initial states [vector][column][S][lanes]
  const void* old_h;     // rows of reals [column][old_h_stride]
  int64_t old_h_stride;
  View h;  // read only when clip is not 0
  View d_h;
  View d_states;
  void* carry;  // in: gradient of the states after the step; out: before it, without what passes
                // through R
  View d_wx;
  void* d_slots;  // rows of reals [column][recurrent gate][padded units]: operand of the products
                  // with dG
  void* d_slots_operand;  // the same in bfloat16, nullptr where the product does not take that
  int64_t d_slots_stride;
  int64_t d_slots_operand_stride;
  int64_t padded_units;
  void* d_bias;  // [vector][slot][lanes], added to
  double clip;
  ToNext to_next;  // to fetch into L2 meanwhile
  // One vector or two fill a line and all do so: two may be taken together, and what the product
  // fetches of the saved values is the first line's.
  bool is_by_lines;
  bool streams_d_wx;  // d_wx goes past the caches where vectors are taken by lines
};

// Adds the product R^T dG to h's carried gradient and clips it.
struct CarryStep {
  Extent extent;
  const void* sums;  // [vector][column][lanes]; nullptr: none
  void* carry;
  double clip;
};

struct CellKernels {
  // By dtype: float32, bfloat16, float16, float64, as DType counts from 1.
  void (*forward[4])(const ForwardStep&);
  void (*backward[4])(const BackwardStep&);
  void (*carry[4])(const CarryStep&);
};

// For one of Highway's targets, which must be present on this machine.
const CellKernels& cell_kernels(const CellTraits& cell, int64_t target);

}  // namespace flashrnn::simd
