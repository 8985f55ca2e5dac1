// constrint-bench: measures ConstrINT beside its peers and tells the result as a table, JSON, a
// plot.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "cases.hpp"
#include "peer.hpp"
#include "report.hpp"

namespace bench {
namespace {

namespace fs = std::filesystem;

struct Settings {
  bool check = false;
  bool list = false;
  bool processor_time = false;
  bool targets = false;
  std::vector<std::string> cases;
  std::vector<std::string> solvers;
  std::vector<std::string> tasks;
  double limit_s = 20;
  std::string source = BENCH_SOURCE_DIR;
  std::string shipped = BENCH_SHIPPED_DIR;
  std::string python = "python3";
  std::string json;
  std::string svg;
  std::vector<std::string> from_json;
};

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

bool IsThere(const Case& c, const Settings& settings) {
  return !c.shipped || fs::exists(fs::path(settings.shipped) / c.file);
}

std::string ModelText(const Case& c, const Settings& settings) {
  const fs::path path = c.shipped ? fs::path(settings.shipped) / c.file
                                  : fs::path(settings.source) / "models" / (c.file + ".constrint");
  return ReadFile(path) + c.added;
}

void WriteFile(const fs::path& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  if (!file) throw std::runtime_error("cannot write " + path.string());
}

std::string CpuModel() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

std::string FirstLine(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return "";
  char text[256] = "";
  std::string line = fgets(text, sizeof text, pipe) == nullptr ? "" : text;
  pclose(pipe);
  while (!line.empty() && line.back() == '\n') line.pop_back();
  return line;
}

// With a "+" where the solver is not what was committed.
std::string Commit(const std::string& source) {
  const std::string git = "git -C '" + source + "/..' ";
  const std::string commit = FirstLine(git + "rev-parse --short HEAD 2>/dev/null");
  if (commit.empty()) return "none";
  return commit + (FirstLine(git + "status --porcelain -- . 2>/dev/null").empty() ? "" : "+");
}

std::string Today() {
  const std::time_t now = std::time(nullptr);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d", std::localtime(&now));
  return text;
}

// No pattern allows everything; a pattern is a part of the name.
bool Selected(const std::string& name, const std::vector<std::string>& patterns) {
  return patterns.empty() || std::ranges::any_of(patterns, [&](const std::string& pattern) {
           return name.find(pattern) != std::string::npos;
         });
}

// A run takes half an hour: a terminal shows every measurement in one line that is written over, a
// log gets a line for each case.
void Progress(const std::string& text) {
  if (isatty(STDERR_FILENO)) fmt::print(stderr, "\r\033[K{}", text);
}
void ProgressOfCase(const std::string& text) {
  if (!isatty(STDERR_FILENO)) fmt::print(stderr, "{}\n", text);
}

class Runner {
 public:
  explicit Runner(const Settings& settings)
      : settings_(settings), peers_(MakePeers({settings.python, settings.source + "/peers"})) {
    std::erase_if(peers_,
                  [&](const auto& peer) { return !Selected(peer->name(), settings_.solvers); });
  }

  Report Run() {
    Report report;
    report.date = Today();
    report.cpu = CpuModel();
    report.commit = Commit(settings_.source);
    report.compiler = BENCH_COMPILER;
    report.limit_s = settings_.limit_s;
    if (getloadavg(&report.load, 1) != 1) report.load = 0;
    for (const auto& peer : peers_) report.solvers.emplace_back(peer->name(), peer->version());
    std::vector<const Case*> cases;
    for (const Case& c : AllCases()) {
      if (Selected(c.name, settings_.cases) && IsThere(c, settings_)) cases.push_back(&c);
    }
    for (std::size_t i = 0; i < cases.size(); ++i) {
      position_ = fmt::format("[{}/{}]", i + 1, cases.size());
      ProgressOfCase(position_ + " " + cases[i]->name);
      report.cases.push_back(RunCase(*cases[i]));
      // After every case: what a long run has found is not lost when it is stopped.
      if (!settings_.json.empty()) WriteFile(settings_.json, ToJson(report));
    }
    Progress("");
    return report;
  }

 private:
  CaseReport RunCase(const Case& c) {
    Problem problem;
    problem.name = c.name;
    problem.text = ModelText(c, settings_);
    problem.parameters = c.shipped ? Declared(problem.text, c.parameters) : c.parameters;
    problem.in_preference_order = c.group == "plan";
    const Model model = ReadModel(problem.text, c.file, problem.parameters);
    problem.model = &model;
    problem.also_visited = std::ranges::find(c.tasks, Task::kVisit) != c.tasks.end();
    CaseReport report{.name = c.name,
                      .group = c.group,
                      .cartesian = model.CartesianSize(),
                      .variables = static_cast<int>(model.variables.size()),
                      .constraints = static_cast<int>(model.constraints.size()),
                      .expected = c.expected,
                      .measurements = {}};
    for (const Task task : c.tasks) {
      if (!Selected(TaskName(task), settings_.tasks)) continue;
      for (const auto& peer : peers_) {
        if (!peer->Does(task, problem)) continue;
        if (peer->version().empty()) {
          Outcome missing;
          missing.status = Status::kMissing;
          missing.note = "not installed";
          report.measurements.push_back({peer->name(), task, missing});
          continue;
        }
        Progress(fmt::format("{} {} {} {}", position_, c.name, TaskName(task), peer->name()));
        report.measurements.push_back(
            {peer->name(), task,
             RunIsolated([&] { return peer->Run(task, problem, settings_.limit_s); },
                         settings_.limit_s, peer->StartSeconds())});
      }
    }
    return report;
  }

