// Along an axis of more than solve_from values an equation is solved, divisibility filters, and
// what is left checks; filters that follow from equations are added.
#ifndef CONSTRINT_ENUMERATE_WAYS_HPP
#define CONSTRINT_ENUMERATE_WAYS_HPP

#include "enumerate/space.hpp"

namespace constrint::detail {

// position: per node, which axis it is, or -1. The axes and the rules as written are there.
void choose_ways(const Prepared& prepared, const std::vector<int>& position, std::size_t solve_from,
                 Space* space);

}  // namespace constrint::detail

#endif  // CONSTRINT_ENUMERATE_WAYS_HPP
