// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/simd/kernel.hpp"
#include "core/simd/targets.hpp"
// targets.hpp must stand first.
#include <hwy/highway.h>
#include <hwy/targets.h>

namespace flashrnn::simd {

const std::vector<InstructionSet>& instruction_sets() {
  static const std::vector<InstructionSet> sets = [] {
    // In Highway the better of two targets has the lower bit; the static one runs everywhere.
    std::vector<int64_t> targets{HWY_STATIC_TARGET};
    const int64_t present = hwy::SupportedTargets() & HWY_TARGETS;
    for (int64_t bit = 62; bit-- > 0;) {
      const int64_t target = int64_t{1} << bit;
      if ((present & target) != 0 && target < HWY_STATIC_TARGET) targets.push_back(target);
    }
    std::vector<InstructionSet> found;
    for (const int64_t target : targets) {
      const ProductKernels& kernels = product_kernels(target);
      found.push_back({target, hwy::TargetName(target), kernels.lanes_f32, kernels.lanes_f64});
    }
    return found;
  }();
  return sets;
}

}  // namespace flashrnn::simd
