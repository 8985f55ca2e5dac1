// The order of the loops.
#ifndef CONSTRINT_ENUMERATE_AXIS_ORDER_HPP
#define CONSTRINT_ENUMERATE_AXIS_ORDER_HPP

#include "engine/graph.hpp"

namespace constrint::detail {

struct OrderItem {
  int leaf;
  std::size_t size;  // values
  bool hidden;
};

// Visible variables first. Within them, constraints are completed one after the other, those that
// add the fewest combinations first, so that the loops are pruned early; inside a constraint short
// domains go outside, since a mask covers the whole of the last one. Unconstrained variables are
// innermost, where they cost nothing but their solutions.
std::vector<int> fastest_order(const std::vector<OrderItem>& items,
                               const std::vector<std::vector<int>>& scopes);

}  // namespace constrint::detail

#endif  // CONSTRINT_ENUMERATE_AXIS_ORDER_HPP
