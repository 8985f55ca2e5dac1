// SPDX-License-Identifier: Apache-2.0
// From text to problems: splits, expands alternatives, and hands each item to items.cpp.
#include <fmt/format.h>

#include <set>

#include "items.hpp"
#include "problem_text.hpp"

namespace flashrnn::problem_text {
namespace {

// A slip such as "d=1|2|..." in ten items must not fill the memory.
constexpr size_t kMostProblems = 100000;

[[noreturn]] void fail(std::string_view text, size_t at, const std::string& message) {
  throw Error(fmt::format("{} (at character {} of \"{}\")", message, at + 1, text));
}

std::string_view trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// Splits where no bracket is open, so that a config may hold commas.
std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  size_t start = 0;
  int depth = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i == text.size() || (text[i] == separator && depth == 0)) {
      parts.push_back(text.substr(start, i - start));
      start = i + 1;
    } else if (text[i] == '[') {
      ++depth;
    } else if (text[i] == ']') {
      --depth;
    }
  }
  return parts;
}

// "b16|32" and "b=16|32" and "fp32|bf16": after the first, a bare value belongs to the same key.
std::vector<Item> alternatives(std::string_view text, std::string_view item_text) {
  std::vector<Item> items;
  for (const std::string_view part : split(item_text, '|')) {
    const size_t at = part.data() - text.data();
    Item item;
    std::string message;
    const bool first_had_equals = item_text.find('=') < item_text.find('|');
    if (!items.empty() && first_had_equals && !part.starts_with(items[0].key + "=")) {
      item = {items[0].key, std::string(part)};
    } else if (!normalise(part, item, message)) {
      if (items.empty() || items[0].key.size() != 1) fail(text, at, message);
      item = {items[0].key, std::string(part)};
    }
    if (!items.empty() && item.key != items[0].key) {
      fail(text, at,
           fmt::format("'{}' sets {}, but the alternatives before it set {}", part, item.key,
                       items[0].key));
    }
    Problem scratch;
    if (message = apply(item, scratch); !message.empty()) fail(text, at, message);
    items.push_back(item);
  }
  return items;
}

std::vector<flashrnn_cell> parse_cells(std::string_view text, std::string_view cells_text) {
  std::vector<flashrnn_cell> result;
  for (const std::string_view name : split(cells_text, '|')) {
    const size_t before = result.size();
    for (const Cell& cell : cells()) {
      if (name == cell.name || name == "*") result.push_back(cell.value);
    }
    if (result.size() == before) {
      std::string known;
      for (const Cell& cell : cells())
        known += fmt::format("{}{}", known.empty() ? "" : ", ", cell.name);
      fail(text, name.data() - text.data(),
           fmt::format("'{}' is no cell; the cells are {} (and * for all)", name, known));
    }
  }
  return result;
}

}  // namespace

std::vector<Problem> parse_set(std::string_view text) {
  text = trim(text);
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    fail(text, text.size(), "no ':' after the cell; a problem looks like lstm:b16,t256,n12,d64");
  }
  std::vector<Problem> problems;
  for (const flashrnn_cell cell : parse_cells(text, text.substr(0, colon))) {
    Problem problem;
    problem.cell = cell;
    problem.time = -1;  // not given yet: 0 is a legal value
    problems.push_back(problem);
  }
  std::set<std::string> seen;
  for (const std::string_view item_text : split(text.substr(colon + 1), ',')) {
    const size_t at = item_text.data() - text.data();
    const std::vector<Item> items = alternatives(text, item_text);
    if (!seen.insert(items[0].key).second) {
      fail(text, at, fmt::format("'{}' sets {}, which was given before", item_text, items[0].key));
    }
    if (problems.size() * items.size() > kMostProblems) {
      fail(text, at,
           fmt::format("the alternatives make {} problems, but at most {} are allowed",
                       problems.size() * items.size(), kMostProblems));
    }
    std::vector<Problem> next;
    next.reserve(problems.size() * items.size());
    for (const Problem& problem : problems) {
      for (const Item& item : items) apply(item, next.emplace_back(problem));
    }
    problems = std::move(next);
  }
  for (Problem& problem : problems) {
    if (std::string message = check_whole(problem); !message.empty()) {
      fail(text, text.size(), message);
    }
    // One spelling of "as dtype", so that equal problems compare equal.
    if (problem.weight_dtype == problem.dtype) problem.weight_dtype = FLASHRNN_DTYPE_DEFAULT;
    if (problem.state_dtype == problem.dtype) problem.state_dtype = FLASHRNN_DTYPE_DEFAULT;
  }
  return problems;
}

Problem parse(std::string_view text) {
  std::vector<Problem> problems = parse_set(text);
  if (problems.size() != 1) {
    throw Error(fmt::format("\"{}\" stands for {} problems, but one is wanted here", text,
                            problems.size()));
  }
  return problems[0];
}

std::vector<Problem> parse_lines(std::string_view contents) {
  std::vector<Problem> problems;
  size_t number = 0;
  for (std::string_view line : split(contents, '\n')) {
    ++number;
    line = trim(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    try {
      const std::vector<Problem> some = parse_set(line);
      problems.insert(problems.end(), some.begin(), some.end());
    } catch (const Error& error) {
      throw Error(fmt::format("line {}: {}", number, error.what()));
    }
  }
  return problems;
}

}  // namespace flashrnn::problem_text
