// What compilation adds to a model (src/compile/implied.cpp) and how the search leaps towards an
// optimum must show in the time alone: small tilings against plain loops.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "compile/compile.hpp"
#include "constrint/constrint.hpp"

namespace constrint {
namespace {

using Values = std::vector<std::int64_t>;

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  std::int64_t among(std::initializer_list<std::int64_t> list) {
    return list.begin()[below(static_cast<std::int64_t>(list.size()))];
  }
  std::int64_t below(std::int64_t n) {
    return static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(n));
  }

 private:
  std::mt19937_64 engine_;
};

// All (x, y, z) in lowest..24 with x y z == n, ascending.
std::vector<Values> splits(std::int64_t n, std::int64_t lowest) {
  std::vector<Values> all;
  for (std::int64_t x = lowest; x <= 24; ++x) {
    for (std::int64_t y = lowest; y <= 24; ++y) {
      for (std::int64_t z = lowest; z <= 24; ++z) {
        if (x * y * z == n) all.push_back({x, y, z});
      }
    }
  }
  return all;
}

TEST(Implied, OptimaOfTwoSplitsAreThoseOfLoops) {
  Random random(20261125);
  for (int round = 0; round < 150; ++round) {
    const std::int64_t n = random.among({12, 24, 36, 48, 60}), m = random.among({8, 18, 24, 30});
    const std::int64_t lowest = random.among({1, 1, 1, -3});
    const std::int64_t grid = 1 + random.below(40), warps = 1 + random.below(20);
    const std::int64_t a = random.below(9), b = random.below(6) - 2, c = random.below(4);
    const bool largest = random.below(2) == 0, maximise = random.below(3) == 0;
    const auto objective = [&](const Values& v) { return a * v[2] * v[5] + b * v[0] + c * v[4]; };
    std::vector<Values> expected;
    for (const Values& x : splits(n, lowest)) {
      for (const Values& y : splits(m, lowest)) {
        if (x[0] * y[0] > grid || x[1] * y[1] > warps) continue;
        expected.push_back({x[0], x[1], x[2], y[0], y[1], y[2]});
      }
    }
    // In the order of preference: w1 first, then as declared.
    std::stable_sort(expected.begin(), expected.end(), [&](const Values& v, const Values& w) {
      return largest ? v[1] > w[1] : v[1] < w[1];
    });
    std::string text = "var g1, w1, l1, g2, w2, l2 in " + std::to_string(lowest) + "..24;";
    text += "g1 * w1 * l1 == " + std::to_string(n) + "; g2 * w2 * l2 == " + std::to_string(m);
    text += "; g1 * g2 <= " + std::to_string(grid) + "; w1 * w2 <= " + std::to_string(warps);
    text += std::string("; prefer w1 ") + (largest ? "largest; " : "smallest; ");
    text += maximise ? "maximize " : "minimize ";
    text += std::to_string(a) + " * l1 * l2 + " + std::to_string(b) + " * g1 + " +
            std::to_string(c) + " * w2;";
    const Result best = Model::parse(text).solve_best();
    ASSERT_EQ(best.has_solution, !expected.empty()) << text;
    if (expected.empty()) continue;
    const auto better = [&](const Values& v, const Values& w) {
      return maximise ? objective(v) > objective(w) : objective(v) < objective(w);
    };
    const Values& first = *std::min_element(expected.begin(), expected.end(), better);
    ASSERT_EQ(best.objective, objective(first)) << text;
    ASSERT_EQ(best.solution.values(), first) << text;
  }
}

TEST(Implied, FactorsOfAKnownSumAreThoseOfLoops) {
  Random random(7);
  for (int round = 0; round < 150; ++round) {
    const std::int64_t n = random.among({1, 8, 12, 27, 36, 60, 64, 96, 120});
    const std::int64_t lowest = random.among({1, 1, 2, -4}), most = random.below(30);
    std::vector<Values> expected;
    for (const Values& v : splits(n, lowest)) {
      if (v[0] + v[1] + v[2] <= most) expected.push_back(v);
    }
    const std::string text = "var x, y, z in " + std::to_string(lowest) +
                             "..24; x * y * z == " + std::to_string(n) +
                             "; z + x + y <= " + std::to_string(most) + ";";
    const Model model = Model::parse(text);
    std::vector<Values> got;
    model.solve_all([&](std::span<const std::int64_t> v) {
      got.emplace_back(v.begin(), v.end());
      return true;
    });
    std::sort(got.begin(), got.end());
    ASSERT_EQ(got, expected) << text;
    const Result first = model.solve_first();
    ASSERT_EQ(first.has_solution, !expected.empty()) << text;
    if (first.has_solution) ASSERT_EQ(first.solution.values(), expected[0]) << text;
  }
}

