// The plot, written as SVG by hand: two panels side by side over one time axis, a legend beneath.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "report.hpp"

namespace bench {
namespace {

constexpr double kWidth = 1240;
constexpr double kPanelTop = 60;
constexpr double kPanelHeight = 430;
constexpr double kPanelBottom = kPanelTop + kPanelHeight;
constexpr double kNamesHeight = 185;  // below the axis, for the cases' slanted names
constexpr std::size_t kLegendColumns = 5;
constexpr double kLegendLine = 22;
constexpr double kLegendTop = kPanelBottom + kNamesHeight + 20;

struct Series {
  std::string solver;
  Task task;
  std::string label;
  std::string colour;
  int shape;
};

// Colours that stay apart for readers who do not see red and green apart (Okabe and Ito's set).
constexpr std::array<const char*, 9> kColours = {"#000000", "#D55E00", "#0072B2",
                                                 "#009E73", "#CC79A7", "#E69F00",
                                                 "#56B4E9", "#7F7F7F", "#8C564B"};

std::vector<Series> MakeSeries(const Report& report) {
  std::vector<Series> series;
  for (const auto& [name, version] : report.solvers) {
    const bool lists = std::ranges::any_of(report.cases, [&](const CaseReport& c) {
      const Outcome* outcome = c.Find(name, Task::kList);
      return outcome != nullptr && outcome->status != Status::kMissing;
    });
    if (!lists) continue;
    const std::size_t i = series.size();
    series.push_back(
        {name, Task::kList, name, kColours[i % kColours.size()], static_cast<int>(i % 4)});
    if (name == "constrint") {
      series.push_back(
          {name, Task::kCount, "constrint, counting only", kColours[(i + 1) % kColours.size()], 3});
    }
  }
  return series;
}

struct Panel {
  std::string title;
  std::string axis;
  double left = 0;
  double right = 0;
  std::vector<const CaseReport*> cases;  // ascending by size
  std::vector<double> x;                 // of each case
};

struct TimeAxis {
  int low = -6;  // powers of ten of seconds
  int high = 2;
  double Y(double seconds) const {
    const double at = (std::log10(std::max(seconds, 1e-9)) - low) / (high - low);
    return kPanelBottom - std::clamp(at, 0.0, 1.0) * kPanelHeight;
  }
};

std::string Text(double x, double y, const std::string& text, const std::string& attributes) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" {}>{}</text>\n", x, y, attributes, text);
}

std::string Line(double x1, double y1, double x2, double y2, const std::string& attributes) {
  return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" {}/>\n", x1, y1,
                     x2, y2, attributes);
}

// Hollow marks stand for a time limit that was met: the true time lies above.
std::string Mark(double x, double y, const Series& series, bool hollow) {
  const std::string paint = fmt::format("fill=\"{}\" stroke=\"{}\" stroke-width=\"1.5\"",
                                        hollow ? "#ffffff" : series.colour, series.colour);
  switch (series.shape) {
    case 0:
      return fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\" {}/>\n", x, y, paint);
    case 1:
      return fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"8\" height=\"8\" {}/>\n", x - 4,
                         y - 4, paint);
    case 2:
      return fmt::format("<path d=\"M{:.1f} {:.1f}l5 9h-10z\" {}/>\n", x, y - 6, paint);
    default:
      return fmt::format("<path d=\"M{:.1f} {:.1f}l5 5l-5 5l-5 -5z\" {}/>\n", x, y - 5, paint);
  }
}

// "10 ms" for -2.
std::string TimeLabel(int power) {
  const int unit = power >= 0 ? 0 : (power - 2) / 3;  // 0: s, -1: ms, -2: us, -3: ns
  constexpr std::array<const char*, 4> kUnits = {"s", "ms", "µs", "ns"};
  return fmt::format("{:g} {}", std::pow(10.0, power - 3 * unit),
                     kUnits[static_cast<std::size_t>(-unit)]);
}

std::string SizeLabel(double size) { return fmt::format("{:.0e}", size); }

