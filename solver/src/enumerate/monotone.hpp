// Which rules only rise or only fall along their target: their masks are stretches found by
// bisection.
#ifndef CONSTRINT_ENUMERATE_MONOTONE_HPP
#define CONSTRINT_ENUMERATE_MONOTONE_HPP

#include "enumerate/space.hpp"

namespace constrint::detail {

// +1: the rule's term never falls as the target rises, -1: it never rises, 0: not known.
int direction(const Space& space, const Rule& rule);

}  // namespace constrint::detail

#endif  // CONSTRINT_ENUMERATE_MONOTONE_HPP
