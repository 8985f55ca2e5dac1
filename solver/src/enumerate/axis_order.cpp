#include "enumerate/axis_order.hpp"

#include <algorithm>
#include <cmath>

namespace constrint::detail {

std::vector<int> fastest_order(const std::vector<OrderItem>& items,
                               const std::vector<std::vector<int>>& scopes) {
  std::size_t leaves = 0;
  for (const OrderItem& item : items) {
    leaves = std::max(leaves, static_cast<std::size_t>(item.leaf) + 1);
  }
  std::vector<const OrderItem*> by_leaf(leaves, nullptr);
  for (const OrderItem& item : items) by_leaf[item.leaf] = &item;
  std::vector<int> order;
  std::vector<char> placed(leaves, 0);
  // A variable of one constraint alone can wait: its mask is worked out, and prunes, when the
  // others of that constraint are bound, and all that is left to do with it is to run through the
  // bits. One for each constraint.
  std::vector<int> uses(leaves, 0);
  for (const auto& scope : scopes) {
    for (int leaf : scope) ++uses[leaf];
  }
  std::vector<char> waits(leaves, 0);
  for (const auto& scope : scopes) {
    const OrderItem* best = nullptr;
    for (int leaf : scope) {
      const OrderItem* item = by_leaf[leaf];
      if (scope.size() > 1 && uses[leaf] == 1 && (best == nullptr || item->size > best->size)) {
        best = item;
      }
    }
    if (best != nullptr) waits[best->leaf] = true;
  }
  const auto place = [&](bool hidden) {
    if (std::none_of(items.begin(), items.end(),
                     [&](const OrderItem& item) { return item.hidden == hidden; })) {
      return;
    }
    std::vector<char> done(scopes.size(), 0);
    while (true) {
      // The constraint that adds the fewest combinations for each one it can remove; among equals
      // the one that shares most with what stands.
      double best_cost = 0;
      int best = -1;
      for (std::size_t s = 0; s < scopes.size(); ++s) {
        if (done[s]) continue;
        double cost = 0;
        int open = 0;
        for (int leaf : scopes[s]) {
          const OrderItem& item = *by_leaf[leaf];
          if (placed[leaf] || waits[leaf] || item.hidden != hidden) continue;
          cost += std::log2(static_cast<double>(item.size));
          ++open;
        }
        if (open == 0) {
          done[s] = 1;
          continue;
        }
        if (best < 0 || cost < best_cost - 1e-9) best = static_cast<int>(s), best_cost = cost;
      }
      if (best < 0) break;
      std::vector<int> fresh;
      for (int leaf : scopes[best]) {
        if (!placed[leaf] && !waits[leaf] && by_leaf[leaf]->hidden == hidden) fresh.push_back(leaf);
      }
      // Asking for a buffer is most of what sorting so few takes.
      if (fresh.size() > 1) {
        std::stable_sort(fresh.begin(), fresh.end(),
                         [&](int a, int b) { return by_leaf[a]->size < by_leaf[b]->size; });
      }
      for (int leaf : fresh) order.push_back(leaf), placed[leaf] = true;
      done[best] = 1;
    }
    std::vector<const OrderItem*> rest;
    for (const OrderItem& item : items) {
      if (item.hidden == hidden && !placed[item.leaf]) rest.push_back(&item);
    }
    if (rest.size() > 1) {
      std::stable_sort(rest.begin(), rest.end(),
                       [](const OrderItem* a, const OrderItem* b) { return a->size < b->size; });
    }
    for (const OrderItem* item : rest) order.push_back(item->leaf), placed[item->leaf] = true;
  };
  place(false);
  place(true);
  return order;
}

}  // namespace constrint::detail
