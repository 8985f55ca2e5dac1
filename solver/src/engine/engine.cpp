// The trail, what wakes what, and propagation to a fixpoint; narrowing is in narrow.cpp.
#include "engine/engine.hpp"

#include <algorithm>

#include "families/family.hpp"
#include "math/numbers.hpp"

namespace constrint::detail {
namespace {

// Sets up to this size have their common stride worked out anew when they shrink.
constexpr std::uint32_t kStrideMost = 32;
// Executions per node after which bounds that creep no longer wake others (the search splits
// instead): without this, x < y & y < x over 2^62 values would count its way to the end.
constexpr u64 kPatience = 10;
// Nodes of more arguments run again where others are only checked.
constexpr std::size_t kAgreeMost = 16;

}  // namespace

Engine::Engine(const Graph& graph, bool undoes) : graph_(graph) {
  domains_.resize(graph.nodes.size());
  stamp_.assign(graph.nodes.size(), 0);
  pending_.assign(graph.nodes.size(), 0);
  cares_.resize(graph.nodes.size());
  dear_.assign(graph.nodes.size(), 0);
  // What is reserved and not used costs nothing, and a page that growth leaves behind was touched
  // for nothing: that is what a process's first solve spends its time on.
  if (undoes) {
    arena_.reserve(4096);
    trail_.reserve(graph.nodes.size() + 64);
  }
  queue_[0].reserve(graph.nodes.size());
  queue_[1].reserve(graph.nodes.size());
  for (int n = 0; n < graph.size(); ++n) {
    const Node& node = graph.nodes[n];
    Domain& d = domains_[n];
    dear_[n] = node.count > 3 || node.family == Family::table;
    const FamilyInfo& info = family(node.family);
    if (info.propagate != nullptr) cares_[n] = {info.cares, info.cares_below};
    if (node.family == Family::constant) d.low = d.high = node.low;
    if (info.condition) d.low = 0, d.high = 1;
  }
}

bool Engine::update(int n, const Domain& next) {
  Domain& d = domains_[n];
  i64 modulus = next.modulus, residue = next.residue;
  if (next.count != 0 && next.count <= kStrideMost && next.count != d.count && next.count > 1) {
    // gcd of the differences is the stride of the set; it can only be a multiple of the old one.
    const i64* v = arena_.data() + next.offset;
    i64 g = 0, widest = 0;
    if (!__builtin_sub_overflow(v[next.count - 1], v[0], &widest)) {
      // The old stride divides all differences: no less can come out.
      for (std::uint32_t i = 1; i < next.count && g != modulus; ++i) g = gcd64(g, v[i] - v[0]);
    }
    if (g > modulus) {
      modulus = g;
      residue = static_cast<i64>(floor_mod(v[0], g));
    }
  }
  const bool moved = next.low != d.low || next.high != d.high;
  unsigned events = moved ? kBounds | (next.low == next.high ? kFixed : 0u) : 0u;
  events |= modulus != d.modulus ? kStride : 0u;
  events |= next.divisor_of != d.divisor_of ? kDivisors : 0u;
  events |= next.count != d.count ? kSet : 0u;
  if (events == 0) return true;
  if (!marks_.empty() && stamp_[n] != serial_) {
    trail_.push_back({n, d});
    stamp_[n] = serial_;
  }
  if (reasons_ != nullptr) reasons_->changed(n);
  if (round_ > kPatience * domains_.size() + 300 && next.count == 0 && next.low < next.high &&
      modulus == d.modulus) {
    const bool notable = (next.high - next.low) < (d.high - d.low) - (d.high - d.low) / 8;
    if (!notable) events = 0;
  }
  d = next;
  d.modulus = modulus;
  d.residue = residue;
  if (events != 0) changed(n, static_cast<std::uint8_t>(events));
  return true;
}

void Engine::changed(int n, std::uint8_t events) {
  const auto happens_to = [&](int p, std::uint8_t cares) {
    if (p != running_) return wake(p, events & cares);
    touched_ = true;
    own_events_ |= events;
    surprised_ = surprised_ || !as_asked_;
  };
  happens_to(n, cares_[n].own);
  for (int p : graph_.parents_of(n)) happens_to(p, cares_[p].below);
}

// What a node changed itself wakes it again only where that may have left it something to do.
bool Engine::execute(int n) {
  const FamilyInfo& info = family(graph_.nodes[n].family);
  if (reasons_ != nullptr) reasons_->begin(graph_, n);
  if (!info.exact) {
    pending_[n] = 0;
    return info.propagate(*this, n);
  }
  running_ = n;
  events_ = std::exchange(pending_[n], 0);
  touched_ = surprised_ = rounded_ = settled_ = false;
  own_events_ = 0;
  const bool consistent = info.propagate(*this, n);
  running_ = -1;
  events_ = kEverything;
  if (!consistent || !touched_ || settled_) return consistent;
  if (surprised_ || rounded_) {
    schedule(n, own_events_);
    return true;
  }
  return agrees(n);
}

// Whether a node of which everything is known has the value that its arguments give.
bool Engine::agrees(int n) {
  if (!fixed(n)) return true;
  Int values[kAgreeMost];
  const auto args = graph_.arguments(n);
  if (args.size() > kAgreeMost || saturated(value(n))) return schedule(n), true;
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (!fixed(args[i])) return true;
    values[i] = value(args[i]);
  }
  const Node& node = graph_.nodes[n];
  return family(node.family).evaluate(graph_, node, values) == value(n);
}

void Engine::schedule_all() {
  for (int n = 0; n < graph_.size(); ++n) schedule(n);
}

void Engine::clear_queue() {
  for (int q = 0; q < 2; ++q) {
    for (std::size_t i = head_[q]; i < queue_[q].size(); ++i) pending_[queue_[q][i]] = 0;
    queue_[q].clear();
    head_[q] = 0;
  }
}

bool Engine::propagate() {
  round_ = 0;
  while (true) {
    const int q = head_[0] < queue_[0].size() ? 0 : 1;
    if (head_[q] == queue_[q].size()) break;
    const int n = queue_[q][head_[q]++];
    ++propagations;
    ++round_;
    if (!execute(n)) {
      clear_queue();
      return false;
    }
    if (head_[q] == queue_[q].size()) queue_[q].clear(), head_[q] = 0;
  }
  return true;
}

void Engine::push() {
  marks_.push_back({trail_.size(), arena_.size()});
  serials_.push_back(serial_);
  serial_ = ++next_serial_;
}

void Engine::pop() {
  const Mark mark = marks_.back();
  marks_.pop_back();
  while (trail_.size() > mark.trail) {
    domains_[trail_.back().node] = trail_.back().domain;
    trail_.pop_back();
  }
  arena_.resize(mark.arena);
  serial_ = serials_.back();
  serials_.pop_back();
  clear_queue();
}

void Engine::overwrite(int n, const Domain& domain) {
  if (!marks_.empty() && stamp_[n] != serial_) {
    trail_.push_back({n, domains_[n]});
    stamp_[n] = serial_;
  }
  domains_[n] = domain;
}

}  // namespace constrint::detail
