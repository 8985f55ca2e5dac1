// SPDX-License-Identifier: Apache-2.0
#include "training.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <numbers>

namespace examples {
namespace {

enum Stream : std::uint64_t { kWeights = 1, kTraining = 2, kCheck = 3, kTest = 4 };

class Clock {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// A mean that forgets: about the last twenty values.
class RunningMean {
 public:
  void add(double value) { mean_ = count_++ == 0 ? value : mean_ + 0.05 * (value - mean_); }
  void restart() { count_ = 0; }
  double mean() const { return mean_; }
  int count() const { return count_; }

 private:
  double mean_ = 0;
  int count_ = 0;
};

float learning_rate(const Settings& s, int step) {
  const double part = static_cast<double>(step) / s.steps;
  return s.learning_rate * static_cast<float>(0.1 + 0.45 * (1 + std::cos(std::numbers::pi * part)));
}

void print(const CurvePoint& p, int longer) {
  std::printf(
      "  step %4d  length %2d  loss %7.4f  accuracy %6.2f %%  at length %d %6.2f %%  %6.1f s\n",
      p.step, p.length, p.loss, 100 * p.accuracy, longer, 100 * p.long_accuracy, p.seconds);
  std::fflush(stdout);
}

void test(SequenceModel& model, const Task& task, const Settings& s, Result& result) {
  Random random(s.seed, kTest);
  result.short_accuracy = model.evaluate(task.sample(s.test_sequences, s.length, random)).accuracy;
  const Batch batch = task.sample(s.test_sequences, s.length * s.test_factor, random);
  std::vector<int> predictions;
  result.long_accuracy = model.evaluate(batch, false, &predictions).accuracy;
  result.accuracy_at.assign(batch.time, 0.0);
  for (int i = 0; i < batch.size * batch.time; ++i)
    result.accuracy_at[i % batch.time] += predictions[i] == batch.labels[i];
  for (double& accuracy : result.accuracy_at) accuracy /= batch.size;
  result.last_accuracy = result.accuracy_at.back();
}

}  // namespace

Result train_states(const flashrnn::Device& device, flashrnn_cell cell, const Task& task,
                    const Settings& s) {
  Result result;
  result.cell = flashrnn::cell_info(cell).name;
  result.task = task.name();
  std::printf("%s on %s: %d x %d units, layers: %d, at most %d updates by %d sequences\n",
              result.cell.c_str(), result.task.c_str(), s.heads, s.head_dim, s.layers, s.steps,
              s.batch);

  const Clock clock;
  Random weights(s.seed, kWeights), training(s.seed, kTraining), checks(s.seed, kCheck);
  SequenceModel model(device, {cell, s.layers, s.heads, s.head_dim, task.tokens(), task.classes()},
                      weights);
  result.parameters = model.parameter_count();

  int length = std::min(s.first_length, s.length);
  int enough = 0;
  RunningMean loss, accuracy;
  for (int step = 1; step <= s.steps; ++step) {
    const Score score = model.train(task.sample(s.batch, length, training));
    model.update(learning_rate(s, step), s.clip);
    loss.add(score.loss);
    accuracy.add(score.accuracy);
    const bool last = step == s.steps;
    if (step % s.check_every == 0 || last) {
      const Batch longer = task.sample(256, s.length * s.test_factor, checks);
      const double long_accuracy = model.evaluate(longer).accuracy;
      result.curve.push_back(
          {step, length, clock.seconds(), loss.mean(), accuracy.mean(), long_accuracy});
      enough = long_accuracy >= s.enough ? enough + 1 : 0;
      const bool stop = last || enough == 2;
      if (step % (5 * s.check_every) == 0 || stop) print(result.curve.back(), longer.time);
      if (stop) break;
    }
    if (length < s.length && accuracy.count() >= 20 && accuracy.mean() > s.ready) {
      length = std::min(2 * length, s.length);
      loss.restart();
      accuracy.restart();
    }
  }
  test(model, task, s, result);
  result.seconds = clock.seconds();
  result.plan = model.describe_plan({s.batch, s.length, FLASHRNN_MODE_TRAINING});
  return result;
}

}  // namespace examples
