// SPDX-License-Identifier: Apache-2.0
// Line plots as SVG: panels side by side, each with axes, ticks, a legend and marks.
#ifndef FLASHRNN_EXAMPLES_SVG_PLOT_HPP_
#define FLASHRNN_EXAMPLES_SVG_PLOT_HPP_

#include <string>
#include <utility>
#include <vector>

namespace examples {

struct Series {
  std::string name;
  std::vector<std::pair<double, double>> points;  // x, y
};

struct Panel {
  std::string title, x_label, y_label;
  std::vector<Series> series;
  std::vector<std::pair<double, std::string>> marks;  // vertical lines at x, each with a text
  double y_low = 0, y_high = 1;
};

// Writes the panels in one row; throws std::runtime_error when the file cannot be written.
void write_svg(const std::string& path, const std::vector<Panel>& panels);

}  // namespace examples

#endif  // FLASHRNN_EXAMPLES_SVG_PLOT_HPP_
