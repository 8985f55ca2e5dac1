// Condition: the arguments are a row of a fixed table. Keeps the values that some row supports.
#include <algorithm>

#include "families/family.hpp"

namespace constrint::detail {
namespace {

bool propagate(Engine& e, int z) {
  const auto args = e.arguments(z);
  const auto& cells = e.graph().sets[e.graph().nodes[z].other];
  const std::size_t width = args.size();
  const std::size_t rows = cells.size() / width;
  std::vector<std::size_t> alive;
  for (std::size_t r = 0; r < rows; ++r) {
    bool supported = true;
    for (std::size_t i = 0; i < width && supported; ++i) {
      supported = e.contains(args[i], cells[r * width + i]);
    }
    if (supported) alive.push_back(r);
  }
  if (alive.empty()) return e.assign(z, 0);
  const bool all_fixed = std::all_of(args.begin(), args.end(), [&](int x) { return e.fixed(x); });
  if (all_fixed) return e.assign(z, 1);
  if (e.is_false(z)) {
    // One open argument: its values that complete a row leave.
    const auto open = std::count_if(args.begin(), args.end(), [&](int x) { return !e.fixed(x); });
    if (open != 1) return true;
    for (std::size_t i = 0; i < width; ++i) {
      if (e.fixed(args[i])) continue;
      for (std::size_t r : alive) {
        if (!e.exclude(args[i], cells[r * width + i])) return false;
      }
    }
    return true;
  }
  if (!e.is_true(z)) return true;
  std::vector<i64> column;
  for (std::size_t i = 0; i < width; ++i) {
    column.clear();
    for (std::size_t r : alive) column.push_back(cells[r * width + i]);
    std::sort(column.begin(), column.end());
    column.erase(std::unique(column.begin(), column.end()), column.end());
    if (!e.among(args[i], column)) return false;
  }
  return true;
}

Int evaluate(const Graph& graph, const Node& node, const Int* arguments) {
  const auto& cells = graph.sets[node.other];
  const auto width = static_cast<std::size_t>(node.count);
  for (std::size_t r = 0; r + width <= cells.size(); r += width) {
    if (std::equal(arguments, arguments + width, cells.begin() + static_cast<long>(r))) return 1;
  }
  return 0;
}

}  // namespace

const FamilyInfo kTable{"table", true, propagate, evaluate};

}  // namespace constrint::detail
