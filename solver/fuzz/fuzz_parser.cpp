// Any bytes: they parse or give a ParseError; what parses prints, parses again to the same text,
// and solves within its limits to something that check() accepts.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "constrint/constrint.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  constrint::Model model;
  try {
    model = constrint::Model::parse(text, "fuzz");
  } catch (const constrint::ParseError&) {
    return 0;
  }
  std::string printed;
  try {
    printed = model.text();
  } catch (const constrint::ModelError&) {
    return 0;  // what `let` doubles over and over has no text
  }
  try {
    if (constrint::Model::parse(printed, "again").text() != printed) std::abort();
  } catch (const constrint::ParseError& e) {
    // Canonical text writes brackets out, so it may nest deeper than the parser allows.
    if (e.message().find("nested") == std::string::npos) {
      std::fprintf(stderr, "%s\n%s\n", e.what(), printed.c_str());
      std::abort();
    }
  }
  constrint::Options options;
  options.max_nodes = 16;
  options.max_seconds = 0.004;
  options.max_solutions = 10;
  try {
    const constrint::Result result = model.solve(options);
    if (result.has_solution && result.solution.size() == model.variables().size()) {
      std::map<std::string, std::int64_t> values = result.solution.to_map();
      if (!model.check(values)) std::abort();
    }
    model.solve_all([](std::span<const std::int64_t>) { return true; }, options);
    model.count(options);
  } catch (const constrint::ModelError&) {
  }
  return 0;
}
