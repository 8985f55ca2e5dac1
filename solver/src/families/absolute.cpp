// z = |x|.
#include <algorithm>

#include "families/family.hpp"

namespace constrint::detail {
namespace {

bool propagate(Engine& e, int z) {
  const int x = e.arguments(z)[0];
  const Int low = e[x].low, high = e[x].high;
  const Int least = low > 0 ? low : high < 0 ? -high : Int{0};
  if (!e.within(z, least, std::max(abs_wide(low), abs_wide(high)))) return false;
  if (e[z].high < kBig && !e.within(x, -e[z].high, e[z].high)) return false;
  // The gap between -z.low and z.low.
  const Int gap = e[z].low;
  if (gap > 0) {
    if (e[x].low > -gap && !e.at_least(x, gap)) return false;
    if (e[x].high < gap && !e.at_most(x, -gap)) return false;
    if (!e.keep_if(x, [&](i64 v) { return v <= -gap || v >= gap; })) return false;
  }
  return filter_small(e, z);
}

Int evaluate(const Graph&, const Node&, const Int* arguments) { return abs_wide(arguments[0]); }

}  // namespace

const FamilyInfo kAbsolute{"abs", false, propagate, evaluate};

}  // namespace constrint::detail
