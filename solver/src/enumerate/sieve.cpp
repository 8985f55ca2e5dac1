#include "enumerate/sieve.hpp"

#include <algorithm>

#include "constrint/constrint.hpp"

namespace constrint::detail {
namespace {

// Fewer values are entered sooner than a block is worked out.
constexpr int kLeastBits = 16;
// After so many values a sieve must have thrown out at least half of them.
constexpr std::uint64_t kTrial = 1024;

}  // namespace

Sieve::Sieve(const Space& space, const Rule& rule, const Inversion& inversion,
             const PlaceOf& place_of, const i64* scalars)
    : axis_(space.axes[rule.trigger()]), inversion_(inversion), place_of_(place_of) {
  const Graph& graph = *space.graph;
  std::vector<int> nodes{axis_.leaf};
  std::size_t operands = 0;
  for (int n : rule.scalar_nodes) {
    if (space.last[n] != rule.trigger()) continue;
    nodes.push_back(n);
    operands += graph.arguments(n).size();
  }
  buffer_ = std::make_unique_for_overwrite<i64[]>(nodes.size() * kBlock);
  const auto operand = [&](int n) -> Operand64 {
    const auto place = std::find(nodes.begin(), nodes.end(), n);
    if (place == nodes.end()) return {scalars + n, false};
    return {buffer_.get() + static_cast<std::size_t>(place - nodes.begin()) * kBlock, true};
  };
  operands_.reserve(operands);  // steps point into it
  for (std::size_t i = 1; i < nodes.size(); ++i) {
    const std::size_t first = operands_.size();
    for (int a : graph.arguments(nodes[i])) operands_.push_back(operand(a));
    steps_.push_back(make_step(graph, nodes[i], std::span(operands_).subspan(first),
                               space.reach->saturating[nodes[i]] != 0, buffer_.get() + i * kBlock));
  }
  for (const Undo& undo : inversion.steps) {
    auto& columns = columns_.emplace_back();
    for (auto [node, coefficient] : undo.scalars) columns.push_back({operand(node), coefficient});
  }
}

Word Sieve::operator()(int w, Word in) {
  const int before = __builtin_popcountll(in);
  if (!pays_ || before < kLeastBits) return in;
  const std::size_t base = static_cast<std::size_t>(w) * kBlock;
  const std::size_t count = std::min(kBlock, axis_.values.size() - base);
  std::copy_n(axis_.values.data() + base, count, buffer_.get());
  for (const Step& step : steps_) step.run(step, count);
  const Word out = solve(count, in);
  seen_ += static_cast<std::uint64_t>(before);
  left_ += static_cast<std::uint64_t>(__builtin_popcountll(out));
  if (seen_ > kTrial) pays_ = 2 * left_ <= seen_;
  return out;
}

// The inversion's steps on a block of values. Differences stay within 63 bits, as the terms of a
// space and what is left of the value asked for are within 62.
Word Sieve::solve(std::size_t count, Word in) {
  i64 v[kBlock];
  std::fill_n(v, count, inversion_.value);
  for (std::size_t s = 0; s < inversion_.steps.size() && in != 0; ++s) {
    const Undo& undo = inversion_.steps[s];
    Word good = ~Word{0};
    switch (undo.kind) {
      case Undo::Kind::sum:
        good = subtract(undo, columns_[s], count, v);
        if (undo.divisor == 1) break;
        for (std::size_t i = 0; i < count; ++i) {
          const i64 quotient = v[i] / undo.divisor;
          good &= ~(static_cast<Word>(quotient * undo.divisor != v[i]) << i);
          v[i] = quotient;
        }
        break;
      case Undo::Kind::factor:
        good = divide(columns_[s], count, v);
        break;
      case Undo::Kind::root:
        if (undo.exponent != 2) {
          for (std::size_t i = 0; i < count; ++i) {
            if ((in >> i & 1) != 0 && !exact_root(v[i], undo.exponent, &v[i])) good ^= Word{1} << i;
          }
          break;
        }
        for (std::size_t i = 0; i < count; ++i) {
          const i64 root = nearest_root(v[i]);
          const u64 square = static_cast<u64>(root) * static_cast<u64>(root);
          good ^= static_cast<Word>(square != static_cast<u64>(v[i])) << i;
          v[i] = root;
        }
        break;
    }
    in &= good;
  }
  for (Word rest = in; rest != 0; rest &= rest - 1) {
    const int i = __builtin_ctzll(rest);
    if (place_of_(v[i]) < 0) in ^= Word{1} << i;
  }
  return in;
}

Word Sieve::subtract(const Undo& undo, const std::vector<Column>& columns, std::size_t count,
                     i64* v) {
  i64 same = undo.constant;
  for (const Column& c : columns) {
    if (!c.at.column) same += c.coefficient * *c.at.values;
  }
  for (std::size_t i = 0; i < count; ++i) v[i] -= same;
  for (const Column& c : columns) {
    if (!c.at.column) continue;
    for (std::size_t i = 0; i < count; ++i) v[i] -= c.coefficient * c.at.values[i];
  }
  Word good = ~Word{0};
  for (std::size_t i = 0; i < count; ++i) {
    const bool far = v[i] > kLimit || v[i] < -kLimit;
    good ^= static_cast<Word>(far) << i;
    v[i] = far ? 0 : v[i];
  }
  return good;
}

Word Sieve::divide(const std::vector<Column>& columns, std::size_t count, i64* v) {
  Word good = ~Word{0};
  for (const Column& c : columns) {
    for (std::size_t i = 0; i < count; ++i) {
      const i64 factor = c.at.values[c.at.column ? i : 0];
      const i64 quotient = v[i] / factor;
      good &= ~(static_cast<Word>(quotient * factor != v[i]) << i);
      v[i] = quotient;
    }
  }
  return good;
}

}  // namespace constrint::detail
