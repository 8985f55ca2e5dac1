// Equations along axes too long for masks, which the loops solve for their last variable: every way
// of listing against plain loops.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "constrint/constrint.hpp"
#include "enumerate/inverse.hpp"
#include "math/numbers.hpp"

namespace constrint {
namespace {

using Row = std::vector<std::int64_t>;
using Truth = bool (*)(std::int64_t x, std::int64_t y, std::int64_t z);

struct Case {
  const char* name;
  const char* domain;  // of x, y and z: low..high, as below
  std::int64_t low, high;
  const char* conditions;
  Truth truth;
  // Where the plain loops need only try z = product / (x y): divisors are sparse, and an axis of
  // more than 64 of them is too much for three loops.
  std::int64_t product = 0;
};

const Case kCases[] = {
    {"product_in_order", "1..2000", 1, 2000, "x * y * z == 720720; x <= y; y <= z;",
     [](auto x, auto y, auto z) { return x * y * z == 720720 && x <= y && y <= z; }, 720720},
    // What y may be follows from the order: at most the root of 720720 / x, or at least that, or,
    // where the order has exceptions, neither.
    {"product_falling", "1..2000", 1, 2000, "x * y * z == 720720; x >= y; y > z;",
     [](auto x, auto y, auto z) { return x * y * z == 720720 && x >= y && y > z; }, 720720},
    {"product_nearly_in_order", "1..2000", 1, 2000, "x * y * z == 720720; x <= y + 3; y <= z + 5;",
     [](auto x, auto y, auto z) { return x * y * z == 720720 && x <= y + 3 && y <= z + 5; },
     720720},
    {"square_in_order", "1..300", 1, 300, "x * y * y * z == 705600; x <= y; y <= z;",
     [](auto x, auto y, auto z) { return x * y * y * z == 705600 && x <= y && y <= z; }},
    {"product_of_any_sign", "-90..90", -90, 90, "x * y * z == -5040;",
     [](auto x, auto y, auto z) { return x * y * z == -5040; }},
    {"product_of_nothing", "-70..70", -70, 70, "x * y == 0; x + z == 3;",
     [](auto x, auto y, auto z) { return x * y == 0 && x + z == 3; }},
    {"shared_factor", "1..200", 1, 200, "(x * y) * (y * z) == 176400; x <= z;",
     [](auto x, auto y, auto z) { return x * y * y * z == 176400 && x <= z; }},
    {"sum_of_squares", "0..150", 0, 150, "x ^ 2 + y ^ 2 == z ^ 2; x < y;",
     [](auto x, auto y, auto z) { return x * x + y * y == z * z && x < y; }},
    {"cubes", "0..150", 0, 150, "x ^ 3 + y == 5 * z;",
     [](auto x, auto y, auto z) { return x * x * x + y == 5 * z; }},
    {"negative_coefficients", "-100..100", -100, 100, "3 * x - 7 * y - 2 * z == 11; x % 5 == 2;",
     [](auto x, auto y, auto z) { return 3 * x - 7 * y - 2 * z == 11 && ((x % 5) + 5) % 5 == 2; }},
    {"chain", "1..180", 1, 180, "z % y == 0; y % x == 0; x > 2;",
     [](auto x, auto y, auto z) { return z % y == 0 && y % x == 0 && x > 2; }},
    {"divides_a_sum", "1..120", 1, 120, "(y + z - 2) % x == 0; y * z == 120;",
     [](auto x, auto y, auto z) { return (y + z - 2) % x == 0 && y * z == 120; }},
    {"bounded_product", "1..2000", 1, 2000, "x * y * z == 720720; y * z <= 9000; x % 3 == 0;",
     [](auto x, auto y, auto z) { return x * y * z == 720720 && y * z <= 9000 && x % 3 == 0; },
     720720},
    // z is narrowed by x before y says what it must be.
    {"narrowed_before_solved", "1..2000", 1, 2000,
     "x <= y; x + z <= 1500; x * y * z == 720720; x + z != 34;",
     [](auto x, auto y, auto z) {
       return x <= y && x + z <= 1500 && x * y * z == 720720 && x + z != 34;
     },
     720720},
    {"parts_apart", "1..100", 1, 100, "x * y == 3600; z % 7 == 3;",
     [](auto x, auto y, auto z) { return x * y == 3600 && z % 7 == 3; }},
};

class Wide : public ::testing::TestWithParam<Case> {};

std::vector<Row> list(const Model& model, Order order, unsigned threads) {
  Options options;
  options.order = order;
  options.threads = threads;
  std::vector<Row> rows;
  model.solve_all(
      [&](std::span<const std::int64_t> v) {
        rows.emplace_back(v.begin(), v.end());
        return true;
      },
      options);
  return rows;
}

TEST_P(Wide, AllSolutionsAreThoseOfPlainLoops) {
  const Case& c = GetParam();
  std::vector<Row> expected;
  for (std::int64_t x = c.low; x <= c.high; ++x) {
    for (std::int64_t y = c.low; y <= c.high; ++y) {
      const std::int64_t only = c.product == 0 ? 0 : c.product / (x * y);
      const std::int64_t first = c.product == 0 ? c.low : std::max(only, c.low);
      const std::int64_t last = c.product == 0 ? c.high : std::min(only, c.high);
      for (std::int64_t z = first; z <= last; ++z) {
        if (c.truth(x, y, z)) expected.push_back({x, y, z});
      }
    }
  }
  ASSERT_FALSE(expected.empty());
  const Model model = Model::parse(std::string("var x, y, z in ") + c.domain + "; " + c.conditions);
  EXPECT_EQ(list(model, Order::preference, 1), expected);
  const std::vector<Row> own_order = list(model, Order::fastest, 1);
  EXPECT_EQ(list(model, Order::fastest, 3), own_order);
  std::vector<Row> sorted = own_order;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(sorted, expected);
  EXPECT_EQ(model.count().count, expected.size());
  EXPECT_EQ(model.solve_first().solution.values(), expected[0]);
  Model shadow = model;
  shadow.project({"y"});
  std::vector<std::int64_t> distinct;
  for (const Row& row : expected) distinct.push_back(row[1]);
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  EXPECT_EQ(list(shadow, Order::fastest, 1).size(), distinct.size());
  EXPECT_EQ(shadow.count().count, distinct.size());
}

INSTANTIATE_TEST_SUITE_P(Cases, Wide, ::testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

// Blocks of values are thrown out before any is entered: over the ends of blocks, with coefficients
// and bounds near 62 bits, and where nothing is thrown out.
TEST(Sieve, LosesNoSolution) {
  struct Pair {
    const char* conditions;
    std::function<bool(std::int64_t, std::int64_t)> truth;
  };
  const Pair pairs[] = {
      {"x ^ 2 + y ^ 2 == 1221025; x <= y;",
       [](auto x, auto y) { return x * x + y * y == 1221025 && x <= y; }},
      {"3 * x - y ^ 2 == 47;", [](auto x, auto y) { return 3 * x - y * y == 47; }},
      {"x ^ 3 - 5 * y == 2;", [](auto x, auto y) { return x * x * x - 5 * y == 2; }},
      {"(x + 3) * y == 5040;", [](auto x, auto y) { return (x + 3) * y == 5040; }},
      {"4000000000000000 * x - 8000000000000000 * y == 4000000000000000;",
       [](auto x, auto y) { return x - 2 * y == 1; }},
      {"x + y == 900;", [](auto x, auto y) { return x + y == 900; }},
  };
  for (const Pair& pair : pairs) {
    SCOPED_TRACE(pair.conditions);
    std::vector<Row> expected;
    for (std::int64_t x = 1; x <= 1150; ++x) {
      for (std::int64_t y = 1; y <= 1150; ++y) {
        if (pair.truth(x, y)) expected.push_back({x, y});
      }
    }
    ASSERT_FALSE(expected.empty());
    const Model model = Model::parse(std::string("var x, y in 1..1150; ") + pair.conditions);
    EXPECT_EQ(list(model, Order::preference, 1), expected);
    EXPECT_EQ(list(model, Order::fastest, 1).size(), expected.size());
    EXPECT_EQ(list(model, Order::fastest, 3), list(model, Order::fastest, 1));
    EXPECT_EQ(model.count().count, expected.size());
  }
}

TEST(Numbers, SquaresAreRecognisedUpTo62Bits) {
  for (const std::int64_t r :
       {std::int64_t{0}, std::int64_t{1}, std::int64_t{46341}, std::int64_t{94906267},
        std::int64_t{2147483647}, std::int64_t{2147483648}}) {
    for (std::int64_t near = std::max<std::int64_t>(r - 1000, 0); near <= r; ++near) {
      std::int64_t root = -1;
      ASSERT_TRUE(detail::exact_root(near * near, 2, &root));
      ASSERT_EQ(root, near);
      if (near > 1) ASSERT_FALSE(detail::exact_root(near * near - 1, 2, &root)) << near;
      if (near > 0) ASSERT_FALSE(detail::exact_root(near * near + 1, 2, &root)) << near;
    }
  }
  std::int64_t root = 0;
  EXPECT_FALSE(detail::exact_root(-4, 2, &root));
  EXPECT_TRUE(detail::exact_root(343, 3, &root));
  EXPECT_EQ(root, 7);
}

TEST(WideOrder, LargestFirstIsTheSameListBackwards) {
  const std::string text = "var x, y, z in 1..2000; x * y * z == 720720; x <= y; y <= z;";
  std::vector<Row> expected = list(Model::parse(text), Order::preference, 1);
  std::reverse(expected.begin(), expected.end());
  const Model model = Model::parse(text + "prefer x largest, y largest, z largest;");
  EXPECT_EQ(list(model, Order::preference, 1), expected);
}

TEST(Factored, PartsAreMultipliedWhateverTheThreadsAndLimits) {
  // Five parts, one of them two columns wide, one variable fixed, one that only names a sum.
  const Model model = Model::parse(
      "var a in 1..40; var b in 1..40; a * b <= 100; var c in [2, 5, 9]; var d in 1..9; d != 4;\n"
      "var e in -3..3; var f in 7..7; var g in 0..99; g == d + 1; var h in 1..6; h % 2 == 0;");
  std::uint64_t pairs = 0;
  for (int a = 1; a <= 40; ++a) {
    for (int b = 1; b <= 40; ++b) pairs += a * b <= 100 ? 1 : 0;
  }
  const std::uint64_t expected = pairs * 3 * 8 * 7 * 3;
  EXPECT_EQ(model.count().count, expected);
  const std::vector<Row> rows = list(model, Order::fastest, 1);
  EXPECT_EQ(rows.size(), expected);
  EXPECT_EQ(list(model, Order::fastest, 3), rows);
  std::vector<Row> sorted = rows;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(std::unique(sorted.begin(), sorted.end()), sorted.end());
  EXPECT_EQ(list(model, Order::preference, 1), sorted);
  for (const Row& row : sorted) {
    ASSERT_LE(row[0] * row[1], 100);
    ASSERT_EQ(row[5], 7);
    ASSERT_EQ(row[6], row[3] + 1);
  }
  Options limit;
  limit.max_solutions = 1000;
  std::vector<Row> some;
  const auto keep = [&](std::span<const std::int64_t> v) {
    some.emplace_back(v.begin(), v.end());
    return true;
  };
  EXPECT_EQ(model.solve_all(keep, limit).status, Status::limit);
  EXPECT_EQ(some, std::vector<Row>(rows.begin(), rows.begin() + 1000));
}

TEST(Numbers, AreFactorisedWhateverTheirSize) {
  const std::vector<std::uint64_t> numbers{4611685846628697223u,
                                           4611686018427387847u,
                                           999999999989u * 7,
                                           3215031751u,
                                           2147483647u * 2147483629ul,
                                           46337ul * 46337ul,
                                           1681u};
  for (const std::uint64_t n : numbers) {
    std::uint64_t product = 1;
    for (auto [p, e] : detail::factorise(n)) {
      EXPECT_TRUE(detail::is_prime(p)) << p;
      for (std::uint64_t d = 2; d < 2000 && d < p; ++d) ASSERT_NE(p % d, 0u) << p;
      for (int i = 0; i < e; ++i) product *= p;
    }
    EXPECT_EQ(product, n);
  }
  EXPECT_FALSE(detail::is_prime(3215031751u));  // passes the test with bases 2, 3, 5 and 7
  std::size_t primes = 0;
  for (std::uint64_t n = 0; n < 20000; ++n) primes += detail::is_prime(n) ? 1 : 0;
  EXPECT_EQ(primes, 2262u);
}

}  // namespace
}  // namespace constrint