// Where a run that met the limit is drawn: above the limit's line, each solver at its own height.
double LimitY(const TimeAxis& axis, double limit_s, int index) {
  return axis.Y(limit_s) - 9 - 9 * index;
}

void PlaceByLogSize(Panel& panel) {
  const double low = std::floor(std::log10(panel.cases.front()->cartesian));
  const double high = std::max(std::ceil(std::log10(panel.cases.back()->cartesian)), low + 1);
  for (const CaseReport* c : panel.cases) {
    const double at = (std::log10(c->cartesian) - low) / (high - low);
    panel.x.push_back(panel.left + at * (panel.right - panel.left));
  }
}

// Many wide models have the very same size, so they stand side by side, smallest first.
void PlaceEvenly(Panel& panel) {
  const double step = (panel.right - panel.left) / static_cast<double>(panel.cases.size());
  for (std::size_t i = 0; i < panel.cases.size(); ++i) {
    panel.x.push_back(panel.left + step * (static_cast<double>(i) + 0.5));
  }
}

std::string Frame(const Panel& panel, const TimeAxis& axis, double limit_s) {
  std::string svg;
  for (int power = axis.low; power <= axis.high; ++power) {
    const double y = axis.Y(std::pow(10.0, power));
    svg += Line(panel.left, y, panel.right, y, "stroke=\"#e4e4e4\"");
    svg += Text(panel.left - 8, y + 4, TimeLabel(power), "text-anchor=\"end\"");
  }
  const double limit = axis.Y(limit_s);
  svg += Line(panel.left, limit, panel.right, limit, "stroke=\"#999999\" stroke-dasharray=\"5 4\"");
  svg += Text(panel.right - 4, limit + 13, fmt::format("limit {:g} s", limit_s),
              "text-anchor=\"end\" fill=\"#666666\" font-size=\"11\"");
  svg += fmt::format(
      "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"none\" "
      "stroke=\"#444444\"/>\n",
      panel.left, kPanelTop, panel.right - panel.left, kPanelHeight);
  svg += Text((panel.left + panel.right) / 2, kPanelTop - 14, panel.title,
              "text-anchor=\"middle\" font-size=\"14\" font-weight=\"bold\"");
  svg += Text((panel.left + panel.right) / 2, kPanelBottom + kNamesHeight - 2, panel.axis,
              "text-anchor=\"middle\"");
  // Names hang from the axis; those that would overlap are moved along and tied to their place.
  double last = panel.left - 100;
  for (std::size_t i = 0; i < panel.cases.size(); ++i) {
    const double at = std::max(panel.x[i], last + 15);
    last = at;
    svg += Line(panel.x[i], kPanelBottom, at, kPanelBottom + 12, "stroke=\"#888888\"");
    const CaseReport& c = *panel.cases[i];
    svg += Text(at + 3, kPanelBottom + 20, fmt::format("{} ({})", c.name, SizeLabel(c.cartesian)),
                fmt::format("text-anchor=\"end\" font-size=\"11\" transform=\"rotate(-50 {:.1f} "
                            "{:.1f})\"",
                            at + 3, kPanelBottom + 20));
  }
  return svg;
}

std::string Curve(const Panel& panel, const TimeAxis& axis, const Series& series, int level,
                  double limit_s) {
  std::string path;
  std::string marks;
  bool gap = true;  // the line does not cross cases that were not solved
  for (std::size_t i = 0; i < panel.cases.size(); ++i) {
    const Outcome* outcome = panel.cases[i]->Find(series.solver, series.task);
    const bool solved = outcome != nullptr && outcome->status == Status::kOk;
    const bool timeout = outcome != nullptr && outcome->status == Status::kTimeout;
    if (timeout) marks += Mark(panel.x[i], LimitY(axis, limit_s, level), series, true);
    if (solved) {
      const double y = axis.Y(outcome->seconds);
      path += fmt::format("{}{:.1f} {:.1f}", gap ? "M" : "L", panel.x[i], y);
      marks += Mark(panel.x[i], y, series, false);
    }
    gap = !solved;
  }
  return fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-opacity=\"0.55\"/>\n", path,
                     series.colour) +
         marks;
}

