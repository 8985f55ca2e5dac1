// Any bytes as a small model: every way of solving it gives what a walk over all assignments gives.
// The shapes that the compiler adds equations to (products and sums of known value, an objective)
// are drawn more often than they come up in random text.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "constrint/constrint.hpp"

namespace {

using Row = std::vector<std::int64_t>;

class Input {
 public:
  Input(const unsigned char* data, std::size_t size) : data_(data), left_(size) {}
  bool empty() const { return left_ == 0; }
  int below(int n) {
    if (left_ == 0) return 0;
    --left_;
    return *data_++ % n;
  }

 private:
  const unsigned char* data_;
  std::size_t left_;
};

// A value, or none where a term has none.
struct Maybe {
  std::int64_t value = 0;
  bool defined = true;
};

struct Node {
  enum Kind {
    number,
    variable,
    add,
    sub,
    mul,
    mod,
    over,
    exact,
    power,
    least,
    most,
    all,
    any,
    no,
    same,
    eq,
    ne,
    le,
    lt,
    divides
  } kind;
  int a = -1, b = -1;      // nodes
  std::int64_t value = 0;  // a number, or which variable
};

std::int64_t floor_of(std::int64_t a, std::int64_t b) {
  return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

class Drawn {
 public:
  explicit Drawn(Input* in) : in_(*in) {
    const int count = 2 + in_.below(4), most = count == 5 ? 5 : count == 4 ? 6 : 8;
    for (int i = 0; i < count; ++i) {
      const int size = 1 + in_.below(most), low = in_.below(12) - 3, step = 1 + in_.below(3) / 2;
      Row& domain = domains.emplace_back();
      for (int k = 0; k < size; ++k) domain.push_back(low + k * step);
      text += "var v" + std::to_string(i) + " in " + std::to_string(low) + ".." +
              std::to_string(domain.back()) + " by " + std::to_string(step) + ";\n";
    }
  }

  std::vector<Row> domains;
  std::string text;
  bool huge = false;  // a term left 64 bits: the walk cannot tell

  int term(int depth) {
    const int what = depth == 0 ? in_.below(2) : in_.below(12);
    if (what == 0) return make({Node::number, -1, -1, in_.below(30) - 5});
    if (what <= 3) return make({Node::variable, -1, -1, in_.below(width())});
    static constexpr Node::Kind kKinds[] = {Node::add,  Node::sub,   Node::mul,   Node::mod,
                                            Node::over, Node::exact, Node::least, Node::most};
    const Node::Kind kind = kKinds[what - 4];
    const int a = term(depth - 1);
    if (kind == Node::most && in_.below(2) == 0) {
      return make({Node::power, a, -1, in_.below(4)});
    }
    return make({kind, a, term(depth - 1), 0});
  }

  // Some of the variables joined by + or *.
  int joined(Node::Kind kind) {
    int node = -1, chosen = 1 + in_.below((1 << width()) - 1);
    for (int i = 0; i < width(); ++i) {
      if ((chosen >> i & 1) == 0) continue;
      const int v = make({Node::variable, -1, -1, i});
      node = node < 0 ? v : make({kind, node, v, 0});
    }
    return node;
  }

  int condition(int depth) {
    static constexpr std::int64_t kSplit[] = {12, 24, 36, 8, 60, 30, 6, 18, 48, 16};
    switch (in_.below(depth == 0 ? 8 : 12)) {
      case 0:
      case 1:
        return make({Node::eq, joined(Node::mul), number(kSplit[in_.below(10)]), 0});
      case 2:
        return make({Node::le, joined(Node::mul), number(in_.below(80)), 0});
      case 3:
        return make({Node::le, joined(Node::add), number(in_.below(40)), 0});
      case 4: {
        const int a = term(2);
        return make({Node::divides, a, term(1), 0});
      }
      case 5:
      case 6:
      case 7: {
        static constexpr Node::Kind kKinds[] = {Node::eq, Node::ne, Node::le, Node::lt};
        const Node::Kind kind = kKinds[in_.below(4)];
        const int a = term(2);
        return make({kind, a, term(2), 0});
      }
      case 8:
        return make({Node::no, condition(depth - 1), -1, 0});
      default: {
        static constexpr Node::Kind kKinds[] = {Node::all, Node::any, Node::same};
        const Node::Kind kind = kKinds[in_.below(3)];
        const int a = condition(depth - 1);
        return make({kind, a, condition(depth - 1), 0});
      }
    }
  }

  std::string written(int n) const {
    static constexpr const char* kSigns[] = {"",      "",     " + ",  " - ",  " * ", " % ", " // ",
                                             " / ",   " ^ ",  ", ",   ", ",   " & ", " | ", "!",
                                             " <-> ", " == ", " != ", " <= ", " < ", ""};
    const Node& node = nodes_[n];
    switch (node.kind) {
      case Node::number:
        return "(" + std::to_string(node.value) + ")";
      case Node::variable:
        return "v" + std::to_string(node.value);
      case Node::power:
        return "(" + written(node.a) + " ^ " + std::to_string(node.value) + ")";
      case Node::least:
      case Node::most:
        return (node.kind == Node::least ? "min(" : "max(") + written(node.a) + ", " +
               written(node.b) + ")";
      case Node::no:
        return "(!" + written(node.a) + ")";
      case Node::divides:
        return "((" + written(node.a) + ") % (" + written(node.b) + ") == 0)";
      default:
        return "(" + written(node.a) + kSigns[node.kind] + written(node.b) + ")";
    }
  }

  Maybe value(int n, const Row& row) {
    const Node& node = nodes_[n];
    const Maybe none{0, false};
    if (node.kind == Node::number) return {node.value};
    if (node.kind == Node::variable) return {row[static_cast<std::size_t>(node.value)]};
    const Maybe a = value(node.a, row);
    const Maybe b = node.b < 0 ? Maybe{} : value(node.b, row);
    const bool both = a.defined && b.defined;
    // Conditions always have a value.
    if (node.kind >= Node::eq) {
      if (!both) return {0};
      if (node.kind == Node::divides) return {b.value != 0 && a.value % b.value == 0};
      return {node.kind == Node::eq   ? a.value == b.value
              : node.kind == Node::ne ? a.value != b.value
              : node.kind == Node::le ? a.value <= b.value
                                      : a.value < b.value};
    }
    if (!both) return none;
    Maybe r;
    switch (node.kind) {
      case Node::add:
        huge = __builtin_add_overflow(a.value, b.value, &r.value) || huge;
        return r;
      case Node::sub:
        huge = __builtin_sub_overflow(a.value, b.value, &r.value) || huge;
        return r;
      case Node::mul:
        huge = __builtin_mul_overflow(a.value, b.value, &r.value) || huge;
        return r;
      case Node::power:
        r.value = 1;
        for (int i = 0; i < node.value; ++i) {
          huge = __builtin_mul_overflow(r.value, a.value, &r.value) || huge;
        }
        return r;
      case Node::mod:
      case Node::over:
      case Node::exact: {
        if (b.value == 0) return none;
        if (b.value == -1) return {node.kind == Node::mod ? 0 : -a.value};
        const std::int64_t quotient = floor_of(a.value, b.value);
        if (node.kind == Node::over) return {quotient};
        const std::int64_t rest = a.value - b.value * quotient;
        if (node.kind == Node::mod) return {rest};
        return rest == 0 ? Maybe{quotient} : none;
      }
      case Node::least:
        return {std::min(a.value, b.value)};
      case Node::most:
        return {std::max(a.value, b.value)};
      case Node::all:
        return {a.value != 0 && b.value != 0};
      case Node::any:
        return {a.value != 0 || b.value != 0};
      case Node::no:
        return {a.value == 0};
      default:
        return {a.value == b.value};
    }
  }

  int width() const { return static_cast<int>(domains.size()); }

  // All rows that satisfy the conditions, ascending.
  std::vector<Row> rows(const std::vector<int>& conditions) {
    std::vector<Row> found;
    std::vector<std::size_t> at(domains.size(), 0);
    Row row;
    for (const Row& d : domains) row.push_back(d[0]);
    while (true) {
      if (std::all_of(conditions.begin(), conditions.end(),
                      [&](int c) { return value(c, row).value != 0; })) {
        found.push_back(row);
      }
      std::size_t i = domains.size();
      while (i > 0 && at[i - 1] + 1 == domains[i - 1].size()) {
        at[i - 1] = 0;
        row[i - 1] = domains[i - 1][0];
        --i;
      }
      if (i == 0) return found;
      row[i - 1] = domains[i - 1][++at[i - 1]];
    }
  }

 private:
  int make(Node node) {
    nodes_.push_back(node);
    return static_cast<int>(nodes_.size()) - 1;
  }
  int number(std::int64_t v) { return make({Node::number, -1, -1, v}); }

  Input& in_;
  std::vector<Node> nodes_;
};

std::vector<Row> listed(const constrint::Model& model, const constrint::Options& options) {
  std::vector<Row> found;
  model.solve_all(
      [&](std::span<const std::int64_t> v) {
        found.emplace_back(v.begin(), v.end());
        return true;
      },
      options);
  return found;
}

void expect(bool holds, const char* claim, const constrint::Model& model) {
  if (holds) return;
  std::fprintf(stderr, "%s\n%s\n", claim, model.text().c_str());
  std::abort();
}

// One model against the rows it has, which are in the order of preference.
void compare(const constrint::Model& model, std::vector<Row> rows, Drawn* drawn, int objective,
             bool maximise, const constrint::Options& limited) {
  constrint::Options preference;
  preference.order = constrint::Order::preference;
  const constrint::Result first = model.solve_first();
  expect(first.has_solution == !rows.empty(), "first: feasible or not", model);
  if (!rows.empty()) expect(first.solution.values() == rows[0], "first: which", model);
  expect(listed(model, preference) == rows, "listing in the order of preference", model);
  expect(model.count().count == rows.size(), "count", model);
  if (objective >= 0) {
    std::vector<const Row*> defined;
    for (const Row& r : rows) {
      if (drawn->value(objective, r).defined) defined.push_back(&r);
    }
    if (drawn->huge) return;
    const auto better = [&](const Row* a, const Row* b) {
      const std::int64_t x = drawn->value(objective, *a).value;
      const std::int64_t y = drawn->value(objective, *b).value;
      return maximise ? x > y : x < y;
    };
    const auto best = std::min_element(defined.begin(), defined.end(), better);
    for (const bool limits : {false, true}) {
      const constrint::Result got = model.solve_best(limits ? limited : constrint::Options{});
      if (got.status == constrint::Status::limit) {
        expect(limits, "best: a limit that nobody set", model);
        if (got.has_solution) {
          expect(model.check(got.solution.to_map()), "best within limits: a solution", model);
        }
        continue;
      }
      expect(got.has_solution == !defined.empty(), "best: feasible or not", model);
      if (defined.empty()) continue;
      expect(got.objective == drawn->value(objective, **best).value, "best: objective", model);
      expect(got.solution.values() == **best, "best: the first of equals", model);
    }
  }
  std::sort(rows.begin(), rows.end());
  std::vector<Row> fastest = listed(model, {});
  if (limited.threads > 1) {
    constrint::Options threads;
    threads.threads = limited.threads;
    expect(listed(model, threads) == fastest, "listing on several threads", model);
  }
  std::sort(fastest.begin(), fastest.end());
  expect(fastest == rows, "listing", model);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  Input in(data, size);
  Drawn drawn(&in);
  const bool has_objective = in.below(2) == 0, maximise = in.below(2) == 0;
  const int preferred = in.below(drawn.width() + 3) - 3;  // negative: none
  const bool largest = in.below(2) == 0;
  constrint::Options limited;
  limited.max_nodes = static_cast<std::uint64_t>(1 + in.below(12));
  limited.threads = in.below(16) == 0 ? 3 : 1;
  const int shown = in.below(1 << drawn.width());
  const int objective = has_objective ? drawn.term(3) : -1;
  const int before = 1 + in.below(4);
  std::vector<int> conditions;
  for (int i = 0; i < before; ++i) conditions.push_back(drawn.condition(2));
  const int added = in.empty() ? -1 : drawn.condition(1);

  std::string text = drawn.text;
  for (int c : conditions) text += drawn.written(c) + ";\n";
  if (objective >= 0) {
    text += (maximise ? "maximize " : "minimize ") + drawn.written(objective) + ";\n";
  }
  if (preferred >= 0) {
    text += "prefer v" + std::to_string(preferred) + (largest ? " largest;\n" : " smallest;\n");
  }
  const auto in_order = [&](std::vector<Row> rows) {
    if (preferred < 0) return rows;
    std::stable_sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) {
      const auto i = static_cast<std::size_t>(preferred);
      return largest ? a[i] > b[i] : a[i] < b[i];
    });
    return rows;
  };
  const std::vector<Row> rows = in_order(drawn.rows(conditions));
  if (drawn.huge) return 0;
  try {
    constrint::Model model = constrint::Model::parse(text, "fuzz");
    compare(model, rows, &drawn, objective, maximise, limited);
    if (added >= 0) {
      model.push();
      model.add(drawn.written(added) + ";");
      conditions.push_back(added);
      const std::vector<Row> fewer = in_order(drawn.rows(conditions));
      if (drawn.huge) return 0;
      compare(model, fewer, &drawn, objective, maximise, limited);
      model.pop();
      const constrint::Result again = model.solve_first();
      expect(again.has_solution == !rows.empty(), "after pop: feasible or not", model);
      if (!rows.empty()) expect(again.solution.values() == rows[0], "after pop: which", model);
    }
    if (shown != 0) {
      std::vector<std::string> names;
      std::vector<Row> shadows;
      for (int i = 0; i < drawn.width(); ++i) {
        if ((shown >> i & 1) != 0) names.push_back("v" + std::to_string(i));
      }
      for (const Row& r : rows) {
        Row& shadow = shadows.emplace_back();
        for (int i = 0; i < drawn.width(); ++i) {
          if ((shown >> i & 1) != 0) shadow.push_back(r[static_cast<std::size_t>(i)]);
        }
      }
      std::sort(shadows.begin(), shadows.end());
      shadows.erase(std::unique(shadows.begin(), shadows.end()), shadows.end());
      model.project(names);
      std::vector<Row> got = listed(model, {});
      std::sort(got.begin(), got.end());
      expect(got == shadows, "projected listing", model);
      expect(model.count().count == shadows.size(), "projected count", model);
    }
  } catch (const constrint::ModelError& e) {
    // What propagation must hold may be wider than any value; and powers of powers may take an
    // objective beyond what a result can tell (docs/language.md).
    const std::string what = e.what();
    if (what.find("125 bits") == std::string::npos && what.find("64 bits") == std::string::npos) {
      std::fprintf(stderr, "%s\n%s\n", e.what(), text.c_str());
      std::abort();
    }
  }
  return 0;
}
