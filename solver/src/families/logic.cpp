// and, or, not, iff over conditions (nodes of value 0 or 1).
#include "families/family.hpp"

namespace constrint::detail {
namespace {

// `and` with kNeutral = 1; `or` is the same with true and false exchanged.
template <int kNeutral>
bool propagate_many(Engine& e, int z) {
  constexpr Int neutral = kNeutral, absorbing = 1 - kNeutral;
  const auto args = e.arguments(z);
  int open = -1, open_count = 0;
  for (int x : args) {
    if (!e.fixed(x)) {
      open = x, ++open_count;
    } else if (e.value(x) == absorbing) {
      return e.assign(z, absorbing);
    }
  }
  if (open_count == 0) return e.assign(z, neutral);
  if (!e.fixed(z)) return true;
  if (e.value(z) == neutral) {
    for (int x : args) {
      if (!e.assign(x, neutral)) return false;
    }
    return true;
  }
  return open_count > 1 || e.assign(open, absorbing);
}

template <int kNeutral>
Int evaluate_many(const Graph&, const Node& node, const Int* arguments) {
  for (int i = 0; i < node.count; ++i) {
    if (arguments[i] != kNeutral) return 1 - kNeutral;
  }
  return kNeutral;
}

bool propagate_not(Engine& e, int z) {
  const int x = e.arguments(z)[0];
  if (e.fixed(x)) return e.assign(z, 1 - e.value(x));
  return !e.fixed(z) || e.assign(x, 1 - e.value(z));
}

Int evaluate_not(const Graph&, const Node&, const Int* arguments) { return 1 - arguments[0]; }

bool propagate_iff(Engine& e, int z) {
  const int x = e.arguments(z)[0], y = e.arguments(z)[1];
  if (e.fixed(x) && e.fixed(y)) return e.assign(z, e.value(x) == e.value(y) ? 1 : 0);
  if (!e.fixed(z)) return true;
  const bool same = e.value(z) == 1;
  if (e.fixed(x)) return e.assign(y, same ? e.value(x) : 1 - e.value(x));
  if (e.fixed(y)) return e.assign(x, same ? e.value(y) : 1 - e.value(y));
  return true;
}

Int evaluate_iff(const Graph&, const Node&, const Int* arguments) {
  return arguments[0] == arguments[1] ? 1 : 0;
}

}  // namespace

const FamilyInfo kConjunction{"and", true, propagate_many<1>, evaluate_many<1>, false, kFixed};
const FamilyInfo kDisjunction{"or", true, propagate_many<0>, evaluate_many<0>, false, kFixed};
const FamilyInfo kNegation{"not", true, propagate_not, evaluate_not, false, kFixed};
const FamilyInfo kEquivalence{"iff", true, propagate_iff, evaluate_iff, false, kFixed};

}  // namespace constrint::detail