  const Settings& settings_;
  std::vector<std::unique_ptr<Peer>> peers_;
  std::string position_;
};

// Whether the answers are the expected ones and agree with each other; says what is not. A peer may
// fail without the bench being wrong, and FlashRNN's solver does not claim to be complete.
bool Check(const Report& report) {
  bool good = true;
  const auto complain = [&](const CaseReport& c, const Measurement& m, const std::string& text) {
    const bool peer_failed = m.outcome.status == Status::kError && m.solver != "constrint";
    const bool excused = peer_failed || m.solver == "flashrnn";
    fmt::print("{} {} {} by {}: {}\n", excused ? "note " : "WRONG", c.name, TaskName(m.task),
               m.solver, text);
    good = good && excused;
  };
  for (const CaseReport& c : report.cases) {
    std::optional<std::uint64_t> fingerprint;
    std::optional<std::int64_t> best;
    int checked = 0;
    for (const Measurement& m : c.measurements) {
      const Outcome& o = m.outcome;
      if (o.status == Status::kError) complain(c, m, o.note);
      if (o.status != Status::kOk) continue;
      ++checked;
      const bool one = m.task == Task::kFirst || m.task == Task::kBest;
      if (c.expected) {
        const std::uint64_t expected = one ? (*c.expected == 0 ? 0u : 1u) : *c.expected;
        if (o.count != expected) {
          complain(c, m, fmt::format("{} solutions instead of {}", o.count, expected));
        }
      }
      if (o.fingerprint != 0 && !one) {
        if (!fingerprint) fingerprint = o.fingerprint;
        if (*fingerprint != o.fingerprint) complain(c, m, "another set of solutions");
      }
      if (m.task == Task::kBest && o.objective) {
        if (!best) best = o.objective;
        if (*best != *o.objective) {
          complain(c, m, fmt::format("best is {} instead of {}", *o.objective, *best));
        }
      }
    }
    fmt::print("checked {:<24} {:>3} answers{}\n", c.name, checked,
               c.expected ? fmt::format(", {} solutions", *c.expected) : "");
  }
  fmt::print("{}\n", good ? "all as expected" : "NOT as expected");
  return good;
}

void ListCases(const Settings& settings) {
  for (const Case& c : AllCases()) {
    if (!IsThere(c, settings)) continue;
    const std::string text = ModelText(c, settings);
    const Model model =
        ReadModel(text, c.file, c.shipped ? Declared(text, c.parameters) : c.parameters);
    fmt::print("{:<24}{:<12}{:>3} variables {:>3} rules  {:>9.3g} combinations\n", c.name, c.group,
               model.variables.size(), model.constraints.size(), model.CartesianSize());
  }
}

// An earlier run's results, of what is selected.
Report Earlier(const std::string& path, const Settings& settings) {
  Report report = ReportFromJson(ReadFile(path));
  std::erase_if(report.cases,
                [&](const CaseReport& c) { return !Selected(c.name, settings.cases); });
  for (CaseReport& c : report.cases) {
    std::erase_if(c.measurements, [&](const Measurement& m) {
      return !Selected(m.solver, settings.solvers) || !Selected(TaskName(m.task), settings.tasks);
    });
  }
  return report;
}

int Run(const Settings& settings) {
  if (settings.list) {
    ListCases(settings);
    return 0;
  }
  Report report;
  if (settings.from_json.empty()) {
    report = Runner(settings).Run();
  } else {
    report = Earlier(settings.from_json[0], settings);
    for (std::size_t i = 1; i < settings.from_json.size(); ++i) {
      KeepBest(Earlier(settings.from_json[i], settings), &report);
    }
    if (!settings.json.empty()) WriteFile(settings.json, ToJson(report));
  }
  if (settings.processor_time) report = WithProcessorTime(std::move(report));
  for (const auto& [name, version] : report.solvers) {
    fmt::print("{:<20} {}\n", name, version.empty() ? "not installed" : version);
  }
  fmt::print("{}", Table(report));
  if (settings.targets) fmt::print("\n{}", HoldAgainstTargets(report));
  if (!settings.svg.empty()) WriteFile(settings.svg, Plot(report));
  return settings.check && !Check(report) ? 1 : 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) try {
  bench::Settings settings;
  CLI::App app("Measures ConstrINT beside its peers.");
  app.add_flag("--check", settings.check, "compare all answers with the known ones; exit 1 if not");
  app.add_flag("--targets", settings.targets, "hold the results against ConstrINT's targets");
  app.add_flag("--list", settings.list, "list the cases and stop");
  app.add_option("--case", settings.cases, "only cases with this in their name (repeatable)");
  app.add_option("--solver", settings.solvers, "only solvers with this in their name");
  app.add_option("--task", settings.tasks, "only first, best, list, visit or count");
  app.add_option("--limit", settings.limit_s, "seconds for a solver, case and task");
  app.add_option("--source", settings.source, "folder with models/ and peers/");
  app.add_option("--shipped", settings.shipped,
                 "root of the repository whose backends' models are measured too");
  app.add_option("--python", settings.python, "interpreter that has the Python peers");
  app.add_flag("--cpu", settings.processor_time, "tell processor time, not wall-clock time");
  app.add_option("--json", settings.json, "write the results here");
  app.add_option("--svg", settings.svg, "write the plot here");
  app.add_option(
      "--from-json", settings.from_json,
      "tell the results of an earlier run again; of several, the best of each measurement");
  CLI11_PARSE(app, argc, argv);
  return bench::Run(settings);
} catch (const std::exception& error) {
  std::fprintf(stderr, "constrint-bench: %s\n", error.what());
  return 2;
}
