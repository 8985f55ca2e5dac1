// SPDX-License-Identifier: Apache-2.0
// A PyTorch loop (torch_loop.py), run by the Python that the user names.
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "peer.hpp"

extern char** environ;

namespace flashrnn::bench {
namespace {

// The standard output of a program, without a shell in between. Throws Error where it fails.
std::string output_of(std::vector<std::string> words) {
  int ends[2];
  if (pipe(ends) != 0) throw Error(fmt::format("pipe: {}", std::strerror(errno)));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t child = 0;
  const int code = posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  std::string text;
  char part[4096];
  if (code == 0) {
    for (ssize_t got; (got = read(ends[0], part, sizeof(part))) > 0;) text.append(part, got);
  }
  close(ends[0]);
  if (code != 0) throw Error(fmt::format("cannot run '{}': {}", words[0], std::strerror(code)));
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    throw Error(fmt::format("'{}' failed; its own message stands above", words[0]));
  }
  return text;
}

class Torch : public Peer {
 public:
  explicit Torch(const PeerOptions& options) : options_(options) {
    status_.name = "torch loop";
    if (options_.torch_python.empty()) {
      status_.missing = "not asked for: --torch-python=PATH names a Python that has torch";
      return;
    }
    try {
      status_.version =
          fmt::format("torch {}", ask({{"call", "version"}})["version"].get<std::string>());
    } catch (const std::exception& error) {
      status_.missing = fmt::format("not installed: {}", error.what());
    }
  }

  PeerStatus status() const override { return status_; }

  void run(const Case& one, int threads, const TimingOptions& options, Row& row) override {
    const Problem& p = one.problem;
    const bool inference = p.mode == FLASHRNN_MODE_INFERENCE;
    std::string call = "both";
    if (one.call == Call::kForward) call = inference ? "forward" : "train";
    if (one.call == Call::kBackward || one.call == Call::kStep || p.flags != 0 ||
        p.forward_clip != 0 || p.recurrent_gradient_clip != 0 ||
        (p.cell != FLASHRNN_LSTM && p.cell != FLASHRNN_GRU && p.cell != FLASHRNN_ELMAN)) {
      throw Error("compared for plain LSTM, GRU and Elman, forward and forward+backward only");
    }
    const nlohmann::json result = ask({{"cell", problem_text::cell_of(p).name},
                                       {"B", p.batch},
                                       {"T", p.time},
                                       {"N", p.heads},
                                       {"D", p.head_dim},
                                       {"dtype", problem_text::dtype_name(p.dtype)},
                                       {"threads", threads},
                                       {"call", call},
                                       {"seconds", options.seconds},
                                       {"samples", options.least_samples}});
    row.timing.ms = result.at("ms");
    row.timing.ms_low = result.at("ms_low");
    row.timing.ms_high = result.at("ms_high");
    row.timing.ms_best = result.at("ms_best");
    row.timing.cpu_ms = result.at("cpu_ms");
    row.timing.cpu_ms_best = result.at("cpu_ms_best");
    row.timing.samples = result.at("samples");
    row.note = "bias not added";
  }

 private:
  nlohmann::json ask(const nlohmann::json& spec) const {
    return nlohmann::json::parse(
        output_of({options_.torch_python, options_.torch_script, spec.dump()}));
  }

  PeerOptions options_;
  PeerStatus status_;
};

}  // namespace

std::unique_ptr<Peer> make_torch_peer(const PeerOptions& options) {
  return std::make_unique<Torch>(options);
}

}  // namespace flashrnn::bench
