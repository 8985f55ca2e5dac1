// SPDX-License-Identifier: Apache-2.0
#include "pairwise.hpp"

#include <cstddef>

#include "random.hpp"

namespace flashrnn::test {
namespace {

// Which pairs of values have occurred.
class Pairs {
 public:
  explicit Pairs(const std::vector<int>& levels) : levels_(levels) {
    int values = 0;
    for (const int level : levels) {
      first_.push_back(values);
      values += level;
    }
    count_ = static_cast<size_t>(values);
    seen_.assign(count_ * count_, false);
  }

  bool seen(size_t f, int x, size_t g, int y) const { return seen_[at(f, x, g, y)]; }
  void see(const std::vector<int>& row) {
    for (size_t f = 0; f < row.size(); ++f) {
      for (size_t g = 0; g < row.size(); ++g) seen_[at(f, row[f], g, row[g])] = true;
    }
  }
  // An unseen pair, as a row with -1 where free; empty when there is none.
  std::vector<int> missing() const {
    for (size_t f = 0; f < levels_.size(); ++f) {
      for (size_t g = f + 1; g < levels_.size(); ++g) {
        for (int x = 0; x < levels_[f]; ++x) {
          for (int y = 0; y < levels_[g]; ++y) {
            if (seen(f, x, g, y)) continue;
            std::vector<int> row(levels_.size(), -1);
            row[f] = x;
            row[g] = y;
            return row;
          }
        }
      }
    }
    return {};
  }

 private:
  size_t at(size_t f, int x, size_t g, int y) const {
    return static_cast<size_t>(first_[f] + x) * count_ + static_cast<size_t>(first_[g] + y);
  }
  const std::vector<int>& levels_;
  std::vector<int> first_;
  size_t count_ = 0;
  std::vector<bool> seen_;
};

// Gives the free factors of the row the values that bring the most new pairs; chance decides among
// equals.
void complete(const std::vector<int>& levels, const Pairs& pairs, Random* random,
              std::vector<int>* row) {
  for (size_t f = 0; f < levels.size(); ++f) {
    if ((*row)[f] >= 0) continue;
    int best = 0, best_gain = -1;
    const int start = static_cast<int>(random->below(levels[f]));
    for (int k = 0; k < levels[f]; ++k) {
      const int x = (start + k) % levels[f];
      int gain = 0;
      for (size_t g = 0; g < levels.size(); ++g) {
        if (g != f && (*row)[g] >= 0 && !pairs.seen(f, x, g, (*row)[g])) ++gain;
      }
      if (gain > best_gain) best = x, best_gain = gain;
    }
    (*row)[f] = best;
  }
}

}  // namespace

std::vector<std::vector<int>> pairwise_rows(const std::vector<int>& levels, int full, int copies,
                                            uint64_t seed) {
  Random random(seed);
  Pairs pairs(levels);
  std::vector<std::vector<int>> rows;
  const auto add = [&](std::vector<int> row) {
    complete(levels, pairs, &random, &row);
    pairs.see(row);
    rows.push_back(row);
  };
  int combinations = 1;
  for (int f = 0; f < full; ++f) combinations *= levels[static_cast<size_t>(f)];
  for (int copy = 0; copy < copies; ++copy) {
    for (int k = 0; k < combinations; ++k) {
      std::vector<int> row(levels.size(), -1);
      int rest = k;
      for (size_t f = 0; f < static_cast<size_t>(full); ++f) {
        row[f] = rest % levels[f];
        rest /= levels[f];
      }
      add(row);
    }
  }
  for (std::vector<int> row = pairs.missing(); !row.empty(); row = pairs.missing()) add(row);
  return rows;
}

}  // namespace flashrnn::test
