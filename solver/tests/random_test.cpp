// Random models against a naive enumerator: every way of solving gives exactly its solutions.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <stdexcept>

#include "api/prepare.hpp"
#include "constrint/constrint.hpp"
#include "enumerate/factored.hpp"
#include "enumerate/parallel.hpp"
#include "random_model.hpp"

namespace constrint {
namespace {

using test::Generator;
using test::RandomModel;
using test::Values;

std::vector<Values> list(const Model& model, const Options& options) {
  std::vector<Values> found;
  model.solve_all(
      [&](std::span<const std::int64_t> v) {
        found.emplace_back(v.begin(), v.end());
        return true;
      },
      options);
  return found;
}

// Propagation and search alone, without the compiled loops.
std::vector<Values> list_by_search(const Model& model) {
  Options options;
  detail::Control control(options);
  detail::Prepared prepared(model.data(), nullptr, false);
  std::vector<Values> found;
  const std::size_t width = model.variables().size();
  if (!prepared.feasible) return found;
  detail::search_every(model.data(), &prepared, &control,
                       [&](const std::int64_t* row, std::size_t) {
                         found.emplace_back(row, row + width);
                         return true;
                       });
  std::sort(found.begin(), found.end());
  return found;
}

// The compiled loops with every axis taken for a long one: equations are solved, divisors filtered.
std::vector<Values> list_by_solving(const Model& model, unsigned __int128* count) {
  Options options;
  detail::Control control(options);
  detail::Prepared prepared(model.data(), nullptr, false);
  std::vector<Values> found;
  *count = 0;
  if (!prepared.feasible) return found;
  const detail::Reach reach(prepared);
  const auto space =
      detail::build_space(model.data(), prepared, reach, detail::leaves_of(prepared, -1),
                          prepared.live, detail::AxisOrder::fastest, 1);
  if (!space) throw std::logic_error("small domains have loops");
  const std::size_t width = model.variables().size();
  detail::list_space(*space, nullptr, 1, &control, [&](const std::int64_t* rows, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i)
      found.emplace_back(rows + i * width, rows + (i + 1) * width);
    return true;
  });
  std::sort(found.begin(), found.end());
  detail::Counter counter(*space, &control);
  if (counter.start()) counter.run(count);
  return found;
}

int rounds() {
  const char* text = std::getenv("CONSTRINT_RANDOM_ROUNDS");
  return text != nullptr ? std::atoi(text) : 1500;
}

class RandomModels : public ::testing::TestWithParam<int> {};

TEST_P(RandomModels, HaveTheSolutionsOfTheNaiveEnumerator) {
  for (int round = 0; round < rounds(); ++round) {
    const auto seed =
        static_cast<std::uint64_t>(GetParam()) * 1000003 + static_cast<std::uint64_t>(round);
    Generator generator(seed);
    const RandomModel random = generator.model(2 + round % 3, 1 + round % 4);
    const std::vector<Values> expected = random.solutions();
    SCOPED_TRACE("seed " + std::to_string(seed) + "\n" + random.text);
    const Model model = Model::parse(random.text);

    Options preference;
    preference.order = Order::preference;
    ASSERT_EQ(list(model, preference), expected);
    Options threads;
    threads.threads = 3;
    const std::vector<Values> fastest = list(model, {});
    ASSERT_EQ(list(model, threads), fastest);
    std::vector<Values> sorted = fastest;
    std::sort(sorted.begin(), sorted.end());
    ASSERT_EQ(sorted, expected);
    ASSERT_EQ(list_by_search(model), expected);
    unsigned __int128 counted = 0;
    ASSERT_EQ(list_by_solving(model, &counted), expected);
    ASSERT_EQ(static_cast<std::size_t>(counted), expected.size());
    ASSERT_EQ(model.count().count, expected.size());

    const Result first = model.solve_first();
    ASSERT_EQ(first.has_solution, !expected.empty());
    if (first.has_solution) ASSERT_EQ(first.solution.values(), expected[0]);

    // The objective, and the first in preference order among equals.
    Model best = model;
    best.add("maximize v0 * v1 - 2 * v0;");
    const auto objective = [](const Values& v) { return v[0] * v[1] - 2 * v[0]; };
    const Result optimum = best.solve_best();
    ASSERT_EQ(optimum.has_solution, !expected.empty());
    if (optimum.has_solution) {
      const auto place = std::max_element(expected.begin(), expected.end(), [&](auto& a, auto& b) {
        return objective(a) < objective(b);
      });
      ASSERT_EQ(optimum.solution.values(), *place);
      ASSERT_EQ(optimum.objective, objective(*place));
    }

    // Projection: distinct values of v1 alone.
    Model projected = model;
    projected.project({"v1"});
    std::set<Values> distinct;
    for (const Values& v : expected) distinct.insert({v[1]});
    std::vector<Values> shadows = list(projected, {});
    ASSERT_EQ(shadows.size(), distinct.size());
    ASSERT_EQ(std::set<Values>(shadows.begin(), shadows.end()), distinct);
    ASSERT_EQ(projected.count().count, distinct.size());

    // Preferences: largest v1 first, then v0 nearest to 1.
    Model preferred = model;
    preferred.add("prefer v1 largest, v0 nearest 1;");
    const Result favourite = preferred.solve_first();
    if (!expected.empty()) {
      const auto key = [](const Values& v) {
        Values k{-v[1], 2 * std::abs(v[0] - 1) + (v[0] > 1 ? 1 : 0)};
        k.insert(k.end(), v.begin() + 2, v.end());
        return k;
      };
      const auto place = std::min_element(expected.begin(), expected.end(),
                                          [&](auto& a, auto& b) { return key(a) < key(b); });
      ASSERT_EQ(favourite.solution.values(), *place);
    }

    // The canonical text is the same model.
    const Model again = Model::parse(model.text());
    ASSERT_EQ(again.text(), model.text());
    ASSERT_EQ(list(again, {}), fastest);

    // An explanation clashes, and no part of it can go.
    if (expected.empty()) {
      const Explanation e = model.explain();
      ASSERT_EQ(e.status, Status::infeasible);
      std::set<std::string> clash;
      for (const Source& s : e.clash) clash.insert(s.text);
      const auto feasible_without = [&](const std::string& left_out) {
        RandomModel part;
        part.domains = random.domains;
        for (const auto& c : random.constraints) {
          if (clash.count(c.text) != 0 && c.text != left_out) part.constraints.push_back(c);
        }
        return !part.solutions().empty();
      };
      ASSERT_FALSE(feasible_without(""));
      for (const std::string& text : clash) ASSERT_TRUE(feasible_without(text)) << text;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomModels, ::testing::Range(1, 5));

}  // namespace
}  // namespace constrint
