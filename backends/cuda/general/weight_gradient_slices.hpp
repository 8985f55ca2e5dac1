// SPDX-License-Identifier: Apache-2.0
// How the steps of the weight gradients' product are cut into slices, whose CTAs the device takes
// in their order: alike where all is there before, or so that little is left to do when the
// recurrence that the product runs beside comes to its end.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <queue>
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

inline Slices even_slices(int64_t blocks, int count) {
  Slices first;
  for (int k = 0; k <= count; ++k) first.push_back(blocks * k / count);
  return first;
}

// `count` slices each of which is `ratio` of the one before, of all blocks but those of the last
// steps to come; these are `last` more.
inline Slices graded_slices(const SliceWork& w, int count, double ratio, int last) {
  Slices first;
  const int64_t most = w.blocks - w.batch;
  double part = 0, all = 0;
  for (int k = 0; k < count; ++k) all += std::pow(ratio, k);
  for (int k = 0; k < count; ++k) {
    first.push_back(static_cast<int64_t>(static_cast<double>(most) * part / all));
    part += std::pow(ratio, k);
  }
  for (int k = 0; k <= last; ++k) first.push_back(most + w.batch * int64_t{k} / last);
  return first;
}

// us from the beginning of the recurrence to the end of the sums.
inline double finish_us(const SliceWork& w, const Beside& beside, const Slices& first) {
  std::priority_queue<double, std::vector<double>, std::greater<>> slots;
  for (int k = 0; k < w.slots; ++k) slots.push(k < w.slots * beside.free_share ? 0 : beside.us);
  const int64_t all_steps = w.blocks / w.batch;
  double end = beside.us;
  for (size_t k = 0; k + 1 < first.size(); ++k) {
    const int64_t count = first[k + 1] - first[k];
    if (count == 0) continue;
    const int64_t steps = (first[k + 1] + w.batch - 1) / w.batch;
    const double ready = beside.us * static_cast<double>(steps) / static_cast<double>(all_steps),
                 us = w.cta_us + w.block_us * static_cast<double>(count);
    for (int tile = 0; tile < w.tiles; ++tile) {
      const double finish = std::max(slots.top() + us, ready + us);
      slots.pop();
      slots.push(finish);
      end = std::max(end, finish);
    }
  }
  return end + w.sum_us * static_cast<double>(first.size() - 1);
}

// It cannot take less: the last slice's CTAs begin when the recurrence is at its end.
inline double least_us(const SliceWork& w, const Beside& beside, const Slices& first) {
  const size_t slices = first.size() - 1;
  return beside.us + w.cta_us +
         w.block_us * static_cast<double>(first[slices] - first[slices - 1]) +
         w.sum_us * static_cast<double>(slices);
}

// What takes least of some ways to cut.
inline Slices slices_beside(const SliceWork& w, const Beside& beside) {
  Slices best = even_slices(w.blocks, 1);
  double best_us = finish_us(w, beside, best);
  const auto consider = [&](const Slices& first) {
    if (least_us(w, beside, first) >= best_us) return;
    const double us = finish_us(w, beside, first);
    if (us >= best_us) return;
    best = first;
    best_us = us;
  };
  for (int count : {2, 3, 4, 6, 8, 12, 16, 24}) {
    // A slice has a block at least, and plans take little time.
    if (int64_t{count + 1} * 2 > w.blocks || int64_t{count} * w.tiles > 4096) break;
    consider(even_slices(w.blocks, count));
    if (w.blocks <= 2 * w.batch) continue;
    for (double ratio : {1.0, 0.85, 0.7, 0.55}) {
      for (int last : {1, 2, 4})
        if (last <= w.batch) consider(graded_slices(w, count, ratio, last));
    }
  }
  return best;
}

}  // namespace flashrnn::cuda
