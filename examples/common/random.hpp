// SPDX-License-Identifier: Apache-2.0
// Random numbers that are the same with every compiler and standard library, unlike those of
// std::uniform_int_distribution and its kin.
#ifndef FLASHRNN_EXAMPLES_RANDOM_HPP_
#define FLASHRNN_EXAMPLES_RANDOM_HPP_

#include <cstdint>

namespace examples {

// SplitMix64 (Steele et al. 2014). The streams of one seed are as good as independent here.
class Random {
 public:
  explicit Random(std::uint64_t seed, std::uint64_t stream = 0)
      : state_(seed * 0x9e3779b97f4a7c15u + stream * 0xd1342543de82ef95u) {
    next();
  }
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // An integer in [0, bound), bound < 2^32.
  int below(int bound) {
    return static_cast<int>(((next() >> 32) * static_cast<std::uint64_t>(bound)) >> 32);
  }
  // A real number in [0, 1).
  float unit() { return static_cast<float>(next() >> 40) * 0x1p-24f; }
  float between(float low, float high) { return low + (high - low) * unit(); }

 private:
  std::uint64_t state_;
};

}  // namespace examples

#endif  // FLASHRNN_EXAMPLES_RANDOM_HPP_
