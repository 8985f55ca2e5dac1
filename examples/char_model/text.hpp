// SPDX-License-Identifier: Apache-2.0
// A text as numbers: its characters (bytes) that occur, and a part to train on and one held out.
#ifndef FLASHRNN_EXAMPLES_TEXT_HPP_
#define FLASHRNN_EXAMPLES_TEXT_HPP_

#include <span>
#include <string>
#include <vector>

#include "../common/sequence_model.hpp"

namespace examples {

class Text {
 public:
  // Reads a file; the last `held_out` of it (a part of 1) is kept from training. Throws
  // std::runtime_error for a file that cannot be read or is shorter than 1000 bytes.
  Text(const std::string& path, double held_out);

  int characters() const { return static_cast<int>(alphabet_.size()); }
  std::span<const int> training() const { return std::span(tokens_).first(training_); }
  std::span<const int> held_out() const { return std::span(tokens_).subspan(training_); }
  char character(int token) const { return alphabet_[token]; }
  // The token of a character; -1 where the text has none.
  int token(char character) const;

 private:
  std::string alphabet_;
  std::vector<int> tokens_;
  std::size_t training_ = 0;
};

// Cuts a text into `size` streams of equal length and gives window after window of `time` steps of
// them all, so that every window goes on where the last one ended. Labels are the next characters.
class Windows {
 public:
  Windows(std::span<const int> text, int size, int time);
  int count() const { return count_; }  // windows of one pass; at least 1
  Batch window(int number) const;

 private:
  std::span<const int> text_;
  int size_, time_, count_;
  std::size_t stream_;
};

}  // namespace examples

#endif  // FLASHRNN_EXAMPLES_TEXT_HPP_
