// SPDX-License-Identifier: Apache-2.0
// From a problem to its canonical text.
#include <fmt/format.h>

#include "problem_text.hpp"

namespace flashrnn::problem_text {

std::string print(const Problem& p) {
  std::string text = fmt::format("{}:b{},t{},n{},d{},{},{}", cell_of(p).name, p.batch, p.time,
                                 p.heads, p.head_dim, dtype_name(p.dtype), mode_name(p.mode));
  const auto add = [&](bool present, const std::string& item) {
    if (present) text.append(",").append(item);
  };
  add(weight_dtype(p) != p.dtype, fmt::format("weights={}", dtype_name(weight_dtype(p))));
  add(state_dtype(p) != p.dtype, fmt::format("states={}", dtype_name(state_dtype(p))));
  add(p.layout != "btgnd", "layout=" + p.layout);
  add(p.flags & FLASHRNN_REVERSE, "reverse");
  add(p.flags & FLASHRNN_LENGTHS, "lengths");
  add(p.flags & FLASHRNN_RESETS, "resets");
  add(p.flags & FLASHRNN_CUT_RECURRENT_GRADIENT, "cut");
  add(p.flags & FLASHRNN_ALLOW_TF32, "tf32");
  add(p.forward_clip != 0, fmt::format("clip={}", p.forward_clip));
  add(p.recurrent_gradient_clip != 0, fmt::format("gclip={}", p.recurrent_gradient_clip));
  add(!p.bias, "bias=0");
  add(p.initial_states, "init");
  add(p.all_states, "allstates");
  add(p.last_states, "last");
  add(p.threads != 0, fmt::format("threads={}", p.threads));
  add(!p.config.empty(), fmt::format("config=[{}]", p.config));
  return text;
}

std::string_view help() {
  return R"(A problem is CELL:ITEM,ITEM,...  for example  lstm:b16,t256,n12,d64,bf16,layout=tbgnd,lengths
  CELL           lstm gru elman slstm elman_relu light_gru, or * for each
  b t n d        batch, time, heads, head dimension: b16 or b=16; all four are needed
  fp32 ...       dtype: fp32 (default) bf16 fp16 fp64;  weights=  states=  where they differ
  train ...      mode: train (default) recompute infer
  layout=btgnd   the axes of wx in memory, outermost first; h has the same without g
  reverse lengths resets cut tf32      flags;  also reverse=0 or =1
  clip=V gclip=V                       clip of h, clip of the recurrent gradient
  bias=0 init allstates last           tensors given: no bias, initial states, states' sequences, last
  threads=K config=[name=value,...]    the plan's threads and forced configuration
Alternatives make a set:  lstm|gru:b16,t256,n12,d=16|32|64,fp32|bf16  is 12 problems.
)";
}

}  // namespace flashrnn::problem_text
