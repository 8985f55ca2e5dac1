// SPDX-License-Identifier: Apache-2.0
// What a call has to do: the operations and bytes that rates are computed from.
#pragma once

#include <string_view>

#include "problem_text.hpp"

namespace flashrnn::bench {

using problem_text::Problem;

enum class Call { kForward, kBackward, kForwardBackward, kStep };

std::string_view call_name(Call call);  // "forward", "backward", "forward+backward", "step"

// Floating-point operations of the recurrent products alone, 2 a multiply-add: forward R h;
// backward R' dg and dg h', and in recompute mode R h again. The pointwise part is not counted, so
// a share of the peak is a lower bound.
double flops_of(const Problem& problem, Call call);

// Bytes that must be read or written at least once: tensors in, tensors out and `saved` bytes of
// saved memory.
double bytes_of(const Problem& problem, Call call, double saved);

}  // namespace flashrnn::bench
