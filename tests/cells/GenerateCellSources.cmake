# SPDX-License-Identifier: Apache-2.0
# From cells.def: all_cells.inc, which includes every cell, and all_cells.comp, a GLSL shader with every cell's text (GLSL
# has no include of its own). Sets FLASHRNN_TESTS_CELLS to the cells' names.
set(cells_folder "${PROJECT_SOURCE_DIR}/src/cells")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${cells_folder}/cells.def")
file(STRINGS "${cells_folder}/cells.def" lines REGEX "^FLASHRNN_CELL\\(")
set(FLASHRNN_TESTS_CELLS "")
foreach(line IN LISTS lines)
  string(REGEX REPLACE "^FLASHRNN_CELL\\(([a-z0-9_]+),.*" "\\1" cell "${line}")
  list(APPEND FLASHRNN_TESTS_CELLS "${cell}")
endforeach()

set(includes "// DO NOT EDIT: written by tests/cells/GenerateCellSources.cmake\n")
set(shader [[
#version 450
// DO NOT EDIT: written by tests/cells/GenerateCellSources.cmake
#define real float
#define CELL_FUNCTION
layout(local_size_x = 32) in;
layout(std430, binding = 0) buffer Data { float data[]; };
real cell_zero() { return 0.0; }
real cell_one() { return 1.0; }
real cell_sigmoid(real x) { return 1.0 / (1.0 + exp(-x)); }
real cell_tanh(real x) { return tanh(x); }
real cell_decay(real x) { return exp(-abs(x)); }
real cell_log1p_decay(real x) { return log(1.0 + exp(-abs(x))); }
real cell_quotient(real a, real b) { return a / b; }
real cell_max(real a, real b) { return a > b ? a : b; }
real cell_if_greater(real a, real b, real x, real y) { return a > b ? x : y; }
real cell_if_equal(real a, real b, real x, real y) { return a == b ? x : y; }
]])
set(calls "")
foreach(cell IN LISTS FLASHRNN_TESTS_CELLS)
  string(APPEND includes "#include \"${cells_folder}/${cell}.inl\"\n")
  file(READ "${cells_folder}/${cell}.inl" text)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${cells_folder}/${cell}.inl")
  string(APPEND shader "${text}")
  string(APPEND calls "  ${cell}_slots ${cell}_g;\n  ${cell}_states ${cell}_s;\n"
    "  for (int k = 0; k < ${cell}_g.v.length(); ++k) ${cell}_g.v[k] = data[k];\n"
    "  for (int k = 0; k < ${cell}_s.v.length(); ++k) ${cell}_s.v[k] = data[k];\n"
    "  ${cell}_step ${cell}_r = ${cell}_forward(${cell}_g, ${cell}_s);\n"
    "  data[0] += ${cell}_backward(${cell}_r.saved, ${cell}_s, ${cell}_r.now, ${cell}_s).slots.v[0];\n")
endforeach()
set(FLASHRNN_TESTS_GENERATED "${CMAKE_CURRENT_BINARY_DIR}/generated")
file(CONFIGURE OUTPUT "${FLASHRNN_TESTS_GENERATED}/all_cells.inc" CONTENT "${includes}" @ONLY)
file(CONFIGURE OUTPUT "${FLASHRNN_TESTS_GENERATED}/all_cells.comp" CONTENT "${shader}void main() {\n${calls}}\n" @ONLY)
