# SPDX-License-Identifier: Apache-2.0
# Writes HEADER with the commit of SOURCE; "-dirty" where the tree differs from it, "unknown" outside of a repository.
cmake_minimum_required(VERSION 3.25)
execute_process(COMMAND git -C "${SOURCE}" describe --always --dirty --abbrev=12 --exclude "*"
  RESULT_VARIABLE code OUTPUT_VARIABLE commit ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
if(NOT code EQUAL 0)
  set(commit "unknown")
endif()
file(CONFIGURE OUTPUT "${HEADER}" CONTENT "#define FLASHRNN_GIT_COMMIT \"@commit@\"\n" @ONLY)
