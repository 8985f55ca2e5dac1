// SPDX-License-Identifier: Apache-2.0
// The same numbers on every platform (std::uniform_real_distribution promises no such thing):
// SplitMix64.
#ifndef FLASHRNN_TESTS_SUPPORT_RANDOM_HPP_
#define FLASHRNN_TESTS_SUPPORT_RANDOM_HPP_

#include <cstdint>

namespace flashrnn::test {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t bits() {
    state_ += 0x9e3779b97f4a7c15u;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  int64_t below(int64_t bound) {
    return static_cast<int64_t>(bits() % static_cast<uint64_t>(bound));
  }
  double uniform(double low, double high) {
    return low + (high - low) * static_cast<double>(bits() >> 11) * 0x1p-53;
  }
  bool chance(double probability) { return uniform(0, 1) < probability; }

 private:
  uint64_t state_;
};

}  // namespace flashrnn::test

#endif  // FLASHRNN_TESTS_SUPPORT_RANDOM_HPP_
