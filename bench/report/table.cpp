// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "report.hpp"

namespace flashrnn::bench {

using problem_text::cell_of;
using problem_text::dtype_name;
using problem_text::mode_name;

std::string title_of(const Row& row) {
  const Problem& p = row.problem;
  std::string extra;
  // What the canonical text says beyond shape, dtype, mode and threads.
  const std::string text = print(p);
  size_t comma = 0;
  for (int i = 0; i < 6 && comma != std::string::npos; ++i) comma = text.find(',', comma + 1);
  if (comma != std::string::npos) extra = text.substr(comma);
  if (const size_t at = extra.find(",threads="); at != std::string::npos) {
    extra.erase(at, extra.find(',', at + 1) - at);
  }
  return fmt::format("{} {}x{} B{} T{} {} {}{} {}, {} thread{}", cell_of(p).name, p.head_dim,
                     p.heads, p.batch, p.time, dtype_name(p.dtype), mode_name(p.mode), extra,
                     call_name(row.call), row.threads, row.threads == 1 ? "" : "s");
}

namespace {

std::string standing_text(const Standing& s) {
  return fmt::format(
      "the claim needs {:.1f} GFLOP/s, {}, of which ours has {:.0f} %", s.needed_gflops,
      s.is_beyond() ? fmt::format("beyond the floor's {:.1f}", s.floor_gflops)
                    : fmt::format("{:.0f} % of the floor's {:.1f}",
                                  100 * s.needed_gflops / s.floor_gflops, s.floor_gflops),
      100 * s.gflops / s.floor_gflops);
}

}  // namespace

std::string verdict_text(const Verdict& verdict) {
  if (!verdict.measured) return "not measured: " + verdict.reason;
  const bool percent = verdict.claim.kind == Claim::Kind::kPercentOfPeak;
  const std::string figure = percent ? fmt::format("{:.1f} %", *verdict.measured)
                                     : fmt::format("{:.2f} times", *verdict.measured);
  if (!verdict.reason.empty()) return fmt::format("undecided: {}, but {}", figure, verdict.reason);
  if (verdict.met()) return "met: " + figure;
  return "missed: " + figure + (verdict.standing ? "; " + standing_text(*verdict.standing) : "");
}

namespace {

std::string line(const Row& row, const Row* ours) {
  if (!row.ok()) return fmt::format("  {:<12} {}\n", row.who, row.failure);
  std::string text =
      fmt::format("  {:<12} {:>10.3f} {:>5.0f} {:>9.2f} {:>7.1f} {:>7}", row.who, row.ms(),
                  100 * (row.timing.ms_high / row.timing.ms_low - 1), row.gflops(), row.percent(),
                  row.bytes > 0 ? fmt::format("{:.1f}", row.gbs()) : "");
  text += ours && ours->ok() && ours != &row
              ? fmt::format(" {:>7.2f}", ours->gflops() / row.gflops())
              : fmt::format(" {:>7}", "");
  if (row.floor_us > 0) text += fmt::format("  {:.2f} x floor", 1e3 * row.ms() / row.floor_us);
  if (row.floor_in_turn_us > row.floor_us)
    text += fmt::format(" ({:.2f} in turn)", 1e3 * row.ms() / row.floor_in_turn_us);
  if (row.error) text += fmt::format("  error {:.1e}", *row.error);
  if (!row.kernel.empty()) text += "  " + row.kernel;
  if (!row.config.empty()) text += fmt::format(" [{}]", row.config);
  if (!row.note.empty()) text += fmt::format("  ({})", row.note);
  if (!row.is_trustworthy()) text += "  DISTURBED";
  return text + "\n";
}

}  // namespace

std::string table_of(const Report& report) {
  std::string text = fmt::format("flashrnn {} ({}), {}, {}\n", report.library_version,
                                 report.git_commit, report.cpu_model, report.date);
  for (const Peaks& peaks : report.peaks) {
    text += fmt::format("measured on {} thread{}:", peaks.threads, peaks.threads == 1 ? "" : "s");
    for (const Peak& peak : peaks.units) {
      text += fmt::format(" {} {:.0f} GFLOP/s ({}),", peak.unit, peak.gflops, peak.instruction);
    }
    if (const SigmoidRates& rates = peaks.sigmoid; rates.best() > 0) {
      text += fmt::format(" sigmoid {:.2f} G/s alone, {:.2f} beside multiply-adds ({}),",
                          rates.alone, rates.beside, rates.instruction);
    }
    text += fmt::format(" copy {:.1f} GB/s\n", peaks.copy_gbs);
  }
  text += fmt::format("clock: {}; {} of each row\n\n", report.clock, report.statistic);
  text += fmt::format("  {:<12} {:>10} {:>5} {:>9} {:>7} {:>7} {:>7}\n", "who", "ms", "±%",
                      "GFLOP/s", "% peak", "GB/s", "ours is");
  std::string id;
  for (const Row& row : report.rows) {
    if (row.id != id) text += title_of(row) + "\n";
    id = row.id;
    text += line(row, find_row(report.rows, row.id, "flashrnn"));
  }
  for (const PeerStatus& peer : report.peers) {
    if (!peer.missing.empty()) text += fmt::format("\n{}: {}", peer.name, peer.missing);
  }
  if (!report.verdicts.empty()) text += "\nclaims\n";
  for (const Verdict& verdict : report.verdicts) {
    text += fmt::format("  {:<75} {}\n", verdict.claim.text, verdict_text(verdict));
  }
  return text;
}

std::string table_of(const TunedProblem& problem) {
  const std::vector<TunedConfig>& tuned = problem.configs;
  std::string text = fmt::format("{}\n  {:>4} {:>10} {:>10} {:>12}  config\n", problem.id, "rank",
                                 "ms", "model rank", "predicted ms");
  int rank = 0;
  for (const TunedConfig& entry : tuned) {
    ++rank;
    if (!entry.row.ok()) {
      text += fmt::format("     - {} [{}]\n", entry.row.failure, entry.row.config);
      continue;
    }
    text += fmt::format("  {:>4} {:>10.3f} {:>10} {:>12.3f}  {}\n", rank, entry.row.ms(),
                        entry.predicted_rank, 1e-3 * entry.predicted_us, entry.row.config);
  }
  const auto choice = std::find_if(tuned.begin(), tuned.end(),
                                   [](const TunedConfig& t) { return t.predicted_rank == 1; });
  if (choice != tuned.end() && choice->row.ok() && tuned.front().row.ok()) {
    text += fmt::format("the model's choice takes {:.3f} times as long as the fastest\n",
                        choice->row.ms() / tuned.front().row.ms());
  }
  return text;
}

}  // namespace flashrnn::bench
