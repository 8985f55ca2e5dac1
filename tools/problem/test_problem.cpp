// SPDX-License-Identifier: Apache-2.0
// The grammar: round trips, sets, strides, and errors that name value, rule and place.
#include <gtest/gtest.h>

#include <set>

#include "problem_text.hpp"

namespace flashrnn::problem_text {
namespace {

std::string error_of(const std::string& text) {
  try {
    parse_set(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(ProblemText, ReadsEveryItem) {
  const Problem p = parse(
      "slstm:b3,t=5,n2,d7,bf16,recompute,weights=fp32,states=fp16,layout=tbgnd,reverse,lengths,"
      "resets,cut,tf32,clip=2.5,gclip=0.125,bias=0,init,allstates,last,threads=2,config=[a=1,b=x]");
  EXPECT_EQ(p.cell, FLASHRNN_SLSTM);
  EXPECT_EQ(p.batch, 3);
  EXPECT_EQ(p.time, 5);
  EXPECT_EQ(p.heads, 2);
  EXPECT_EQ(p.head_dim, 7);
  EXPECT_EQ(p.dtype, FLASHRNN_BFLOAT16);
  EXPECT_EQ(p.mode, FLASHRNN_MODE_RECOMPUTE);
  EXPECT_EQ(weight_dtype(p), FLASHRNN_FLOAT32);
  EXPECT_EQ(state_dtype(p), FLASHRNN_FLOAT16);
  EXPECT_EQ(p.layout, "tbgnd");
  EXPECT_EQ(p.flags, 31u);
  EXPECT_EQ(p.forward_clip, 2.5);
  EXPECT_EQ(p.recurrent_gradient_clip, 0.125);
  EXPECT_FALSE(p.bias);
  EXPECT_TRUE(p.initial_states && p.all_states && p.last_states);
  EXPECT_EQ(p.threads, 2);
  EXPECT_EQ(p.config, "a=1,b=x");
  EXPECT_EQ(parse(print(p)), p);
}

TEST(ProblemText, PrintsDefaultsAway) {
  EXPECT_EQ(print(parse(" lstm:n12,d64,t256,b16,reverse=0,bias,weights=fp32 ")),
            "lstm:b16,t256,n12,d64,fp32,train");
}

TEST(ProblemText, RoundTripsEverySetMember) {
  const std::vector<Problem> set = parse_set(
      "*:b1|17,t0|3,n1,d1|100,fp32|bf16|fp16|fp64,infer|recompute,reverse=0|1,clip=0|0.1");
  EXPECT_EQ(set.size(), cells().size() * 2 * 2 * 2 * 4 * 2 * 2 * 2);
  std::set<std::string> texts;
  for (const Problem& p : set) {
    EXPECT_EQ(parse(print(p)), p) << print(p);
    texts.insert(print(p));
  }
  EXPECT_EQ(texts.size(), set.size());
}

TEST(ProblemText, SetVariesTheFirstItemSlowest) {
  const std::vector<Problem> set = parse_set("lstm|gru:d=16|32,b1|b2,t1,n1,weights=fp32|bf16");
  ASSERT_EQ(set.size(), 16u);
  EXPECT_EQ(print(set[0]), "lstm:b1,t1,n1,d16,fp32,train");
  EXPECT_EQ(print(set[1]), "lstm:b1,t1,n1,d16,fp32,train,weights=bf16");
  EXPECT_EQ(print(set[2]), "lstm:b2,t1,n1,d16,fp32,train");
  EXPECT_EQ(print(set[4]), "lstm:b1,t1,n1,d32,fp32,train");
  EXPECT_EQ(print(set[8]), "gru:b1,t1,n1,d16,fp32,train");
}

TEST(ProblemText, ReadsLinesAndComments) {
  EXPECT_EQ(parse_lines("# all\nlstm:b1,t1,n1,d1\n\n gru:b1|2,t1,n1,d1 # two\n").size(), 3u);
  EXPECT_THROW(parse_lines("lstm:b1,t1,n1,d1\nlstm:b0,t1,n1,d1"), Error);
}

TEST(ProblemText, ErrorsNameValueRuleAndPlace) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "no ':' after the cell"},
      {"lstm", "no ':' after the cell"},
      {"lstn:b1,t1,n1,d1", "'lstn' is no cell; the cells are lstm, gru"},
      {"lstm:b0,t1,n1,d1", "the batch is 0, but must be at least 1 (at character 6"},
      {"lstm:b-3,t1,n1,d1", "the batch is -3, but must be at least 1"},
      {"lstm:b1,t-1,n1,d1", "the time is -1, but must be at least 0"},
      {"lstm:b1,t1,n1,d99999999999999999999", "must be at most 9223372036854775807"},
      {"lstm:b1x,t1,n1,d1", "the batch is '1x', but must be a whole number"},
      {"lstm:b1,t1,n1", "missing: d;"},
      {"lstm:b1,t1,n1,d1,b2", "'b2' sets b, which was given before"},
      {"lstm:b1,t1,n1,d1,fp8", "'fp8' is no item; the items are"},
      {"lstm:b1,t1,n1,d1,dtype=fp8", "the dtype is 'fp8', but must be fp32"},
      {"lstm:b1,t1,n1,d1,layout=btgn", "must name each of b, t, g, n and d once"},
      {"lstm:b1,t1,n1,d1,layout=bbtgn", "must name each of b, t, g, n and d once"},
      {"lstm:b1,t1,n1,d1,clip=nan", "must be a finite number of at least 0"},
      {"lstm:b1,t1,n1,d1,gclip=-1", "must be a finite number of at least 0"},
      {"lstm:b1,t1,n1,d1,reverse=2", "is '2', but must be 0 or 1"},
      {"lstm:b1,t1,n1,d1,threads", "'threads' has no value"},
      {"lstm:b1,t1,n1,d1,fp32|train",
       "'train' sets mode, but the alternatives before it set dtype"},
      {"lstm:b1,t1,n1,d1,", "'' is no item"},
      {"lstm:b1,t1,n1,d1,config=[a=1", "brackets do not match"},
  };
  for (const auto& [text, part] : cases) {
    EXPECT_NE(error_of(text).find(part), std::string::npos) << text << " gave: " << error_of(text);
  }
  EXPECT_THROW(parse("lstm:b1|2,t1,n1,d1"), Error);
}

TEST(ProblemText, RefusesSetsThatFillTheMemory) {
  std::string many = "lstm:b1";
  for (int i = 2; i < 400; ++i) many.append("|").append(std::to_string(i));
  std::string text = many;
  text.append(",t").append(many, 6).append(",n1,d1");
  EXPECT_NE(error_of(text).find("but at most 100000 are allowed"), std::string::npos);
}

TEST(ProblemText, StridesFollowTheLayout) {
  const Problem packed = parse("gru:b2,t3,n5,d7");
  EXPECT_EQ(wx_strides(packed).stride, (std::array<int64_t, 5>{315, 105, 35, 7, 1}));
  EXPECT_EQ(wx_strides(packed).elements, 2 * 3 * 3 * 5 * 7);
  EXPECT_EQ(h_strides(packed).stride, (std::array<int64_t, 5>{105, 35, 7, 1, 0}));
  const Problem other = parse("lstm:b2,t3,n5,d7,layout=tbndg");
  EXPECT_EQ(wx_strides(other).stride, (std::array<int64_t, 5>{140, 280, 1, 28, 4}));
  EXPECT_EQ(h_strides(other).stride, (std::array<int64_t, 5>{35, 70, 7, 1, 0}));
  EXPECT_EQ(states_strides(other).stride, (std::array<int64_t, 5>{210, 35, 70, 7, 1}));
  EXPECT_EQ(last_states_strides(other).stride, (std::array<int64_t, 5>{70, 35, 7, 1, 0}));
  const Problem empty = parse("lstm:b2,t0,n5,d7");
  EXPECT_EQ(wx_strides(empty).elements, 0);
  EXPECT_GT(wx_strides(empty).stride[0], 0);
  EXPECT_THROW(wx_strides(parse("lstm:b9999999999,t9999999999,n1,d1")), Error);
}

TEST(ProblemText, AbiStructCarriesEveryField) {
  const Problem p =
      parse("lstm:b1,t2,n3,d4,bf16,infer,weights=fp32,clip=1,gclip=2,threads=5,config=a=1");
  const flashrnn_problem abi = to_abi(p);
  EXPECT_EQ(abi.struct_size, sizeof(flashrnn_problem));
  EXPECT_EQ(abi.batch, 1);
  EXPECT_EQ(abi.time, 2);
  EXPECT_EQ(abi.heads, 3);
  EXPECT_EQ(abi.head_dim, 4);
  EXPECT_EQ(abi.dtype, FLASHRNN_BFLOAT16);
  EXPECT_EQ(abi.weight_dtype, FLASHRNN_FLOAT32);
  EXPECT_EQ(abi.state_dtype, FLASHRNN_DTYPE_DEFAULT);
  EXPECT_EQ(abi.mode, FLASHRNN_MODE_INFERENCE);
  EXPECT_EQ(abi.forward_clip, 1);
  EXPECT_EQ(abi.recurrent_gradient_clip, 2);
  EXPECT_EQ(abi.threads, 5);
  EXPECT_STREQ(abi.config, "a=1");
}

}  // namespace
}  // namespace flashrnn::problem_text
