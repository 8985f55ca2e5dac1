// SPDX-License-Identifier: Apache-2.0
#include "text.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace examples {

Text::Text(const std::string& path, double held_out) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  if (!file) throw std::runtime_error("cannot read the text " + path);
  if (bytes.size() < 1000)
    throw std::runtime_error("the text " + path + " has " + std::to_string(bytes.size()) +
                             " bytes: must be 1000 at least");
  std::array<int, 256> index;
  index.fill(-1);
  for (char c : bytes) index[static_cast<unsigned char>(c)] = 0;
  for (int c = 0; c < 256; ++c) {
    if (index[c] < 0) continue;
    index[c] = static_cast<int>(alphabet_.size());
    alphabet_ += static_cast<char>(c);
  }
  for (char c : bytes) tokens_.push_back(index[static_cast<unsigned char>(c)]);
  training_ = static_cast<std::size_t>((1 - held_out) * static_cast<double>(tokens_.size()));
}

int Text::token(char character) const {
  const std::size_t at = alphabet_.find(character);
  return at == std::string::npos ? -1 : static_cast<int>(at);
}

Windows::Windows(std::span<const int> text, int size, int time)
    : text_(text),
      size_(size),
      time_(time),
      stream_((text.size() - 1) / static_cast<std::size_t>(size)) {
  count_ = static_cast<int>(stream_ / static_cast<std::size_t>(time));
  if (count_ < 1)
    throw std::runtime_error(
        "a text part of " + std::to_string(text.size()) + " characters for " +
        std::to_string(size) + " sequences of " + std::to_string(time) +
        ": must have a character more than they take; choose a smaller batch or length");
}

Batch Windows::window(int number) const {
  Batch batch{size_, time_, {}, {}};
  for (int b = 0; b < size_; ++b) {
    const std::size_t first =
        static_cast<std::size_t>(b) * stream_ + static_cast<std::size_t>(number) * time_;
    for (int t = 0; t < time_; ++t) {
      batch.tokens.push_back(text_[first + t]);
      batch.labels.push_back(text_[first + t + 1]);
    }
  }
  return batch;
}

}  // namespace examples
