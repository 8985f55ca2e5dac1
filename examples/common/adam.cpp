// SPDX-License-Identifier: Apache-2.0
#include "adam.hpp"

#include <cmath>
#include <utility>

namespace examples {

Adam::Adam(std::vector<Parameter*> parameters) : parameters_(std::move(parameters)) {
  for (const Parameter* p : parameters_)
    moments_.push_back({std::vector<float>(p->value.size()), std::vector<float>(p->value.size())});
}

float Adam::step(float learning_rate, float clip) {
  constexpr float kBeta1 = 0.9f, kBeta2 = 0.999f, kEpsilon = 1e-8f;
  double squares = 0;
  for (const Parameter* p : parameters_)
    for (float g : p->gradient) squares += static_cast<double>(g) * g;
  const float norm = static_cast<float>(std::sqrt(squares));
  const float scale = clip > 0 && norm > clip ? clip / norm : 1.0f;

  ++steps_;
  const float unbias1 = 1 - std::pow(kBeta1, static_cast<float>(steps_));
  const float unbias2 = 1 - std::pow(kBeta2, static_cast<float>(steps_));
  const float rate = learning_rate * std::sqrt(unbias2) / unbias1;
  for (std::size_t n = 0; n < parameters_.size(); ++n) {
    float* const value = parameters_[n]->value.data();
    const float* const gradient = parameters_[n]->gradient.data();
    float* const first = moments_[n].first.data();
    float* const second = moments_[n].second.data();
    const std::size_t size = parameters_[n]->value.size();
    for (std::size_t i = 0; i < size; ++i) {
      const float g = gradient[i] * scale;
      first[i] += (1 - kBeta1) * (g - first[i]);
      second[i] += (1 - kBeta2) * (g * g - second[i]);
      value[i] -= rate * first[i] / (std::sqrt(second[i]) + kEpsilon);
    }
  }
  return norm;
}

}  // namespace examples
