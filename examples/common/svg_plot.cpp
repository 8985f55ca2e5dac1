// SPDX-License-Identifier: Apache-2.0
#include "svg_plot.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <stdexcept>

namespace examples {
namespace {

constexpr double kWidth = 560, kHeight = 400;                       // of one panel
constexpr double kLeft = 64, kRight = 20, kTop = 44, kBottom = 56;  // around its axes
// The colours of Okabe & Ito, which people with colour blindness can tell apart.
constexpr const char* kColours[] = {"#0072b2", "#d55e00", "#009e73",
                                    "#cc79a7", "#e69f00", "#56b4e9"};

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

std::string escaped(const std::string& text) {
  std::string result;
  for (char c : text) {
    if (c == '&')
      result += "&amp;";
    else if (c == '<')
      result += "&lt;";
    else
      result += c;
  }
  return result;
}

// 1, 2 or 5 times a power of ten, so that a range has about six ticks.
double tick_step(double range) {
  const double power = std::pow(10, std::floor(std::log10(range / 6)));
  for (double factor : {1.0, 2.0, 5.0})
    if (range / (factor * power) <= 6) return factor * power;
  return 10 * power;
}

class Drawing {
 public:
  Drawing(const Panel& panel, double offset) : panel_(panel), offset_(offset) {
    x_low_ = x_high_ = 0;
    for (const Series& s : panel.series)
      for (const auto& [x, y] : s.points) x_high_ = std::max(x_high_, x);
    if (x_high_ == x_low_) x_high_ = 1;
  }

  std::string draw() {
    text(offset_ + kWidth / 2, 24, panel_.title, "middle", "font-weight='bold' font-size='15'");
    axes();
    marks();
    for (std::size_t n = 0; n < panel_.series.size(); ++n) curve(panel_.series[n], style(n));
    legend();
    return svg_;
  }

 private:
  // Every second curve is dashed: two that lie on each other can both be seen.
  static std::string style(std::size_t n) {
    return std::string("stroke='") + kColours[n % std::size(kColours)] +
           (n % 2 == 1 ? "' stroke-dasharray='7 4'" : "'");
  }
  double x(double value) const {
    return offset_ + kLeft + (value - x_low_) / (x_high_ - x_low_) * (kWidth - kLeft - kRight);
  }
  double y(double value) const {
    const double part = (value - panel_.y_low) / (panel_.y_high - panel_.y_low);
    return kHeight - kBottom - part * (kHeight - kTop - kBottom);
  }
  void line(double x1, double y1, double x2, double y2, const std::string& style) {
    svg_ += "<line x1='" + number(x1) + "' y1='" + number(y1) + "' x2='" + number(x2) + "' y2='" +
            number(y2) + "' " + style + "/>\n";
  }
  void text(double at_x, double at_y, const std::string& words, const char* anchor,
            const std::string& style = "") {
    svg_ += "<text x='" + number(at_x) + "' y='" + number(at_y) + "' text-anchor='" + anchor +
            "' " + style + ">" + escaped(words) + "</text>\n";
  }

  void axes() {
    const double x_step = tick_step(x_high_ - x_low_);
    for (int n = 0; x_low_ + n * x_step <= x_high_ + 1e-9 * x_step; ++n) {
      const double v = x_low_ + n * x_step;
      line(x(v), y(panel_.y_low), x(v), y(panel_.y_low) + 5, "stroke='#333'");
      text(x(v), y(panel_.y_low) + 20, number(v), "middle");
    }
    const double y_step = tick_step(panel_.y_high - panel_.y_low);
    for (int n = 0; panel_.y_low + n * y_step <= panel_.y_high + 1e-9 * y_step; ++n) {
      const double v = panel_.y_low + n * y_step;
      line(x(x_low_), y(v), x(x_high_), y(v), "stroke='#ddd'");
      text(x(x_low_) - 8, y(v) + 4, number(v), "end");
    }
    line(x(x_low_), y(panel_.y_low), x(x_high_), y(panel_.y_low), "stroke='#333'");
    line(x(x_low_), y(panel_.y_low), x(x_low_), y(panel_.y_high), "stroke='#333'");
    text((x(x_low_) + x(x_high_)) / 2, kHeight - 14, panel_.x_label, "middle");
    const double middle = (y(panel_.y_low) + y(panel_.y_high)) / 2;
    text(offset_ + 16, middle, panel_.y_label, "middle",
         "transform='rotate(-90 " + number(offset_ + 16) + " " + number(middle) + ")'");
  }

  void marks() {
    for (const auto& [at, words] : panel_.marks) {
      line(x(at), y(panel_.y_low), x(at), y(panel_.y_high), "stroke='#666' stroke-dasharray='5 4'");
      text(x(at) + 6, y(panel_.y_low) - 10, words, "start", "fill='#555'");
    }
  }

  void curve(const Series& series, const std::string& style) {
    svg_ += "<polyline fill='none' stroke-width='2' " + style + " points='";
    for (const auto& [px, py] : series.points)
      svg_ += number(x(px)) + "," + number(y(std::clamp(py, panel_.y_low, panel_.y_high))) + " ";
    svg_ += "'/>\n";
  }

  // In the lower right corner of the axes: curves that rise to 1 leave it free.
  void legend() {
    std::size_t longest = 0;
    for (const Series& s : panel_.series) longest = std::max(longest, s.name.size());
    const double width = 44 + 7.5 * static_cast<double>(longest);
    const double height = 10 + 20 * static_cast<double>(panel_.series.size());
    const double left = x(x_high_) - width - 10, top = y(panel_.y_low) - height - 32;
    svg_ += "<rect x='" + number(left) + "' y='" + number(top) + "' width='" + number(width) +
            "' height='" + number(height) + "' fill='white' fill-opacity='0.85' stroke='#bbb'/>\n";
    for (std::size_t n = 0; n < panel_.series.size(); ++n) {
      const double middle = top + 15 + 20 * static_cast<double>(n);
      line(left + 8, middle, left + 30, middle, "stroke-width='3' " + style(n));
      text(left + 36, middle + 4, panel_.series[n].name, "start");
    }
  }

  const Panel& panel_;
  double offset_, x_low_, x_high_;
  std::string svg_;
};

}  // namespace

void write_svg(const std::string& path, const std::vector<Panel>& panels) {
  const double width = kWidth * static_cast<double>(panels.size());
  std::string svg = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 " + number(width) + " " +
                    number(kHeight) + "' width='" + number(width) + "' height='" + number(kHeight) +
                    "' font-family='sans-serif' font-size='12'>\n<rect width='100%' height='100%' "
                    "fill='white'/>\n";
  for (std::size_t n = 0; n < panels.size(); ++n)
    svg += Drawing(panels[n], kWidth * static_cast<double>(n)).draw();
  svg += "</svg>\n";
  std::ofstream file(path);
  file << svg;
  file.close();
  if (!file) throw std::runtime_error("cannot write " + path);
}

}  // namespace examples
