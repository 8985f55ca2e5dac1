// Listing a Space on several threads with the order of one.
#ifndef CONSTRINT_ENUMERATE_PARALLEL_HPP
#define CONSTRINT_ENUMERATE_PARALLEL_HPP

#include "enumerate/walk.hpp"

namespace constrint::detail {

enum class Listed : std::uint8_t { complete, stopped, limit };

class Factors;

// sink is called by one thread at a time, in the order of the loops. factors: what every row is
// multiplied with, or null.
Listed list_space(const Space& space, const Factors* factors, unsigned threads, Control* control,
                  const Lister::Flush& sink);

}  // namespace constrint::detail

#endif  // CONSTRINT_ENUMERATE_PARALLEL_HPP
