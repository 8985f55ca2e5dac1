// SPDX-License-Identifier: Apache-2.0
#include "runner.hpp"

#include <nlohmann/json.hpp>

#include "check.hpp"
#include "tensors.hpp"

namespace flashrnn::bench {
namespace {

// The floor of the recurrences in a call; what else a call does, as the gradients of R, has none.
double floor_of(const nlohmann::json& floors, Call call) {
  const double forward = floors.value("forward", 0.0), backward = floors.value("backward", 0.0);
  switch (call) {
    case Call::kForward:
      return forward;
    case Call::kBackward:
      return backward;
    case Call::kForwardBackward:
      return forward + backward;
    default:
      return 0;
  }
}

void read_description(const std::string& text, Row& row) {
  const nlohmann::json json = nlohmann::json::parse(text);
  row.backend = json.value("backend", "");
  row.kernel = json.value("kernel", "");
  row.config = json.value("config", "");
  row.predicted_us = json.value("predicted_us", 0.0);
  if (json.contains("floor_us")) row.floor_us = floor_of(json["floor_us"], row.call);
  if (json.contains("floor_in_turn_us"))
    row.floor_in_turn_us = floor_of(json["floor_in_turn_us"], row.call);
}

int threads_of(const Device& device, const Problem& problem) {
  const int cores = info_of(device).compute_units;
  return problem.threads > 0 ? std::min(problem.threads, cores) : cores;
}

// One call of the wanted kind, again and again on the same buffers.
class Calls {
 public:
  Calls(const Device& device, const Plan& plan, const Tensors& tensors, Call call,
        bool keep_weights)
      : plan_(plan.get()),
        call_(call),
        first_(create_event(device)),
        second_(create_event(device)),
        forward_(tensors.forward_args(0)),
        backward_(call == Call::kForward || call == Call::kStep ? flashrnn_backward_args{}
                                                                : tensors.backward_args(0)),
        step_(tensors.step_args(0)) {
    if (call == Call::kBackward) forward();  // fills saved memory
    once();
    // From here on the workspace holds the packed weights.
    step_.run_flags = FLASHRNN_RUN_WEIGHTS_UNCHANGED;
    if (keep_weights) {
      forward_.run_flags = FLASHRNN_RUN_WEIGHTS_UNCHANGED;
      backward_.run_flags = FLASHRNN_RUN_WEIGHTS_UNCHANGED;
    }
  }

  Sample time(int calls) {
    const double cpu = process_cpu_ms();
    check(flashrnn_event_record(first_.get(), nullptr), "flashrnn_event_record");
    for (int i = 0; i < calls; ++i) once();
    check(flashrnn_event_record(second_.get(), nullptr), "flashrnn_event_record");
    Sample sample;
    check(flashrnn_event_elapsed(first_.get(), second_.get(), &sample.ms),
          "flashrnn_event_elapsed");
    sample.ms /= calls;
    sample.cpu_ms = (process_cpu_ms() - cpu) / calls;
    return sample;
  }

 private:
  void forward() { check(flashrnn_forward(plan_, &forward_), "flashrnn_forward"); }
  void backward() { check(flashrnn_backward(plan_, &backward_), "flashrnn_backward"); }

  void once() {
    switch (call_) {
      case Call::kForward:
        return forward();
      case Call::kBackward:
        return backward();
      case Call::kForwardBackward:
        forward();
        return backward();
      case Call::kStep:
        return check(flashrnn_step(plan_, &step_), "flashrnn_step");
    }
  }

  flashrnn_plan plan_;
  Call call_;
  Event first_, second_;
  flashrnn_forward_args forward_;
  flashrnn_backward_args backward_;
  flashrnn_step_args step_;
};

void run(const Device& device, const Case& one, const RunOptions& options, Row& row) {
  if (one.problem.mode == FLASHRNN_MODE_INFERENCE &&
      (one.call == Call::kBackward || one.call == Call::kForwardBackward)) {
    throw Error("the mode is infer, but backward needs train or recompute");
  }
  const Plan plan = create_plan(device, to_abi(one.problem));
  read_description(describe(plan), row);
  const Tensors tensors(device, plan, one.problem);
  row.flops = flops_of(one.problem, one.call);
  row.bytes = bytes_of(one.problem, one.call, static_cast<double>(tensors.saved.size()));
  Calls calls(device, plan, tensors, one.call, options.keep_weights);
  row.timing = measure([&](int count) { return calls.time(count); }, options.timing);
  if (options.check) row.error = error_of(one.problem, one.call, tensors, options.exact);
}

}  // namespace

Row run_case(const Device& device, const Case& one, const RunOptions& options) {
  Row row;
  row.id = one.id;
  row.who = "flashrnn";
  row.problem = one.problem;
  row.problem_text = print(one.problem);
  row.call = one.call;
  try {
    row.threads = threads_of(device, one.problem);
    row.use_best = options.use_best;
    row.use_cpu_clock = options.use_cpu_clock && row.threads == 1;
    run(device, one, options, row);
  } catch (const std::exception& error) {
    row.failure = error.what();
  }
  return row;
}

}  // namespace flashrnn::bench
