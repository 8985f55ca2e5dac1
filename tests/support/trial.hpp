// SPDX-License-Identifier: Apache-2.0
// A case on a device: plan, tensors, workspace and saved memory, and what the oracle expects of
// them.
#ifndef FLASHRNN_TESTS_SUPPORT_TRIAL_HPP_
#define FLASHRNN_TESTS_SUPPORT_TRIAL_HPP_

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "case.hpp"
#include "device.hpp"
#include "tensor.hpp"

namespace flashrnn::test {

// A plan; throws where it cannot be made.
class Plan {
 public:
  // The configuration of plans that are asked for without one, wherever it is legal. Set before the
  // first plan is made. How many plans had it:
  static std::string& preferred_config();
  static std::atomic<int>& with_preferred();

  Plan(const Device& device, const Case& c, const std::string& config = "");
  ~Plan();
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  flashrnn_plan handle() const { return handle_; }
  const flashrnn_plan_sizes& sizes() const { return sizes_; }
  std::string describe() const;

 private:
  flashrnn_plan handle_ = nullptr;
  flashrnn_plan_sizes sizes_{};
};

// The problem struct of a case.
flashrnn_problem problem_of(const Case& c);

// True where the header lets a backend refuse the case: float64 is for the CPU.
bool may_refuse(flashrnn_backend backend, const Case& c);

class Trial {
 public:
  Trial(const Device& device, const Case& c, const Values& values,
        std::shared_ptr<const Plan> plan);
  Trial(const Device& device, const Case& c, const std::string& config = "");

  // Poison the outputs (and unless run_flags say that the weights are unchanged, the workspace),
  // then run.
  void forward(uint32_t run_flags = 0);
  void backward(uint32_t run_flags = 0);

  bool has_backward() const { return case_.mode != FLASHRNN_MODE_INFERENCE; }
  // Of the last runs; tensors that were not asked for are empty.
  oracle::Outputs outputs() const;
  oracle::InputGradients gradients() const;
  // What the oracle gives for the values that lie in the tensors.
  oracle::Outputs expected_outputs() const;
  oracle::InputGradients expected_gradients() const;
  // What the oracle is to be given: the values that lie in the tensors. Change them to inject a
  // fault.
  oracle::Inputs inputs() const;
  oracle::OutputGradients output_gradients() const;

  // Name of the first buffer whose guards, gaps or (of inputs) elements have changed, "" if none.
  std::string touched() const;
  // Every byte of every output, to compare runs.
  std::vector<uint8_t> output_bytes() const;
  // Where these are on the device, in the same order, and last the saved memory.
  std::vector<const GuardedMemory*> written_memory() const;
  // These, workspaces and saved memory: all that a call may write.
  std::vector<uint8_t> writable_bytes() const;

  const Case& problem() const { return case_; }
  const Plan& plan() const { return *plan_; }
  // The arguments of the last run, to be run again or changed.
  flashrnn_forward_args forward_args(uint32_t run_flags = 0) const;
  flashrnn_backward_args backward_args(uint32_t run_flags = 0) const;
  // Poison everything that forward or backward writes, except the workspace.
  void poison_forward_outputs();
  void poison_backward_outputs();

 private:
  using Slot = std::unique_ptr<Tensor>;
  std::vector<const Tensor*> output_tensors() const;
  Slot input(const std::vector<double>& values, std::vector<int64_t> shape, flashrnn_dtype dtype);
  Slot output(std::vector<int64_t> shape, flashrnn_dtype dtype);

  const Device& device_;
  Case case_;
  std::shared_ptr<const Plan> plan_;
  Slot wx_, r_, bias_, initial_, lengths_, resets_, d_h_, d_states_, d_last_;
  Slot h_, states_, last_, d_wx_, d_r_, d_bias_, d_initial_;
  oracle::Inputs
      given_;  // the inputs as read back, before a run in place overwrites the initial states
  std::unique_ptr<GuardedMemory> forward_workspace_, backward_workspace_, saved_;
};

}  // namespace flashrnn::test

#endif  // FLASHRNN_TESTS_SUPPORT_TRIAL_HPP_
