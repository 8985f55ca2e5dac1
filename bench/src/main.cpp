// SPDX-License-Identifier: Apache-2.0
// flashrnn-bench: reads the command line, runs the cases one after the other, writes the report.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "check.hpp"
#include "driver.hpp"
#include "floor.hpp"
#include "git_commit.hpp"
#include "options.hpp"
#include "progress.hpp"
#include "report.hpp"
#include "suites.hpp"

namespace flashrnn::bench {
namespace {

constexpr int kFailed = 1, kUsage = 2, kNoDevice = 3;

flashrnn_backend backend_of(const std::string& name) {
  static const std::map<std::string, flashrnn_backend> backends = {
      {"", FLASHRNN_BACKEND_BEST},
      {"cpu", FLASHRNN_BACKEND_CPU},
      {"cuda", FLASHRNN_BACKEND_CUDA},
      {"hip", FLASHRNN_BACKEND_HIP},
      {"vulkan", FLASHRNN_BACKEND_VULKAN}};
  return backends.at(name);
}

void write_file(const std::string& path, const std::string& text) {
  if (path == "-") {
    std::cout << text;
    return;
  }
  std::ofstream file(path);
  file << text;
  if (!file.flush()) throw Error(fmt::format("cannot write '{}'", path));
}

// The yardsticks, measured when a row first needs them for its number of threads.
class Yardstick {
 public:
  Yardstick(Progress& progress, bool is_quick, double cache_bytes)
      : progress_(progress), seconds_(is_quick ? 0.05 : 0.5), cache_bytes_(cache_bytes) {}

  const Peaks& peaks(int threads) {
    if (!peaks_.contains(threads)) {
      progress_.say(fmt::format("peak of {} thread(s)", threads));
      peaks_[threads] = measure_peaks(threads, seconds_);
    }
    return peaks_[threads];
  }

  // A second look after a long run: a peak is the best that was ever seen.
  void refine() {
    for (auto& [threads, peaks] : peaks_) {
      progress_.say(fmt::format("peak of {} thread(s), again", threads));
      const Peaks again = measure_peaks(threads, seconds_);
      for (Peak& peak : peaks.units) peak.gflops = std::max(peak.gflops, again.of(peak.unit));
      peaks.sigmoid.alone = std::max(peaks.sigmoid.alone, again.sigmoid.alone);
      peaks.sigmoid.beside = std::max(peaks.sigmoid.beside, again.sigmoid.beside);
      peaks.copy_gbs = std::max(peaks.copy_gbs, again.copy_gbs);
    }
  }

  void apply(Row& row) {
    const Peaks& of = peaks(row.threads);
    row.peak_gflops = of.of(row.problem.dtype == FLASHRNN_FLOAT64 ? "fma_fp64" : "fma_fp32");
    row.unit = row.problem.dtype == FLASHRNN_FLOAT64 ? "fma_fp64" : "fma_fp32";
    row.unit_gflops = row.peak_gflops;
    if (row.problem.dtype == FLASHRNN_BFLOAT16) take_bfloat16_unit(of, row);
    if (row.who == "flashrnn") row.floor_us = cpu_floor_us(row, of, cache_bytes_);
  }

  std::vector<Peaks> all() const {
    std::vector<Peaks> result;
    for (const auto& [threads, peaks] : peaks_) result.push_back(peaks);
    return result;
  }

 private:
  static void take_bfloat16_unit(const Peaks& peaks, Row& row) {
    for (const char* unit : {"dot_bf16", "amx_bf16"}) {
      if (peaks.of(unit) <= row.unit_gflops) continue;
      row.unit = unit;
      row.unit_gflops = peaks.of(unit);
    }
  }

