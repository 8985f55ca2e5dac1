// constrint: the solver as a command. See README.md for examples and exit codes.
#include <CLI/CLI.hpp>

#include "output.hpp"

namespace {

using constrint::tool::Request;

int run(int argc, char** argv, bool* json) {
  CLI::App app{
      "Solves models of integer constraints.\n"
      "Exit codes: 0 solved, 1 infeasible, 2 a limit was met first, 3 wrong use, 4 the text is not "
      "a "
      "model, 5 the model cannot be solved as it stands, 6 internal error"};
  Request request;
  std::string file, json_request, order = "automatic";
  std::vector<std::string> parameters, values;
  app.add_option("action", request.action,
                 "solve, first, best, all, count, explain, check or text (the canonical form)");
  app.add_option("file", file, "The model; - reads standard input");
  // One each time: else `-p N=3 model` would take the model for a second parameter.
  app.add_option("-p,--param", parameters, "NAME=VALUE: sets a parameter")->allow_extra_args(false);
  app.add_option("-a,--add", request.statements, "Statements to add to the model")
      ->allow_extra_args(false);
  app.add_option("-v,--value", values, "NAME=VALUE: a variable's value, for check")
      ->allow_extra_args(false);
  app.add_option("--request", json_request,
                 "A request in JSON (a file, or - for standard input) instead of a model file");
  app.add_flag("--json", request.json, "Answer in JSON");
  // A negative number would wrap around to a limit that is none.
  app.add_option("--max-nodes", request.options.max_nodes, "Stop after so many search nodes")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--max-seconds", request.options.max_seconds, "Stop after so much time")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--max-solutions", request.options.max_solutions, "Stop after so many solutions")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--threads", request.options.threads, "For all; 0: one per processor")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--order", order, "automatic, preference or fastest");
  app.set_version_flag("--version", "constrint 0.1.0");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    app.exit(e);
    return constrint::tool::kExitUsage;
  }
  *json = request.json;
  request.options.order = constrint::tool::read_order(order);
  if (!json_request.empty()) {
    constrint::tool::read_json(constrint::tool::read_file(json_request), &request);
  } else if (request.action.empty() || file.empty()) {
    throw constrint::tool::UsageError("expected an action and a model file; see --help");
  } else {
    request.filename = file == "-" ? "<stdin>" : file;
    request.text = constrint::tool::read_file(file);
  }
  for (const std::string& p : parameters) {
    constrint::tool::read_assignment(p, &request.parameters);
  }
  for (const std::string& v : values) constrint::tool::read_assignment(v, &request.values);
  return constrint::tool::answer(request);
}

}  // namespace

int main(int argc, char** argv) {
  bool json = false;
  using constrint::tool::print_error;
  try {
    return run(argc, argv, &json);
  } catch (const constrint::tool::UsageError& e) {
    print_error(json, "usage", e.what());
    return constrint::tool::kExitUsage;
  } catch (const constrint::ParseError& e) {
    print_error(json, "bad text", e.what());
    return constrint::tool::kExitText;
  } catch (const constrint::ModelError& e) {
    print_error(json, "bad model", e.what());
    return constrint::tool::kExitModel;
  } catch (const std::exception& e) {
    print_error(json, "internal", e.what());
    return constrint::tool::kExitInternal;
  }
}
