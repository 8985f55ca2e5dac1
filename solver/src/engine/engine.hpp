// Domains of all nodes, the trail that takes changes back, and propagation to a fixpoint.
#ifndef CONSTRINT_ENGINE_ENGINE_HPP
#define CONSTRINT_ENGINE_ENGINE_HPP

#include <algorithm>
#include <vector>

#include "engine/reasons.hpp"

namespace constrint::detail {

// The values v with low <= v <= high, v == residue (mod modulus), v | divisor_of (when not 0) and,
// when count != 0, among the `count` ascending values at Engine::values() + offset.
struct Domain {
  Int low = -kBig, high = kBig;
  i64 modulus = 1, residue = 0;
  i64 divisor_of = 0;
  std::uint32_t offset = 0, count = 0;

  bool fixed() const { return low == high; }
  bool explicit_set() const { return count != 0; }
};

// What happened to a domain. A family says which of these its propagation hangs on, and may leave
// out the parts that nothing happened to.
inline constexpr std::uint8_t kBounds = 1, kFixed = 2, kStride = 4, kDivisors = 8, kSet = 16,
                              kEverything = 31;

// Intervals with at most this many values become explicit sets when they are variables.
inline constexpr int kExplicitVariable = 64;
// No explicit set is larger than this.
inline constexpr std::size_t kExplicitMost = std::size_t{1} << 16;

class Engine {
 public:
  // undoes: levels of a search are to come.
  explicit Engine(const Graph& graph, bool undoes = true);

  const Graph& graph() const { return graph_; }
  const Domain& operator[](int n) const { return domains_[n]; }
  std::span<const int> arguments(int n) const { return graph_.arguments(n); }
  std::span<const i64> values(int n) const {
    return {arena_.data() + domains_[n].offset, domains_[n].count};
  }
  bool fixed(int n) const { return domains_[n].fixed(); }
  Int value(int n) const { return domains_[n].low; }
  bool is_true(int n) const { return domains_[n].low == 1; }
  bool is_false(int n) const { return domains_[n].high == 0; }
  bool contains(int n, Int v) const;
  bool contains64(int n, i64 v) const;
  // The number of values an interval or set holds, held at kBig.
  Int size(int n) const;

  // Each returns false when the domain becomes empty. Narrowing is remembered for undo().
  bool at_least(int n, Int v) { return v <= domains_[n].low || raise(n, v); }
  bool at_most(int n, Int v) { return v >= domains_[n].high || lower(n, v); }
  bool within(int n, Int low, Int high) {
    const Domain& d = domains_[n];
    return (low <= d.low && high >= d.high) || narrow(n, low, high);
  }
  bool assign(int n, Int v);
  bool exclude(int n, Int v);
  // v == residue (mod modulus), modulus >= 1.
  bool congruent(int n, i64 modulus, i64 residue) {
    return modulus == 1 || restrict_stride(n, modulus, residue);
  }
  // Every value divides number (number > 0).
  bool factor_of(int n, i64 number) {
    return number == 0 || domains_[n].divisor_of == number || restrict_divisors(n, number);
  }
  // One of these ascending values.
  bool among(int n, std::span<const i64> allowed);
  // Drops the values of an explicit set for which keep is false; intervals are left alone.
  template <class Keep>
  bool keep_if(int n, Keep keep);

  // Levels of the search.
  int level() const { return static_cast<int>(marks_.size()); }
  void push();
  void pop();
  // Overwrites a domain (undone by pop()); for asking what a node's arguments alone allow.
  void overwrite(int n, const Domain& domain);

  bool propagate();
  void schedule_all();
  void schedule(int n, std::uint8_t events = kEverything) {  // the node's own constraint
    wake(n, events & cares_[n].own);
  }
  void clear_queue();

  // For families that reach their own fixpoint in one execution as long as bounds come out as
  // computed: this one was rounded or left something for another.
  void rounded() { rounded_ = true; }
  // All arguments were fixed and so is the node: nothing is left to check.
  void settled() { settled_ = true; }
  // Whether one of these happened to the running node or its arguments since it ran last.
  bool happened(std::uint8_t events) const { return ((events_ | own_events_) & events) != 0; }

