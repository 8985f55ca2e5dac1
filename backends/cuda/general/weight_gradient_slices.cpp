// SPDX-License-Identifier: Apache-2.0
#include "cuda/general/weight_gradient_slices.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <queue>

namespace flashrnn::cuda {

Slices even_slices(int64_t blocks, int count) {
  Slices first;
  for (int k = 0; k <= count; ++k) first.push_back(blocks * k / count);
  return first;
}

Slices graded_slices(const SliceWork& w, int count, double ratio, int last) {
  Slices first = {0};
  const auto push = [&](int64_t block) {
    if (block > first.back()) first.push_back(block);
  };
  const int64_t most = w.blocks - w.batch;
  double part = 0, all = 0;
  for (int k = 0; k < count; ++k) all += std::pow(ratio, k);
  for (int k = 0; k < count; ++k) {
    push(static_cast<int64_t>(static_cast<double>(most) * part / all));
    part += std::pow(ratio, k);
  }
  for (int k = 0; k <= last; ++k) push(most + w.batch * int64_t{k} / last);
  return first;
}

double finish_us(const SliceWork& w, const Beside& beside, const Slices& first) {
  std::priority_queue<double, std::vector<double>, std::greater<>> slots;
  for (int k = 0; k < w.slots; ++k) slots.push(k < w.slots * beside.free_share ? 0 : beside.us);
  const int64_t all_steps = w.blocks / w.batch;
  double end = beside.us;
  for (size_t k = 0; k + 1 < first.size(); ++k) {
    const int64_t count = first[k + 1] - first[k];
    const int64_t steps = (first[k + 1] + w.batch - 1) / w.batch;
    const double ready = beside.us * static_cast<double>(steps) / static_cast<double>(all_steps),
                 us = w.cta_us + w.block_us * static_cast<double>(count);
    for (int tile = 0; tile < w.tiles; ++tile) {
      const double finish = std::max(slots.top(), ready) + us;
      slots.pop();
      slots.push(finish);
      end = std::max(end, finish);
    }
  }
  return end + w.sum_us * static_cast<double>(first.size() - 1);
}

double least_us(const SliceWork& w, const Beside& beside, const Slices& first) {
  const size_t slices = first.size() - 1;
  return beside.us + w.cta_us +
         w.block_us * static_cast<double>(first[slices] - first[slices - 1]) +
         w.sum_us * static_cast<double>(slices);
}

Slices slices_beside(const SliceWork& w, const Beside& beside) {
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
    // Slices are of a block or more, and plans take little time.
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
