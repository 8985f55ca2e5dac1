// SPDX-License-Identifier: Apache-2.0
// The command line of flashrnn-bench.
#pragma once

#include <string>
#include <vector>

#include "peer.hpp"
#include "runner.hpp"

namespace flashrnn::bench {

struct Options {
  std::vector<std::string> problems;
  std::vector<Call> calls;
  std::string suite, file, backend;
  int ordinal = 0;
  int threads = -1;  // -1: as the problem says
  std::string config;
  bool tune = false;
  size_t tune_most = 64;
  bool peers = false;
  PeerOptions peer_options;
  RunOptions run;
  std::string json_path, svg_path;
  bool list_suites = false;
};

// Returns false with the exit code when there is nothing left to do (help, or a usage error).
bool read_options(int argc, char** argv, Options& options, int& exit_code);

}  // namespace flashrnn::bench
