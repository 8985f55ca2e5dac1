// SPDX-License-Identifier: Apache-2.0
// The word problems of "The Illusion of State in State-Space Models" (arXiv 2404.08819): the tokens
// are elements of a group, and the label of every step is the product of all tokens so far.
#ifndef FLASHRNN_EXAMPLES_TASK_HPP_
#define FLASHRNN_EXAMPLES_TASK_HPP_

#include <string>
#include <vector>

#include "../common/sequence_model.hpp"

namespace examples {

class Task {
 public:
  // Z2, the tokens 0 and 1.
  static Task parity();
  // The permutations of five things. The first token is any of the 120 elements, so that short
  // sequences visit every state; the others are 2 generators (a transposition and the cycle of all
  // five), these and their two products (4), or any element again (120).
  static Task s5(int generators);

  const std::string& name() const { return name_; }
  int tokens() const { return static_cast<int>(next_.size()); }
  int classes() const { return static_cast<int>(next_[0].size()); }
  // Uniformly random sequences with their labels.
  Batch sample(int size, int time, Random& random) const;

 private:
  std::string name_;
  std::vector<std::vector<int>> next_;  // next_[token][state]: the state after it; 0 is the start
  int later_ = 0;  // tokens [0, later_) come at any step, those from first_ on at the first step
  int first_ = 0;
};

}  // namespace examples

#endif  // FLASHRNN_EXAMPLES_TASK_HPP_