  Progress& progress_;
  double seconds_;  // for each unit
  double cache_bytes_;
  std::map<int, Peaks> peaks_;
};

std::vector<SuiteCase> cases_of(const Options& options) {
  std::vector<Problem> problems;
  for (const std::string& text : options.problems) {
    const std::vector<Problem> some = problem_text::parse_set(text);
    problems.insert(problems.end(), some.begin(), some.end());
  }
  if (!options.file.empty()) {
    std::stringstream contents;
    contents << std::ifstream(options.file).rdbuf();
    const std::vector<Problem> some = problem_text::parse_lines(contents.str());
    problems.insert(problems.end(), some.begin(), some.end());
  }
  std::vector<SuiteCase> cases;
  for (const Problem& problem : problems) {
    for (const Call call : options.calls) {
      SuiteCase& one = cases.emplace_back();
      one.problem = problem;
      one.call = call;
      one.peers = options.peers;
      one.id = fmt::format("{} {}", print(problem), call_name(call));
    }
  }
  return cases;
}

void override_cases(const Options& options, std::vector<SuiteCase>& cases) {
  for (SuiteCase& one : cases) {
    if (options.threads >= 0) one.problem.threads = options.threads;
    if (!options.config.empty()) one.problem.config = options.config;
    one.peers = one.peers || options.peers;
  }
}

// What holds of the whole run.
Report begin_report(const Options& options, const flashrnn_device_info& info) {
  Report report;
  report.date = fmt::format("{:%Y-%m-%d}", fmt::gmtime(std::time(nullptr)));
  report.library_version = version_text();
  report.git_commit = FLASHRNN_GIT_COMMIT;
  report.compiler = FLASHRNN_BENCH_COMPILER;
  // The yardsticks are the host's: they say nothing of another device.
  report.cpu_model = info.backend == FLASHRNN_BACKEND_CPU ? cpu_model() : info.name;
  report.backend_name = fmt::format("{}: {}", info.backend_name, info.name);
  if (info.backend == FLASHRNN_BACKEND_CUDA) report.driver = nvidia_driver();
  report.cores = info.compute_units;
  report.clock = options.run.use_cpu_clock
                     ? "CPU time of the process for rows of one thread, else wall"
                     : "wall";
  report.statistic = options.run.use_best ? "the best sample" : "the median";
  return report;
}

int tune_all(const Options& options, const Device& device, std::vector<SuiteCase> cases,
             Progress& progress) {
  int code = 0;
  const Report report = begin_report(options, info_of(device));
  std::vector<TunedProblem> all;
  override_cases(options, cases);
  for (const SuiteCase& one : cases) {
    all.push_back(tune(device, one, options.run, options.tune_most, [&](size_t done, size_t of) {
      progress.say(fmt::format("{}: config {} of {}", one.id, done + 1, of));
    }));
    progress.done();
    for (const TunedConfig& entry : all.back().configs) {
      const bool wrong = entry.row.error && !(*entry.row.error <= error_bound(one.problem));
      if (!entry.row.ok() || wrong) code = kFailed;
    }
    std::cout << table_of(all.back()) << std::flush;
    // After every problem: all of them take long.
    if (!options.json_path.empty()) write_file(options.json_path, json_of(report, all));
  }
  return code;
}

// A row whose error is over the bound is called wrong, loudly.
void mark_if_wrong(Row& row) {
  if (!row.error || *row.error <= error_bound(row.problem)) return;
  row.failure = fmt::format("WRONG: relative error {:.2e}, but at most {:.0e} is allowed",
                            *row.error, error_bound(row.problem));
}

double last_cache_bytes(const Device& device) {
  const nlohmann::json facts = nlohmann::json::parse(describe(device));
  return facts.value("l3_bytes", 0.0);
}

int bench_all(const Options& options, const Device& device, std::vector<SuiteCase> cases,
              Progress& progress) {
  const flashrnn_device_info info = info_of(device);
  Yardstick yardstick(progress, options.run.timing.seconds == 0, last_cache_bytes(device));
  Suite suite;
  if (!options.suite.empty()) {
    suite = make_suite(options.suite, yardstick.peaks(1), info.compute_units);
  }
  suite.cases.insert(suite.cases.end(), cases.begin(), cases.end());
  override_cases(options, suite.cases);

  Report report = begin_report(options, info);
  const bool is_host = info.backend == FLASHRNN_BACKEND_CPU;
  std::vector<std::unique_ptr<Peer>> peers;
  for (const SuiteCase& one : suite.cases) {
    if (one.peers && peers.empty()) peers = make_peers(options.peer_options);
  }
  for (const auto& peer : peers) report.peers.push_back(peer->status());

  int code = 0;
  size_t number = 0;
  for (const SuiteCase& one : suite.cases) {
    const std::string place = fmt::format("[{}/{}] {}", ++number, suite.cases.size(), one.id);
    progress.say(place);
    Row row = run_case(device, one, options.run);
    mark_if_wrong(row);
    if (!row.ok()) code = kFailed;
    report.rows.push_back(row);
    if (is_host) yardstick.peaks(row.threads);
    if (!one.peers) continue;
    for (const auto& peer : peers) {
      if (!peer->status().missing.empty()) continue;
      progress.say(fmt::format("{}: {}", place, peer->status().name));
      report.rows.push_back(run_peer(*peer, one, row, options.run.timing));
    }
  }
  if (!options.suite.empty() && options.run.timing.seconds > 0) yardstick.refine();
  for (Row& row : report.rows) {
    if (is_host) yardstick.apply(row);
  }
  progress.done();
  report.verdicts = judge(suite.claims, report.rows);
  report.peaks = yardstick.all();
  std::cout << (options.json_path == "-" ? "" : table_of(report)) << std::flush;
  if (!options.json_path.empty()) write_file(options.json_path, json_of(report));
  if (!options.svg_path.empty()) write_file(options.svg_path, svg_of(report));
  return code;
}

int run(const Options& options) {
  if (options.list_suites) {
    for (const SuiteName& name : suite_names()) fmt::print("{:<8} {}\n", name.name, name.what);
    return 0;
  }
  Progress progress;
  std::vector<SuiteCase> cases =
      cases_of(options);  // a slip in them comes before anything is started
  Device device;
  try {
    device = open_device(backend_of(options.backend), options.ordinal);
  } catch (const Error& error) {
    std::cerr << "flashrnn-bench: " << error.what() << "\n";
    return kNoDevice;
  }
  if (options.tune) return tune_all(options, device, std::move(cases), progress);
  return bench_all(options, device, std::move(cases), progress);
}

}  // namespace
}  // namespace flashrnn::bench

int main(int argc, char** argv) {
  flashrnn::bench::Options options;
  options.peer_options.torch_script = FLASHRNN_BENCH_TORCH_SCRIPT;
  int code = 0;
  if (!flashrnn::bench::read_options(argc, argv, options, code)) return code;
  try {
    return flashrnn::bench::run(options);
  } catch (const flashrnn::problem_text::Error& error) {
    std::cerr << "flashrnn-bench: " << error.what() << "\n";
    return flashrnn::bench::kUsage;
  } catch (const std::exception& error) {
    std::cerr << "flashrnn-bench: " << error.what() << "\n";
    return flashrnn::bench::kFailed;
  }
}
