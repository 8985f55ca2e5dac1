// The text format: what parses, what it means, and where errors point.
#include <gtest/gtest.h>

#include "constrint/constrint.hpp"
#include "model/data.hpp"

namespace constrint {
namespace {

struct Bad {
  const char* text;
  int line, column;
  const char* says;  // a part of the message
};

const Bad kBad[] = {
    {"x = 3;", 1, 3, "equality is written '=='"},
    {"x == ;", 1, 6, "expected a term, found ';'"},
    {"x == 3 y == 4;", 1, 8, "expected ';' or an operator, found 'y'"},
    {"x == 3;\n  y <= (4;", 2, 10, "expected ')' or an operator"},
    {"x + 1;", 1, 1, "expected a condition"},
    {"x == 1 & y;", 1, 10, "expected a condition"},
    {"x == 99999999999999999999;", 1, 6, "number beyond 2^62"},
    {"x == 4611686018427387905;", 1, 6, "number beyond 2^62"},
    {"x == 3x;", 1, 7, "between a number and a name"},
    {"x == $;", 1, 6, "unexpected '$'"},
    {"x == \x01;", 1, 6, "unexpected byte 0x01"},
    {"var x 1..3;", 1, 7, "expected 'in' and a domain"},
    {"var in in 1..3;", 1, 5, "expected the name of a variable"},
    {"var x in 1..3; var x in 1..3;", 1, 20, "'x' is already declared"},
    {"var x in 1..3;\nx <= y;", 2, 6, "'y' is not declared"},
    {"var x in [1, 2;", 1, 15, "expected ',' or ']'"},
    {"param p = x;", 1, 11, "is not declared"},
    {"param p = 1 / 0;", 1, 11, "has no value"},
    {"var x in 1..3; prefer x biggest;", 1, 25, "expected 'smallest', 'largest' or 'nearest'"},
    {"var x in 1..9; x % 2 * 2 == 0;", 1, 20, "brackets around the right side"},
    {"var x in 1..9; x + 1 % 2 == 0;", 1, 16, "brackets around the left side"},
    {"abs(x, y) == 1;", 1, 11, "abs takes 1 arguments, not 2"},
    {"floor(x * y) == 1;", 1, 7, "expected a quotient"},
    {"table([x, y], [[1, 2], [3]]);", 1, 24, "a row of 1 values for 2 terms"},
    {"x in [1, 2", 1, 11, "found the end of the text"},
    {"project z;", 1, 9, "expected the name of a declared variable"},
    {"let t = 3", 1, 10, ""},
};

TEST(Language, ErrorsPointAtLineAndColumn) {
  for (const Bad& bad : kBad) {
    try {
      Model::parse(bad.text, "f");
      EXPECT_STREQ(bad.says, "") << bad.text;
    } catch (const ParseError& e) {
      EXPECT_EQ(e.line(), bad.line) << bad.text << "\n" << e.what();
      EXPECT_EQ(e.column(), bad.column) << bad.text << "\n" << e.what();
      EXPECT_NE(e.message().find(bad.says), std::string::npos) << bad.text << "\n" << e.what();
      EXPECT_EQ(e.file(), "f");
    }
  }
}

TEST(Language, DeepNestingIsRefusedNotOverflown) {
  for (const char* bracket : {"(", "-", "!", "min(", "2^"}) {
    std::string text;
    for (int i = 0; i < 100000; ++i) text += bracket;
    EXPECT_THROW(Model::parse(text), ParseError) << bracket;
  }
  std::string chain = "x == 1";
  for (int i = 0; i < 20000; ++i) chain += " + 1";
  EXPECT_TRUE(Model::parse(chain + ";").solve_first().has_solution);
  std::string quotients = "x == 1";
  for (int i = 0; i < 20000; ++i) quotients += " / 1";
  EXPECT_THROW(Model::parse(quotients + ";"), ParseError);
}

// FlashRNN's language: undeclared names, '%' looser than '*', alternatives by '|', lists, comments.
TEST(Language, ReadsModelsWithoutDeclarations) {
  const Model model = Model::parse(
      "# sizes\nHIDDEN == 96; WARP == [ 8, 16, 32 ] ;\n"
      "HIDDEN % TILES * WARP == 0 ;  # the divisor is TILES * WARP\n"
      "TILES == 4 |\n  TILES == 3 ; 2 <= TILES;\n");
  std::vector<std::vector<std::int64_t>> found;
  Options options;
  options.order = Order::preference;
  model.solve_all(
      [&](std::span<const std::int64_t> v) {
        found.emplace_back(v.begin(), v.end());
        return true;
      },
      options);
  const std::vector<std::vector<std::int64_t>> expected = {
      {96, 8, 3}, {96, 8, 4}, {96, 16, 3}, {96, 32, 3}};
  EXPECT_EQ(found, expected);
}

TEST(Language, BracketsMeanWhatTheySay) {
  EXPECT_EQ(Model::parse("x == (2 + 3) * 4;").solve_first().solution["x"], 20);
  EXPECT_EQ(Model::parse("x == 2 + 3 * 4;").solve_first().solution["x"], 14);
  EXPECT_EQ(Model::parse("x == 2 ^ 3 ^ 2;").solve_first().solution["x"], 512);
  EXPECT_EQ(Model::parse("x == 17 % (2 + 3);").solve_first().solution["x"], 2);
  EXPECT_EQ(Model::parse("x == 17 % 2 + 3;").solve_first().solution["x"], 2);
  EXPECT_EQ(Model::parse("x == 24 / 2 / 3;").solve_first().solution["x"], 4);
  EXPECT_EQ(Model::parse("var x in -9..9; x == 7 // -2;").solve_first().solution["x"], -4);
  EXPECT_EQ(Model::parse("var x in -9..9; x == -7 % 3;").solve_first().solution["x"], 2);
  EXPECT_EQ(Model::parse("var x in -9..9; x == ceil(-7 / 2);").solve_first().solution["x"], -3);
}

TEST(Language, UndefinedTermsMakeTheConditionAroundThemFalse) {
  EXPECT_EQ(Model::parse("var x in 0..3; 6 / x >= 0;").count().count, 3u);
  EXPECT_EQ(Model::parse("var x in 0..3; 6 % x != 1;").count().count, 3u);
  EXPECT_EQ(Model::parse("var x in 0..3; !(6 / x == 2);").count().count, 3u);
  EXPECT_EQ(Model::parse("var x in 0..3; 6 / x == 2 | x == 0;").count().count, 2u);
}

TEST(Language, ParametersAreSetBetweenSolves) {
  Model model = Model::parse("param N; param M = 4; var x in 1..N; let y = x * M; y == N;");
  EXPECT_THROW(model.solve(), ModelError);
  model.set_parameter("N", 12);
  EXPECT_EQ(model.solve().solution["x"], 3);
  model.set_parameter("M", 6);
  EXPECT_EQ(model.solve().solution["x"], 2);
  EXPECT_THROW(model.set_parameter("K", 1), ModelError);
  EXPECT_THROW(model.set_parameter("x", 1), ModelError);
}

TEST(Language, AddLeavesTheModelAloneOnError) {
  Model model = Model::parse("var x in 1..9; x > 3;");
  const std::string before = model.text();
  EXPECT_THROW(model.add("var y in 1..2; x > y; x >"), ParseError);
  EXPECT_EQ(model.text(), before);
  model.add("var y in 5..5; x > y;");
  EXPECT_EQ(model.solve().solution["x"], 6);
}

TEST(Language, TextAndBuilderGiveTheSameSearch) {
  const Model text = Model::parse(
      "var x in 1..50; var y in [2, 4, 8]; x * y <= 100; (x % y) == 0; x > y | y == 8;"
      "prefer y largest; maximize x + y;");
  Model built;
  const Term x = built.variable("x", 1, 50);
  const Term y = built.variable("y", {8, 4, 2});
  built.require(x * y <= 100);
  built.require(x % y == 0);
  built.require(x > y || y == 8);
  built.prefer(y, Prefer::largest);
  built.maximize(x + y);
  const Result a = text.solve(), b = built.solve();
  EXPECT_EQ(a.solution.values(), b.solution.values());
  EXPECT_EQ(a.statistics.nodes, b.statistics.nodes);
  EXPECT_EQ(a.statistics.propagations, b.statistics.propagations);
  EXPECT_EQ(text.count().count, built.count().count);
}

TEST(Language, StatementsAddedOneByOneAreNotMovedEachTime) {
  Model model;
  int moves = 0;
  const void* place = nullptr;
  for (int i = 0; i < 2000; ++i) {
    model.add("var x" + std::to_string(i) + " in 1..9; x" + std::to_string(i) + " < 8;");
    moves += model.data().exprs.data() != place ? 1 : 0;
    place = model.data().exprs.data();
  }
  EXPECT_LE(moves, 20);  // the room doubles
}

// What a `let` names may stand in the next one twice: 60 lines, and a tree of 2^60 terms.
TEST(Language, LetsThatDoubleAreWalkedOnce) {
  std::string text =
      "var x, y in 1..4; var z in 1..100; let t0 = x // y + 1; let c0 = x > 1 & y > 1;";
  for (int i = 0; i < 60; ++i) {
    const std::string t = "t" + std::to_string(i), c = "c" + std::to_string(i);
    const std::string next = std::to_string(i + 1);
    text += "let t" + next + " = min(" + t + ", " + t + " + 1);";
    text += "let c" + next + " = (" + c + " & (" + c + " | x == y));";
  }
  const Model model = Model::parse(text + "z == t60; c60; maximize t60;");
  const Result best = model.solve();
  ASSERT_TRUE(best.has_solution);
  EXPECT_EQ(best.objective, 3);
  EXPECT_EQ(best.solution["z"], 3);
  EXPECT_EQ(model.count().count, 9U);
  EXPECT_TRUE(model.check({{"x", 4}, {"y", 2}, {"z", 3}}));
  EXPECT_THROW(model.text(), ModelError);
}

}  // namespace
}  // namespace constrint
