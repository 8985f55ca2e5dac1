// Random models against Gecode, which knows nothing of how ConstrINT works: all solutions of both,
// over more values than the naive enumerator could walk through. Skipped where Gecode is missing.
#include <gtest/gtest.h>

#ifdef CONSTRINT_TESTS_GECODE
#include <gecode/int.hh>
#include <gecode/minimodel.hh>
#include <gecode/search.hh>
#endif

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <random>

#include "constrint/constrint.hpp"

namespace constrint {
namespace {

#ifdef CONSTRINT_TESTS_GECODE

using Row = std::vector<std::int64_t>;
using Variables = Gecode::IntVarArray;

// What both solvers understand in the same way: total operations on numbers that are not negative
// where remainders are taken.
struct Term {
  std::string text;
  std::function<Gecode::LinIntExpr(const Variables&)> gecode;
};
struct Condition {
  std::string text;
  std::function<Gecode::BoolExpr(const Variables&)> gecode;
};

class Writer {
 public:
  Writer(std::uint64_t seed, int variables) : random_(seed), variables_(variables) {}
  int below(int n) { return static_cast<int>(random_() % static_cast<std::uint64_t>(n)); }

  Term leaf() {
    const int i = below(variables_);
    return {"v" + std::to_string(i), [i](const Variables& v) { return Gecode::LinIntExpr(v[i]); }};
  }
  Term term(int depth) {
    if (depth == 0) return leaf();
    const Term a = term(depth - 1), b = leaf();
    const int k = 2 + below(5);
    const std::string text = std::to_string(k);
    const auto join = [&](const char* open, const char* middle, auto f) {
      return Term{std::string(open) + a.text + middle + b.text + ")",
                  [a, b, f](const Variables& v) { return f(a.gecode(v), b.gecode(v)); }};
    };
    switch (below(6)) {
      case 0:
        return join("(", " + ", [](const auto& x, const auto& y) { return x + y; });
      case 1:
        return join("(", " * ", [](const auto& x, const auto& y) { return x * y; });
      case 2:
        return join("max(", ", ", [](const auto& x, const auto& y) { return Gecode::max(x, y); });
      case 3:
        return join("min(", ", ", [](const auto& x, const auto& y) { return Gecode::min(x, y); });
      case 4:
        return {"(" + text + " * " + a.text + ")",
                [a, k](const Variables& v) { return k * a.gecode(v); }};
      default:
        return {"(" + a.text + " % " + text + ")",
                [a, k](const Variables& v) { return a.gecode(v) % k; }};
    }
  }
  Condition comparison() {
    const Term a = term(2), b = term(1);
    const int k = below(200);
    const std::string right = " " + b.text + " + " + std::to_string(k);
    switch (below(5)) {
      case 0:
        return {a.text + " <=" + right,
                [=](const Variables& v) { return a.gecode(v) <= b.gecode(v) + k; }};
      case 1:
        return {a.text + " >" + right,
                [=](const Variables& v) { return a.gecode(v) > b.gecode(v) + k; }};
      case 2:
        return {a.text + " !=" + right,
                [=](const Variables& v) { return a.gecode(v) != b.gecode(v) + k; }};
      default:
        return {a.text + " ==" + right,
                [=](const Variables& v) { return a.gecode(v) == b.gecode(v) + k; }};
    }
  }
  Condition condition() {
    const Condition a = comparison();
    switch (below(6)) {
      case 0: {
        const Condition b = comparison();
        return {"(" + a.text + ") | (" + b.text + ")",
                [=](const Variables& v) { return a.gecode(v) || b.gecode(v); }};
      }
      case 1: {
        const Condition b = comparison();
        return {"(" + a.text + ") -> (" + b.text + ")",
                [=](const Variables& v) { return a.gecode(v) >> b.gecode(v); }};
      }
      default:
        return a;
    }
  }

 private:
  std::mt19937_64 random_;
  int variables_;
};

class Script : public Gecode::Space {
 public:
  Script(const std::vector<std::pair<int, int>>& domains, const std::vector<Condition>& conditions)
      : variables(*this, static_cast<int>(domains.size())) {
    for (std::size_t i = 0; i < domains.size(); ++i) {
      variables[static_cast<int>(i)] = Gecode::IntVar(*this, domains[i].first, domains[i].second);
    }
    for (const Condition& c : conditions) Gecode::rel(*this, c.gecode(variables));
    Gecode::branch(*this, variables, Gecode::INT_VAR_NONE(), Gecode::INT_VAL_MIN());
  }
  Script(Script& other) : Space(other) { variables.update(*this, other.variables); }
  Gecode::Space* copy() override { return new Script(*this); }
  Variables variables;
};

TEST(AgainstGecode, RandomModelsHaveTheSameSolutions) {
  const char* text = std::getenv("CONSTRINT_RANDOM_ROUNDS");
  const int rounds = text != nullptr ? std::atoi(text) : 60;
  std::size_t solutions = 0;
  for (int round = 0; round < rounds; ++round) {
    const int count = 2 + round % 2;
    Writer writer(static_cast<std::uint64_t>(round) + 77, count);
    std::string model_text;
    std::vector<std::pair<int, int>> domains;
    for (int i = 0; i < count; ++i) {
      // Longer than what the loops take for short, so that equations are solved as well.
      const int low = writer.below(4), high = low + (count == 2 ? 100 : 20) + writer.below(60);
      domains.push_back({low, high});
      model_text += "var v" + std::to_string(i) + " in " + std::to_string(low) + ".." +
                    std::to_string(high) + ";\n";
    }
    std::vector<Condition> conditions;
    for (int i = 0; i < count; ++i) {
      conditions.push_back(writer.condition());
      model_text += conditions.back().text + ";\n";
    }
    SCOPED_TRACE("round " + std::to_string(round) + "\n" + model_text);

    std::vector<Row> expected;
    Script root(domains, conditions);
    Gecode::DFS<Script> search(&root);
    while (Script* found = search.next()) {
      Row row;
      for (int i = 0; i < count; ++i) row.push_back(found->variables[i].val());
      expected.push_back(std::move(row));
      delete found;
    }
    const Model model = Model::parse(model_text);
    std::vector<Row> mine;
    model.solve_all([&](std::span<const std::int64_t> v) {
      mine.emplace_back(v.begin(), v.end());
      return true;
    });
    std::sort(mine.begin(), mine.end());
    ASSERT_EQ(mine, expected);
    ASSERT_EQ(model.count().count, expected.size());
    const Result first = model.solve_first();
    ASSERT_EQ(first.has_solution, !expected.empty());
    if (first.has_solution) ASSERT_EQ(first.solution.values(), expected[0]);
    solutions += expected.size();
  }
  EXPECT_GT(solutions, static_cast<std::size_t>(rounds));  // the models are not all empty
}

#else

TEST(AgainstGecode, RandomModelsHaveTheSameSolutions) {
  GTEST_SKIP() << "built without Gecode (Debian: libgecode-dev)";
}

#endif

}  // namespace
}  // namespace constrint