// For every series the height at which it stands when stopped; only those that ever are get one.
std::vector<int> LimitLevels(const Panel& panel, const std::vector<Series>& all) {
  std::vector<int> levels;
  int next = 0;
  for (const Series& series : all) {
    const bool stopped = std::ranges::any_of(panel.cases, [&](const CaseReport* c) {
      const Outcome* outcome = c->Find(series.solver, series.task);
      return outcome != nullptr && outcome->status == Status::kTimeout;
    });
    levels.push_back(stopped ? next++ : 0);
  }
  return levels;
}

std::string Legend(const std::vector<Series>& all) {
  std::string svg;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::size_t line = i / kLegendColumns;
    const double x = 80 + 230 * static_cast<double>(i % kLegendColumns);
    const double y = kLegendTop + kLegendLine * static_cast<double>(line);
    svg += Line(x - 12, y, x + 12, y, fmt::format("stroke=\"{}\"", all[i].colour));
    svg += Mark(x, y, all[i], false);
    svg += Text(x + 20, y + 4, all[i].label, "");
  }
  return svg;
}

Panel MakePanel(const Report& report, const std::string& group, double left, double right) {
  Panel panel;
  panel.left = left;
  panel.right = right;
  for (const CaseReport& c : report.cases) {
    if (c.group == group) panel.cases.push_back(&c);
  }
  std::ranges::stable_sort(panel.cases, {}, [](const CaseReport* c) { return c->cartesian; });
  return panel;
}

}  // namespace

std::string Plot(const Report& report) {
  Panel spaces = MakePanel(report, "space", 75, 610);
  spaces.title = "Auto-tuning spaces";
  spaces.axis = "combinations without the rules (logarithmic)";
  Panel wide = MakePanel(report, "wide", 685, kWidth - 20);
  wide.title = "Wide domains: products and divisibility";
  wide.axis = "combinations without the rules (ascending)";
  TimeAxis axis;
  // Room above the limit for the marks of what was stopped there.
  axis.high = static_cast<int>(std::ceil(std::log10(report.limit_s))) + 1;
  const std::vector<Series> series = MakeSeries(report);
  const std::size_t lines = (series.size() + kLegendColumns - 1) / kLegendColumns;
  const double height = kLegendTop + kLegendLine * static_cast<double>(lines) + 40;

  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:g} {1:g}\" width=\"{0:g}\" "
      "height=\"{1:g}\" font-family=\"sans-serif\" font-size=\"12\">\n"
      "<rect width=\"{0:g}\" height=\"{1:g}\" fill=\"#ffffff\"/>\n",
      kWidth, height);
  svg += Text(kWidth / 2, 22, "Time to find all solutions",
              "text-anchor=\"middle\" font-size=\"17\" font-weight=\"bold\"");
  svg += Text(20, kPanelTop + kPanelHeight / 2, report.clock + " (logarithmic)",
              fmt::format("text-anchor=\"middle\" transform=\"rotate(-90 20 {:g})\"",
                          kPanelTop + kPanelHeight / 2));
  for (Panel* panel : {&spaces, &wide}) {
    if (panel->cases.empty()) continue;
    panel == &spaces ? PlaceByLogSize(*panel) : PlaceEvenly(*panel);
    svg += Frame(*panel, axis, report.limit_s);
    const std::vector<int> levels = LimitLevels(*panel, series);
    for (std::size_t i = 0; i < series.size(); ++i) {
      svg += Curve(*panel, axis, series[i], levels[i], report.limit_s);
    }
  }
  svg += Legend(series);
  svg += Text(kWidth / 2, height - 10,
              fmt::format("{} · {} · commit {} · hollow marks: stopped at the limit", report.cpu,
                          report.date, report.commit),
              "text-anchor=\"middle\" font-size=\"11\" fill=\"#666666\"");
  return svg + "</svg>\n";
}

}  // namespace bench
