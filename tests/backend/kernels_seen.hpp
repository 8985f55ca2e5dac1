// SPDX-License-Identifier: Apache-2.0
// Which kernels the plans of a run were made for, so that its output tells what it has tested: a
// binary holds code for several instruction sets, and a machine runs some of them.
#ifndef FLASHRNN_TESTS_BACKEND_KERNELS_SEEN_HPP_
#define FLASHRNN_TESTS_BACKEND_KERNELS_SEEN_HPP_

#include <map>
#include <string>

#include "flashrnn/flashrnn.h"

namespace flashrnn::test {

// Listens to the library's log while it lives.
class KernelsSeen {
 public:
  KernelsSeen();
  ~KernelsSeen();
  KernelsSeen(const KernelsSeen&) = delete;
  KernelsSeen& operator=(const KernelsSeen&) = delete;

  // "portable (12 plans), simd AVX2 fma (340 plans)"; those of most plans first where they are
  // many.
  std::string text() const;

 private:
  static void listen(flashrnn_log_level level, const char* message, void* user);

  std::map<std::string, int> plans_;  // by the kernel's name
};

}  // namespace flashrnn::test

#endif  // FLASHRNN_TESTS_BACKEND_KERNELS_SEEN_HPP_
