// SPDX-License-Identifier: Apache-2.0
#include "suites.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace flashrnn::bench {

using problem_text::parse;
using problem_text::parse_set;
using problem_text::print;

namespace {

constexpr const char* kSmall =
    "b16,t256,n12,d64";  // many small heads: the shape of FlashRNN's papers
constexpr const char* kLarge = "b16,t256,n1,d512";
constexpr const char* kOneDnn = "b8,t100,n1,d512";  // a shape that oneDNN does well

void add(Suite& suite, std::string id, const std::string& problem, Call call, bool peers) {
  SuiteCase one;
  one.id = std::move(id);
  one.problem = parse(problem);
  one.call = call;
  one.peers = peers;
  suite.cases.push_back(one);
}

void share(Suite& suite, const std::string& text, const std::string& id, double target) {
  Claim claim;
  claim.text = text;
  claim.id = id;
  claim.target = target;
  suite.claims.push_back(claim);
}

Claim& ratio(Suite& suite, const std::string& text, const std::string& id,
             const std::string& base_id, const std::string& base_who, double target) {
  Claim claim;
  claim.text = text;
  claim.kind = Claim::Kind::kSpeedRatio;
  claim.id = id;
  claim.base_id = base_id;
  claim.base_who = base_who;
  claim.target = target;
  suite.claims.push_back(claim);
  return suite.claims.back();
}

std::string no_fast_bf16(const Peaks& peaks) {
  const double fp32 = peaks.of("fma_fp32");
  const double bf16 = std::max(peaks.of("dot_bf16"), peaks.of("amx_bf16"));
  if (bf16 == 0) return "this CPU has no BF16 dot products";
  if (bf16 < fp32) {
    return fmt::format(
        "this CPU's BF16 unit reaches {:.0f} GFLOP/s, less than FMA in fp32 ({:.0f})", bf16, fp32);
  }
  return "";
}

Suite cpu(const Peaks& peaks, int cores) {
  Suite suite;
  const auto lstm = [](const char* shape, const char* rest, int threads) {
    return fmt::format("lstm:{},{},threads={}", shape, rest, threads);
  };
  add(suite, "small-forward-1", lstm(kSmall, "fp32,infer", 1), Call::kForward, true);
  add(suite, "large-forward-1", lstm(kLarge, "fp32,infer", 1), Call::kForward, true);
  add(suite, "onednn-forward-1", lstm(kOneDnn, "fp32,infer", 1), Call::kForward, true);
  add(suite, "small-bf16-1", lstm(kSmall, "bf16,infer", 1), Call::kForward, true);
  add(suite, "large-bf16-1", lstm(kLarge, "bf16,infer", 1), Call::kForward, true);
  add(suite, "small-fp64-1", lstm(kSmall, "fp64,infer", 1), Call::kForward, false);
  add(suite, "small-train-forward-1", lstm(kSmall, "fp32,train", 1), Call::kForward, true);
  add(suite, "small-both-1", lstm(kSmall, "fp32,train", 1), Call::kForwardBackward, true);
  add(suite, "large-both-1", lstm(kLarge, "fp32,train", 1), Call::kForwardBackward, true);
  add(suite, "small-recompute-both-1", lstm(kSmall, "fp32,recompute", 1), Call::kForwardBackward,
      false);
  add(suite, "small-bf16-both-1", lstm(kSmall, "bf16,train", 1), Call::kForwardBackward, true);
  for (const char* cell : {"gru", "elman", "slstm"}) {
    add(suite, fmt::format("{}-both-1", cell),
        fmt::format("{}:{},fp32,train,threads=1", cell, kSmall), Call::kForwardBackward, false);
  }
  add(suite, "small-step-1", lstm("b1,t1,n12,d64", "fp32,infer", 1), Call::kStep, false);

  share(suite, "fp32 forward, 64x12 B16 T256, one core: at least 55 % of the FMA peak",
        "small-forward-1", 55);
  share(suite, "fp32 forward, 512x1 B16 T256, one core: at least 65 % of the FMA peak",
        "large-forward-1", 65);
  ratio(suite, "forward, 64x12: at least 4 times a PyTorch loop", "small-forward-1",
        "small-forward-1", "torch loop", 4);
  ratio(suite, "forward + backward, 64x12: at least 4 times a PyTorch loop", "small-both-1",
        "small-both-1", "torch loop", 4);
  ratio(suite, "forward, 512x1 B8 T100: at least 0.9 times oneDNN's GFLOP/s", "onednn-forward-1",
        "onednn-forward-1", "oneDNN", 0.9);
  ratio(suite, "forward, 64x12: at least 2 times oneDNN's GFLOP/s", "small-forward-1",
        "small-forward-1", "oneDNN", 2);
  ratio(suite, "forward, 64x12: at least 2 times oneDNN's GFLOP/s in the recurrence alone",
        "small-forward-1", "small-forward-1", "oneDNN I=1", 2);
  ratio(suite, "bf16 forward, 64x12: at least 1.2 times fp32", "small-bf16-1", "small-forward-1",
        "flashrnn", 1.2)
      .condition = no_fast_bf16(peaks);

  const std::string one_core = "this process may use one core only";
  if (cores >= 2) {
    add(suite, "small-forward-2", lstm(kSmall, "fp32,infer", 2), Call::kForward, true);
    add(suite, "large-forward-2", lstm(kLarge, "fp32,infer", 2), Call::kForward, true);
    add(suite, "small-both-2", lstm(kSmall, "fp32,train", 2), Call::kForwardBackward, true);
  }
  ratio(suite, "forward, 64x12: two threads at least 1.7 times one", "small-forward-2",
        "small-forward-1", "flashrnn", 1.7)
      .condition = cores >= 2 ? "" : one_core;
  ratio(suite, "forward + backward, 64x12: two threads at least 1.7 times one", "small-both-2",
        "small-both-1", "flashrnn", 1.7)
      .condition = cores >= 2 ? "" : one_core;
  return suite;
}

void add_set(Suite& suite, const std::string& set, std::initializer_list<Call> calls) {
  for (const Problem& problem : parse_set(set)) {
    for (const Call call : calls) {
      add(suite, fmt::format("{} {}", print(problem), call_name(call)), print(problem), call,
          false);
    }
  }
}

}  // namespace

