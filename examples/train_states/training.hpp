// SPDX-License-Identifier: Apache-2.0
// One training run on a word problem, and what came of it.
#ifndef FLASHRNN_EXAMPLES_TRAINING_HPP_
#define FLASHRNN_EXAMPLES_TRAINING_HPP_

#include <cstdint>
#include <string>
#include <vector>

#include "task.hpp"

namespace examples {

struct Settings {
  int heads = 4;
  int head_dim = 32;
  int layers = 1;
  int steps = 4000;  // updates at most
  int batch = 128;
  // Training sequences grow from first_length to `length`: they double whenever the accuracy passes
  // `ready`. To wait for more than 0.6 was seen to fit the short sequences and to generalise less.
  int first_length = 4;
  int length = 16;
  double ready = 0.6;
  int test_factor = 4;  // tests are on sequences of test_factor * length
  int test_sequences = 1024;
  // Training ends before that when two checks in a row find the accuracy on fresh long sequences,
  // which are not the test's, at `enough`.
  double enough = 0.998;
  int check_every = 50;
  float learning_rate = 1e-2f;  // falls to a tenth of it along a cosine
  float clip = 1.0f;
  std::uint64_t seed = 1;
};

struct CurvePoint {
  int step;
  int length;  // of the training sequences
  double seconds;
  double loss, accuracy;  // on the training batches, averaged over about the last twenty
  double long_accuracy;   // on fresh long sequences
};

struct Result {
  std::string cell, task;
  std::size_t parameters = 0;
  std::vector<CurvePoint> curve;
  double seconds = 0;
  double short_accuracy = 0;        // on test sequences of the trained length
  double long_accuracy = 0;         // on those test_factor times longer
  double last_accuracy = 0;         // of the long ones' last step alone
  std::vector<double> accuracy_at;  // of the long ones by position
  std::string plan;                 // JSON, of training at the full length
};

// Trains with progress lines on stdout. The sequences of training, checks and test are drawn from
// three streams of random numbers; the weights learn from short ones alone.
Result train_states(const flashrnn::Device& device, flashrnn_cell cell, const Task& task,
                    const Settings& settings);

}  // namespace examples

#endif  // FLASHRNN_EXAMPLES_TRAINING_HPP_
