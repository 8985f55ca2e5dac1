// SPDX-License-Identifier: Apache-2.0
#include "sequence_model.hpp"

#include <algorithm>
#include <cmath>

#include "gemm.hpp"

namespace examples {

void SequenceModel::Linear::forward(int rows, std::span<const float> x, std::span<float> y) const {
  gemm(rows, outputs, inputs, row_major(x.data(), inputs), row_major(weight.value.data(), outputs),
       y.data());
#pragma omp parallel for
  for (int row = 0; row < rows; ++row)
    for (int j = 0; j < outputs; ++j)
      y[static_cast<std::size_t>(row) * outputs + j] += bias.value[j];
}

void SequenceModel::Linear::backward(int rows, std::span<const float> x, std::span<const float> d_y,
                                     std::span<float> d_x) {
  const Matrix gradient = row_major(d_y.data(), outputs);
  gemm(rows, inputs, outputs, gradient, transposed(row_major(weight.value.data(), outputs)),
       d_x.data());
  gemm(inputs, outputs, rows, transposed(row_major(x.data(), inputs)), gradient,
       weight.gradient.data());
  std::ranges::fill(bias.gradient, 0.0f);
  for (int row = 0; row < rows; ++row)
    for (int j = 0; j < outputs; ++j)
      bias.gradient[j] += d_y[static_cast<std::size_t>(row) * outputs + j];
}

SequenceModel::Linear SequenceModel::linear(int inputs, int outputs, Random& random) {
  Linear layer;
  layer.inputs = inputs;
  layer.outputs = outputs;
  layer.weight = Parameter(static_cast<std::size_t>(inputs) * outputs);
  layer.weight.randomise(1.0f / std::sqrt(static_cast<float>(inputs)), random);
  layer.bias = Parameter(outputs);
  return layer;
}

SequenceModel::SequenceModel(const flashrnn::Device& device, const Config& config, Random& random)
    : config_(config) {
  for (int n = 0; n < config.layers; ++n)
    layers_.push_back(std::make_unique<RecurrentLayer>(device, config.cell, config.heads,
                                                       config.head_dim, random));
  const int width = layers_[0]->width(), gates = layers_[0]->gates_width();
  table_ = Parameter(static_cast<std::size_t>(config.tokens) * gates);
  table_.randomise(1.0f, random);
  for (int n = 1; n < config.layers; ++n) projections_.push_back(linear(width, gates, random));
  readout_ = linear(width, config.classes, random);

  std::vector<Parameter*> parameters{&table_, &readout_.weight, &readout_.bias};
  for (auto& layer : layers_)
    for (Parameter* p : layer->parameters()) parameters.push_back(p);
  for (Linear& projection : projections_)
    parameters.push_back(&projection.weight);  // the cell has a bias
  adam_ = std::make_unique<Adam>(parameters);
}

void SequenceModel::feed(RecurrentLayer::Run& run, std::span<const int> tokens) {
  const std::size_t gates = layers_[0]->gates_width();
  const std::span<float> wx = run.wx.host();
#pragma omp parallel for
  for (std::size_t i = 0; i < tokens.size(); ++i)
    std::copy_n(table_.value.data() + tokens[i] * gates, gates, wx.data() + i * gates);
}

void SequenceModel::forward(RecurrentLayer::Shape shape, const Batch& batch, bool carry) {
  const int rows = shape.batch * shape.time;
  for (std::size_t n = 0; n < layers_.size(); ++n) {
    RecurrentLayer::Run& run = layers_[n]->run(shape);
    if (n == 0)
      feed(run, batch.tokens);
    else
      projections_[n - 1].forward(rows, layers_[n - 1]->run(shape).h.host(), run.wx.host());
    layers_[n]->forward(run, carry);
  }
  logits_.resize(static_cast<std::size_t>(rows) * config_.classes);
  readout_.forward(rows, layers_.back()->run(shape).h.host(), logits_);
}

void SequenceModel::backward(RecurrentLayer::Shape shape, const Batch& batch) {
  const int rows = shape.batch * shape.time;
  RecurrentLayer::Run& top = layers_.back()->run(shape);
  readout_.backward(rows, top.h.host(), logits_, top.d_h.host());
  for (std::size_t n = layers_.size(); n-- > 0;) {
    RecurrentLayer::Run& run = layers_[n]->run(shape);
    layers_[n]->backward(run);
    if (n == 0) break;
    RecurrentLayer::Run& below = layers_[n - 1]->run(shape);
    projections_[n - 1].backward(rows, below.h.host(), run.d_wx.host(), below.d_h.host());
  }
  // The table's gradient: each thread adds all tokens into columns of its own, in one order.
  const int gates = layers_[0]->gates_width();
  const std::span<const float> d_wx = layers_[0]->run(shape).d_wx.host();
  std::ranges::fill(table_.gradient, 0.0f);
  constexpr int kBlock = 64;
#pragma omp parallel for
  for (int block = 0; block < (gates + kBlock - 1) / kBlock; ++block) {
    const int first = block * kBlock, width = std::min(kBlock, gates - first);
    for (int row = 0; row < rows; ++row) {
      float* const sum =
          table_.gradient.data() + static_cast<std::size_t>(batch.tokens[row]) * gates + first;
      const float* const d = d_wx.data() + static_cast<std::size_t>(row) * gates + first;
      for (int j = 0; j < width; ++j) sum[j] += d[j];
    }
  }
}

Score SequenceModel::loss(const Batch& batch, bool train, std::vector<int>* predictions) {
  const int rows = batch.size * batch.time, classes = config_.classes;
  if (predictions != nullptr) predictions->resize(rows);
  std::vector<float> losses(rows);
  std::vector<char> hits(rows);
#pragma omp parallel for
  for (int row = 0; row < rows; ++row) {
    float* const logit = logits_.data() + static_cast<std::size_t>(row) * classes;
    const int label = batch.labels[row];
    const int best = static_cast<int>(std::max_element(logit, logit + classes) - logit);
    const float top = logit[best], wanted = logit[label] - top;
    float sum = 0;
    for (int j = 0; j < classes; ++j) sum += logit[j] = std::exp(logit[j] - top);
    losses[row] = std::log(sum) - wanted;
    hits[row] = best == label;
    if (predictions != nullptr) (*predictions)[row] = best;
    if (!train) continue;
    const float scale = 1.0f / (sum * static_cast<float>(rows));
    for (int j = 0; j < classes; ++j) logit[j] *= scale;
    logit[label] -= 1.0f / static_cast<float>(rows);
  }
  Score score;
  for (int row = 0; row < rows; ++row) score.loss += losses[row], score.accuracy += hits[row];
  score.loss /= rows;
  score.accuracy /= rows;
  return score;
}

Score SequenceModel::train(const Batch& batch, bool carry) {
  const RecurrentLayer::Shape shape{batch.size, batch.time, FLASHRNN_MODE_TRAINING};
  forward(shape, batch, carry);
  const Score score = loss(batch, true, nullptr);
  backward(shape, batch);
  return score;
}

Score SequenceModel::evaluate(const Batch& batch, bool carry, std::vector<int>* predictions) {
  forward({batch.size, batch.time, FLASHRNN_MODE_INFERENCE}, batch, carry);
  return loss(batch, false, predictions);
}

float SequenceModel::update(float learning_rate, float clip) {
  const float norm = adam_->step(learning_rate, clip);
  for (auto& layer : layers_) layer->parameters_changed();
  return norm;
}

std::span<const float> SequenceModel::step(int token) {
  const RecurrentLayer::Shape shape{1, 1, FLASHRNN_MODE_INFERENCE};
  for (std::size_t n = 0; n < layers_.size(); ++n) {
    RecurrentLayer::Run& run = layers_[n]->run(shape);
    if (n == 0)
      feed(run, std::span(&token, 1));
    else
      projections_[n - 1].forward(1, layers_[n - 1]->run(shape).h.host(), run.wx.host());
    layers_[n]->step(run);
  }
  logits_.resize(config_.classes);
  readout_.forward(1, layers_.back()->run(shape).h.host(), logits_);
  return logits_;
}

std::size_t SequenceModel::parameter_count() const {
  std::size_t count =
      table_.value.size() + readout_.weight.value.size() + readout_.bias.value.size();
  for (const auto& layer : layers_)
    for (const Parameter* p : layer->parameters()) count += p->value.size();
  for (const Linear& projection : projections_) count += projection.weight.value.size();
  return count;
}

std::string SequenceModel::describe_plan(RecurrentLayer::Shape shape) {
  return layers_[0]->run(shape).plan.describe();
}

}  // namespace examples
