// SPDX-License-Identifier: Apache-2.0
#include "recurrent_layer.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>

namespace examples {

Shared::Shared(const flashrnn::Device& device, std::size_t count)
    : device_(device, count), host_(device.is_host() ? 0 : count) {
  device_.fill(0);
}

namespace {

flashrnn::Input initial(RecurrentLayer::Run& run) {
  return run.carried ? flashrnn::Input(run.first.device()) : flashrnn::Input();
}

}  // namespace

void Shared::to_device() {
  if (!host_.empty()) device_.upload(host_);
}

void Shared::to_host() {
  if (!host_.empty()) device_.download(host_);
}

RecurrentLayer::RecurrentLayer(const flashrnn::Device& device, flashrnn_cell cell, int heads,
                               int head_dim, Random& random)
    : device_(&device), info_(flashrnn::cell_info(cell)), heads_(heads), head_dim_(head_dim) {
  const auto width = static_cast<std::size_t>(heads) * head_dim;
  r_ = Parameter(info_.recurrent_gates * width * head_dim);
  bias_ = Parameter(info_.bias_gates * width);
  r_.randomise(1.0f / std::sqrt(static_cast<float>(head_dim)), random);
  // A forget gate starts open, so that gradients reach back from the first update on.
  std::istringstream names(info_.bias_gate_names);
  std::string name;
  for (std::size_t gate = 0; names >> name; ++gate)
    if (name == "f") std::fill_n(bias_.value.begin() + gate * width, width, 1.0f);

  device_r_ = Shared(device, r_.value.size());
  device_d_r_ = Shared(device, r_.value.size());
  device_bias_ = Shared(device, bias_.value.size());
  device_d_bias_ = Shared(device, bias_.value.size());
  parameters_changed();
}

void RecurrentLayer::parameters_changed() {
  ++version_;
  std::ranges::copy(r_.value, device_r_.host().begin());
  std::ranges::copy(bias_.value, device_bias_.host().begin());
  device_r_.to_device();
  device_bias_.to_device();
}

RecurrentLayer::Run& RecurrentLayer::run(Shape shape) {
  std::unique_ptr<Run>& slot = runs_[shape];
  if (!slot) {
    flashrnn::Plan plan(*device_, flashrnn::Problem(info_.cell)
                                      .mode(shape.mode)
                                      .batch(shape.batch)
                                      .time(shape.time)
                                      .heads(heads_, head_dim_));
    flashrnn::Memory memory = plan.allocate(*device_);
    const std::size_t steps = static_cast<std::size_t>(shape.batch) * shape.time;
    const bool trains = shape.mode != FLASHRNN_MODE_INFERENCE;
    const std::size_t states = static_cast<std::size_t>(info_.states) * shape.batch * width();
    slot = std::make_unique<Run>(
        Run{std::move(plan), std::move(memory), Shared(*device_, steps * gates_width()),
            Shared(*device_, steps * width()), Shared(*device_, trains ? steps * width() : 0),
            Shared(*device_, trains ? steps * gates_width() : 0), Shared(*device_, states),
            Shared(*device_, states)});
  }
  return *slot;
}

void RecurrentLayer::forward(Run& run, bool carry) {
  run.wx.to_device();
  std::swap(run.first, run.last);
  run.carried = carry;
  run.plan.forward({.wx = run.wx.device(),
                    .r = device_r_.device(),
                    .bias = device_bias_.device(),
                    .initial_states = initial(run),
                    .h = run.h.device(),
                    .last_states = run.last.device(),
                    .workspace = run.memory.forward,
                    .saved = run.memory.saved,
                    .weights_unchanged = run.forward_version == version_});
  run.forward_version = version_;
  run.h.to_host();
}

void RecurrentLayer::backward(Run& run) {
  run.d_h.to_device();
  run.plan.backward({.r = device_r_.device(),
                     .initial_states = initial(run),
                     .h = run.h.device(),
                     .d_h = run.d_h.device(),
                     .d_wx = run.d_wx.device(),
                     .d_r = device_d_r_.device(),
                     .d_bias = device_d_bias_.device(),
                     .workspace = run.memory.backward,
                     .saved = run.memory.saved});
  run.d_wx.to_host();
  device_d_r_.to_host();
  device_d_bias_.to_host();
  std::ranges::copy(device_d_r_.host(), r_.gradient.begin());
  std::ranges::copy(device_d_bias_.host(), bias_.gradient.begin());
}

void RecurrentLayer::step(Run& run) {
  run.wx.to_device();
  run.plan.step({.wx = run.wx.device(),
                 .r = device_r_.device(),
                 .bias = device_bias_.device(),
                 .states = run.last.device(),
                 .new_states = run.last.device(),
                 .h = run.h.device(),
                 .workspace = run.memory.step,
                 .weights_unchanged = run.step_version == version_});
  run.step_version = version_;
  run.h.to_host();
}

}  // namespace examples
