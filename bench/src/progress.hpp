// SPDX-License-Identifier: Apache-2.0
// What is going on, on standard error: one line that changes on a terminal, one line each
// elsewhere.
#pragma once

#include <unistd.h>

#include <iostream>
#include <string>

namespace flashrnn::bench {

class Progress {
 public:
  void say(const std::string& what) {
    if (terminal_) {
      std::cerr << "\r\033[K" << what << std::flush;
    } else {
      std::cerr << what << "\n";
    }
  }
  void done() {
    if (terminal_) std::cerr << "\r\033[K" << std::flush;
  }

 private:
  bool terminal_ = isatty(STDERR_FILENO) != 0;
};

}  // namespace flashrnn::bench
