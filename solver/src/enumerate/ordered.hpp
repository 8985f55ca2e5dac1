// Variables that rules like x <= y keep in order.
#ifndef CONSTRINT_ENUMERATE_ORDERED_HPP
#define CONSTRINT_ENUMERATE_ORDERED_HPP

#include <utility>
#include <vector>

namespace constrint::detail {

struct Space;

class Ordered {
 public:
  explicit Ordered(const Space& space);
  // Per position: whether its variable is never below this position's.
  std::vector<char> from(int position) const;

 private:
  std::size_t positions_;
  std::vector<std::pair<int, int>> pairs_;  // positions: the first is at most the second
};

}  // namespace constrint::detail

#endif  // CONSTRINT_ENUMERATE_ORDERED_HPP
