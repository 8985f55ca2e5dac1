// Every constraint family against all assignments of small domains. A family is one line in
// kFamilies: its condition in the language and the same condition as plain C++.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <set>

#include "constrint/constrint.hpp"

namespace constrint {
namespace {

using Values = std::vector<std::int64_t>;
using Truth = bool (*)(std::int64_t x, std::int64_t y, std::int64_t z);

std::int64_t fdiv(std::int64_t a, std::int64_t b) {
  return a / b - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
}
std::int64_t fmod(std::int64_t a, std::int64_t b) { return a - b * fdiv(a, b); }
std::int64_t ipow(std::int64_t a, std::int64_t b) {
  std::int64_t r = 1;
  while (b-- > 0) r *= a;
  return r;
}

struct Case {
  const char* name;
  const char* condition;
  Truth truth;
};

const Case kFamilies[] = {
    {"sum_equals", "x + y == z", [](auto x, auto y, auto z) { return x + y == z; }},
    {"sum_weighted", "3*x - 2*y + 4*z == 7",
     [](auto x, auto y, auto z) { return 3 * x - 2 * y + 4 * z == 7; }},
    {"sum_at_most", "2*x + y <= 3*z", [](auto x, auto y, auto z) { return 2 * x + y <= 3 * z; }},
    {"sum_less", "x - y < z", [](auto x, auto y, auto z) { return x - y < z; }},
    {"differs", "x + y != 2*z", [](auto x, auto y, auto z) { return x + y != 2 * z; }},
    {"product", "x * y == z", [](auto x, auto y, auto z) { return x * y == z; }},
    {"product_of_three", "x * y * z == 12", [](auto x, auto y, auto z) { return x * y * z == 12; }},
    {"product_and_sum", "x * y * z == 12 & x + y + z <= 7",
     [](auto x, auto y, auto z) { return x * y * z == 12 && x + y + z <= 7; }},
    {"product_and_short_sum", "x * y == 6 & x + y < 6 & z > 0",
     [](auto x, auto y, auto z) { return x * y == 6 && x + y < 6 && z > 0; }},
    {"product_bound", "x * y >= z * z", [](auto x, auto y, auto z) { return x * y >= z * z; }},
    {"square", "x ^ 2 + y ^ 2 == z ^ 2",
     [](auto x, auto y, auto z) { return x * x + y * y == z * z; }},
    {"cube", "x ^ 3 == y + z", [](auto x, auto y, auto z) { return x * x * x == y + z; }},
    {"variable_power", "x ^ y == z",
     [](auto x, auto y, auto z) { return y >= 0 && ipow(x, y) == z; }},
    {"power_of_two", "2 ^ x <= y + z",
     [](auto x, auto y, auto z) { return x >= 0 && ipow(2, x) <= y + z; }},
    {"exact_quotient", "x / y == z",
     [](auto x, auto y, auto z) { return y != 0 && x % y == 0 && x / y == z; }},
    {"exact_quotient_sum", "(x + z) / y >= 2",
     [](auto x, auto y, auto z) { return y != 0 && (x + z) % y == 0 && (x + z) / y >= 2; }},
    {"floor_quotient", "x // y == z",
     [](auto x, auto y, auto z) { return y != 0 && fdiv(x, y) == z; }},
    {"ceil_quotient", "ceil(x / y) == z",
     [](auto x, auto y, auto z) { return y != 0 && -fdiv(-x, y) == z; }},
    {"remainder", "x % y == z", [](auto x, auto y, auto z) { return y != 0 && fmod(x, y) == z; }},
    {"remainder_known", "x % 3 == y", [](auto x, auto y, auto) { return fmod(x, 3) == y; }},
    {"remainder_bound", "x % y < z",
     [](auto x, auto y, auto z) { return y != 0 && fmod(x, y) < z; }},
    {"divides", "x % y == 0", [](auto x, auto y, auto) { return y != 0 && x % y == 0; }},
    {"divides_product", "(x * z) % (y * 2) == 0",
     [](auto x, auto y, auto z) { return y != 0 && (x * z) % (y * 2) == 0; }},
    {"not_divides", "x % y != 0", [](auto x, auto y, auto) { return y != 0 && x % y != 0; }},
    {"minimum", "min(x, y) == z", [](auto x, auto y, auto z) { return std::min(x, y) == z; }},
    {"maximum", "max(x, y, 2) == z",
     [](auto x, auto y, auto z) {
       return std::max({x, y, decltype(x){2}}) == z;
     }},
    {"absolute", "abs(x - y) == z", [](auto x, auto y, auto z) { return std::abs(x - y) == z; }},
    {"absolute_bound", "abs(x) + abs(y) > z",
     [](auto x, auto y, auto z) { return std::abs(x) + std::abs(y) > z; }},
    {"member", "x + y in [1, 4, 6]",
     [](auto x, auto y, auto) { return x + y == 1 || x + y == 4 || x + y == 6; }},
    {"not_member", "x * y != [0, 2, 4]",
     [](auto x, auto y, auto) { return x * y != 0 && x * y != 2 && x * y != 4; }},
    {"and", "(x > 0 & y > x)", [](auto x, auto y, auto) { return x > 0 && y > x; }},
    {"or", "x == 1 | y == 2 | z > 3",
     [](auto x, auto y, auto z) { return x == 1 || y == 2 || z > 3; }},
    {"or_of_terms", "x * y == 6 | x + z == 0",
     [](auto x, auto y, auto z) { return x * y == 6 || x + z == 0; }},
    {"not", "!(x < y & y < z)", [](auto x, auto y, auto z) { return !(x < y && y < z); }},
    {"implies", "x > 1 -> y * z == 4", [](auto x, auto y, auto z) { return x <= 1 || y * z == 4; }},
    {"iff", "x > y <-> z % 2 == 0", [](auto x, auto y, auto z) { return (x > y) == (z % 2 == 0); }},
    {"reified_quotient", "x / y == 2 | z == 1",
     [](auto x, auto y, auto z) { return (y != 0 && x % y == 0 && x / y == 2) || z == 1; }},
    {"negated_quotient", "!(x / y == 2) | z == 1",
     [](auto x, auto y, auto z) { return !(y != 0 && x % y == 0 && x / y == 2) || z == 1; }},
    {"reified_sum", "(x > 0) + (y > 0) + (z > 0) == 2",
     [](auto x, auto y, auto z) { return (x > 0) + (y > 0) + (z > 0) == 2; }},
    {"all_different", "all_different(x, y, z)",
     [](auto x, auto y, auto z) { return x != y && y != z && x != z; }},
    {"not_all_different", "!all_different(x, y + 1, z)",
     [](auto x, auto y, auto z) { return x == y + 1 || y + 1 == z || x == z; }},
    {"table", "table([x, y, z], [[1, 2, 3], [0, 0, 1], [-2, 1, 1], [1, 2, 0]])",
     [](auto x, auto y, auto z) {
       return (x == 1 && y == 2 && (z == 3 || z == 0)) || (x == 0 && y == 0 && z == 1) ||
              (x == -2 && y == 1 && z == 1);
     }},
    {"not_table", "!table([x, y], [[1, 2], [0, 0]]) & z == x",
     [](auto x, auto y, auto z) { return !((x == 1 && y == 2) || (x == 0 && y == 0)) && z == x; }},
    {"same_variable", "x * x - x == y", [](auto x, auto y, auto) { return x * x - x == y; }},
    {"chain", "0 <= x < y <= 4", [](auto x, auto y, auto) { return 0 <= x && x < y && y <= 4; }},
};

// Small domains with negatives, gaps, strides and one value.
struct Box {
  const char* text;
  Values values;
};
const Box kBoxes[] = {
    {"-3..4", {-3, -2, -1, 0, 1, 2, 3, 4}}, {"1..6", {1, 2, 3, 4, 5, 6}},      {"[2]", {2}},
    {"[-4, 0, 1, 6]", {-4, 0, 1, 6}},       {"-6..6 by 3", {-6, -3, 0, 3, 6}},
};

class Families : public ::testing::TestWithParam<Case> {};

TEST_P(Families, AgreesWithBruteForceOnAllSmallDomains) {
  const Case& c = GetParam();
  for (const Box& bx : kBoxes) {
    for (const Box& by : kBoxes) {
      for (const Box& bz : kBoxes) {
        std::vector<Values> expected;
        for (auto x : bx.values)
          for (auto y : by.values)
            for (auto z : bz.values)
              if (c.truth(x, y, z)) expected.push_back({x, y, z});
        const std::string text = std::string("var x in ") + bx.text + "; var y in " + by.text +
                                 "; var z in " + bz.text + "; " + c.condition + ";";
        const Model model = Model::parse(text);
        std::vector<Values> got;
        Options preference;
        preference.order = Order::preference;
        const Result all = model.solve_all(
            [&](std::span<const std::int64_t> v) {
              got.emplace_back(v.begin(), v.end());
              return true;
            },
            preference);
        ASSERT_EQ(got, expected) << text;
        ASSERT_EQ(all.status, expected.empty() ? Status::infeasible : Status::solved) << text;
        ASSERT_EQ(model.count().count, expected.size()) << text;
        const Result first = model.solve_first();
        ASSERT_EQ(first.has_solution, !expected.empty()) << text;
        if (!expected.empty()) ASSERT_EQ(first.solution.values(), expected[0]) << text;
        got.clear();
        model.solve_all([&](std::span<const std::int64_t> v) {
          got.emplace_back(v.begin(), v.end());
          return true;
        });
        std::sort(got.begin(), got.end());
        ASSERT_EQ(got, expected) << text;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, Families, ::testing::ValuesIn(kFamilies),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace constrint
