// SPDX-License-Identifier: Apache-2.0
// flashrnn-vectors FOLDER: writes the test vectors that the bindings replay. What it writes is what
// the library gives on the CPU through the C ABI, and it fails where that is not what the oracle
// says.
#include <cmath>
#include <cstdio>
#include <exception>
#include <stdexcept>

#include "cases.hpp"
#include "environment.hpp"
#include "trial.hpp"
#include "writer.hpp"

namespace flashrnn::test {
namespace {

void expect_close(const char* name, const std::vector<double>& got,
                  const std::vector<double>& expected, double bound) {
  if (got.empty()) return;
  const double error = oracle::relative_error(got, expected);
  if (!(error <= bound)) {
    throw std::runtime_error(std::string(name) + " is wrong by " + std::to_string(error / bound) +
                             " of its bound");
  }
}

// One step from the initial states with the first input of every sequence.
void add_step(VectorWriter& writer, const Device& device, const Trial& trial, double bound) {
  const Case& c = trial.problem();
  const oracle::CellShape shape = oracle::cell_shape(c.cell);
  const int64_t B = c.batch, N = c.heads, D = c.head_dim, G = shape.input_gates, S = shape.states;
  const oracle::Inputs inputs = trial.inputs();
  const size_t row = static_cast<size_t>(G * N * D);
  oracle::Inputs first = inputs;
  first.wx.clear();
  for (size_t b = 0; b < static_cast<size_t>(B); ++b) {
    const auto begin =
        inputs.wx.begin() + static_cast<std::ptrdiff_t>(b * static_cast<size_t>(c.time) * row);
    first.wx.insert(first.wx.end(), begin, begin + static_cast<std::ptrdiff_t>(row));
  }

  const auto tensor = [&](std::vector<int64_t> axes, flashrnn_dtype dtype, Role role) {
    return Tensor(device, std::move(axes), dtype, Layout::kPacked, role);
  };
  Tensor wx = tensor({B, G, N, D}, c.dtypes.tensor, Role::kInput);
  Tensor r = tensor({shape.recurrent_gates, N, D, D}, c.dtypes.weight, Role::kInput);
  Tensor bias = tensor({shape.biases, N, D}, c.dtypes.weight, Role::kInput);
  Tensor states = tensor({S, B, N, D}, c.dtypes.state, Role::kInput);
  Tensor new_states = tensor({S, B, N, D}, c.dtypes.state, Role::kOutput);
  Tensor h = tensor({B, N, D}, c.dtypes.tensor, Role::kOutput);
  wx.write(first.wx);
  r.write(first.r);
  bias.write(first.bias);
  states.write(first.initial_states);
  GuardedMemory workspace(device, trial.plan().sizes().step_workspace,
                          trial.plan().sizes().alignment);
  flashrnn_step_args args{};
  args.struct_size = sizeof args;
  args.wx = wx.tensor();
  args.r = r.tensor();
  args.bias = bias.tensor();
  args.states = states.tensor();
  args.new_states = new_states.tensor();
  args.h = h.tensor();
  args.workspace = workspace.data();
  args.workspace_size = workspace.size();
  check(flashrnn_step(trial.plan().handle(), &args), "flashrnn_step");

  oracle::Problem problem = oracle_problem(c);
  problem.time = 1;
  const oracle::Outputs expected = oracle::forward(problem, first);
  expect_close("the step's h", h.read(), expected.h, bound);
  expect_close("the step's new_states", new_states.read(), expected.last_states, bound);
  const auto put = [&](const char* role, const char* name, const Tensor& t, flashrnn_dtype dtype) {
    writer.tensor("step", role, name, dtype, t.shape(), t.read());
  };
  put("in", "wx", wx, c.dtypes.tensor);
  put("in", "r", r, c.dtypes.weight);
  put("in", "bias", bias, c.dtypes.weight);
  put("in", "states", states, c.dtypes.state);
  put("out", "new_states", new_states, c.dtypes.state);
  put("out", "h", h, c.dtypes.tensor);
}

std::vector<double> as_doubles(const auto& values) { return {values.begin(), values.end()}; }

void add_case(VectorWriter& writer, const Device& device, const VectorCase& named) {
  const Case& c = named.problem;
  const oracle::CellShape shape = oracle::cell_shape(c.cell);
  const int64_t B = c.batch, T = c.time, N = c.heads, D = c.head_dim, S = shape.states;
  const std::vector<int64_t> wx{B, T, shape.input_gates, N, D}, r{shape.recurrent_gates, N, D, D},
      bias{shape.biases, N, D}, ends{S, B, N, D}, h{B, T, N, D}, states{S, B, T, N, D};
  const flashrnn_dtype tensor = c.dtypes.tensor, weight = c.dtypes.weight, state = c.dtypes.state;
  // Largest of the bounds of the case's tensors.
  const double outputs_bound = std::fmax(output_bound(tensor, tensor), output_bound(tensor, state));
  const double gradients_bound =
      std::fmax(gradient_bound(tensor, tensor),
                std::fmax(gradient_bound(tensor, weight), gradient_bound(tensor, state)));

  Trial trial(device, c);
  trial.forward();
  const oracle::Inputs inputs = trial.inputs();
  const oracle::Outputs outputs = trial.outputs(), expected = trial.expected_outputs();
  expect_close("h", outputs.h, expected.h, outputs_bound);
  expect_close("states", outputs.states, expected.states, outputs_bound);
  expect_close("last_states", outputs.last_states, expected.last_states, outputs_bound);

  writer.begin(named.name, problem_of(c));
  writer.bound("outputs", outputs_bound);
  writer.bound("gradients", gradients_bound);
  writer.tensor("forward", "in", "wx", tensor, wx, inputs.wx);
  writer.tensor("forward", "in", "r", weight, r, inputs.r);
  writer.tensor("forward", "in", "bias", weight, bias, inputs.bias);
  writer.tensor("forward", "in", "initial_states", state, ends, inputs.initial_states);
  writer.tensor("forward", "in", "lengths", c.lengths, {B}, as_doubles(inputs.lengths));
  if (c.resets)
    writer.tensor("forward", "in", "resets", FLASHRNN_UINT8, {T, B}, as_doubles(inputs.resets));
  writer.tensor("forward", "out", "h", tensor, h, outputs.h);
  if (c.want_states) writer.tensor("forward", "out", "states", tensor, states, outputs.states);
  writer.tensor("forward", "out", "last_states", state, ends, outputs.last_states);

  if (trial.has_backward()) {
    trial.backward();
    const oracle::OutputGradients given = trial.output_gradients();
    const oracle::InputGradients got = trial.gradients(), wanted = trial.expected_gradients();
    expect_close("d_wx", got.d_wx, wanted.d_wx, gradients_bound);
    expect_close("d_r", got.d_r, wanted.d_r, gradients_bound);
    expect_close("d_bias", got.d_bias, wanted.d_bias, gradients_bound);
    expect_close("d_initial_states", got.d_initial_states, wanted.d_initial_states,
                 gradients_bound);
    const auto put = [&](unsigned bit, unsigned set, const char* role, const char* name,
                         flashrnn_dtype dtype, const std::vector<int64_t>& axes,
                         const std::vector<double>& values) {
      if ((set & bit) != 0) writer.tensor("backward", role, name, dtype, axes, values);
    };
    put(kGiveH, c.given, "in", "d_h", tensor, h, given.d_h);
    put(kGiveStates, c.given, "in", "d_states", tensor, states, given.d_states);
    put(kGiveLast, c.given, "in", "d_last_states", state, ends, given.d_last_states);
    put(kWantWx, c.wanted, "out", "d_wx", tensor, wx, got.d_wx);
    put(kWantR, c.wanted, "out", "d_r", weight, r, got.d_r);
    put(kWantBias, c.wanted, "out", "d_bias", weight, bias, got.d_bias);
    put(kWantInitial, c.wanted, "out", "d_initial_states", state, ends, got.d_initial_states);
  } else {
    add_step(writer, device, trial, outputs_bound);
  }
  writer.end();
}

}  // namespace
}  // namespace flashrnn::test

int main(int argc, char** argv) {
  using namespace flashrnn::test;
  if (argc != 2) {
    std::fprintf(stderr, "usage: flashrnn-vectors FOLDER\n");
    return 2;
  }
  std::string name = "the start";
  try {
    const Device device(FLASHRNN_BACKEND_CPU);
    VectorWriter writer(argv[1]);
    const std::vector<VectorCase> cases = vector_cases();
    for (const VectorCase& c : cases) {
      name = c.name;
      add_case(writer, device, c);
    }
    writer.close();
    std::printf("%zu cases\n", cases.size());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "flashrnn-vectors: %s: %s\n", name.c_str(), error.what());
    return 1;
  }
  return 0;
}
