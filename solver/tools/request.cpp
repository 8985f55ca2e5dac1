#include "request.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string_view>
#include <utility>

namespace constrint::tool {

std::string read_file(const std::string& path) {
  std::ostringstream text;
  if (path == "-") {
    text << std::cin.rdbuf();
    return text.str();
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) throw UsageError("cannot read '" + path + "'");
  text << file.rdbuf();
  return text.str();
}

void read_assignment(const std::string& text, std::map<std::string, std::int64_t>* map) {
  const std::size_t equals = text.find('=');
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const char* begin = equals == std::string::npos ? end : text.data() + equals + 1;
  const auto [stop, error] = std::from_chars(begin, end, value);
  if (equals == std::string::npos || equals == 0 || error != std::errc() || stop != end) {
    throw UsageError("expected NAME=INTEGER, found '" + text + "'");
  }
  (*map)[text.substr(0, equals)] = value;
}

Order read_order(const std::string& name) {
  if (name == "automatic") return Order::automatic;
  if (name == "preference") return Order::preference;
  if (name == "fastest") return Order::fastest;
  throw UsageError("expected the order automatic, preference or fastest, found '" + name + "'");
}

namespace {

using nlohmann::json;

// A misspelt key would otherwise be a limit that nobody keeps or a model without constraints.
json object_of(const json& j, const char* what, std::initializer_list<std::string_view> keys) {
  if (!j.is_object()) throw UsageError(std::string(what) + " must be a JSON object");
  for (const auto& [key, value] : j.items()) {
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
    std::string known;
    for (std::string_view k : keys) known += (known.empty() ? "'" : ", '") + std::string(k) + "'";
    throw UsageError(std::string(what) + " has the unknown key '" + key + "'; known are " + known);
  }
  return j;
}

// The library would cut a fraction off and turn a negative limit into a huge one.
template <class Integer>
Integer integer(const json& value, const std::string& name) {
  const bool small =
      value.is_number_unsigned() && std::in_range<Integer>(value.get<std::uint64_t>());
  if (!small && !(value.is_number_integer() && !value.is_number_unsigned() &&
                  std::in_range<Integer>(value.get<std::int64_t>()))) {
    throw UsageError("'" + name + "' must be " +
                     (std::is_unsigned_v<Integer> ? "an integer of 0 or more" : "an integer") +
                     ", found " + value.dump());
  }
  return value.get<Integer>();
}

}  // namespace

void read_json(const std::string& text, Request* request) {
  try {
    const json j = object_of(json::parse(text), "the request",
                             {"action", "model", "file", "parameters", "values", "add", "options"});
    if (j.contains("model") == j.contains("file")) {
      throw UsageError("the request needs either 'model' or 'file'");
    }
    request->action = j.value("action", request->action);
    if (j.contains("model")) {
      request->text = j.at("model").get<std::string>();
      request->filename = "<model>";
    } else {
      request->filename = j.at("file").get<std::string>();
      request->text = read_file(request->filename);
    }
    // Named, as items() only refers to what it runs through.
    const json parameters = j.value("parameters", json::object());
    for (const auto& [name, value] : parameters.items()) {
      request->parameters[name] = integer<std::int64_t>(value, name);
    }
    const json values = j.value("values", json::object());
    for (const auto& [name, value] : values.items()) {
      request->values[name] = integer<std::int64_t>(value, name);
    }
    for (const auto& statement : j.value("add", json::array())) {
      request->statements.push_back(statement.get<std::string>());
    }
    const json options =
        object_of(j.value("options", json::object()), "'options'",
                  {"max_nodes", "max_solutions", "max_seconds", "threads", "order"});
    Options& o = request->options;
    const auto limit = [&]<class Integer>(const char* name, Integer* value) {
      if (options.contains(name)) *value = integer<Integer>(options.at(name), name);
    };
    limit("max_nodes", &o.max_nodes);
    limit("max_solutions", &o.max_solutions);
    limit("threads", &o.threads);
    o.max_seconds = options.value("max_seconds", o.max_seconds);
    if (options.contains("order")) o.order = read_order(options.at("order").get<std::string>());
  } catch (const json::exception& e) {
    throw UsageError(std::string("the request is not the JSON expected: ") + e.what());
  }
}

Model build(const Request& request) {
  Model model = Model::parse(request.text, request.filename);
  for (std::size_t i = 0; i < request.statements.size(); ++i) {
    model.add(request.statements[i], "<added " + std::to_string(i + 1) + ">");
  }
  for (const auto& [name, value] : request.parameters) model.set_parameter(name, value);
  return model;
}

}  // namespace constrint::tool
