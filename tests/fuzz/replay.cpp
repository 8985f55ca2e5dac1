// SPDX-License-Identifier: Apache-2.0
// Runs every file of the folders that it is given through the fuzzer's target, with any compiler;
// then as many inputs of its own making as the option says: flashrnn-fuzz-replay [--random=<count>]
// <folder>...
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "random.hpp"
#include "run_one.hpp"

int main(int argc, char** argv) {
  int files = 0;
  long reached[4] = {};
  const auto run = [&](const uint8_t* bytes, size_t size) {
    ++reached[static_cast<int>(flashrnn::test::run_one(bytes, size))];
  };
  long count = 0;
  for (int k = 1; k < argc; ++k) {
    const std::string argument = argv[k];
    if (argument.rfind("--random=", 0) == 0) {
      count = std::stol(argument.substr(9));
      continue;
    }
    for (const auto& entry : std::filesystem::directory_iterator(argument)) {
      std::ifstream file(entry.path(), std::ios::binary);
      const std::vector<char> bytes{std::istreambuf_iterator<char>(file),
                                    std::istreambuf_iterator<char>()};
      run(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
      ++files;
    }
  }
  flashrnn::test::Random random(1);
  for (long k = 0; k < count; ++k) {
    std::vector<uint8_t> bytes(static_cast<size_t>(40 + random.below(400)));
    // Few strange bytes, so that most inputs get as far as a run.
    for (uint8_t& byte : bytes)
      byte =
          static_cast<uint8_t>(random.chance(0.02) ? 0xe0 + random.below(32) : random.below(0xc0));
    run(bytes.data(), bytes.size());
  }
  std::printf("%d files and %ld random inputs\n", files, count);
  std::printf("refused %ld, planned %ld, forward %ld, forward and backward %ld\n", reached[0],
              reached[1], reached[2], reached[3]);
  // Inputs that never get as far as a run would test little.
  return files == 0 || (count >= 1000 && reached[3] < count / 50);
}
