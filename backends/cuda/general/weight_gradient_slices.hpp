// SPDX-License-Identifier: Apache-2.0
// How the steps of the weight gradients' product are cut into slices, whose CTAs the device takes
// in their order: alike where all is there before, or so that little is left to do when the
// recurrence that the product runs beside comes to its end.
#pragma once

#include <cstdint>
#include <vector>

namespace flashrnn::cuda {

inline constexpr int kMostSlices = 64;

// In blocks of steps of one sequence each, the last steps of all sequences first.
struct SliceWork {
  int64_t blocks;
  int batch;
  int tiles;        // CTAs of a slice
  int slots;        // CTAs that the device holds at once
  double block_us;  // of a CTA
  double cta_us;    // a CTA's beginning and end
  double sum_us;    // a slice's sums, to be written and read
};

// The backward that the product runs beside: how long it takes, and which part of the device it
// leaves. 0: it is to be waited for.
struct Beside {
  double us, free_share;
};

// first[k]: of slice k; the last one is behind all blocks.
using Slices = std::vector<int64_t>;

Slices even_slices(int64_t blocks, int count);
// `count` slices each of which is `ratio` of the one before, of all blocks but those of the last
// steps to come; these are `last` more. Those without a block are left out.
Slices graded_slices(const SliceWork& work, int count, double ratio, int last);

// us from the beginning of the recurrence to the end of the sums; and what it cannot be less than,
// since the last slice's CTAs begin when the recurrence is at its end.
double finish_us(const SliceWork& work, const Beside& beside, const Slices& first);
double least_us(const SliceWork& work, const Beside& beside, const Slices& first);

// What takes least of some ways to cut.
Slices slices_beside(const SliceWork& work, const Beside& beside);

}  // namespace flashrnn::cuda
