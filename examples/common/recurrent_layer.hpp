// SPDX-License-Identifier: Apache-2.0
// A trainable multi-head recurrent layer: the weights, and a plan with its memory for every shape
// that is run.
#ifndef FLASHRNN_EXAMPLES_RECURRENT_LAYER_HPP_
#define FLASHRNN_EXAMPLES_RECURRENT_LAYER_HPP_

#include <flashrnn/flashrnn.hpp>
#include <map>
#include <memory>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "adam.hpp"

namespace examples {

// Floats that the device and the host both see: one memory where the device is the host, else two
// and a copy.
class Shared {
 public:
  Shared() = default;
  Shared(const flashrnn::Device& device, std::size_t count);
  std::span<float> host() { return host_.empty() ? std::span<float>(device_) : host_; }
  flashrnn::Buffer<float>& device() { return device_; }
  void to_device();
  void to_host();

 private:
  flashrnn::Buffer<float> device_;
  std::vector<float> host_;
};

class RecurrentLayer {
 public:
  struct Shape {
    int batch;
    int time;
    flashrnn_mode mode;
    bool operator<(const Shape& other) const {
      return std::tie(batch, time, mode) < std::tie(other.batch, other.time, other.mode);
    }
  };

  // What one run of a shape reads and writes. Set wx, run forward, read h; set d_h, run backward,
  // read d_wx.
  struct Run {
    flashrnn::Plan plan;
    flashrnn::Memory memory;
    Shared wx, h, d_h, d_wx;  // [B, T, Gi, N, D], [B, T, N, D] and their gradients
    Shared first, last;       // [S, B, N, D]: the states that forward began with and ended with
    bool carried = false;     // whether it began with `first`, not with zero
    int forward_version = 0, step_version = 0;  // of the weights that the workspaces hold packed
  };

  RecurrentLayer(const flashrnn::Device& device, flashrnn_cell cell, int heads, int head_dim,
                 Random& random);

  Run& run(Shape shape);
  // Starts from zero states, or with `carry` from those that the last forward of this shape left.
  void forward(Run& run, bool carry = false);
  void backward(Run& run);
  // One step of streaming with a run of time 1: reads wx, updates `last`, writes h.
  void step(Run& run);

  int width() const { return heads_ * head_dim_; }                 // floats of h per step
  int gates_width() const { return info_.input_gates * width(); }  // floats of wx per step
  std::vector<Parameter*> parameters() { return {&r_, &bias_}; }
  // To be called when the optimiser has changed the parameters.
  void parameters_changed();

 private:
  const flashrnn::Device* device_;
  flashrnn_cell_info info_;
  int heads_, head_dim_;
  Parameter r_, bias_;  // [Gr, N, D, D], [Gb, N, D]
  Shared device_r_, device_bias_, device_d_r_, device_d_bias_;
  int version_ = 0;  // of the weights
  std::map<Shape, std::unique_ptr<Run>> runs_;
};

}  // namespace examples

#endif  // FLASHRNN_EXAMPLES_RECURRENT_LAYER_HPP_
