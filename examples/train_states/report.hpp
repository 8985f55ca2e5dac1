// SPDX-License-Identifier: Apache-2.0
// What the runs came to: a table, curves as SVG and everything as JSON.
#ifndef FLASHRNN_EXAMPLES_REPORT_HPP_
#define FLASHRNN_EXAMPLES_REPORT_HPP_

#include <string>
#include <vector>

#include "training.hpp"

namespace examples {

void print_table(const std::vector<Result>& results, const Settings& settings, double goal);
// Writes train-states.svg and train-states.json into the folder and says so.
void write_report(const std::string& folder, const std::vector<Result>& results,
                  const Settings& settings);

}  // namespace examples

#endif  // FLASHRNN_EXAMPLES_REPORT_HPP_
