// SPDX-License-Identifier: Apache-2.0
#include "options.hpp"

#include <CLI/CLI.hpp>
#include <map>

namespace flashrnn::bench {

bool read_options(int argc, char** argv, Options& o, int& exit_code) {
  CLI::App app("flashrnn-bench: how fast FlashRNN is, and its peers beside it");
  app.footer(std::string(problem_text::help()) +
             "Exit codes: 0 all ran (and, with --check, agreed), 1 some row failed or disagreed, 2 "
             "bad usage, "
             "3 no such device.");
  std::string clock = "wall", statistic = "median";
  const std::map<std::string, Call> calls = {{"forward", Call::kForward},
                                             {"backward", Call::kBackward},
                                             {"forward+backward", Call::kForwardBackward},
                                             {"step", Call::kStep}};
  app.add_option("problems", o.problems, "problems, or sets of them, in the grammar below");
  app.add_option("--call", o.calls, "forward, backward, forward+backward, step (default: forward)")
      ->transform(CLI::CheckedTransformer(calls))
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--suite", o.suite, "a named suite; --list-suites tells them");
  app.add_option("--file", o.file, "a file of problems, one set a line")->check(CLI::ExistingFile);
  app.add_flag("--list-suites", o.list_suites, "list the suites");
  app.add_option("--backend", o.backend,
                 "cpu, cuda, hip, vulkan (default: the best; of the suite cpu the CPU)")
      ->check(CLI::IsMember({"cpu", "cuda", "hip", "vulkan"}));
  app.add_option("--device", o.ordinal, "the device's number within its backend");
  app.add_option("--threads", o.threads, "threads of every problem, 0: all cores")
      ->check(CLI::Range(0, 4096));
  app.add_option("--config", o.config, "forces the configuration: name=value,name=value");
  app.add_flag("--tune", o.tune,
               "measure the legal configurations and rank them beside the model's");
  app.add_option("--tune-most", o.tune_most, "measure at most so many of them")
      ->check(CLI::Range(1, 100000));
  app.add_flag("--peers", o.peers,
               "measure oneDNN, PyTorch and naive loops too (suite cpu always does)");
  app.add_option("--torch-python", o.peer_options.torch_python,
                 "a Python that has torch; without it the PyTorch loop is left out");
  app.add_option("--torch-script", o.peer_options.torch_script,
                 "torch_loop.py, where it was moved");
  auto* check = app.add_flag("--check", o.run.check, "compare every row with the oracle");
  app.add_flag("--exact", o.run.exact,
               "with --check: an oracle that rounds no operand, so the whole error in the dtype")
      ->needs(check);
  app.add_flag("--keep-weights", o.run.keep_weights, "reuse packed weights from call to call");
  app.add_option("--seconds", o.run.timing.seconds, "time for each row's samples")
      ->check(CLI::Range(0.0, 3600.0));
  app.add_option("--samples", o.run.timing.least_samples, "at least so many samples")
      ->check(CLI::Range(1, 100000));
  app.add_option("--clock", clock,
                 "wall; or cpu: for one thread leave out what other processes took")
      ->check(CLI::IsMember({"wall", "cpu"}));
  app.add_option("--statistic", statistic, "median, or best: the fastest sample of every row")
      ->check(CLI::IsMember({"median", "best"}));
  app.add_option("--json", o.json_path,
                 "write the results as JSON to this file (- for standard output)");
  app.add_option("--svg", o.svg_path, "write a plot to this file");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error) == 0 ? 0 : 2;
    return false;
  }
  o.run.use_cpu_clock = clock == "cpu";
  o.run.use_best = statistic == "best";
  if (o.run.timing.seconds < 0.2) o.run.timing.warmup_seconds = o.run.timing.seconds;
  const int sources = !o.problems.empty() + !o.suite.empty() + !o.file.empty();
  if (sources == 0 && !o.list_suites) {
    std::cerr << "flashrnn-bench: nothing to run; give problems, --suite or --file (see --help)\n";
    exit_code = 2;
    return false;
  }
  if (o.tune && !o.suite.empty()) {
    std::cerr << "flashrnn-bench: --tune takes problems, not a suite\n";
    exit_code = 2;
    return false;
  }
  if (o.backend.empty() && o.suite == "cpu") o.backend = "cpu";  // its claims are the CPU's
  if (o.calls.empty()) o.calls = {Call::kForward};
  return true;
}

}  // namespace flashrnn::bench
