#include "enumerate/inverse.hpp"

#include <algorithm>

#include "constrint/constrint.hpp"
#include "enumerate/space.hpp"
#include "math/numbers.hpp"

namespace constrint::detail {
namespace {

// Products with more factors than this are not solved: a product may hold another twice, and that
// one a third.
constexpr std::size_t kFactorsMost = 128;

// The factors of nested products; those without the target stay whole.
void factors(const Graph& graph, int n, const std::vector<char>& with, std::vector<int>* out) {
  if (graph.nodes[n].family != Family::product || !with[n]) {
    out->push_back(n);
    return;
  }
  for (int a : graph.arguments(n)) {
    if (out->size() <= kFactorsMost) factors(graph, a, with, out);
  }
}

}  // namespace

bool exact_root(i64 value, int exponent, i64* root) {
  if (value < 0) return false;
  if (exponent == 2) {
    *root = nearest_root(value);
    return *root * *root == value;
  }
  const Int r = floor_root(value, exponent);
  *root = static_cast<i64>(r);
  return pow_wide(r, exponent) == value;
}

Inversion invert(const Space& space, const Rule& rule) {
  const Graph& graph = *space.graph;
  const Domain& wanted = (*space.engine)[rule.node];
  Inversion result;
  if (wanted.low != wanted.high || abs_wide(wanted.low) >= kLimit) return result;
  result.value = static_cast<i64>(wanted.low);
  const int target = space.axes[rule.target()].leaf;
  std::vector<char> with(static_cast<std::size_t>(graph.size()), 0);
  with[target] = 1;
  for (int n : rule.column_nodes) with[n] = 1;
  for (int n = rule.node; n != target;) {
    Undo undo{};
    int next = -1;
    switch (graph.nodes[n].family) {
      case Family::linear: {
        if (space.reach->saturating[n]) return result;
        undo.kind = Undo::Kind::sum;
        undo.constant = static_cast<i64>(graph.nodes[n].low);
        const auto args = graph.arguments(n);
        for (std::size_t i = 0; i < args.size(); ++i) {
          const i64 c = static_cast<i64>(graph.coefficient(n)[i]);
          if (!with[args[i]]) {
            undo.scalars.push_back({args[i], c});
          } else if (next >= 0) {
            return result;
          } else {
            next = args[i], undo.divisor = c;
          }
        }
        break;
      }
      case Family::product: {
        std::vector<int> all;
        factors(graph, n, with, &all);
        if (all.size() > kFactorsMost) return result;
        undo.kind = Undo::Kind::factor;
        int times = 0;
        for (int f : all) {
          if (!with[f]) {
            if (space.reach->low[f] <= 0 && space.reach->high[f] >= 0) return result;
            undo.scalars.push_back({f, 1});
          } else if (next >= 0 && next != f) {
            return result;
          } else {
            next = f, ++times;
          }
        }
        if (times > 1) {
          if (space.reach->low[next] < 0) return result;
          result.steps.push_back(undo);
          undo = Undo{};
          undo.kind = Undo::Kind::root;
          undo.exponent = times;
        }
        break;
      }
      case Family::power: {
        const auto args = graph.arguments(n);
        if (!with[args[0]] || !graph.is_constant(args[1]) || space.reach->low[args[0]] < 0)
          return result;
        const Int exponent = graph.nodes[args[1]].low;
        if (exponent < 1 || exponent > 62) return result;
        undo.kind = Undo::Kind::root;
        undo.exponent = static_cast<int>(exponent);
        next = args[0];
        break;
      }
      default:
        return result;
    }
    if (next < 0) return result;
    result.steps.push_back(std::move(undo));
    n = next;
  }
  result.possible = true;
  return result;
}

bool Inversion::solve(const i64* scalars, i64* target) const {
  i64 v = value;
  for (const Undo& undo : steps) {
    switch (undo.kind) {
      case Undo::Kind::sum: {
        Int rest = Int{v} - undo.constant;
        for (auto [node, c] : undo.scalars) rest -= Int{c} * scalars[node];
        if (abs_wide(rest) > kLimit) return false;
        v = static_cast<i64>(rest);
        if (undo.divisor != 1) {
          if (v % undo.divisor != 0) return false;
          v /= undo.divisor;
        }
        break;
      }
      case Undo::Kind::factor:
        for (auto [node, c] : undo.scalars) {
          const i64 s = scalars[node];
          const i64 q = v / s;
          if (q * s != v) return false;
          v = q;
        }
        break;
      case Undo::Kind::root:
        if (!exact_root(v, undo.exponent, &v)) return false;
        break;
    }
  }
  *target = v;
  return true;
}

PlaceOf::PlaceOf(const std::vector<i64>& values) : count_(static_cast<i64>(values.size())) {
  first_ = values[0];
  // All values are within 62 bits, so that no difference leaves 64.
  const i64 step = values.size() > 1 ? values[1] - values[0] : 1;
  const auto other = [&](i64 a, i64 b) { return b - a != step; };
  if (std::adjacent_find(values.begin(), values.end(), other) == values.end()) {
    step_ = step;
    return;
  }
  int bits = 2;
  while ((std::size_t{1} << bits) < 2 * values.size()) ++bits;
  shift_ = 64 - bits;
  keys_.assign(std::size_t{1} << bits, 0);
  places_.assign(std::size_t{1} << bits, -1);
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::size_t slot = slot_of(values[i]);
    while (places_[slot] >= 0) slot = (slot + 1) & (keys_.size() - 1);
    keys_[slot] = values[i];
    places_[slot] = static_cast<int>(i);
  }
}

Divisors::Divisors(const std::vector<i64>& values, int exponent) {
  tests_.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Int power = pow_wide(abs_wide(values[i]), exponent);
    if (i % 64 == 0) least_.push_back(~u64{0});
    if (power == 0 || power >= kLimit) {
      // Passed by 0 alone, which 0 itself would not be: no axis that is filtered holds it.
      tests_.push_back({1, 0, 0});
      continue;
    }
    const u64 d = static_cast<u64>(power);
    const int twos = __builtin_ctzll(d);
    const u64 odd = d >> twos;
    u64 inverse = odd;  // right in the lowest 3 bits; each step doubles that
    for (int step = 0; step < 5; ++step) inverse *= 2 - odd * inverse;
    tests_.push_back({inverse, ~u64{0} / d, twos});
    least_.back() = std::min(least_.back(), d);
  }
}

bool Divisors::filter(u64 x, std::size_t first, std::size_t last, const u64* in, u64* out) const {
  u64 any = 0;
  const std::size_t begin = first / 64, end = (last + 63) / 64;
  std::fill(out, out + std::min(begin, least_.size()), u64{0});
  for (std::size_t w = begin; w < end; ++w) {
    u64 word = 0;
    if (least_[w] <= x || x == 0) {
      u64 rest = in[w];
      if (w == begin) rest &= ~u64{0} << (first % 64);
      if (w == last / 64) rest &= (u64{1} << (last % 64)) - 1;
      for (; rest != 0; rest &= rest - 1) {
        const int i = __builtin_ctzll(rest);
        word |= static_cast<u64>(divides(w * 64 + static_cast<std::size_t>(i), x)) << i;
      }
    }
    any |= out[w] = word;
  }
  std::fill(out + std::max(begin, end), out + least_.size(), u64{0});
  return any != 0;
}

}  // namespace constrint::detail
