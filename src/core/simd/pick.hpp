// SPDX-License-Identifier: Apache-2.0
// The entry of a HWY_EXPORT table for a target of our choice, where HWY_DYNAMIC_DISPATCH takes the
// machine's best.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/simd/targets.hpp"
// targets.hpp must stand first.
#include <hwy/targets.h>

namespace flashrnn::simd {

template <typename Function, size_t Size>
Function pick(Function const (&table)[Size], int64_t target) {
  if (Size == 1) return table[0];
  hwy::ChosenTarget chosen;
  chosen.Update(target);
  return table[chosen.GetIndex()];
}

}  // namespace flashrnn::simd