  // From here on it is noted there what each domain hangs on.
  void note(Reasons* reasons) { reasons_ = reasons; }

  u64 propagations = 0;

 private:
  // The calls above where there is something to do.
  bool raise(int n, Int v);
  bool lower(int n, Int v);
  bool narrow(int n, Int low, Int high);
  bool restrict_stride(int n, i64 modulus, i64 residue);
  bool meet(int n, Int residue, Int modulus);
  bool restrict_divisors(int n, i64 number);

  bool execute(int n);
  bool agrees(int n);
  bool update(int n, const Domain& next);
  bool tighten(int n, Domain* d);
  bool filter_explicit(Domain* d);
  bool make_explicit(int n, Domain* d);
  bool list_divisors(Domain* d);
  const std::vector<i64>* all_divisors(u64 number);
  void changed(int n, std::uint8_t events);
  void wake(int n, unsigned relevant) {
    if (relevant == 0) return;
    if (pending_[n] == 0) queue_[dear_[n]].push_back(n);
    pending_[n] |= static_cast<std::uint8_t>(relevant);
  }

  const Graph& graph_;
  std::vector<Domain> domains_;
  std::vector<i64> arena_;
  std::vector<std::pair<u64, std::vector<i64>>> divisors_;  // of numbers asked for lately
  struct Saved {
    int node;
    Domain domain;
  };
  struct Mark {
    std::size_t trail, arena;
  };
  std::vector<Saved> trail_;
  std::vector<Mark> marks_;
  std::vector<u64> stamp_;  // the level serial at which a node was last saved
  u64 serial_ = 0, next_serial_ = 0;
  std::vector<u64> serials_;
  // Cheap families run first: a long sum then runs once for many changes.
  std::vector<int> queue_[2];
  std::size_t head_[2] = {0, 0};
  std::vector<std::uint8_t> dear_;     // per node: goes to the second queue
  std::vector<std::uint8_t> pending_;  // per node: what happened since it ran; 0: not queued
  struct Cares {
    std::uint8_t own = 0, below = 0;
  };
  std::vector<Cares> cares_;  // per node: what its family hangs on; 0: no constraint
  u64 round_ = 0;             // executions since propagate() began
  // While a node of a family with `exact` runs: the node, and what happened to its own domains.
  int running_ = -1;
  Reasons* reasons_ = nullptr;
  bool as_asked_ = false;  // within() gave just the bounds it was given
  bool touched_ = false, surprised_ = false, rounded_ = false, settled_ = false;
  std::uint8_t events_ = kEverything;  // of the running node; everything where none runs
  std::uint8_t own_events_ = 0;        // what the running node did to its own domains
};

inline bool Engine::contains64(int n, i64 v) const {
  const Domain& d = domains_[n];
  if (v < d.low || v > d.high) return false;
  if (d.count != 0) {
    const i64* begin = arena_.data() + d.offset;
    return std::binary_search(begin, begin + d.count, v);
  }
  if (d.modulus > 1) {
    const i64 rest = v % d.modulus;
    if ((rest < 0 ? rest + d.modulus : rest) != d.residue) return false;
  }
  return d.divisor_of == 0 || (v != 0 && d.divisor_of % v == 0);
}

template <class Keep>
bool Engine::keep_if(int n, Keep keep) {
  Domain d = domains_[n];
  if (d.count == 0) return true;
  std::uint32_t first_bad = 0;
  while (first_bad < d.count && keep(arena_[d.offset + first_bad])) ++first_bad;
  if (first_bad == d.count) return true;
  const auto offset = static_cast<std::uint32_t>(arena_.size());
  for (std::uint32_t i = 0; i < d.count; ++i) {
    const i64 v = arena_[d.offset + i];
    if (i < first_bad || (i > first_bad && keep(v))) arena_.push_back(v);
  }
  const auto count = static_cast<std::uint32_t>(arena_.size()) - offset;
  if (count == 0) return false;
  d.offset = offset;
  d.count = count;
  d.low = arena_[offset];
  d.high = arena_[offset + count - 1];
  return update(n, d);
}

}  // namespace constrint::detail

#endif  // CONSTRINT_ENGINE_ENGINE_HPP
