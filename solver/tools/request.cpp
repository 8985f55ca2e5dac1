#include "request.hpp"

#include <charconv>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

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

void read_json(const std::string& text, Request* request) {
  using nlohmann::json;
  try {
    const json j = json::parse(text);
    request->action = j.value("action", request->action);
    if (j.contains("model")) {
      request->text = j.at("model").get<std::string>();
      request->filename = "<model>";
    } else if (j.contains("file")) {
      request->filename = j.at("file").get<std::string>();
      request->text = read_file(request->filename);
    }
    // Named, as items() only refers to what it runs through.
    const json parameters = j.value("parameters", json::object());
    for (const auto& [name, value] : parameters.items()) {
      request->parameters[name] = value.get<std::int64_t>();
    }
    const json values = j.value("values", json::object());
    for (const auto& [name, value] : values.items()) {
      request->values[name] = value.get<std::int64_t>();
    }
    for (const auto& statement : j.value("add", json::array())) {
      request->statements.push_back(statement.get<std::string>());
    }
    const json options = j.value("options", json::object());
    Options& o = request->options;
    o.max_nodes = options.value("max_nodes", o.max_nodes);
    o.max_solutions = options.value("max_solutions", o.max_solutions);
    o.max_seconds = options.value("max_seconds", o.max_seconds);
    o.threads = options.value("threads", o.threads);
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
