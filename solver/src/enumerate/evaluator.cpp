#include "enumerate/evaluator.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <new>

#include "enumerate/monotone.hpp"

namespace constrint::detail {
namespace {

// Longer axes are bisected where the rule allows it; shorter ones are quicker to go through.
constexpr std::size_t kBisect = 96;

}  // namespace

void Evaluator::Free::operator()(void* p) const { std::free(p); }

Evaluator::Evaluator(const Space& space)
    : space_(space),
      scalars_(space.constants),
      indices_(space.axes.size(), 0),
      hoisted_(space.axes.size()),
      compiled_(space.rules.size()) {
  // Terms that rules without a table or solutions need, each where its last variable is bound.
  hoisted_ = space.computed_nodes;
  for (const Rule& rule : space.rules) {
    if (rule.table_entries != 0) continue;
    for (int n : rule.scalar_nodes) hoisted_[space.last[n]].push_back(n);
  }
  for (std::vector<int>& nodes : hoisted_) {
    std::sort(nodes.begin(), nodes.end());
    nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
  }
  // Room for everything at once: steps point into these.
  std::size_t steps = 0, operands = space.graph->args.size(), columns = 0;
  for (const Rule& rule : space.rules) {
    if (rule.how != Rule::How::mask) continue;
    steps += rule.column_nodes.size();
    columns += rule.column_nodes.size() * space.axes[rule.target()].values.size();
    for (int n : rule.column_nodes) operands += space.graph->arguments(n).size();
  }
  steps_.reserve(steps);
  operands_.reserve(operands);
  columns_ = std::make_unique_for_overwrite<i64[]>(columns);
  column_of_.assign(scalars_.size(), nullptr);
  alone_.assign(scalars_.size(), 0);
  make_scalar_steps();
  for (std::size_t r = 0; r < space.rules.size(); ++r) compile(r);
  sieves_.resize(space.axes.size());
  for (std::size_t r = 0; r < space.rules.size(); ++r) {
    const Rule& rule = space.rules[r];
    if (rule.how != Rule::How::solve || sieves_[rule.trigger()] != nullptr) continue;
    if (space.axes[rule.trigger()].values.size() <= kSolveFrom) continue;
    sieves_[rule.trigger()] = std::make_unique<Sieve>(space, rule, compiled_[r].inversion,
                                                      compiled_[r].place_of, scalars_.data());
  }
  if (space.table_words != 0) {
    table_.reset(static_cast<Word*>(std::calloc(space.table_words, sizeof(Word))));
    filled_.reset(static_cast<Word*>(std::calloc(space.table_words / 64 + 1, sizeof(Word))));
    if (!table_ || !filled_) throw std::bad_alloc();
  }
}

void Evaluator::make_scalar_steps() {
  const Graph& graph = *space_.graph;
  scalar_steps_.resize(scalars_.size());
  for (int n = 0; n < graph.size(); ++n) {
    if (space_.last[n] < 0 || graph.nodes[n].family == Family::variable) continue;
    const std::size_t first = operands_.size();
    for (int a : graph.arguments(n)) operands_.push_back({&scalars_[a], false});
    scalar_steps_[n] = make_step(graph, n, std::span(operands_).subspan(first),
                                 space_.reach->saturating[n] != 0, &scalars_[n]);
  }
}

void Evaluator::compile(std::size_t r) {
  const Rule& rule = space_.rules[r];
  Compiled64& c = compiled_[r];
  const Axis& axis = space_.axes[rule.target()];
  c.count = axis.values.size();
  c.node = rule.node;
  c.table = rule.table_entries != 0;
  c.offset = rule.table_offset;
  for (std::size_t i = 0; i < rule.strides.size(); ++i) {
    c.strides.push_back({rule.scope[i], rule.strides[i]});
  }
  if (c.table) c.scalars = &rule.scalar_nodes;
  c.axis = &axis;
  if (rule.how == Rule::How::filter) {
    c.filter = &rule.filter;
    c.divisors = Divisors(axis.values, rule.filter.exponent);
    return;
  }
  const Domain& d = (*space_.engine)[rule.node];
  c.low = d.low < -kLimit ? -kLimit : static_cast<i64>(d.low);
  c.high = d.high > kLimit ? kLimit : static_cast<i64>(d.high);
  c.plain = d.count == 0 && d.modulus == 1 && d.divisor_of == 0;
  if (rule.how == Rule::How::solve) {
    c.inversion = invert(space_, rule);
    c.place_of = PlaceOf(axis.values);
  } else if (rule.how == Rule::How::check) {
    c.probe = &rule.column_nodes;
  } else {
    compile_columns(rule, &c);
  }
}

void Evaluator::compile_columns(const Rule& rule, Compiled64* compiled) {
  Compiled64& c = *compiled;
  const Axis& axis = *c.axis;
  c.scratch.resize(static_cast<std::size_t>(axis.words));
  const Graph& graph = *space_.graph;
  const std::size_t first_step = steps_.size();
  column_of_[axis.leaf] = axis.values.data();
  // Terms of the target alone are the same every time and worked out here once.
  alone_[axis.leaf] = 1;
  for (int n : rule.column_nodes) {
    bool alone = true;
    const std::size_t first = operands_.size();
    for (int a : graph.arguments(n)) {
      alone = alone && (alone_[a] || graph.is_constant(a));
      if (column_of_[a] != nullptr) {
        operands_.push_back({column_of_[a], true});
      } else {
        operands_.push_back({&scalars_[a], false});
      }
    }
    i64* out = columns_.get() + columns_used_;
    columns_used_ += c.count;
    const Step step = make_step(graph, n, std::span(operands_).subspan(first),
                                space_.reach->saturating[n] != 0, out);
    if (alone) {
      alone_[n] = 1;
      step.run(step, c.count);
    } else {
      steps_.push_back(step);
    }
    column_of_[n] = out;
  }
  c.steps = std::span(steps_).subspan(first_step);
  c.result = column_of_[rule.column_nodes.empty() ? axis.leaf : rule.column_nodes.back()];
  column_of_[axis.leaf] = nullptr;
  alone_[axis.leaf] = 0;
  for (int n : rule.column_nodes) column_of_[n] = nullptr, alone_[n] = 0;
  if (c.count <= kBisect) return;
  c.direction = direction(space_, rule);
  if (axis.values.front() > axis.values.back()) c.direction = -c.direction;
  if (c.direction != 0) c.probe = &rule.column_nodes;
}

// Where a set or a stride is asked for, each value within the bounds is looked up.
void Evaluator::sift(const Compiled64& c, const i64* values, std::size_t base, Word* word) const {
  for (Word rest = *word; rest != 0; rest &= rest - 1) {
    const int i = __builtin_ctzll(rest);
    if (!space_.engine->contains(c.node, values[base + static_cast<std::size_t>(i)])) {
      *word &= ~(Word{1} << i);
    }
  }
}

bool Evaluator::dividend(const Compiled64& c, u64* number) const {
  i64 rest = c.filter->node < 0 ? c.filter->number : scalars_[c.filter->node];
  for (auto [node, times] : c.filter->factors) {
    for (int i = 0; i < times; ++i) {
      const i64 quotient = rest / scalars_[node];
      if (quotient * scalars_[node] != rest) return false;
      rest = quotient;
    }
  }
  *number = static_cast<u64>(rest < 0 ? -rest : rest);
  return true;
}

bool Evaluator::divide(const Compiled64& c, u64 number, const Word* in, Word* out) const {
  const auto& values = c.axis->values;
  std::size_t first = 0, last = c.count;
  if (c.filter->ordered > 1) {
    // Rounding is far below the one that is added.
    const double root = c.filter->ordered == 2
                            ? std::sqrt(static_cast<double>(number))
                            : std::pow(static_cast<double>(number), 1.0 / c.filter->ordered);
    const i64 most = static_cast<i64>(root) + 1;
    const bool falls = values.front() > values.back();
    const auto end = std::partition_point(values.begin(), values.end(),
                                          [&](i64 v) { return (v > most) == falls; });
    (falls ? first : last) = static_cast<std::size_t>(end - values.begin());
  }
  return c.divisors.filter(number, first, last, in, out);
}

void Evaluator::fill(Compiled64& c, Word* out) {
  if (c.scalars != nullptr) {
    for (int n : *c.scalars) run(n);
  }
  if (c.filter != nullptr) {
    const auto words = static_cast<std::size_t>(c.axis->words);
    std::fill(out, out + words, ~Word{0});
    if (c.count % 64 != 0) out[words - 1] = (Word{1} << (c.count % 64)) - 1;
    u64 number = 0;
    if (!dividend(c, &number) || !divide(c, number, out, out)) {
      std::fill(out, out + words, Word{0});
    }
    return;
  }
  if (c.probe != nullptr) return bisect(c, out);
  for (const Step& step : c.steps) step.run(step, c.count);
  const i64* v = c.result;
  for (std::size_t w = 0, base = 0; base < c.count; ++w, base += 64) {
    const std::size_t n = std::min<std::size_t>(64, c.count - base);
    Word word = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const i64 x = v[base + i];
      word |= static_cast<Word>((x >= c.low) & (x <= c.high)) << i;
    }
    if (!c.plain) sift(c, v, base, &word);
    out[w] = word;
  }
}

