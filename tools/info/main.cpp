// SPDX-License-Identifier: Apache-2.0
// flashrnn-info: devices and their facts, backends and why they were refused, the plan for a
// problem and why.
#include <CLI/CLI.hpp>
#include <iostream>
#include <map>

#include "info.hpp"
#include "problem_text.hpp"

namespace {

constexpr int kRefused = 1, kUsage = 2, kNoDevice = 3;

struct Options {
  std::vector<std::string> problems;
  std::string backend;
  int ordinal = 0;
  bool json = false;
  bool all = false;
};

flashrnn_backend backend_of(const std::string& name) {
  static const std::map<std::string, flashrnn_backend> backends = {
      {"", FLASHRNN_BACKEND_BEST},
      {"cpu", FLASHRNN_BACKEND_CPU},
      {"cuda", FLASHRNN_BACKEND_CUDA},
      {"hip", FLASHRNN_BACKEND_HIP},
      {"vulkan", FLASHRNN_BACKEND_VULKAN}};
  return backends.at(name);
}

int run(const Options& options) {
  using flashrnn::info::Json;
  // Read first: a slip in the last problem must not cost the plans of the others.
  std::vector<std::string> problems;
  for (const std::string& text : options.problems) {
    for (const auto& problem : flashrnn::problem_text::parse_set(text)) {
      problems.push_back(print(problem));
    }
  }
  Json all = flashrnn::info::gather_library();
  int code = all["devices"].empty() ? kNoDevice : 0;
  all["plans"] = Json::array();
  for (const std::string& problem : problems) {
    all["plans"].push_back(
        flashrnn::info::gather_plan(problem, backend_of(options.backend), options.ordinal));
    if (!all["plans"].back().contains("plan") && code == 0) code = kRefused;
  }
  if (options.json) {
    std::cout << all.dump(2) << "\n";
    return code;
  }
  if (problems.empty()) std::cout << flashrnn::info::show_library(all);
  for (const Json& plan : all["plans"]) {
    std::cout << flashrnn::info::show_plan(plan, options.all);
  }
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("flashrnn-info: devices, backends, cells; with problems, the plan for each and why");
  app.footer(std::string(flashrnn::problem_text::help()) +
             "Exit codes: 0 done, 1 a plan was refused, 2 bad usage, 3 no device.");
  Options options;
  app.add_option("problems", options.problems, "problems to plan, in the grammar below");
  app.add_option("--backend", options.backend, "cpu, cuda, hip, vulkan (default: the best)")
      ->check(CLI::IsMember({"cpu", "cuda", "hip", "vulkan"}));
  app.add_option("--device", options.ordinal, "the device's number within its backend");
  app.add_flag("--json", options.json, "everything as one JSON object");
  app.add_flag("--all", options.all, "every legal configuration, not only the best predicted");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  try {
    return run(options);
  } catch (const flashrnn::problem_text::Error& error) {
    std::cerr << "flashrnn-info: " << error.what() << "\n";
    return kUsage;
  } catch (const std::exception& error) {
    std::cerr << "flashrnn-info: " << error.what() << "\n";
    return kRefused;
  }
}
