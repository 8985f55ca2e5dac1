// SPDX-License-Identifier: Apache-2.0
// Plain C loops, compiled with -O3 for the baseline instruction set. They are so slow that a few
// steps are timed and multiplied.
#include <algorithm>

#include "host_array.hpp"
#include "naive_lstm.h"
#include "peer.hpp"

namespace flashrnn::bench {
namespace {

std::vector<float> random_floats(size_t count, double scale, uint64_t seed) {
  const std::vector<double> values = random_values(count, scale, seed);
  return {values.begin(), values.end()};
}

constexpr int64_t kMostSteps = 16;

class Naive : public Peer {
 public:
  PeerStatus status() const override { return {"naive C", "-O3, one thread", ""}; }

  void run(const Case& one, int threads, const TimingOptions& options, Row& row) override {
    const Problem& p = one.problem;
    if (p.cell != FLASHRNN_LSTM || p.dtype != FLASHRNN_FLOAT32 || one.call != Call::kForward ||
        p.flags != 0 || p.forward_clip != 0 || p.mode != FLASHRNN_MODE_INFERENCE) {
      throw Error("compared for a plain fp32 LSTM's inference only");
    }
    if (threads != 1) throw Error("has one thread only");
    const int64_t units = p.heads * p.head_dim;
    const int64_t steps = std::min(p.time, kMostSteps);
    const auto wx = random_floats(p.batch * steps * 4 * units, 1.0, 1);
    const auto r = random_floats(4 * units * p.head_dim, 0.1, 2);
    const auto bias = random_floats(4 * units, 0.1, 3);
    std::vector<float> h(p.batch * steps * units), c(p.batch * units);
    const auto call = [&] {
      naive_lstm_forward(p.batch, steps, p.heads, p.head_dim, wx.data(), r.data(), bias.data(),
                         h.data(), c.data());
    };
    TimingOptions few = options;
    few.seconds = std::min(options.seconds, 0.3);
    few.warmup_seconds = 0;
    row.timing = measure([&](int calls) { return time_by_clock(call, calls); }, few);
    if (steps == p.time) return;
    const double times = static_cast<double>(p.time) / static_cast<double>(steps);
    for (double* ms : {&row.timing.ms, &row.timing.ms_low, &row.timing.ms_high, &row.timing.ms_best,
                       &row.timing.cpu_ms, &row.timing.cpu_ms_best}) {
      *ms *= times;
    }
    row.note = "timed over " + std::to_string(steps) + " steps and multiplied";
  }
};

}  // namespace

std::unique_ptr<Peer> make_naive_peer() { return std::make_unique<Naive>(); }

}  // namespace flashrnn::bench