// The values within the bounds are a stretch of the axis: two bisections find its ends.
void Evaluator::bisect(Compiled64& c, Word* out) {
  const auto at = [&](std::size_t i) {
    scalars_[c.axis->leaf] = c.axis->values[i];
    for (int n : *c.probe) run(n);
    return scalars_[c.node];
  };
  const auto first_where = [&](std::size_t begin, auto holds) {
    std::size_t end = c.count;
    while (begin < end) {
      const std::size_t middle = begin + (end - begin) / 2;
      if (holds(at(middle))) {
        end = middle;
      } else {
        begin = middle + 1;
      }
    }
    return begin;
  };
  std::size_t first = 0, last = 0;
  if (c.direction > 0) {
    first = first_where(0, [&](i64 v) { return v >= c.low; });
    last = first_where(first, [&](i64 v) { return v > c.high; });
  } else {
    first = first_where(0, [&](i64 v) { return v <= c.high; });
    last = first_where(first, [&](i64 v) { return v < c.low; });
  }
  std::fill(out, out + c.axis->words, Word{0});
  for (std::size_t i = first; i < last;) {
    if (!c.plain && !space_.engine->contains(c.node, at(i))) {
      ++i;
    } else if (c.plain && i % 64 == 0 && i + 64 <= last) {
      out[i / 64] = ~Word{0};
      i += 64;
    } else {
      out[i / 64] |= Word{1} << (i % 64);
      ++i;
    }
  }
}

}  // namespace constrint::detail
