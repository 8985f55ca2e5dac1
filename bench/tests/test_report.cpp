// SPDX-License-Identifier: Apache-2.0
// Rows, claims and the three forms of a report.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "report.hpp"
#include "suites.hpp"

namespace flashrnn::bench {
namespace {

Row row_of(const std::string& id, const std::string& who, double ms) {
  Row row;
  row.id = id;
  row.who = who;
  row.problem = problem_text::parse("lstm:b16,t256,n12,d64,infer,threads=1");
  row.problem_text = print(row.problem);
  row.flops = flops_of(row.problem, row.call);
  row.timing.ms = row.timing.cpu_ms = row.timing.ms_low = row.timing.ms_high = ms;
  row.peak_gflops = 200;
  return row;
}

Report report_of() {
  Report report;
  report.cpu_model = "A <CPU> & \"more\"";
  report.driver = "580.1";
  report.peaks.push_back({1, {{"fma_fp32", "X", 200}}, {"Y", 3, 2.5}, 10});
  report.peers.push_back({"oneDNN", "", "not built"});
  report.rows = {row_of("a", "flashrnn", 10), row_of("a", "torch loop", 50),
                 row_of("b", "flashrnn", 1)};
  report.rows[2].failure = "refused because";
  Claim share;
  share.text = "share";
  share.id = "a";
  share.target = 55;
  Claim ratio = share;
  ratio.text = "ratio";
  ratio.kind = Claim::Kind::kSpeedRatio;
  ratio.base_id = "a";
  ratio.base_who = "torch loop";
  ratio.target = 6;
  Claim failed = share;
  failed.id = "b";
  Claim absent = ratio;
  absent.base_who = "oneDNN";
  Claim elsewhere = share;
  elsewhere.condition = "no such unit";
  report.verdicts = judge({share, ratio, failed, absent, elsewhere}, report.rows);
  return report;
}

TEST(Claims, AreMetMissedOrNotMeasuredWithTheReason) {
  const std::vector<Verdict> verdicts = report_of().verdicts;
  ASSERT_EQ(verdicts.size(), 5u);
  EXPECT_NEAR(*verdicts[0].measured, 80.5, 0.1);
  EXPECT_TRUE(verdicts[0].met());
  EXPECT_DOUBLE_EQ(*verdicts[1].measured, 5.0);
  EXPECT_FALSE(verdicts[1].met());
  EXPECT_FALSE(verdicts[2].measured);
  EXPECT_EQ(verdicts[2].reason, "flashrnn at b: refused because");
  EXPECT_EQ(verdicts[3].reason, "oneDNN did not run a");
  EXPECT_EQ(verdicts[4].reason, "no such unit");
  for (const Verdict& verdict : verdicts)
    EXPECT_EQ(verdict.met(), verdict_text(verdict).starts_with("met"));
}

TEST(Report, TableShowsRatiosFailuresAndMissingPeers) {
  const std::string text = table_of(report_of());
  for (const char* part : {"lstm 64x12 B16 T256 fp32 infer forward, 1 thread", "refused because",
                           "oneDNN: not built", "5.00", "met: 80.5 %", "missed: 5.00 times",
                           "sigmoid 3.00 G/s alone, 2.50 beside multiply-adds (Y)"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " is not in\n" << text;
  }
}

TEST(Report, TableShowsBothFloorsWhereTheyDiffer) {
  Report report = report_of();
  report.rows[0].floor_us = 8000;
  report.rows[0].floor_in_turn_us = 8000;
  EXPECT_NE(table_of(report).find("1.25 x floor"), std::string::npos);
  EXPECT_EQ(table_of(report).find("in turn"), std::string::npos);
  report.rows[0].floor_in_turn_us = 9000;
  EXPECT_NE(table_of(report).find("1.25 x floor (1.11 in turn)"), std::string::npos)
      << table_of(report);
}

TEST(Report, JsonHoldsEveryRow) {
  const nlohmann::json json = nlohmann::json::parse(json_of(report_of()));
  EXPECT_EQ(json["driver"], "580.1");
  EXPECT_EQ(json["rows"].size(), 3u);
  EXPECT_EQ(json["rows"][2]["failure"], "refused because");
  EXPECT_NEAR(json["rows"][0]["percent_of_fma_peak"].get<double>(), 80.5, 0.1);
  EXPECT_EQ(json["claims"].size(), 5u);
  EXPECT_EQ(json["machine"][0]["sigmoid"]["alone_per_ns"], 3.0);
  EXPECT_EQ(json["peers"][0]["missing"], "not built");
}

TEST(Report, SvgEscapesAndBalances) {
  const std::string svg = svg_of(report_of());
  EXPECT_NE(svg.find("A &lt;CPU&gt; &amp; &quot;more&quot;"), std::string::npos);
  EXPECT_EQ(svg.find("<CPU>"), std::string::npos);
  EXPECT_TRUE(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
}

TEST(Claims, AreUndecidedWhereOtherProcessesTookPart) {
  Report report = report_of();
  report.rows[0].timing.cpu_ms = 5;
  const Verdict verdict = judge({report.verdicts[0].claim}, report.rows)[0];
  EXPECT_FALSE(verdict.met());
  EXPECT_EQ(verdict_text(verdict), "undecided: 80.5 %, but flashrnn had 50 % of its cores at a");
}

TEST(Row, SaysWhenOtherProcessesTookTheCore) {
  Row row = row_of("a", "flashrnn", 10);
  EXPECT_FALSE(row.disturbed());
  row.timing.cpu_ms = 5;
  EXPECT_TRUE(row.disturbed());
  row.backend = "cuda";
  EXPECT_FALSE(row.disturbed()) << "a GPU needs no core";
  EXPECT_EQ(row.ms(), 10);
  row.use_cpu_clock = true;
  EXPECT_EQ(row.ms(), 5);
}

TEST(Suites, ParseAndHoldTheRowsThatTheirClaimsName) {
  Peaks peaks;
  peaks.units = {{"fma_fp32", "", 200}, {"dot_bf16", "", 100}};
  for (const SuiteName& name : suite_names()) {
    for (const int cores : {1, 2}) {
      const Suite suite = make_suite(name.name, peaks, cores);
      EXPECT_FALSE(suite.cases.empty());
      const auto has = [&](const std::string& id) {
        return std::any_of(suite.cases.begin(), suite.cases.end(),
                           [&](const SuiteCase& one) { return one.id == id; });
      };
      for (const Claim& claim : suite.claims) {
        if (!claim.condition.empty()) continue;
        EXPECT_TRUE(has(claim.id)) << claim.text;
        EXPECT_TRUE(claim.base_id.empty() || has(claim.base_id)) << claim.text;
      }
    }
  }
  EXPECT_THROW(make_suite("no such suite", peaks, 1), Error);
}

TEST(Tune, ADirectionDoesNotTellConfigurationsOfTheOtherApart) {
  const std::string a = "kernel=1,forward_units=16,backward_units=8",
                    b = "kernel=1,forward_units=16,backward_units=4",
                    c = "kernel=1,forward_units=32,backward_units=8";
  EXPECT_EQ(what_runs(a, Call::kForward), what_runs(b, Call::kForward));
  EXPECT_NE(what_runs(a, Call::kForward), what_runs(c, Call::kForward));
  EXPECT_EQ(what_runs(a, Call::kBackward), what_runs(c, Call::kBackward));
  EXPECT_NE(what_runs(a, Call::kBackward), what_runs(b, Call::kBackward));
  EXPECT_NE(what_runs(a, Call::kForwardBackward), what_runs(b, Call::kForwardBackward));
  EXPECT_NE(what_runs(a, Call::kForwardBackward), what_runs(c, Call::kForwardBackward));
}

TEST(Tune, JsonHasEveryProblemAndConfiguration) {
  const TunedProblem one{"p forward", {{row_of("p", "flashrnn", 2), 1500, 2}}};
  TunedProblem other = one;
  other.configs[0].row.failure = "refused because";
  const auto json = nlohmann::json::parse(json_of(report_of(), {one, other}));
  ASSERT_EQ(json.at("problems").size(), 2u);
  EXPECT_EQ(json["problems"][0]["configs"][0]["ms"], 2);
  EXPECT_EQ(json["problems"][0]["configs"][0]["model_rank"], 2);
  EXPECT_EQ(json["problems"][1]["configs"][0]["failure"], "refused because");
}

}  // namespace
}  // namespace flashrnn::bench