const std::vector<SuiteName>& suite_names() {
  static const std::vector<SuiteName> names = {
      {"cpu", "what the project promises of the CPU, with peers (a few minutes)"},
      {"cells", "every cell and dtype, forward and backward, at 64x12"},
      {"dims", "LSTM forward and backward over head dimensions 16 to 1024, N D = 768 or 1024"},
      {"smoke", "small problems of every kind, in seconds: does everything run"},
  };
  return names;
}

Suite make_suite(std::string_view name, const Peaks& peaks, int cores) {
  if (name == "cpu") return cpu(peaks, cores);
  Suite suite;
  const auto both = {Call::kForward, Call::kBackward};
  if (name == "cells") {
    add_set(suite, "*:b16,t256,n12,d64,fp32|bf16|fp16|fp64,threads=1", both);
  } else if (name == "dims") {
    for (const char* shape : {"n48,d16", "n24,d32", "n12,d64", "n6,d128", "n3,d256", "n1,d512",
                              "n1,d768", "n1,d1024"}) {
      add_set(suite, fmt::format("lstm:b16,t256,{},fp32|bf16,threads=1", shape), both);
    }
  } else if (name == "smoke") {
    add_set(suite, "*:b3,t5,n2,d17,fp32|bf16,lengths,resets,init,last,layout=btgnd|tbngd,threads=1",
            both);
    add_set(suite, "lstm|gru:b2,t4,n1,d8,fp64,recompute,reverse,threads=2",
            {Call::kForwardBackward});
    add_set(suite, "lstm|slstm:b1,t1,n2,d8,infer,threads=1", {Call::kStep});
  } else {
    throw Error(fmt::format("suite '{}': must be cpu, cells, dims or smoke", name));
  }
  return suite;
}

}  // namespace flashrnn::bench
