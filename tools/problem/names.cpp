// SPDX-License-Identifier: Apache-2.0
// Names and shapes: cells from cells.def, dtypes, modes, strides of a layout.
#include <fmt/format.h>

#include "problem_text.hpp"

namespace flashrnn::problem_text {

const std::vector<Cell>& cells() {
  static const std::vector<Cell> cells = {
#define FLASHRNN_CELL(name, ENUM, value, inputs, recurrents, slots, states, ...) \
  Cell{#name, FLASHRNN_##ENUM, inputs, recurrents, slots, states},
#include "cells.def"
#undef FLASHRNN_CELL
  };
  return cells;
}

const Cell& cell_of(const Problem& problem) {
  for (const Cell& cell : cells()) {
    if (cell.value == problem.cell) return cell;
  }
  throw Error(fmt::format("cell {}: no line of cells.def has this value", problem.cell));
}

std::string_view dtype_name(flashrnn_dtype dtype) {
  switch (dtype) {
    case FLASHRNN_FLOAT32:
      return "fp32";
    case FLASHRNN_BFLOAT16:
      return "bf16";
    case FLASHRNN_FLOAT16:
      return "fp16";
    case FLASHRNN_FLOAT64:
      return "fp64";
    default:
      return "";
  }
}

std::string_view mode_name(flashrnn_mode mode) {
  switch (mode) {
    case FLASHRNN_MODE_DEFAULT:
    case FLASHRNN_MODE_TRAINING:
      return "train";
    case FLASHRNN_MODE_RECOMPUTE:
      return "recompute";
    case FLASHRNN_MODE_INFERENCE:
      return "infer";
    default:
      return "";
  }
}

flashrnn_dtype weight_dtype(const Problem& problem) {
  return problem.weight_dtype == FLASHRNN_DTYPE_DEFAULT ? problem.dtype : problem.weight_dtype;
}

flashrnn_dtype state_dtype(const Problem& problem) {
  return problem.state_dtype == FLASHRNN_DTYPE_DEFAULT ? problem.dtype : problem.state_dtype;
}

namespace {

int64_t extent(const Problem& problem, char axis) {
  switch (axis) {
    case 'b':
      return problem.batch;
    case 't':
      return problem.time;
    case 'g':
      return cell_of(problem).input_gates;
    case 'n':
      return problem.heads;
    case 'd':
      return problem.head_dim;
    default:
      return cell_of(problem).states;
  }
}

// memory names the axes from the outermost; abi names them in the ABI's order.
Strides strides_of(const Problem& problem, std::string_view memory, std::string_view abi) {
  Strides result;
  int64_t stride = 1;
  for (auto axis = memory.rbegin(); axis != memory.rend(); ++axis) {
    result.stride[abi.find(*axis)] = stride;
    const int64_t count = extent(problem, *axis);
    // An axis of no elements (T = 0) must not make the outer strides zero: that would mean
    // "packed".
    if (__builtin_mul_overflow(stride, count > 0 ? count : 1, &stride)) {
      throw Error(fmt::format("{}: the tensor [{}] has more than 2^63 - 1 elements", print(problem),
                              memory));
    }
  }
  result.elements = stride;
  for (const char axis : memory) {
    if (extent(problem, axis) == 0) result.elements = 0;
  }
  return result;
}

std::string without(std::string text, char axis) {
  std::erase(text, axis);
  return text;
}

}  // namespace

Strides wx_strides(const Problem& problem) { return strides_of(problem, problem.layout, "btgnd"); }

Strides h_strides(const Problem& problem) {
  return strides_of(problem, without(problem.layout, 'g'), "btnd");
}

Strides states_strides(const Problem& problem) {
  return strides_of(problem, without(problem.layout, 'g').insert(0, 1, 's'), "sbtnd");
}

Strides last_states_strides(const Problem& problem) { return strides_of(problem, "sbnd", "sbnd"); }

flashrnn_problem to_abi(const Problem& problem) {
  flashrnn_problem abi{};
  abi.struct_size = sizeof(abi);
  abi.cell = problem.cell;
  abi.mode = problem.mode;
  abi.batch = problem.batch;
  abi.time = problem.time;
  abi.heads = problem.heads;
  abi.head_dim = problem.head_dim;
  abi.dtype = problem.dtype;
  abi.weight_dtype = problem.weight_dtype;
  abi.state_dtype = problem.state_dtype;
  abi.flags = problem.flags;
  abi.forward_clip = problem.forward_clip;
  abi.recurrent_gradient_clip = problem.recurrent_gradient_clip;
  abi.threads = problem.threads;
  abi.config = problem.config.empty() ? nullptr : problem.config.c_str();
  return abi;
}

}  // namespace flashrnn::problem_text