TEST(Implied, MeansOfHugeNumbersDoNotOverflow) {
  // Powers of these sums leave 128 bits; they must neither wrap nor refute what has a solution.
  const Model model = Model::parse(
      "var a, b, c, d in 1..2^40; a * b * c * d == 2^60; a + b + c + d <= 2^41; a >= 2^20;");
  EXPECT_EQ(model.solve_first().solution.values(), (Values{1 << 20, 1, 1, std::int64_t{1} << 40}));
  const Model none =
      Model::parse("var a, b, c, d in 1..2^40; a * b * c * d == 2^60; a + b + c + d < 4 * 2^15;");
  EXPECT_EQ(none.solve_first().status, Status::infeasible);
  const Model tight =
      Model::parse("var a, b, c, d in 1..2^40; a * b * c * d == 2^60; a + b + c + d <= 4 * 2^15;");
  EXPECT_EQ(tight.count().count, 1u);
}

TEST(Implied, RegroupingAProductOfZeroRefusesNoModel) {
  // x y z alone would leave 125 bits; a product that is 0 says nothing of its factors.
  const Model model = Model::parse(
      "var a, b, c, d in 0..1; var x, y, z in 0..2^42; a * b * c * x * y * z == 0; a * c == d;"
      "x > 2^41; y > 2^41; z > 2^41;");
  const std::int64_t least = (std::int64_t{1} << 41) + 1;
  EXPECT_EQ(model.solve_first().solution.values(), (Values{0, 0, 0, 0, least, least, least}));
}

TEST(Implied, EquationsTiedInAnyOrderAreMultiplied) {
  // Whichever ties come first, all three equations are tied, and their product is posted.
  const auto most_known = [](const std::string& ties) {
    const Model model = Model::parse(
        "var a, b, c, x, y, z in 1..64; a * x == 4; b * y == 8;"
        "c * z == 16;" +
        ties + "minimize x + z;");
    const detail::Compiled compiled = detail::compile(model.data(), nullptr, true);
    detail::Int most = 0;
    for (const detail::Restriction& r : compiled.restrictions) {
      if (r.implied) most = std::max(most, r.low);
    }
    return static_cast<std::int64_t>(most);
  };
  EXPECT_EQ(most_known("a * y <= 30; b * c <= 40;"), 4 * 8 * 16);
  EXPECT_EQ(most_known("b * c <= 40; a * y <= 30;"), 4 * 8 * 16);
}

TEST(Implied, BoundsOfEveryCaseOfAnOrAreThoseOfTheWhole) {
  const Model model = Model::parse(
      "var y in 2..9; var x in 1..65536; x == 1 | x == 3 * y | x == min(y, 5);"
      "var z in -1000000..1000000; (z == x & y > 3) | z % 7 == 9 | z == -2 * y;");
  detail::Compiled compiled = detail::compile(model.data(), nullptr, false);
  detail::Engine engine(compiled.graph);
  ASSERT_TRUE(detail::root(compiled, &engine, model.data()));
  const int x = compiled.variable_nodes[1], z = compiled.variable_nodes[2];
  EXPECT_EQ(static_cast<std::int64_t>(engine[x].low), 1);
  EXPECT_EQ(static_cast<std::int64_t>(engine[x].high), 27);
  // z % 7 is never 9.
  EXPECT_EQ(static_cast<std::int64_t>(engine[z].low), -18);
  EXPECT_EQ(static_cast<std::int64_t>(engine[z].high), 27);
  std::uint64_t expected = 0;
  for (std::int64_t b = 2; b <= 9; ++b) {
    for (std::int64_t a = 1; a <= 27; ++a) {
      if (a != 1 && a != 3 * b && a != std::min<std::int64_t>(b, 5)) continue;
      expected += b > 3 ? 2 : 1;
    }
  }
  EXPECT_EQ(model.count().count, expected);
  EXPECT_EQ(
      Model::parse("var x, y in 1..100000; x == y + 99999 | x % 2 == 3; y > 1;").count().count, 0U);
}

}  // namespace
}  // namespace constrint
