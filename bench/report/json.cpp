// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "report.hpp"

namespace flashrnn::bench {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const Peaks& peaks) {
  Json units = Json::array();
  for (const Peak& peak : peaks.units) {
    units.push_back(
        {{"unit", peak.unit}, {"instruction", peak.instruction}, {"gflops", peak.gflops}});
  }
  Json json = {{"threads", peaks.threads}, {"units", units}, {"copy_gbs", peaks.copy_gbs}};
  if (const SigmoidRates& rates = peaks.sigmoid; rates.best() > 0) {
    json["sigmoid"] = {{"instruction", rates.instruction},
                       {"alone_per_ns", rates.alone},
                       {"beside_multiply_adds_per_ns", rates.beside}};
  }
  return json;
}

Json to_json(const Row& row) {
  Json json = {{"id", row.id},
               {"who", row.who},
               {"problem", row.problem_text},
               {"call", call_name(row.call)},
               {"threads", row.threads}};
  if (!row.ok()) {
    json["failure"] = row.failure;
    return json;
  }
  json["backend"] = row.backend;
  json["kernel"] = row.kernel;
  json["config"] = row.config;
  json["ms"] = row.ms();
  json["wall"] = {
      {"median_ms", row.timing.ms},    {"p10_ms", row.timing.ms_low},
      {"p90_ms", row.timing.ms_high},  {"best_ms", row.timing.ms_best},
      {"samples", row.timing.samples}, {"calls_per_sample", row.timing.calls_per_sample}};
  json["cpu_median_ms"] = row.timing.cpu_ms;
  json["cpu_best_ms"] = row.timing.cpu_ms_best;
  json["clock"] = row.use_cpu_clock ? "cpu" : "wall";
  json["disturbed"] = row.disturbed();
  json["flops"] = row.flops;
  json["bytes"] = row.bytes;
  json["gflops"] = row.gflops();
  json["gbs"] = row.gbs();
  json["fma_peak_gflops"] = row.peak_gflops;
  json["percent_of_fma_peak"] = row.percent();
  json["unit"] = row.unit;
  json["unit_peak_gflops"] = row.unit_gflops;
  if (row.predicted_us > 0) json["predicted_us"] = row.predicted_us;
  if (row.floor_us > 0) json["floor_us"] = row.floor_us;
  if (row.floor_in_turn_us > 0) json["floor_in_turn_us"] = row.floor_in_turn_us;
  if (row.error) json["error"] = *row.error;
  if (!row.note.empty()) json["note"] = row.note;
  return json;
}

Json to_json(const Verdict& verdict) {
  Json json = {{"claim", verdict.claim.text}, {"target", verdict.claim.target}};
  if (verdict.measured) {
    json["measured"] = *verdict.measured;
    json["verdict"] = !verdict.reason.empty() ? "undecided" : verdict.met() ? "met" : "missed";
    if (!verdict.reason.empty()) json["reason"] = verdict.reason;
  } else {
    json["not_measured"] = verdict.reason;
  }
  if (verdict.standing) {
    json["gflops"] = verdict.standing->gflops;
    json["needed_gflops"] = verdict.standing->needed_gflops;
    json["floor_gflops"] = verdict.standing->floor_gflops;
    json["beyond_floor"] = verdict.standing->is_beyond();
  }
  return json;
}

// What holds of the whole run.
Json head_of(const Report& report, const char* format) {
  Json json = {{"format", format},
               {"date", report.date},
               {"library_version", report.library_version},
               {"git_commit", report.git_commit},
               {"compiler", report.compiler},
               {"cpu_model", report.cpu_model},
               {"cores", report.cores},
               {"device", report.backend_name},
               {"clock", report.clock},
               {"statistic", report.statistic}};
  if (!report.driver.empty()) json["driver"] = report.driver;
  return json;
}

Json to_json(const TunedProblem& problem) {
  Json json = {{"problem", problem.id}, {"configs", Json::array()}};
  for (const TunedConfig& entry : problem.configs) {
    Json one = {{"config", entry.row.config},
                {"model_rank", entry.predicted_rank},
                {"predicted_us", entry.predicted_us}};
    if (entry.row.ok()) {
      one["ms"] = entry.row.ms();
    } else {
      one["failure"] = entry.row.failure;
    }
    json["configs"].push_back(one);
  }
  return json;
}

}  // namespace

std::string json_of(const Report& report) {
  Json json = head_of(report, "flashrnn-bench 1");
  for (const Peaks& peaks : report.peaks) json["machine"].push_back(to_json(peaks));
  json["peers"] = Json::array();
  for (const PeerStatus& peer : report.peers) {
    Json entry = {{"name", peer.name}, {"version", peer.version}};
    if (!peer.missing.empty()) entry["missing"] = peer.missing;
    json["peers"].push_back(entry);
  }
  json["rows"] = Json::array();
  for (const Row& row : report.rows) json["rows"].push_back(to_json(row));
  json["claims"] = Json::array();
  for (const Verdict& verdict : report.verdicts) json["claims"].push_back(to_json(verdict));
  return json.dump(1) + "\n";
}

std::string json_of(const Report& report, const std::vector<TunedProblem>& tuned) {
  Json json = head_of(report, "flashrnn-bench tune 2");
  json["problems"] = Json::array();
  for (const TunedProblem& problem : tuned) json["problems"].push_back(to_json(problem));
  return json.dump(1) + "\n";
}

}  // namespace flashrnn::bench
