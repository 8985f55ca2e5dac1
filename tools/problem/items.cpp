// SPDX-License-Identifier: Apache-2.0
// What each item of the grammar is and does. A new item is one entry here and one line in
// print.cpp.
#include "items.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

namespace flashrnn::problem_text {
namespace {

std::string read_integer(const std::string& name, const std::string& value, int64_t least,
                         int64_t most, int64_t& result) {
  const char* end = value.data() + value.size();
  const auto [stop, code] = std::from_chars(value.data(), end, result);
  if (code == std::errc::result_out_of_range) {
    return fmt::format("{} is {}, but must be at most {}", name, value, most);
  }
  if (code != std::errc() || stop != end || value.empty()) {
    return fmt::format("{} is '{}', but must be a whole number", name, value);
  }
  if (result < least) return fmt::format("{} is {}, but must be at least {}", name, value, least);
  if (result > most) return fmt::format("{} is {}, but must be at most {}", name, value, most);
  return "";
}

std::string read_clip(const std::string& name, const std::string& value, double& result) {
  const char* end = value.data() + value.size();
  const auto [stop, code] = std::from_chars(value.data(), end, result);
  if (code != std::errc() || stop != end || !std::isfinite(result) || result < 0) {
    return fmt::format("{} is '{}', but must be a finite number of at least 0 (0: no clip)", name,
                       value);
  }
  return "";
}

std::string read_bool(const std::string& name, const std::string& value, bool& result) {
  if (value != "0" && value != "1") {
    return fmt::format("{} is '{}', but must be 0 or 1", name, value);
  }
  result = value == "1";
  return "";
}

std::string read_dtype(const std::string& name, const std::string& value, flashrnn_dtype& result) {
  for (const flashrnn_dtype dtype :
       {FLASHRNN_FLOAT32, FLASHRNN_BFLOAT16, FLASHRNN_FLOAT16, FLASHRNN_FLOAT64}) {
    if (value == dtype_name(dtype)) {
      result = dtype;
      return "";
    }
  }
  return fmt::format("{} is '{}', but must be fp32, bf16, fp16 or fp64", name, value);
}

std::string read_mode(const std::string& value, flashrnn_mode& result) {
  for (const flashrnn_mode mode :
       {FLASHRNN_MODE_TRAINING, FLASHRNN_MODE_RECOMPUTE, FLASHRNN_MODE_INFERENCE}) {
    if (value == mode_name(mode)) {
      result = mode;
      return "";
    }
  }
  return fmt::format("the mode is '{}', but must be train, recompute or infer", value);
}

std::string read_layout(const std::string& value, std::string& result) {
  std::string sorted = value;
  std::sort(sorted.begin(), sorted.end());
  if (sorted != "bdgnt") {
    return fmt::format("the layout is '{}', but must name each of b, t, g, n and d once", value);
  }
  result = value;
  return "";
}

std::string read_config(const std::string& value, std::string& result) {
  const bool open = value.starts_with('[');
  if (open != value.ends_with(']')) {
    return fmt::format("the config is '{}', but its brackets do not match", value);
  }
  result = open ? value.substr(1, value.size() - 2) : value;
  return "";
}

using Reader = std::string (*)(const std::string& value, Problem& problem);

template <uint32_t kFlag>
std::string read_flag(const std::string& value, Problem& problem) {
  bool on = false;
  std::string message = read_bool("the flag", value, on);
  problem.flags = on ? problem.flags | kFlag : problem.flags & ~kFlag;
  return message;
}

template <bool Problem::*kMember>
std::string read_member(const std::string& value, Problem& problem) {
  return read_bool("the switch", value, problem.*kMember);
}

struct Known {
  bool is_switch;  // may stand alone, meaning 1
  Reader read;
};

const std::map<std::string, Known, std::less<>>& known_items() {
  static const std::map<std::string, Known, std::less<>> known = {
      {"b",
       {false,
        [](auto& v, auto& p) { return read_integer("the batch", v, 1, INT64_MAX, p.batch); }}},
      {"t",
       {false, [](auto& v, auto& p) { return read_integer("the time", v, 0, INT64_MAX, p.time); }}},
      {"n",
       {false,
        [](auto& v, auto& p) {
          return read_integer("the number of heads", v, 1, INT64_MAX, p.heads);
        }}},
      {"d",
       {false,
        [](auto& v, auto& p) {
          return read_integer("the head dimension", v, 1, INT64_MAX, p.head_dim);
        }}},
      {"dtype", {false, [](auto& v, auto& p) { return read_dtype("the dtype", v, p.dtype); }}},
      {"weights",
       {false,
        [](auto& v, auto& p) { return read_dtype("the weights' dtype", v, p.weight_dtype); }}},
      {"states",
       {false, [](auto& v, auto& p) { return read_dtype("the states' dtype", v, p.state_dtype); }}},
      {"mode", {false, [](auto& v, auto& p) { return read_mode(v, p.mode); }}},
      {"clip",
       {false, [](auto& v, auto& p) { return read_clip("the forward clip", v, p.forward_clip); }}},
      {"gclip",
       {false,
        [](auto& v, auto& p) {
          return read_clip("the recurrent gradient's clip", v, p.recurrent_gradient_clip);
        }}},
      {"threads",
       {false,
        [](auto& v, auto& p) {
          int64_t threads = 0;
          std::string message = read_integer("the number of threads", v, 0, INT32_MAX, threads);
          p.threads = static_cast<int32_t>(threads);
          return message;
        }}},
      {"layout", {false, [](auto& v, auto& p) { return read_layout(v, p.layout); }}},
      {"config", {false, [](auto& v, auto& p) { return read_config(v, p.config); }}},
      {"reverse", {true, read_flag<FLASHRNN_REVERSE>}},
      {"lengths", {true, read_flag<FLASHRNN_LENGTHS>}},
      {"resets", {true, read_flag<FLASHRNN_RESETS>}},
      {"cut", {true, read_flag<FLASHRNN_CUT_RECURRENT_GRADIENT>}},
      {"tf32", {true, read_flag<FLASHRNN_ALLOW_TF32>}},
      {"bias", {true, read_member<&Problem::bias>}},
      {"init", {true, read_member<&Problem::initial_states>}},
      {"allstates", {true, read_member<&Problem::all_states>}},
      {"last", {true, read_member<&Problem::last_states>}},
  };
  return known;
}

std::string vocabulary() {
  std::string words = "b<n>, t<n>, n<n>, d<n>, fp32, bf16, fp16, fp64, train, recompute, infer";
  for (const auto& [key, known] : known_items()) {
    if (key.size() > 1 && key != "dtype" && key != "mode") {
      words += fmt::format(", {}{}", key, known.is_switch ? "" : "=");
    }
  }
  return words;
}

}  // namespace

bool normalise(std::string_view text, Item& item, std::string& message) {
  if (const size_t equals = text.find('='); equals != std::string_view::npos) {
    item = {std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
    if (known_items().contains(item.key)) return true;
    message = fmt::format("'{}' is no item; the items are {}", item.key, vocabulary());
    return false;
  }
  flashrnn_dtype dtype;
  flashrnn_mode mode;
  const std::string word(text);
  if (read_dtype("", word, dtype).empty()) {
    item = {"dtype", word};
    return true;
  }
  if (read_mode(word, mode).empty()) {
    item = {"mode", word};
    return true;
  }
  if (const auto known = known_items().find(word); known != known_items().end()) {
    if (known->second.is_switch) {
      item = {word, "1"};
      return true;
    }
    message = fmt::format("'{}' has no value; write {}=...", word, word);
    return false;
  }
  const bool is_axis = word.size() > 1 &&
                       std::string_view("btnd").find(word[0]) != std::string_view::npos &&
                       (std::isdigit(static_cast<unsigned char>(word[1])) || word[1] == '-');
  if (is_axis) {
    item = {word.substr(0, 1), word.substr(1)};
    return true;
  }
  message = fmt::format("'{}' is no item; the items are {}", word, vocabulary());
  return false;
}

std::string apply(const Item& item, Problem& problem) {
  return known_items().at(item.key).read(item.value, problem);
}

std::string check_whole(const Problem& problem) {
  std::string missing;
  if (problem.batch == 0) missing += " b";
  if (problem.time < 0) missing += " t";
  if (problem.heads == 0) missing += " n";
  if (problem.head_dim == 0) missing += " d";
  if (missing.empty()) return "";
  return fmt::format("missing:{}; a problem gives each of b, t, n and d", missing);
}

}  // namespace flashrnn::problem_text
