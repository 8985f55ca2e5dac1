// SPDX-License-Identifier: Apache-2.0
// Whether the rows show what the claims say.
#include <fmt/format.h>

#include "row.hpp"

namespace flashrnn::bench {

const Row* find_row(const std::vector<Row>& rows, const std::string& id, const std::string& who) {
  for (const Row& row : rows) {
    if (row.id == id && row.who == who) return &row;
  }
  return nullptr;
}

namespace {

// nullptr with the reason, or a row with figures.
const Row* measured_row(const std::vector<Row>& rows, const std::string& id, const std::string& who,
                        std::string& reason) {
  const Row* row = find_row(rows, id, who);
  if (!row) {
    reason = fmt::format("{} did not run {}", who, id);
  } else if (!row->ok()) {
    reason = fmt::format("{} at {}: {}", who, id, row->failure);
  } else {
    return row;
  }
  return nullptr;
}

// Other processes on the cores make a row slower than it is: no ground for a verdict.
std::string disturbance(const Row& row) {
  if (row.is_trustworthy()) return "";
  return fmt::format("{} had {:.0f} % of its cores at {}", row.who,
                     100 * row.timing.cpu_ms / (row.timing.ms * row.threads), row.id);
}

}  // namespace

std::vector<Verdict> judge(const std::vector<Claim>& claims, const std::vector<Row>& rows) {
  std::vector<Verdict> verdicts;
  for (const Claim& claim : claims) {
    Verdict& verdict = verdicts.emplace_back();
    verdict.claim = claim;
    if (!claim.condition.empty()) {
      verdict.reason = claim.condition;
      continue;
    }
    const Row* row = measured_row(rows, claim.id, claim.who, verdict.reason);
    if (!row) continue;
    verdict.reason = disturbance(*row);
    double unit = 0.01 * row->peak_gflops;  // of the claim's figure, in GFLOP/s
    if (claim.kind == Claim::Kind::kSpeedRatio) {
      const Row* base = measured_row(rows, claim.base_id, claim.base_who, verdict.reason);
      if (!base) continue;
      if (verdict.reason.empty()) verdict.reason = disturbance(*base);
      unit = base->gflops();
    }
    if (unit > 0) verdict.measured = row->gflops() / unit;
    if (row->floor_us > 0)
      verdict.standing = Standing{row->gflops(), claim.target * unit, row->floor_gflops()};
  }
  return verdicts;
}

}  // namespace flashrnn::bench
