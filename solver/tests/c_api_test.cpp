// The C interface: use and misuse.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "constrint/constrint.h"

extern "C" int constrint_c99_check(void);

namespace {

constrint_model* parse(const char* text) {
  constrint_model* model = nullptr;
  EXPECT_EQ(constrint_parse(text, std::strlen(text), "f", &model), CONSTRINT_SOLVED)
      << constrint_message();
  return model;
}

TEST(CApi, SolvesCountsListsAndExplains) {
  constrint_model* m = parse("param N = 12; var x, y in 1..12; x * y == N; x < y; maximize x;");
  size_t count = 0;
  const char* const* names = nullptr;
  ASSERT_EQ(constrint_variables(m, &count, &names), CONSTRINT_SOLVED);
  ASSERT_EQ(count, 2u);
  EXPECT_STREQ(names[0], "x");
  int64_t values[2];
  constrint_result result{};
  result.struct_size = sizeof result;
  ASSERT_EQ(constrint_solve(m, nullptr, values, 2, &result), CONSTRINT_SOLVED);
  EXPECT_EQ(values[0], 3);
  EXPECT_EQ(values[1], 4);
  EXPECT_EQ(result.objective, 3);
  EXPECT_EQ(result.solutions, 1u);
  ASSERT_EQ(constrint_count(m, nullptr, &result), CONSTRINT_SOLVED);
  EXPECT_EQ(result.solutions, 3u);

  std::vector<int64_t> seen;
  const auto visit = [](const int64_t* v, size_t n, void* user) -> int {
    static_cast<std::vector<int64_t>*>(user)->insert(
        static_cast<std::vector<int64_t>*>(user)->end(), v, v + n);
    return static_cast<std::vector<int64_t>*>(user)->size() < 4;
  };
  EXPECT_EQ(constrint_solve_all(m, nullptr, visit, &seen, &result), CONSTRINT_STOPPED);
  EXPECT_EQ(seen.size(), 4u);

  ASSERT_EQ(constrint_set(m, "N", 7), CONSTRINT_SOLVED);
  ASSERT_EQ(constrint_push(m), CONSTRINT_SOLVED);
  ASSERT_EQ(constrint_add(m, "x > 1;", 6), CONSTRINT_SOLVED);
  EXPECT_EQ(constrint_solve(m, nullptr, values, 2, nullptr), CONSTRINT_INFEASIBLE);
  const char* text = nullptr;
  EXPECT_EQ(constrint_explain(m, nullptr, &text), CONSTRINT_INFEASIBLE);
  EXPECT_NE(std::string(text).find("f:1:34: x * y == N"), std::string::npos) << text;
  ASSERT_EQ(constrint_pop(m), CONSTRINT_SOLVED);
  EXPECT_EQ(constrint_solve(m, nullptr, values, 2, nullptr), CONSTRINT_SOLVED);
  EXPECT_EQ(constrint_explain(m, nullptr, &text), CONSTRINT_SOLVED);
  EXPECT_STREQ(text, "");
  EXPECT_EQ(constrint_text(m, &text), CONSTRINT_SOLVED);
  EXPECT_NE(std::string(text).find("maximize x;"), std::string::npos);
  EXPECT_EQ(constrint_destroy(m), CONSTRINT_SOLVED);
}

TEST(CApi, EveryMisuseIsAStatusWithAMessage) {
  constrint_model* m = nullptr;
  EXPECT_EQ(constrint_parse("x ==", 4, nullptr, &m), CONSTRINT_BAD_TEXT);
  EXPECT_EQ(m, nullptr);
  EXPECT_NE(std::string(constrint_message()).find("<text>:1:5: expected a term"), std::string::npos)
      << constrint_message();
  EXPECT_EQ(constrint_parse(nullptr, 4, nullptr, &m), CONSTRINT_BAD_ARGUMENT);
  EXPECT_EQ(constrint_parse("", 0, nullptr, nullptr), CONSTRINT_BAD_ARGUMENT);
  EXPECT_EQ(constrint_parse(nullptr, 0, nullptr, &m), CONSTRINT_SOLVED);
  EXPECT_EQ(constrint_destroy(m), CONSTRINT_SOLVED);
  EXPECT_EQ(constrint_destroy(m), CONSTRINT_BAD_ARGUMENT);  // twice
  EXPECT_EQ(constrint_destroy(nullptr), CONSTRINT_SOLVED);

  m = parse("param p; var x, y in 1..3; x < y;");
  int64_t values[2];
  size_t count = 0;
  const char* text = nullptr;
  auto* made_up = reinterpret_cast<constrint_model*>(values);
  const auto visit = [](const int64_t*, size_t, void*) -> int { return 1; };
  for (constrint_model* handle : {static_cast<constrint_model*>(nullptr), made_up}) {
    EXPECT_EQ(constrint_add(handle, "", 0), CONSTRINT_BAD_ARGUMENT);
    EXPECT_EQ(constrint_set(handle, "p", 0), CONSTRINT_BAD_ARGUMENT);
    EXPECT_EQ(constrint_push(handle), CONSTRINT_BAD_ARGUMENT);
    EXPECT_EQ(constrint_pop(handle), CONSTRINT_BAD_ARGUMENT);
    EXPECT_EQ(constrint_variables(handle, &count, nullptr), CONSTRINT_BAD_ARGUMENT);
    EXPECT_EQ(constrint_solve(handle, nullptr, values, 2, nullptr), CONSTRINT_BAD_ARGUMENT);
    EXPECT_EQ(constrint_solve_all(handle, nullptr, visit, nullptr, nullptr),
              CONSTRINT_BAD_ARGUMENT);
    EXPECT_EQ(constrint_count(handle, nullptr, nullptr), CONSTRINT_BAD_ARGUMENT);
    EXPECT_EQ(constrint_explain(handle, nullptr, &text), CONSTRINT_BAD_ARGUMENT);
    EXPECT_EQ(constrint_text(handle, &text), CONSTRINT_BAD_ARGUMENT);
    EXPECT_STRNE(constrint_message(), "");
  }
  EXPECT_EQ(constrint_add(m, nullptr, 3), CONSTRINT_BAD_ARGUMENT);
  EXPECT_EQ(constrint_add(m, "z < 3;", 6), CONSTRINT_BAD_TEXT);
  EXPECT_EQ(constrint_set(m, nullptr, 0), CONSTRINT_BAD_ARGUMENT);
  EXPECT_EQ(constrint_set(m, "q", 0), CONSTRINT_BAD_MODEL);
  EXPECT_EQ(constrint_set(m, "p", INT64_MAX), CONSTRINT_BAD_MODEL);
  EXPECT_EQ(constrint_pop(m), CONSTRINT_BAD_MODEL);
  EXPECT_EQ(constrint_variables(m, nullptr, nullptr), CONSTRINT_BAD_ARGUMENT);
  EXPECT_EQ(constrint_solve(m, nullptr, values, 1, nullptr), CONSTRINT_BAD_ARGUMENT);
  EXPECT_EQ(constrint_solve(m, nullptr, nullptr, 2, nullptr), CONSTRINT_BAD_ARGUMENT);
  EXPECT_EQ(constrint_solve_all(m, nullptr, nullptr, nullptr, nullptr), CONSTRINT_BAD_ARGUMENT);
  EXPECT_EQ(constrint_explain(m, nullptr, nullptr), CONSTRINT_BAD_ARGUMENT);
  EXPECT_EQ(constrint_text(m, nullptr), CONSTRINT_BAD_ARGUMENT);
  constrint_options options{};
  EXPECT_EQ(constrint_count(m, &options, nullptr), CONSTRINT_BAD_ARGUMENT);  // struct_size 0
  options.struct_size = sizeof options;
  options.order = 17;
  EXPECT_EQ(constrint_count(m, &options, nullptr), CONSTRINT_BAD_ARGUMENT);
  options.order = 0;
  options.max_seconds = -1;
  EXPECT_EQ(constrint_count(m, &options, nullptr), CONSTRINT_BAD_ARGUMENT);
  options.max_seconds = 0;
  constrint_result result{};
  EXPECT_EQ(constrint_count(m, &options, &result), CONSTRINT_BAD_ARGUMENT);  // struct_size 0
  EXPECT_EQ(constrint_count(m, &options, nullptr), CONSTRINT_SOLVED);
  EXPECT_EQ(constrint_add(m, "x == p;", 7), CONSTRINT_SOLVED);
  EXPECT_EQ(constrint_count(m, &options, nullptr), CONSTRINT_BAD_MODEL);  // p has no value
  EXPECT_NE(std::string(constrint_message()).find("'p' has no value"), std::string::npos);
  EXPECT_EQ(constrint_destroy(m), CONSTRINT_SOLVED);
}

TEST(CApi, LinksFromC99) { EXPECT_EQ(constrint_c99_check(), 0); }

struct Reentry {
  constrint_model* model;
  constrint_status status;
};

TEST(CApi, AVisitorMustNotCallIntoItsModel) {
  constrint_model* m = parse("var x in 1..3;");
  Reentry reentry{m, CONSTRINT_SOLVED};
  const auto visit = [](const int64_t*, size_t, void* user) -> int {
    auto* r = static_cast<Reentry*>(user);
    r->status = constrint_destroy(r->model);
    return 1;
  };
  EXPECT_EQ(constrint_solve_all(m, nullptr, visit, &reentry, nullptr), CONSTRINT_SOLVED);
  EXPECT_EQ(reentry.status, CONSTRINT_BAD_ARGUMENT);
  EXPECT_EQ(constrint_destroy(m), CONSTRINT_SOLVED);
}

TEST(CApi, DifferentModelsOnDifferentThreads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 50; ++i) {
        constrint_model* m = parse("param n; var x, y in 1..30; x * y == n;");
        EXPECT_EQ(constrint_set(m, "n", 12 + t), CONSTRINT_SOLVED);
        int64_t values[2];
        EXPECT_EQ(constrint_solve(m, nullptr, values, 2, nullptr), CONSTRINT_SOLVED);
        EXPECT_EQ(values[0] * values[1], 12 + t);
        EXPECT_EQ(constrint_destroy(m), CONSTRINT_SOLVED);
      }
    });
  }
  for (std::thread& t : threads) t.join();
}

}  // namespace
