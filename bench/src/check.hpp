// SPDX-License-Identifier: Apache-2.0
// Compares what a case left in its buffers with the oracle.
#pragma once

#include <optional>

#include "tensors.hpp"
#include "work.hpp"

namespace flashrnn::bench {

// The largest ||out - reference|| / ||reference|| over the call's outputs; nothing for a step,
// whose states have gone on by then, and in a build without the oracle.
// `exact`: the reference rounds no operand of R h, as the library does in 16 bits.
std::optional<double> error_of(const Problem& problem, Call call, const Tensors& tensors,
                               bool exact);

// The bound that tests/ hold this dtype to: above it the row is called wrong.
double error_bound(const Problem& problem);

}  // namespace flashrnn::bench
