// How domains are narrowed: what is asked of bounds, stride, divisors or set is brought into
// agreement with the rest before update() takes it over.
#include <algorithm>

#include "engine/engine.hpp"
#include "math/numbers.hpp"

namespace constrint::detail {
namespace {

// Windows up to this size are searched for the first value of a divisor domain.
constexpr std::size_t kDivisorsMost = 1 << 14;
// Of this many numbers the divisors are remembered.
constexpr std::size_t kNumbersMost = 4;

}  // namespace

bool Engine::contains(int n, Int v) const {
  if (fits64(v)) return contains64(n, static_cast<i64>(v));
  // Sets and divisors are within 64 bits.
  const Domain& d = domains_[n];
  if (v < d.low || v > d.high || d.count != 0 || d.divisor_of != 0) return false;
  return d.modulus == 1 || floor_mod(v, d.modulus) == d.residue;
}

Int Engine::size(int n) const {
  const Domain& d = domains_[n];
  if (d.count != 0) return d.count;
  if (saturated(d.low) || saturated(d.high)) return kBig;
  return floor_div(d.high - d.low, d.modulus) + 1;
}

bool Engine::raise(int n, Int v) {
  if (v > domains_[n].high) return false;
  Domain d = domains_[n];
  d.low = v;
  return tighten(n, &d) && update(n, d);
}

bool Engine::lower(int n, Int v) {
  if (v < domains_[n].low) return false;
  Domain d = domains_[n];
  d.high = v;
  return tighten(n, &d) && update(n, d);
}

bool Engine::narrow(int n, Int low, Int high) {
  const Domain& old = domains_[n];
  low = std::max(old.low, low);
  high = std::min(old.high, high);
  if (low > high) return false;
  Domain d = old;
  d.low = low;
  d.high = high;
  const bool plain = d.count == 0 && d.modulus == 1 && d.divisor_of == 0 &&
                     graph_.nodes[n].family != Family::variable;
  if (!plain && !tighten(n, &d)) return false;
  as_asked_ = d.low == low && d.high == high;
  const bool left = update(n, d);
  as_asked_ = false;
  return left;
}

bool Engine::assign(int n, Int v) {
  if (domains_[n].fixed()) return domains_[n].low == v;
  if (!contains(n, v)) return false;
  return within(n, v, v);
}

bool Engine::exclude(int n, Int v) {
  const Domain& d = domains_[n];
  if (v < d.low || v > d.high) return true;
  if (v == d.low) return v != d.high && at_least(n, v + 1);
  if (v == d.high) return at_most(n, v - 1);
  return keep_if(n, [&](i64 x) { return x != v; });
}

bool Engine::restrict_stride(int n, i64 modulus, i64 residue) {
  const Domain& old = domains_[n];
  residue = static_cast<i64>(floor_mod(residue, modulus));
  if (old.fixed()) return floor_mod(old.low, modulus) == residue;
  if (old.modulus % modulus == 0) return old.residue % modulus == residue;
  Domain d = old;
  if (modulus % old.modulus == 0) {
    if (residue % old.modulus != old.residue) return false;
    d.modulus = modulus;
    d.residue = residue;
  } else {
    // Chinese remainder: both congruences together.
    const i64 g = gcd64(old.modulus, modulus);
    if ((residue - old.residue) % g != 0) return false;
    const i64 m = modulus / g;
    // Below 2^126 each, as both factors are below 2^63.
    const Int steps =
        floor_mod(floor_mod((residue - old.residue) / g, m) * inverse_mod(old.modulus / g, m), m);
    const i64 joint = lcm64(old.modulus, modulus);
    if (joint == 0) return meet(n, old.residue + steps * old.modulus, Int{old.modulus} * m);
    d.modulus = joint;
    d.residue = static_cast<i64>(floor_mod(old.residue + steps * old.modulus, joint));
  }
  if (d.count != 0) {
    if (!keep_if(n, [&](i64 v) { return floor_mod(v, modulus) == residue; })) return false;
    const i64 joint_modulus = d.modulus, joint_residue = d.residue;
    d = domains_[n];
    d.modulus = joint_modulus;
    d.residue = joint_residue;
  }
  return tighten(n, &d) && update(n, d);
}

// A congruence whose modulus is beyond 63 bits leaves what lies within 64 bits one value at the
// most. Elsewhere the domain keeps the stride it has: what a model asks for comes first, and the
// compiler saw that a domain can hold it; all else is checked when the node is fixed.
bool Engine::meet(int n, Int residue, Int modulus) {
  const Domain& d = domains_[n];
  if (!fits64(d.low) || !fits64(d.high)) return true;
  const Int least = residue - floor_div(residue - d.low, modulus) * modulus;
  if (least > d.high) return false;
  return least + modulus <= d.high || assign(n, least);
}

bool Engine::restrict_divisors(int n, i64 number) {
  const Domain& old = domains_[n];
  if (old.fixed()) return old.low != 0 && number % old.low == 0;
  if (old.divisor_of != 0 && number % old.divisor_of == 0) return true;
  const i64 both = old.divisor_of == 0 ? number : gcd64(old.divisor_of, number);
  if (both == old.divisor_of) return true;
  if (old.count != 0) {
    if (!keep_if(n, [&](i64 v) { return v != 0 && number % v == 0; })) return false;
    Domain d = domains_[n];
    d.divisor_of = both;
    return update(n, d);
  }
  Domain d = old;
  d.divisor_of = both;
  d.low = std::max(d.low, -Int{both});
  d.high = std::min(d.high, Int{both});
  if (d.low > d.high || !list_divisors(&d)) return false;
  return tighten(n, &d) && update(n, d);
}

bool Engine::among(int n, std::span<const i64> allowed) {
  if (domains_[n].count != 0) {
    return keep_if(n, [&](i64 v) { return std::binary_search(allowed.begin(), allowed.end(), v); });
  }
  const auto offset = static_cast<std::uint32_t>(arena_.size());
  for (i64 v : allowed) {
    if (contains(n, v)) arena_.push_back(v);
  }
  const auto count = static_cast<std::uint32_t>(arena_.size()) - offset;
  if (count == 0) return false;
  Domain d = domains_[n];
  d.offset = offset;
  d.count = count;
  return tighten(n, &d) && update(n, d);
}

// Remembered, as all terms of an equation ask for the divisors of the same few numbers; null where
// there are too many.
const std::vector<i64>* Engine::all_divisors(u64 number) {
  for (const auto& [n, list] : divisors_) {
    if (n == number) return &list;
  }
  std::vector<i64> list;
  if (!divisors_between(number, 1, number, kDivisorsMost, &list)) return nullptr;
  if (divisors_.size() == kNumbersMost) divisors_.erase(divisors_.begin());
  divisors_.emplace_back(number, std::move(list));
  return &divisors_.back().second;
}

// Turns an interval that divides a number into the list of its divisors, when that is short enough.
bool Engine::list_divisors(Domain* d) {
  const u64 number = static_cast<u64>(d->divisor_of);
  const Int reach = std::max(abs_wide(d->low), abs_wide(d->high));
  const u64 highest = reach > number ? number : static_cast<u64>(reach);
  const u64 lowest = d->low > 0    ? static_cast<u64>(d->low)
                     : d->high < 0 ? static_cast<u64>(-d->high)
                                   : 1;
  const std::vector<i64>* known = highest - lowest < 64 ? nullptr : all_divisors(number);
  std::vector<i64> some;
  if (known == nullptr && !divisors_between(number, lowest, highest, kDivisorsMost, &some)) {
    return true;
  }
  const std::vector<i64>& positive = known != nullptr ? *known : some;
  const auto begin = std::lower_bound(positive.begin(), positive.end(), static_cast<i64>(lowest));
  const auto end = std::upper_bound(begin, positive.end(), static_cast<i64>(highest));
  const auto offset = static_cast<std::uint32_t>(arena_.size());
  const auto append = [&](i64 v) {
    if (v < d->low || v > d->high) return;
    if (d->modulus == 1 || floor_mod(v, d->modulus) == d->residue) arena_.push_back(v);
  };
  for (auto it = end; d->low < 0 && it != begin;) append(-*--it);
  for (auto it = begin; d->high > 0 && it != end; ++it) append(*it);
  d->count = static_cast<std::uint32_t>(arena_.size()) - offset;
  if (d->count == 0) return false;
  d->offset = offset;
  return true;
}

// Brings bounds, stride and set into agreement after any of them was narrowed.
bool Engine::tighten(int n, Domain* d) {
  if (d->count != 0) {
    const i64* begin = arena_.data() + d->offset;
    const i64* end = begin + d->count;
    const i64* first = d->low <= *begin ? begin : std::lower_bound(begin, end, d->low);
    const i64* last = d->high >= *(end - 1) ? end : std::upper_bound(first, end, d->high);
    if (first >= last) return false;
    d->offset += static_cast<std::uint32_t>(first - begin);
    d->count = static_cast<std::uint32_t>(last - first);
    d->low = *first;
    d->high = *(last - 1);
    return true;
  }
  if (d->modulus > 1) {
    if (d->low > -kBig) d->low += floor_mod(d->residue - d->low, d->modulus);
    if (d->high < kBig) d->high -= floor_mod(d->high - d->residue, d->modulus);
  }
  if (d->low > d->high) return false;
  if (d->low == d->high) {
    return d->divisor_of == 0 || (d->low != 0 && Int{d->divisor_of} % d->low == 0);
  }
  if (graph_.nodes[n].family == Family::variable &&
      d->high - d->low < Int{kExplicitVariable} * d->modulus) {
    return make_explicit(n, d);
  }
  return true;
}

bool Engine::make_explicit(int, Domain* d) {
  d->offset = static_cast<std::uint32_t>(arena_.size());
  for (Int v = d->low; v <= d->high; v += d->modulus) {
    if (d->divisor_of != 0 && (v == 0 || Int{d->divisor_of} % v != 0)) continue;
    arena_.push_back(static_cast<i64>(v));
  }
  d->count = static_cast<std::uint32_t>(arena_.size()) - d->offset;
  if (d->count == 0) return false;
  d->low = arena_[d->offset];
  d->high = arena_.back();
  return true;
}

}  // namespace constrint::detail
