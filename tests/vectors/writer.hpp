// SPDX-License-Identifier: Apache-2.0
// The files of the test vectors: vectors.txt, words separated by blanks, and vectors.bin, the
// elements of the tensors, packed, little-endian, each tensor at a multiple of 8 bytes.
// tests/vectors/README.md tells the format.
#ifndef FLASHRNN_TESTS_VECTORS_WRITER_HPP_
#define FLASHRNN_TESTS_VECTORS_WRITER_HPP_

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "flashrnn/flashrnn.h"

namespace flashrnn::test {

class VectorWriter {
 public:
  // Throws where the files cannot be written.
  explicit VectorWriter(const std::string& folder);

  void begin(const std::string& name, const flashrnn_problem& problem);
  void bound(const char* kind, double value);
  // `call` is "forward", "backward" or "step", `role` "in" or "out". Nothing is written of a tensor
  // that is absent: one that has no values where its shape has some.
  void tensor(const char* call, const char* role, const char* name, flashrnn_dtype dtype,
              const std::vector<int64_t>& shape, const std::vector<double>& values);
  void end();
  void close();

 private:
  std::ofstream text_, binary_;
  size_t offset_ = 0;
};

}  // namespace flashrnn::test

#endif  // FLASHRNN_TESTS_VECTORS_WRITER_HPP_
