// SPDX-License-Identifier: Apache-2.0
// A plan: a problem, the device it was made for, what was chosen and the kernel that runs it.
#pragma once

#include <memory>
#include <string>

#include "backend/backend.hpp"
#include "plan/choose.hpp"
#include "plan/problem.hpp"

namespace flashrnn {

class Plan {
 public:
  Plan(std::shared_ptr<const Device> device, Problem problem);

  const Device& device() const { return *device_; }
  const Problem& problem() const { return problem_; }
  const Kernel& kernel() const { return *kernel_; }
  // JSON for flashrnn_plan_describe.
  std::string describe() const;

 private:
  std::shared_ptr<const Device> device_;
  Problem problem_;
  Choice choice_;
  std::shared_ptr<const Kernel> kernel_;
};

}  // namespace flashrnn
