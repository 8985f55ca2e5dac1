// SPDX-License-Identifier: Apache-2.0
#include "cases.hpp"

#include "device.hpp"

namespace flashrnn::test {
namespace {

struct Option {
  const char* name;
  void (*apply)(Case&);
};

const Option kOptions[] = {
    {"reverse_lengths",
     [](Case& c) {
       c.reverse = true;
       c.lengths = FLASHRNN_INT32;
     }},
    {"resets_lengths64",
     [](Case& c) {
       c.resets = true;
       c.lengths = FLASHRNN_INT64;
     }},
    {"reverse_resets",
     [](Case& c) {
       c.reverse = true;
       c.resets = true;
     }},
    {"recompute", [](Case& c) { c.mode = FLASHRNN_MODE_RECOMPUTE; }},
    {"inference", [](Case& c) { c.mode = FLASHRNN_MODE_INFERENCE; }},
    {"clips",
     [](Case& c) {
       c.forward_clip = 0.25;
       c.recurrent_gradient_clip = 0.125;
     }},
    {"cut", [](Case& c) { c.cut_recurrent_gradient = true; }},
    {"bare",
     [](Case& c) {
       c.bias = false;
       c.initial_states = false;
       c.want_states = false;
       c.given = kGiveH;
       c.wanted = kWantWx | kWantR;
     }},
    {"mixed",
     [](Case& c) {
       c.dtypes = {FLASHRNN_BFLOAT16, FLASHRNN_FLOAT32, FLASHRNN_FLOAT32};
     }},
    {"single", [](Case& c) { c.batch = c.heads = c.head_dim = c.time = 1; }},
    {"empty", [](Case& c) { c.time = 0; }},
};

struct NamedDtype {
  const char* name;
  flashrnn_dtype dtype;
};

const NamedDtype kDtypes[] = {{"float64", FLASHRNN_FLOAT64},
                              {"float32", FLASHRNN_FLOAT32},
                              {"bfloat16", FLASHRNN_BFLOAT16},
                              {"float16", FLASHRNN_FLOAT16}};

}  // namespace

std::vector<VectorCase> vector_cases() {
  int32_t count = 0;
  check(flashrnn_list_cells(nullptr, 0, &count), "flashrnn_list_cells");
  std::vector<flashrnn_cell> cells(static_cast<size_t>(count));
  check(flashrnn_list_cells(cells.data(), count, &count), "flashrnn_list_cells");

  std::vector<VectorCase> cases;
  const auto add = [&](flashrnn_cell cell, flashrnn_dtype dtype, const std::string& name,
                       void (*apply)(Case&)) {
    Case c;
    c.cell = cell;
    c.dtypes = {dtype, dtype, dtype};
    c.time = 4;
    c.head_dim = 3;
    c.seed = 1 + cases.size();
    if (apply != nullptr) apply(c);
    cases.push_back({std::string(name_of_cell(cell)) + "_" + name, c});
  };
  for (const flashrnn_cell cell : cells) {
    for (const NamedDtype& dtype : kDtypes) add(cell, dtype.dtype, dtype.name, nullptr);
    for (const Option& option : kOptions) add(cell, FLASHRNN_FLOAT32, option.name, option.apply);
  }
  return cases;
}

}  // namespace flashrnn::test
