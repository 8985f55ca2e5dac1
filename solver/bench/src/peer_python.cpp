// The peers that live in Python: each is a driver in peers/, given the model as JSON, which times
// itself, so the interpreter's start is not counted.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "peer.hpp"

namespace bench {
namespace {

using Json = nlohmann::json;

std::string Quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

// The last line that the command printed, as JSON; discarded when it is none.
Json LastLine(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return Json(Json::value_t::discarded);
  std::string text;
  char buffer[4096];
  while (const std::size_t n = fread(buffer, 1, sizeof buffer, pipe)) text.append(buffer, n);
  pclose(pipe);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  const std::size_t line = text.rfind('\n');
  return Json::parse(line == std::string::npos ? text : text.substr(line + 1), nullptr, false);
}

class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& text) {
    const char* folder = std::getenv("TMPDIR");
    path_ = std::string(folder == nullptr ? "/tmp" : folder) + "/constrint-bench-XXXXXX";
    const int file = mkstemp(path_.data());
    if (file >= 0) close(file);
    std::ofstream(path_) << text;
  }
  ~TemporaryFile() { unlink(path_.c_str()); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Driver {
  const char* name;
  const char* script;
  bool first;  // has a search for one solution
  bool best;   // has an objective
  bool list;   // can give all solutions
};

constexpr Driver kDrivers[] = {
    {"python-constraint2", "peer_python_constraint.py", true, false, true},
    {"kernel-tuner", "peer_kernel_tuner.py", false, false, true},
    {"pyatf", "peer_pyatf.py", false, false, true},
    {"cp-sat", "peer_cp_sat.py", true, true, true},
    {"flashrnn", "peer_flashrnn.py", true, false, false},
};

class PythonPeer : public Peer {
 public:
  PythonPeer(const PeerOptions& options, const Driver& driver)
      : driver_(driver),
        command_(Quoted(options.python) + " " + Quoted(options.peer_scripts + "/" + driver.script) +
                 " ") {}

  std::string name() const override { return driver_.name; }

  std::string version() const override {
    if (!version_) {
      const Json answer = LastLine(command_ + "--version 2>/dev/null");
      version_ = answer.is_object() ? answer.value("version", "") : "";
    }
    return *version_;
  }

  double StartSeconds() const override { return 30; }

  bool Does(Task task, const Problem& problem) const override {
    if (task == Task::kFirst) return driver_.first;
    if (task == Task::kBest) return driver_.best && problem.model->objective.has_value();
    return task == Task::kList && driver_.list;
  }

  Outcome Run(Task task, const Problem& problem, double limit_s) override {
    const Json request = {
        {"task", TaskName(task)}, {"limit_s", limit_s}, {"model", ToJson(*problem.model)}};
    const TemporaryFile file(request.dump());
    const Json answer = LastLine(command_ + Quoted(file.path()) + " 2>/dev/null");
    if (answer.is_object()) return OutcomeFromJson(answer);
    Outcome outcome;
    outcome.status = Status::kError;
    outcome.note = "the driver gave no answer";
    return outcome;
  }

 private:
  Driver driver_;
  std::string command_;
  mutable std::optional<std::string> version_;  // asked for once, when first wanted
};

}  // namespace

std::vector<std::unique_ptr<Peer>> MakePythonPeers(const PeerOptions& options) {
  std::vector<std::unique_ptr<Peer>> peers;
  for (const Driver& driver : kDrivers) {
    peers.push_back(std::make_unique<PythonPeer>(options, driver));
  }
  return peers;
}

}  // namespace bench
