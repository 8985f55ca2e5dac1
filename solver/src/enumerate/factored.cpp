#include "enumerate/factored.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "enumerate/parallel.hpp"
#include "families/family.hpp"

namespace constrint::detail {
namespace {

// Parts of more values than this (64 KiB) are not kept, as memory just mapped costs more than the
// rows it holds.
constexpr std::size_t kKeepMost = 1 << 13;
// Fewer combinations of what is kept are not worth a second copy: as loops of the whole they are
// innermost as well.
constexpr std::size_t kCombinationsLeast = 16;

// A row's width known to the compiler makes it a few vector instructions.
template <std::size_t kWidth>
void join(const i64* row, const i64* from, std::size_t count, std::size_t, i64* out) {
  for (std::size_t i = 0; i < count; ++i, out += kWidth, from += kWidth) {
    for (std::size_t c = 0; c < kWidth; ++c) out[c] = row[c] | from[c];
  }
}
void join_any(const i64* row, const i64* from, std::size_t count, std::size_t width, i64* out) {
  for (std::size_t i = 0; i < count; ++i, out += width, from += width) {
    for (std::size_t c = 0; c < width; ++c) out[c] = row[c] | from[c];
  }
}
using Join = Factors::Join;
constexpr std::size_t kWidths = 24;
template <std::size_t... kSmaller>
Join join_of(std::size_t width, std::index_sequence<kSmaller...>) {
  static constexpr Join kJoins[] = {join<kSmaller + 1>...};
  return width >= 1 && width <= kWidths ? kJoins[width - 1] : join_any;
}

// Which part decides a column: -1 none (it is fixed), -2 several.
int part_of_column(const Prepared& p, int node) {
  int part = -1;
  for (int leaf : open_leaves(p.engine, node)) {
    const int mine = p.parts.of_leaf[leaf];
    if (part >= 0 && part != mine) return -2;
    part = mine;
  }
  return part;
}

// A variable that nothing ties to others: its values, where it is small and gives only columns of
// its own.
std::optional<PartRows> free_variable(const ModelData& model, const Prepared& p,
                                      const std::vector<int>& part_of, int part, int leaf) {
  const Domain& d = p.engine[leaf];
  const std::size_t width = part_of.size();
  if (d.count == 0 || d.count * width > kKeepMost) return std::nullopt;
  PartRows rows;
  rows.count = d.count;
  rows.values.assign(rows.count * width, 0);
  const auto values = p.engine.values(leaf);
  const std::vector<int> visible = model.visible();
  for (std::size_t c = 0; c < width; ++c) {
    if (part_of[c] != part) continue;
    if (p.compiled.variable_nodes[visible[c]] != leaf) return std::nullopt;
    for (std::size_t i = 0; i < rows.count; ++i) rows.values[i * width + c] = values[i];
  }
  return rows;
}

// All rows of a part; nothing where they are too many, or where loops cannot list them.
std::optional<PartRows> rows_of(const ModelData& model, const Prepared& p, const Reach& reach,
                                const std::vector<int>& part_of, int part, Control* control) {
  const std::vector<int> leaves = leaves_of(p, part);
  const std::vector<Live> live = live_of(p, part);
  if (live.empty() && leaves.size() == 1) {
    if (auto rows = free_variable(model, p, part_of, part, leaves[0])) return rows;
  }
  const auto space = build_space(model, p, reach, leaves, live, AxisOrder::fastest);
  if (!space) return std::nullopt;
  const std::size_t width = part_of.size();
  PartRows rows;
  const Listed listed =
      list_space(*space, nullptr, 1, control, [&](const i64* values, std::size_t count) {
        rows.values.insert(rows.values.end(), values, values + count * width);
        rows.count += count;
        return rows.values.size() <= kKeepMost;
      });
  if (listed != Listed::complete) return std::nullopt;
  for (std::size_t i = 0; i < rows.values.size(); i += width) {
    for (std::size_t c = 0; c < width; ++c) {
      if (part_of[c] != part) rows.values[i + c] = 0;
    }
  }
  return rows;
}

}  // namespace

std::vector<int> leaves_of(const Prepared& p, int component) {
  std::vector<int> leaves;
  for (int n = 0; n < p.compiled.graph.size(); ++n) {
    const int c = p.parts.of_leaf[n];
    if (c >= 0 && (component < 0 || c == component)) leaves.push_back(n);
  }
  return leaves;
}

std::vector<Live> live_of(const Prepared& p, int component) {
  std::vector<Live> live;
  for (const Live& l : p.live) {
    if (p.parts.of_leaf[l.leaves[0]] == component) live.push_back(l);
  }
  return live;
}

Factors::Factors(std::size_t width, std::vector<PartRows> parts, std::vector<char> own)
    : width_(width),
      block_rows_(block_rows(width)),
      join_(join_of(width, std::make_index_sequence<kWidths>())),
      parts_(std::move(parts)),
      own_(std::move(own)) {
  // Small parts inside, and joined to one as long as a block holds it: its rows are then the inner
  // loop.
  std::stable_sort(parts_.begin(), parts_.end(),
                   [](const PartRows& a, const PartRows& b) { return a.count > b.count; });
  while (parts_.size() > 1) {
    const PartRows& a = parts_[parts_.size() - 2];
    const PartRows& b = parts_.back();
    if (a.count * b.count > block_rows_) break;
    PartRows joined;
    joined.count = a.count * b.count;
    joined.values.resize(joined.count * width_);
    for (std::size_t i = 0; i < a.count; ++i) {
      join_(a.values.data() + i * width_, b.values.data(), b.count, width_,
            joined.values.data() + i * b.count * width_);
    }
    parts_.pop_back();
    parts_.back() = std::move(joined);
  }
}

bool Factors::expand(const i64* rows, std::size_t count, const Lister::Flush& flush,
                     Block* block) const {
  if (*block == nullptr) *block = std::make_unique_for_overwrite<i64[]>(block_rows_ * width_);
  std::size_t filled = 0;
  std::vector<i64> row(width_);
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t c = 0; c < width_; ++c) row[c] = own_[c] ? rows[i * width_ + c] : 0;
    if (!combine(0, row.data(), flush, block, &filled)) return false;
  }
  return filled == 0 || flush(block->get(), filled);
}

