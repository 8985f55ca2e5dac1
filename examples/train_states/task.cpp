// SPDX-License-Identifier: Apache-2.0
#include "task.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <stdexcept>

namespace examples {
namespace {

using Permutation = std::array<int, 5>;

// First b, then a.
Permutation product(const Permutation& a, const Permutation& b) {
  Permutation result{};
  for (int i = 0; i < 5; ++i) result[i] = a[b[i]];
  return result;
}

}  // namespace

Task Task::parity() {
  Task task;
  task.name_ = "parity";
  task.next_ = {{0, 1}, {1, 0}};
  task.later_ = 2;
  return task;
}

Task Task::s5(int generators) {
  std::vector<Permutation> elements;
  std::map<Permutation, int> index;
  Permutation p;
  std::iota(p.begin(), p.end(), 0);
  do {
    index[p] = static_cast<int>(elements.size());
    elements.push_back(p);
  } while (std::next_permutation(p.begin(), p.end()));

  const Permutation swap{1, 0, 2, 3, 4}, cycle{1, 2, 3, 4, 0};
  std::vector<Permutation> tokens;
  if (generators == 2)
    tokens = {swap, cycle};
  else if (generators == 4)
    tokens = {swap, cycle, product(swap, cycle), product(cycle, swap)};
  else if (generators == 120)
    tokens = elements;
  else
    throw std::invalid_argument("s5 with " + std::to_string(generators) +
                                " generators: must be 2, 4 or 120");
  Task task;
  task.name_ = "s5";
  task.later_ = static_cast<int>(tokens.size());
  if (generators != 120) {
    task.first_ = task.later_;
    tokens.insert(tokens.end(), elements.begin(), elements.end());
  }
  for (const Permutation& token : tokens) {
    std::vector<int>& row = task.next_.emplace_back();
    for (const Permutation& state : elements) row.push_back(index[product(token, state)]);
  }
  return task;
}

Batch Task::sample(int size, int time, Random& random) const {
  Batch batch{size, time, {}, {}};
  const auto count = static_cast<int>(next_.size());
  for (int sequence = 0; sequence < size; ++sequence) {
    int state = 0;
    for (int t = 0; t < time; ++t) {
      const int token = t == 0 ? first_ + random.below(count - first_) : random.below(later_);
      state = next_[token][state];
      batch.tokens.push_back(token);
      batch.labels.push_back(state);
    }
  }
  return batch;
}

}  // namespace examples
