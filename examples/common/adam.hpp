// SPDX-License-Identifier: Apache-2.0
// Trainable parameters and the Adam optimiser.
#ifndef FLASHRNN_EXAMPLES_ADAM_HPP_
#define FLASHRNN_EXAMPLES_ADAM_HPP_

#include <cstddef>
#include <vector>

#include "random.hpp"

namespace examples {

struct Parameter {
  std::vector<float> value;
  std::vector<float> gradient;

  Parameter() = default;
  explicit Parameter(std::size_t size) : value(size), gradient(size) {}
  // Uniform in [-bound, bound).
  void randomise(float bound, Random& random) {
    for (float& v : value) v = random.between(-bound, bound);
  }
};

// Adam (Kingma & Ba 2015) without weight decay, after the gradients' global norm was clipped.
class Adam {
 public:
  explicit Adam(std::vector<Parameter*> parameters);
  // One update of every parameter, with gradients clipped to the norm `clip` (0: not clipped);
  // returns their norm before that.
  float step(float learning_rate, float clip);

 private:
  struct Moments {
    std::vector<float> first, second;
  };
  std::vector<Parameter*> parameters_;
  std::vector<Moments> moments_;
  int steps_ = 0;
};

}  // namespace examples

#endif  // FLASHRNN_EXAMPLES_ADAM_HPP_