bool Factors::combine(std::size_t part, const i64* row, const Lister::Flush& flush, Block* block,
                      std::size_t* rows) const {
  const PartRows& mine = parts_[part];
  if (part + 1 < parts_.size()) {
    std::vector<i64> joined(width_);
    for (std::size_t i = 0; i < mine.count; ++i) {
      for (std::size_t c = 0; c < width_; ++c) joined[c] = row[c] | mine.values[i * width_ + c];
      if (!combine(part + 1, joined.data(), flush, block, rows)) return false;
    }
    return true;
  }
  const i64* from = mine.values.data();
  for (std::size_t left = mine.count; left != 0;) {
    const std::size_t now = std::min(left, block_rows_ - *rows);
    join_(row, from, now, width_, block->get() + *rows * width_);
    from += now * width_;
    left -= now;
    *rows += now;
    if (*rows < block_rows_) continue;
    *rows = 0;
    if (!flush(block->get(), block_rows_)) return false;
  }
  return true;
}

std::optional<Factored> factor_space(const ModelData& model, const Prepared& p, const Reach& reach,
                                     Control* control, bool* infeasible) {
  *infeasible = false;
  if (p.parts.count < 2 || model.projected || !reach.fits) return std::nullopt;
  std::vector<int> part_of;
  for (int v : model.visible()) {
    part_of.push_back(part_of_column(p, p.compiled.variable_nodes[v]));
    if (part_of.back() == -2) return std::nullopt;
  }
  // The part of the most combinations is the outer loop, listed as it goes.
  std::vector<std::pair<double, int>> parts;
  for (int part = 0; part < p.parts.count; ++part) parts.push_back({0, part});
  for (int n = 0; n < p.compiled.graph.size(); ++n) {
    const int part = p.parts.of_leaf[n];
    if (part >= 0) parts[part].first += std::log2(static_cast<double>(p.engine.size(n)));
  }
  std::stable_sort(parts.begin(), parts.end());
  const int outer = parts.back().second;
  parts.pop_back();
  const std::size_t width = part_of.size();
  std::vector<PartRows> kept;
  std::size_t combinations = 1;
  for (auto [size, part] : parts) {
    auto rows = rows_of(model, p, reach, part_of, part, control);
    if (!rows) return std::nullopt;
    *infeasible = rows->count == 0;
    if (*infeasible) return std::nullopt;
    combinations *= std::min(rows->count, kCombinationsLeast);
    kept.push_back(std::move(*rows));
  }
  if (combinations < kCombinationsLeast) return std::nullopt;
  auto space =
      build_space(model, p, reach, leaves_of(p, outer), live_of(p, outer), AxisOrder::fastest);
  if (!space) return std::nullopt;
  std::vector<char> own(width);
  for (std::size_t c = 0; c < width; ++c) own[c] = part_of[c] == -1 || part_of[c] == outer;
  return Factored{std::move(*space), Factors(width, std::move(kept), std::move(own))};
}

}  // namespace constrint::detail
