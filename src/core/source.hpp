// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace flashrnn {

// Where a sequence's old states come from at one step.
enum class Source : uint8_t {
  kNone,      // past its length: the states stand still
  kPrevious,  // the step before
  kInitial,   // its first step, or a reset
};

}  // namespace flashrnn
