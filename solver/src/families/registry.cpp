#include <algorithm>

#include "families/family.hpp"

namespace constrint::detail {
namespace {

Int leaf_value(const Graph&, const Node& node, const Int*) { return node.low; }

const FamilyInfo kVariable{"variable", false, nullptr, leaf_value};
const FamilyInfo kConstant{"constant", false, nullptr, leaf_value};

constexpr std::size_t kValuesMost = 256;  // of one open argument
constexpr std::size_t kPairsMost = 64;    // of two

}  // namespace

const FamilyInfo* const kRegistry[kFamilies] = {
    &kVariable,    &kConstant, &kLinear,      &kProduct,      &kPower, &kFloorDiv, &kMod,
    &kDivides,     &kMinimum,  &kMaximum,     &kAbsolute,     &kRange, &kMember,   &kConjunction,
    &kDisjunction, &kNegation, &kEquivalence, &kAllDifferent, &kTable, &kBalance,
};

bool filter_small(Engine& engine, int node) {
  const Graph& graph = engine.graph();
  const Node& description = graph.nodes[node];
  const auto args = engine.arguments(node);
  Int values[8];
  int open[2] = {-1, -1};
  int open_count = 0;
  if (args.size() > 8) return true;
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (engine.fixed(args[i])) {
      values[i] = engine.value(args[i]);
    } else if (open_count == 2 || engine[args[i]].count == 0) {
      return true;
    } else {
      open[open_count++] = static_cast<int>(i);
    }
  }
  const auto evaluate = family(description.family).evaluate;
  if (open_count == 0) return engine.assign(node, evaluate(graph, description, values));
  const auto supported = [&] {
    return engine.contains(node, evaluate(graph, description, values));
  };
  if (open_count == 1) {
    if (engine[args[open[0]]].count > kValuesMost) return true;
    return engine.keep_if(args[open[0]], [&](i64 v) {
      values[open[0]] = v;
      return supported();
    });
  }
  const int a = args[open[0]], b = args[open[1]];
  if (a == b || std::size_t{engine[a].count} * engine[b].count > kPairsMost) return true;
  for (int side = 0; side < 2; ++side) {
    const int inner = side == 0 ? b : a;
    const int outer_slot = open[side], inner_slot = open[1 - side];
    const bool left = engine.keep_if(side == 0 ? a : b, [&](i64 v) {
      values[outer_slot] = v;
      for (std::size_t i = 0; i < engine[inner].count; ++i) {
        values[inner_slot] = engine.values(inner)[i];
        if (supported()) return true;
      }
      return false;
    });
    if (!left) return false;
  }
  return true;
}

}  // namespace constrint::detail
