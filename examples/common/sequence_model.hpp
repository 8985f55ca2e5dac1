// SPDX-License-Identifier: Apache-2.0
// Tokens in, one class per step out: a token table, recurrent layers, a linear readout and softmax
// cross-entropy.
#ifndef FLASHRNN_EXAMPLES_SEQUENCE_MODEL_HPP_
#define FLASHRNN_EXAMPLES_SEQUENCE_MODEL_HPP_

#include <memory>
#include <span>
#include <vector>

#include "adam.hpp"
#include "recurrent_layer.hpp"

namespace examples {

// A batch of sequences, [B, T] row-major.
struct Batch {
  int size = 0;
  int time = 0;
  std::vector<int> tokens;
  std::vector<int> labels;
};

struct Score {
  double loss = 0;      // mean cross-entropy per step, in nats
  double accuracy = 0;  // part of the steps whose most probable class is the label
};

class SequenceModel {
 public:
  struct Config {
    flashrnn_cell cell = FLASHRNN_LSTM;
    int layers = 1;
    int heads = 1;
    int head_dim = 1;
    int tokens = 0;   // token values are [0, tokens)
    int classes = 0;  // labels are [0, classes)
  };

  SequenceModel(const flashrnn::Device& device, const Config& config, Random& random);

  // Forward and backward; the gradients are left in the parameters. With `carry` every sequence
  // goes on where that of the last batch of this shape ended (the gradient does not).
  Score train(const Batch& batch, bool carry = false);
  // Forward alone, and the most probable class of every step where asked for.
  Score evaluate(const Batch& batch, bool carry = false, std::vector<int>* predictions = nullptr);
  // One Adam update; returns the gradients' norm before clipping.
  float update(float learning_rate, float clip);
  // Streams one token through flashrnn_step, from zero states at first; the logits of what follows.
  std::span<const float> step(int token);

  std::size_t parameter_count() const;
  // JSON of the plan that a shape gets in the first layer.
  std::string describe_plan(RecurrentLayer::Shape shape);

 private:
  struct Linear {  // y = x W + b, x of any number of rows
    int inputs = 0, outputs = 0;
    Parameter weight, bias;  // [inputs, outputs], [outputs]
    std::vector<float> scratch;
    void forward(int rows, std::span<const float> x, std::span<float> y) const;
    void backward(int rows, std::span<const float> x, std::span<const float> d_y,
                  std::span<float> d_x);
  };

  void feed(RecurrentLayer::Run& run, std::span<const int> tokens);
  void forward(RecurrentLayer::Shape shape, const Batch& batch, bool carry);
  void backward(RecurrentLayer::Shape shape, const Batch& batch);
  // Cross-entropy of logits_; turns them into their gradient where train is set.
  Score loss(const Batch& batch, bool train, std::vector<int>* predictions);
  static Linear linear(int inputs, int outputs, Random& random);

  Config config_;
  Parameter table_;  // [tokens, Gi, N, D]: embedding and input projection of the first layer in one
  std::vector<std::unique_ptr<RecurrentLayer>> layers_;
  std::vector<Linear> projections_;  // into layers 1, 2, ...
  Linear readout_;
  std::vector<float> logits_;
  std::unique_ptr<Adam> adam_;
};

}  // namespace examples

#endif  // FLASHRNN_EXAMPLES_SEQUENCE_MODEL_HPP_
