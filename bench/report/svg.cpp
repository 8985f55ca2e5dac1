// SPDX-License-Identifier: Apache-2.0
// A plot without a plotting library: bars by case, one colour a competitor, in a form that prints
// well.
#include <fmt/format.h>

#include <algorithm>

#include "report.hpp"

namespace flashrnn::bench {
namespace {

constexpr int kLeft = 30, kTop = 96, kBarWidth = 620, kRight = 340;
constexpr int kBar = 16, kTitle = 22, kGap = 12;

std::string escape(const std::string& text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

std::string write(double x, double y, const std::string& text, const char* style) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" {}>{}</text>\n", x, y, style, escape(text));
}

const char* colour_of(const std::string& who) {
  if (who == "flashrnn") return "#0b6e4f";
  if (who == "oneDNN") return "#c58b00";
  if (who == "oneDNN I=1") return "#e0b84c";
  if (who == "torch loop") return "#b5473c";
  return "#8a8f98";
}

// A round step of about an eighth of the range.
double tick(double most) {
  for (const double step : {5.0, 10.0, 20.0, 25.0, 50.0, 100.0, 200.0, 500.0}) {
    if (most / step <= 10) return step;
  }
  return 1000;
}

struct Scale {
  double most = 100;
  double x(double percent) const { return kLeft + kBarWidth * percent / most; }
};

std::string axis(const Scale& scale, double bottom) {
  std::string text;
  const double step = tick(scale.most);
  for (double value = 0; value <= scale.most + 1e-9; value += step) {
    const bool peak = value == 100;
    text += fmt::format(
        "<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2:.1f}\" stroke=\"{3}\"/>\n",
        scale.x(value), kTop - 6, bottom, peak ? "#444" : "#ddd");
    text += write(scale.x(value), kTop - 12, fmt::format("{:.0f} %", value),
                  "text-anchor=\"middle\" class=\"small\"");
  }
  return text;
}

std::string bar(const Scale& scale, const Row& row, double y) {
  const double width = scale.x(row.percent()) - kLeft;
  std::string text =
      fmt::format("<rect x=\"{}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{}\" fill=\"{}\"/>\n",
                  kLeft, y, std::max(width, 1.0), kBar - 3, colour_of(row.who));
  const std::string label =
      fmt::format("{}  {:.1f} %,  {:.4g} ms,  {:.1f} GFLOP/s{}", row.who, row.percent(), row.ms(),
                  row.gflops(), row.is_trustworthy() ? "" : "  (disturbed)");
  return text + write(kLeft + std::max(width, 1.0) + 6, y + kBar - 5, label, "class=\"small\"");
}

std::string legend_text(const Report& report) {
  std::string units;
  for (const Peaks& peaks : report.peaks) {
    units += fmt::format("{}{} thread{}: fp32 {:.0f}, fp64 {:.0f} GFLOP/s",
                         units.empty() ? "" : ";  ", peaks.threads, peaks.threads == 1 ? "" : "s",
                         peaks.of("fma_fp32"), peaks.of("fma_fp64"));
  }
  return fmt::format("share of the measured FMA peak ({})", units);
}

}  // namespace

std::string svg_of(const Report& report) {
  Scale scale;
  for (const Row& row : report.rows) {
    if (row.ok()) scale.most = std::max(scale.most, row.percent());
  }
  scale.most = tick(scale.most) *
               static_cast<int>((scale.most + tick(scale.most) - 1e-9) / tick(scale.most));

  std::string bars;
  double y = kTop;
  std::string id;
  for (const Row& row : report.rows) {
    if (!row.ok()) continue;  // the table and the JSON say why
    if (row.id != id) {
      y += id.empty() ? 0 : kGap;
      id = row.id;
      bars += write(kLeft, y + kTitle - 8, title_of(row), "class=\"case\"");
      y += kTitle;
    }
    bars += bar(scale, row, y);
    y += kBar;
  }
  const double bottom = y + 6;
  y = bottom + 24;
  std::string claims;
  for (const Verdict& verdict : report.verdicts) {
    const bool is_open = !verdict.measured || !verdict.reason.empty();
    const char* style = is_open         ? "class=\"small\" fill=\"#666\""
                        : verdict.met() ? "class=\"small\" fill=\"#0b6e4f\""
                                        : "class=\"small\" fill=\"#b5473c\"";
    claims +=
        write(kLeft, y, fmt::format("{}  —  {}", verdict.claim.text, verdict_text(verdict)), style);
    y += 18;
  }
  std::string text = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1:.0f}\" "
      "viewBox=\"0 0 {0} {1:.0f}\" font-family=\"sans-serif\" font-size=\"13\">\n"
      "<style>.small{{font-size:11px}} .case{{font-weight:bold;font-size:12px}} "
      ".title{{font-weight:bold;font-size:17px}}</style>\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
      kLeft + kBarWidth + kRight, y + 12);
  text +=
      write(kLeft, 28, fmt::format("FlashRNN {} on {}", report.library_version, report.cpu_model),
            "class=\"title\"");
  text += write(kLeft, 50, legend_text(report), "class=\"small\"");
  text += write(kLeft, 66,
                fmt::format("clock: {}; {} of each row; {}, commit {}, {}", report.clock,
                            report.statistic, report.date, report.git_commit, report.compiler),
                "class=\"small\"");
  return text + axis(scale, bottom) + bars + claims + "</svg>\n";
}

}  // namespace flashrnn::bench
