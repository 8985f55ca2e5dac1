#include "enumerate/walk.hpp"

#include <algorithm>
#include <utility>

namespace constrint::detail {

// ---- loops ----

Loops::Loops(const Space& space, Control* control)
    : space_(space),
      control_(control),
      evaluator_(space),
      masks_(space.stage_words, 0),
      indices_(space.axes.size(), 0),
      places_(space.axes.size(), -1),
      size_(static_cast<int>(space.axes.size())),
      visible_(0) {
  while (visible_ < size_ && !space.axes[visible_].hidden) ++visible_;
  triggers_.resize(space.axes.size());
  for (std::size_t p = 0; p < space.axes.size(); ++p) {
    const Axis& axis = space.axes[p];
    int previous = -1;
    std::size_t touch = 0;
    for (int r : axis.triggers) {
      const int target = space.rules[r].target();
      const int words = space.axes[target].words;
      if (space.rules[r].how > Rule::How::filter) {
        triggers_[p].push_back({r, words, nullptr, nullptr, space.rules[r].how, target});
        continue;
      }
      if (target != previous)
        touch = static_cast<std::size_t>(
            std::find(axis.touches.begin(), axis.touches.end(), target) - axis.touches.begin());
      Word* out = masks_.data() + space.stage_offset[target] +
                  static_cast<std::size_t>(space.stage_of_touch[p][touch] * words);
      // A second rule for the same target narrows what the first one wrote.
      triggers_[p].push_back(
          {r, words, target == previous ? out : out - words, out, space.rules[r].how, target});
      previous = target;
    }
  }
}

bool Loops::start() {
  for (int p = 0; p < size_; ++p) {
    const Axis& axis = space_.axes[p];
    Word* mask = masks_.data() + space_.stage_offset[p];
    std::fill_n(mask, axis.values.size() / 64, ~Word{0});
    if (axis.values.size() % 64 != 0) {
      mask[axis.values.size() / 64] = (Word{1} << (axis.values.size() % 64)) - 1;
    }
    for (int r : space_.initial) {
      if (space_.rules[r].target() != p) continue;
      const Word* allowed = evaluator_.mask(r);
      for (int w = 0; w < axis.words; ++w) mask[w] &= allowed[w];
    }
    if (std::all_of(mask, mask + axis.words, [](Word w) { return w == 0; })) return false;
  }
  return true;
}

bool Loops::enter(int position, std::size_t index) {
  evaluator_.bind(position, index);
  indices_[position] = index;
  for (const Trigger& t : triggers_[position]) {
    if (t.words == 1 && t.how == Rule::How::mask) {
      if ((*t.out = *t.in & *evaluator_.mask(t.rule)) == 0) return false;
    } else if (!apply(t)) {
      return false;
    }
  }
  return true;
}

bool Loops::apply(const Trigger& t) {
  switch (t.how) {
    case Rule::How::mask: {
      const Word* allowed = evaluator_.mask(t.rule);
      Word any = 0;
      for (int w = 0; w < t.words; ++w) any |= t.out[w] = t.in[w] & allowed[w];
      return any != 0;
    }
    case Rule::How::filter:
      return evaluator_.filter(t.rule, t.in, t.out);
    case Rule::How::solve: {
      const int place = evaluator_.solve(t.rule);
      places_[t.target] = place;
      // All masks of the target are there: rules triggered from here on only check.
      return place >= 0 && (final_mask(t.target)[place / 64] >> (place % 64) & 1) != 0;
    }
    case Rule::How::check:
      return evaluator_.check(t.rule, static_cast<std::size_t>(places_[t.target]));
  }
  return false;
}

std::uint64_t Loops::bits(int position) const {
  if (space_.axes[position].solver >= 0) return 1;
  const Word* mask = final_mask(position);
  std::uint64_t count = 0;
  for (int w = 0; w < space_.axes[position].words; ++w) {
    count += static_cast<std::uint64_t>(__builtin_popcountll(mask[w]));
  }
  return count;
}

bool Loops::exists(int position) {
  // Masks of positions without further rules are never empty: enter() saw to that.
  if (position >= space_.tail || position == size_) return true;
  const bool found = !each(position, [&](std::size_t index) {
    return !late() && !(enter(position, index) && exists(position + 1));
  });
  return found && !control_->out();
}

// ---- listing ----

namespace {

// A row's width known to the compiler makes its copy a few vector moves.
template <std::size_t kWidth>
inline void copy_row(const i64* row, std::size_t, i64* out) {
  for (std::size_t i = 0; i < kWidth; ++i) out[i] = row[i];
}

template <class Copy>
void spread(const i64* row, std::size_t width, std::size_t column, const i64* values, Word* bits,
            std::size_t room, i64** out, std::size_t* rows, Copy copy) {
  i64* at = *out;
  Word rest = *bits;
  for (; rest != 0 && *rows < room; rest &= rest - 1, ++*rows) {
    copy(row, width, at);
    if (column < width) at[column] = values[__builtin_ctzll(rest)];
    at += width;
  }
  *bits = rest;
  *out = at;
}

// Calls spread with a copy made for the row's width, where it is one of these.
template <std::size_t... kSmaller>
bool spread_known(std::index_sequence<kSmaller...>, const i64* row, std::size_t width,
                  std::size_t column, const i64* values, Word* bits, std::size_t room, i64** out,
                  std::size_t* rows) {
  const auto one = [&]<std::size_t kWidth>(std::integral_constant<std::size_t, kWidth>) {
    if (width != kWidth) return false;
    spread(row, kWidth, column, values, bits, room, out, rows,
           [](const i64* r, std::size_t, i64* o) { copy_row<kWidth>(r, kWidth, o); });
    return true;
  };
  return (one(std::integral_constant<std::size_t, kSmaller + 1>()) || ...);
}

// Writes the row once for each bit, the bit's value in its column, while there is room.
void spread_row(const i64* row, std::size_t width, std::size_t column, const i64* values,
                Word* bits, std::size_t room, i64** out, std::size_t* rows) {
  if (spread_known(std::make_index_sequence<16>(), row, width, column, values, bits, room, out,
                   rows)) {
    return;
  }
  spread(row, width, column, values, bits, room, out, rows,
         [](const i64* r, std::size_t n, i64* o) { std::copy(r, r + n, o); });
}

}  // namespace

Lister::Lister(const Space& space, Control* control, std::atomic<bool>* stop)
    : Loops(space, control),
      stop_(stop),
      width_(space.outputs.size()),
      block_rows_(block_rows(width_)),
      row_(width_, 0) {
  axis_columns_.resize(space.axes.size());
  computed_columns_.resize(space.axes.size());
  std::vector<int> last(static_cast<std::size_t>(space.graph->size()), -1);
  for (std::size_t p = 0; p < space.axes.size(); ++p) {
    for (int n : space.computed_nodes[p]) last[n] = static_cast<int>(p);
  }
  for (std::size_t c = 0; c < width_; ++c) {
    const Output& output = space.outputs[c];
    const int column = static_cast<int>(c);
    switch (output.kind) {
      case Output::Kind::fixed:
        row_[c] = output.value;
        break;
      case Output::Kind::axis:
        axis_columns_[output.index].push_back(column);
        break;
      case Output::Kind::computed:
        computed_columns_[last[output.index]].push_back({column, output.index});
        break;
    }
  }
  block_ = std::make_unique_for_overwrite<i64[]>(block_rows_ * std::max<std::size_t>(1, width_));
  innermost_.assign(space.axes.size(), 0);
  if (size_ > 0 && visible_ == size_) {
    const auto p = static_cast<std::size_t>(size_ - 1);
    innermost_[p] = axis_columns_[p].size() <= 1 && space.computed_nodes[p].empty();
  }
}

bool Lister::emit() {
  std::copy(row_.begin(), row_.end(), block_.get() + rows_ * width_);
  if (++rows_ < block_rows_) return true;
  rows_ = 0;
  return (*flush_)(block_.get(), block_rows_);
}

// Looked at now and then only: a loop takes a few nanoseconds.
bool Lister::interrupted() {
  if (control_->out()) return true;
  if (control_->options().max_nodes == 0 && (++nodes_ & 255) != 0) return false;
  if (control_->options().max_nodes == 0) {
    control_->nodes += 256;
    control_->check_clock();
    if (control_->out()) return true;
  } else if (!control_->node()) {
    return true;
  }
  return stop_->load(std::memory_order_relaxed);
}

// The last loop, when nothing hidden and nothing computed is inside it.
bool Lister::innermost(int position) {
  const Axis& axis = space_.axes[position];
  const Word* mask = final_mask(position);
  const std::size_t column = axis_columns_[position].empty()
                                 ? width_
                                 : static_cast<std::size_t>(axis_columns_[position][0]);
  if (axis.solver >= 0) {
    if (column < width_) row_[column] = axis.values[static_cast<std::size_t>(places_[position])];
    return emit();
  }
  i64* out = block_.get() + rows_ * width_;
  for (int w = 0; w < axis.words; ++w) {
    const i64* values = axis.values.data() + static_cast<std::size_t>(w) * 64;
    for (Word rest = mask[w]; rest != 0;) {
      spread_row(row_.data(), width_, column, values, &rest, block_rows_, &out, &rows_);
      if (rows_ < block_rows_) continue;
      rows_ = 0;
      out = block_.get();
      if (!(*flush_)(block_.get(), block_rows_)) return false;
    }
  }
  return true;
}

bool Lister::walk(int position) {
  if (position == visible_) return !(position == size_ || exists(position)) || emit();
  if (innermost_[position]) return innermost(position);
  if (interrupted()) return false;
  return each(position, [&](std::size_t index) {
    if (late()) return false;
    if (!enter(position, index)) return true;
    bind_outputs(position);
    return walk(position + 1);
  });
}

bool Lister::run(std::size_t first, std::size_t last, const Flush& flush) {
  flush_ = &flush;
  rows_ = 0;
  if (visible_ == 0) {
    if (!walk(0)) return false;
  } else {
    const Axis& axis = space_.axes[0];
    const Word* mask = final_mask(0);
    if (!control_->node()) return false;
    last = std::min(last, axis.values.size());
    for (std::size_t w = first / 64; w * 64 < last; ++w) {
      Word rest = mask[w];
      if (w * 64 < first) rest &= ~Word{0} << (first % 64);
      if (last < (w + 1) * 64) rest &= (Word{1} << (last % 64)) - 1;
      for (rest = open(0, static_cast<int>(w), rest); rest != 0; rest &= rest - 1) {
        if (late()) return false;
        if (!enter(0, w * 64 + static_cast<std::size_t>(__builtin_ctzll(rest)))) continue;
        bind_outputs(0);
        if (!walk(1)) return false;
      }
    }
  }
  const std::size_t rest = rows_;
  rows_ = 0;
  control_->nodes += nodes_ & 255;
  nodes_ = 0;
  return (rest == 0 || flush(block_.get(), rest)) && !control_->out();
}

// ---- counting ----

Counter::Counter(const Space& space, Control* control) : Loops(space, control) { plan_memory(); }

// What the loops from a position on depend on: the indices of earlier positions that rules still to
// be triggered look at, and the masks that the other earlier positions have already narrowed.
void Counter::plan_memory() {
  memory_.resize(static_cast<std::size_t>(size_) + 1);
  for (int p = 1; p < std::min(space_.tail, visible_); ++p) {
    Memory& memory = memory_[p];
    std::vector<char> seen(static_cast<std::size_t>(size_), 0);
    for (const Rule& rule : space_.rules) {
      if (rule.trigger() < p) continue;
      for (int q : rule.scope) {
        if (q < p) seen[q] = 1;
      }
    }
    std::vector<int> stage_now(static_cast<std::size_t>(size_), 0);
    std::vector<char> narrowed(static_cast<std::size_t>(size_), 0);
    for (int q = 0; q < p; ++q) {
      for (std::size_t t = 0; t < space_.axes[q].touches.size(); ++t) {
        stage_now[space_.axes[q].touches[t]] = space_.stage_of_touch[q][t];
      }
    }
    // A mask narrowed only by rules over seen positions follows from their indices.
    for (const Rule& rule : space_.rules) {
      if (rule.trigger() < 0 || rule.trigger() >= p || rule.target() < p) continue;
      bool follows = true;
      for (std::size_t i = 0; i + 1 < rule.scope.size(); ++i) {
        follows = follows && seen[rule.scope[i]] != 0;
      }
      if (follows || rule.how == Rule::How::check) continue;
      if (rule.how == Rule::How::solve) {
        memory.places.push_back(rule.target());
      } else {
        narrowed[rule.target()] = 1;
      }
    }
    std::size_t words = memory.places.size();
    for (int q = 0; q < size_; ++q) {
      if (q < p && seen[q]) memory.seen.push_back(q);
      if (q >= p && narrowed[q]) {
        memory.masks.push_back({q, stage_now[q]});
        words += static_cast<std::size_t>(space_.axes[q].words);
      }
    }
    memory.use = static_cast<int>(memory.seen.size()) < p && words <= 16;
  }
}

bool Counter::key(int position, std::string* out) const {
  const Memory& memory = memory_[position];
  for (int q : memory.seen) {
    const auto index = static_cast<std::uint32_t>(indices_[q]);
    out->append(reinterpret_cast<const char*>(&index), sizeof index);
  }
  for (int q : memory.places) {
    out->append(reinterpret_cast<const char*>(&places_[q]), sizeof places_[q]);
  }
  for (auto [q, s] : memory.masks) {
    out->append(reinterpret_cast<const char*>(stage(q, s)),
                static_cast<std::size_t>(space_.axes[q].words) * sizeof(Word));
  }
  return true;
}

unsigned __int128 Counter::product(int position) const {
  unsigned __int128 count = 1;
  for (int p = position; p < size_; ++p) {
    if (!space_.axes[p].hidden) count *= bits(p);
  }
  return count;
}

unsigned __int128 Counter::walk(int position) {
  if (position >= space_.tail || position == size_) return product(position);
  if (position >= visible_) return exists(position) ? 1 : 0;
  if (!control_->node()) return 0;
  Memory& memory = memory_[position];
  std::string key_text;
  bool remember = memory.use;
  if (remember) {
    // A memory that never answers only costs.
    if (memory.asked > 4096 && memory.found * 16 < memory.asked) {
      remember = memory.use = false;
    } else {
      ++memory.asked;
      key(position, &key_text);
      const auto place = memory.counts.find(key_text);
      if (place != memory.counts.end()) {
        ++memory.found;
        return place->second;
      }
    }
  }
  unsigned __int128 count = 0;
  each(position, [&](std::size_t index) {
    if (late()) return false;
    if (enter(position, index)) count += walk(position + 1);
    return true;
  });
  if (remember && !control_->out() && memory.counts.size() < (std::size_t{1} << 20)) {
    memory.counts.emplace(std::move(key_text), count);
  }
  return count;
}

bool Counter::run(unsigned __int128* count) {
  *count = walk(0);
  return !control_->out();
}

}  // namespace constrint::detail
