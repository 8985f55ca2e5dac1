// SPDX-License-Identifier: Apache-2.0
// A user's C++20 code: enough heads, batch and time for every thread of the library to get work.
#pragma once
#include <cmath>
#include <cstdio>
#include <flashrnn/flashrnn.hpp>
#include <vector>

// One LSTM with R = 0 and all gates zero but the candidate's; returns whether every h is the one
// known in closed form.
inline bool run_lstm() {
  constexpr std::int64_t batch = 16, time = 8, heads = 4, dim = 16;
  const auto device = flashrnn::Device::open(FLASHRNN_BACKEND_CPU);
  const flashrnn::Plan plan(device, flashrnn::Problem(FLASHRNN_LSTM)
                                        .mode(FLASHRNN_MODE_INFERENCE)
                                        .batch(batch)
                                        .time(time)
                                        .heads(heads, dim));
  std::vector<float> wx(batch * time * 4 * heads * dim);
  std::vector<float> r(4 * heads * dim * dim), h(batch * time * heads * dim, NAN);
  for (std::size_t i = 0; i < wx.size(); ++i) wx[i] = i / (heads * dim) % 4 == 2 ? 1.0f : 0.0f;
  auto memory = plan.allocate(device);
  plan.forward({.wx = wx, .r = r, .h = h, .workspace = memory.forward});

  for (std::size_t i = 0; i < h.size(); ++i) {
    const auto t = i / (heads * dim) % time;
    const double c = std::tanh(1.0) * (1 - std::pow(0.5, static_cast<double>(t + 1)));
    if (!(std::abs(h[i] - std::tanh(c) / 2) < 1e-5)) {
      std::fprintf(stderr, "h[%zu] is %g, and it should be %g\n", i, h[i], std::tanh(c) / 2);
      return false;
    }
  }
  return true;
}
