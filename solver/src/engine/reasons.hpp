// Which constraints a domain hangs on: for a propagation that fails, those without which it would
// not.
#ifndef CONSTRINT_ENGINE_REASONS_HPP
#define CONSTRINT_ENGINE_REASONS_HPP

#include <vector>

#include "engine/graph.hpp"

namespace constrint::detail {

// Sets of constraints as bits. What an execution changes hangs on whatever its node and arguments
// hang on, which is more than it need be and never less.
class Reasons {
 public:
  Reasons(int nodes, std::size_t constraints)
      : words_((constraints + 63) / 64),
        of_node_(static_cast<std::size_t>(nodes) * words_, 0),
        now_(words_, 0) {}

  // What happens next is this constraint's doing; -1: a declared domain's.
  void begin(int constraint) {
    now_.assign(words_, 0);
    if (constraint >= 0) now_[constraint / 64] |= u64{1} << (constraint % 64);
  }
  // What happens next follows from the node and what its family looks at.
  void begin(const Graph& graph, int node) {
    now_.assign(words_, 0);
    join(node);
    for (int a : graph.arguments(node)) join(a);
    const Node& n = graph.nodes[node];
    if (n.family == Family::floor_div && n.other >= 0) join(n.other);
  }
  void join(int node) {
    for (std::size_t w = 0; w < words_; ++w) now_[w] |= of(node)[w];
  }
  void changed(int node) {
    for (std::size_t w = 0; w < words_; ++w) of(node)[w] |= now_[w];
  }
  bool holds(std::size_t constraint) const {
    return (now_[constraint / 64] >> (constraint % 64) & 1) != 0;
  }

 private:
  u64* of(int node) { return of_node_.data() + static_cast<std::size_t>(node) * words_; }

  std::size_t words_;
  std::vector<u64> of_node_;
  std::vector<u64> now_;
};

}  // namespace constrint::detail

#endif  // CONSTRINT_ENGINE_REASONS_HPP
