// SPDX-License-Identifier: Apache-2.0
// The three forms of a report.
#pragma once

#include <string>

#include "row.hpp"
#include "tune.hpp"

namespace flashrnn::bench {

// For a terminal.
std::string table_of(const Report& report);
std::string table_of(const TunedProblem& tuned);

// Complete: everything that the table and the plot show, and the statistics behind it.
std::string json_of(const Report& report);
// Of `report` only what holds of the whole run.
std::string json_of(const Report& report, const std::vector<TunedProblem>& tuned);

// Bars of the share of the FMA peak, by case.
std::string svg_of(const Report& report);

// A case's name for people: "lstm 64x12 B16 T256 fp32 infer forward, 1 thread".
std::string title_of(const Row& row);

// "met", "missed", "undecided" or "not measured", with the figure and the reason.
std::string verdict_text(const Verdict& verdict);

}  // namespace flashrnn::bench
