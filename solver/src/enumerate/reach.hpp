// How large the terms of a model can become: what its spaces need to know before they compute in 64
// bits.
#ifndef CONSTRINT_ENUMERATE_REACH_HPP
#define CONSTRINT_ENUMERATE_REACH_HPP

#include "api/prepare.hpp"

namespace constrint::detail {

// What every term can be over all combinations of the variables' values, pruned or not. Each must
// stay within 62 bits; products and sums of non-negative terms may go beyond when all that is asked
// of them is to be small: they are held there.
struct Reach {
  explicit Reach(const Prepared& prepared);
  bool fits = true;
  std::vector<Int> low, high;    // per node
  std::vector<char> saturating;  // per node: held at 2^62
};

}  // namespace constrint::detail

#endif  // CONSTRINT_ENUMERATE_REACH_HPP
