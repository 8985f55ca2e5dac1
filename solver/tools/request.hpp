// What the command was asked to do, from arguments or from JSON.
#ifndef CONSTRINT_TOOLS_REQUEST_HPP
#define CONSTRINT_TOOLS_REQUEST_HPP

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "constrint/constrint.hpp"

namespace constrint::tool {

// Wrong use of the command; exit code 3.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Request {
  std::string action;
  std::string text;
  std::string filename;
  std::vector<std::string> statements;  // added after the text
  std::map<std::string, std::int64_t> parameters;
  std::map<std::string, std::int64_t> values;  // for check
  Options options;
  bool json = false;
};

std::string read_file(const std::string& path);  // "-" is standard input
// "NAME=VALUE" into the map.
void read_assignment(const std::string& text, std::map<std::string, std::int64_t>* map);
Order read_order(const std::string& name);
// {"action": "solve", "model": "text" or "file": "path", "parameters": {}, "values": {},
//  "add": [], "options": {"max_nodes": 0, ...}}; what is absent keeps its value.
void read_json(const std::string& json, Request* request);
Model build(const Request& request);

}  // namespace constrint::tool

#endif  // CONSTRINT_TOOLS_REQUEST_HPP
