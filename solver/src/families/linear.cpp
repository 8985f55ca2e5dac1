// z = constant + sum of coefficient * argument: bounds both ways, and congruences both ways.
#include <algorithm>

#include "families/family.hpp"
#include "math/numbers.hpp"

namespace constrint::detail {
namespace {

// Sixteen such parts and a constant stay within 62 bits.
constexpr i64 kPart = i64{1} << 57;

Int low_of(const Engine& e, int n, Int c) { return mul(c, c > 0 ? e[n].low : e[n].high); }
Int high_of(const Engine& e, int n, Int c) { return mul(c, c > 0 ? e[n].high : e[n].low); }

constexpr std::size_t kInline = 16;

// The same as below where every part fits in 62 bits, which is nearly always: false where one does
// not, *consistent otherwise.
bool bounds64(Engine& e, int z, bool* consistent) {
  const auto args = e.arguments(z);
  const Int* c = e.graph().coefficient(z);
  const std::size_t n = args.size();
  if (n > kInline || abs_wide(e.graph().nodes[z].low) > kPart) return false;
  i64 least_of[kInline], most_of[kInline];
  i64 low = static_cast<i64>(e.graph().nodes[z].low), high = low;
  for (std::size_t i = 0; i < n; ++i) {
    const Domain& d = e[args[i]];
    if (!fits64(d.low) || !fits64(d.high) || !fits64(c[i])) return false;
    const i64 k = static_cast<i64>(c[i]);
    const i64 a = static_cast<i64>(k > 0 ? d.low : d.high);
    const i64 b = static_cast<i64>(k > 0 ? d.high : d.low);
    if (__builtin_mul_overflow(k, a, &least_of[i]) || __builtin_mul_overflow(k, b, &most_of[i]) ||
        least_of[i] < -kPart || most_of[i] > kPart) {
      return false;
    }
    low += least_of[i];
    high += most_of[i];
  }
  *consistent = e.within(z, low, high);
  if (!*consistent) return true;
  const i64 z_low = static_cast<i64>(e[z].low), z_high = static_cast<i64>(e[z].high);
  if (z_low == low && z_high == high) return true;  // asks nothing of its parts
  for (std::size_t i = 0; i < n; ++i) {
    const i64 least = z_low - (high - most_of[i]), most = z_high - (low - least_of[i]);
    if ((least <= least_of[i] && most >= most_of[i]) || e.fixed(args[i])) continue;
    const i64 k = static_cast<i64>(c[i]);
    if (k == 1) {
      *consistent = e.within(args[i], least, most);
    } else {
      if (least % k != 0 || most % k != 0) e.rounded();
      *consistent = k > 0 ? e.within(args[i], ceil_div(least, k), floor_div(most, k))
                          : e.within(args[i], ceil_div(most, k), floor_div(least, k));
    }
    if (!*consistent) return true;
  }
  return true;
}

bool propagate_bounds(Engine& e, int z) {
  bool consistent = true;
  if (bounds64(e, z, &consistent)) return consistent;
  e.rounded();
  const auto args = e.arguments(z);
  const Int* c = e.graph().coefficient(z);
  const Int constant = e.graph().nodes[z].low;
  Int low = constant, high = constant;
  for (std::size_t i = 0; i < args.size(); ++i) {
    low = add(low, low_of(e, args[i], c[i]));
    high = add(high, high_of(e, args[i], c[i]));
  }
  if (!e.within(z, low, high)) return false;
  // c_i x_i >= z.low - (all others at their highest), and the mirror image. A sum that ran into
  // the limit says nothing about its parts.
  for (std::size_t i = 0; i < args.size(); ++i) {
    const int x = args[i];
    if (e.fixed(x)) continue;
    const Int part_low = low_of(e, x, c[i]), part_high = high_of(e, x, c[i]);
    Int least = -kBig, most = kBig;
    if (!saturated(high) && !saturated(part_high) && !saturated(e[z].low)) {
      least = sub(e[z].low, sub(high, part_high));
    }
    if (!saturated(low) && !saturated(part_low) && !saturated(e[z].high)) {
      most = sub(e[z].high, sub(low, part_low));
    }
    if (least <= part_low && most >= part_high) continue;
    const Int a = c[i] > 0 ? least : most, b = c[i] > 0 ? most : least;
    const Int x_low = saturated(a) ? -kBig : ceil_div(a, c[i]);
    const Int x_high = saturated(b) ? kBig : floor_div(b, c[i]);
    if (!e.within(x, x_low, x_high)) return false;
  }
  return true;
}

// The stride of c * x: 0 where x is fixed, 1 (nothing known) where it does not fit.
i64 stride(const Engine& e, int x, Int c) {
  if (e.fixed(x)) return 0;
  const Int m = mul(c, e[x].modulus);
  return fits64(m) ? static_cast<i64>(abs_wide(m)) : 1;
}
Int base(const Engine& e, int x, Int c) {
  return mul(c, e.fixed(x) ? e.value(x) : Int{e[x].residue});
}

bool propagate_congruences(Engine& e, int z) {
  const auto args = e.arguments(z);
  const Int* c = e.graph().coefficient(z);
  const std::size_t n = args.size();
  // Two arguments of which no stride is known and no congruence says anything, in whichever
  // direction: the usual case.
  int unknown = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (e[args[i]].modulus == 1 && (c[i] == 1 || c[i] == -1) && !e.fixed(args[i]) &&
        ++unknown == 2) {
      return true;
    }
  }
  i64 strides_inline[kInline], after_inline[kInline];
  std::vector<i64> heap;
  i64 *strides = strides_inline, *after = after_inline;
  if (n > kInline) {
    heap.resize(2 * n);
    strides = heap.data();
    after = strides + n;
  }
  i64 all = 0;
  for (std::size_t i = 0; i < n; ++i) all = gcd64(all, strides[i] = stride(e, args[i], c[i]));
  const i64 z_stride = e.fixed(z) ? 0 : e[z].modulus;
  if (all == 1 && z_stride == 1) return true;
  Int sum = e.graph().nodes[z].low;
  for (std::size_t i = 0; i < n; ++i) sum = add(sum, base(e, args[i], c[i]));
  if (saturated(sum)) return true;
  if (all > 1 && !e.congruent(z, all, static_cast<i64>(floor_mod(sum, all)))) return false;
  // What z knows is no more than what its parts gave it: nothing goes back.
  if (z_stride != 0 && all % z_stride == 0) return true;
  const Int z_base = e.fixed(z) ? e.value(z) : Int{e[z].residue};
  if (saturated(z_base)) return true;
  // after[i]: the common divisor of z's stride and those behind i.
  for (std::size_t i = n; i-- > 0;) {
    after[i] = i + 1 == n ? z_stride : gcd64(after[i + 1], strides[i + 1]);
  }
  i64 before = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const i64 others = gcd64(before, after[i]);
    before = gcd64(before, strides[i]);
    // 0: all others fixed, where bounds are exact.
    if (strides[i] == 0 || others <= 1 || saturated(c[i])) continue;
    // c x == z - rest (mod others).
    const Int part = base(e, args[i], c[i]);
    const Int rest = sub(sum, part);
    const i64 target = static_cast<i64>(floor_mod(sub(z_base, rest), others));
    const i64 coefficient = static_cast<i64>(floor_mod(c[i], others));
    const i64 g = gcd64(coefficient, others);
    if (target % g != 0) return false;
    const i64 m = others / g;
    // What x is known to be settles it one way or the other, without an inverse.
    if (e[args[i]].modulus % m == 0) {
      if (floor_mod(part, others) != target) return false;
      continue;
    }
    if (m == 1) continue;
    const i64 residue = static_cast<i64>(Int{target / g} * inverse_mod(coefficient / g, m) % m);
    if (!e.congruent(args[i], m, residue)) return false;
  }
  return true;
}

bool propagate(Engine& e, int z) {
  if (e.happened(kBounds) && !propagate_bounds(e, z)) return false;
  int open = 0;
  for (int x : e.arguments(z)) open += e.fixed(x) ? 0 : 1;
  // All known: bounds are exact.
  if (open == 0 && e.fixed(z) && !saturated(e.value(z))) return true;
  if (e.happened(kStride | kFixed) && !propagate_congruences(e, z)) return false;
  // A set has holes that bounds do not see: look at the last open argument's values.
  return e[z].count == 0 || open > 1 || filter_small(e, z);
}

Int evaluate(const Graph& graph, const Node& node, const Int* arguments) {
  Int sum = node.low;
  for (int i = 0; i < node.count; ++i) {
    sum = add(sum, mul(graph.coefficients[node.first + i], arguments[i]));
  }
  return sum;
}

}  // namespace

constexpr std::uint8_t kCares = kEverything & ~kDivisors;
const FamilyInfo kLinear{"linear", false, propagate, evaluate, true, kCares, kCares};

}  // namespace constrint::detail
