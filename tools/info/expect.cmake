# SPDX-License-Identifier: Apache-2.0
# Runs PROGRAM with ARGUMENTS and fails unless it exits with CODE and prints PATTERN.
execute_process(COMMAND "${PROGRAM}" ${ARGUMENTS} RESULT_VARIABLE code OUTPUT_VARIABLE text ERROR_VARIABLE text)
if(NOT code STREQUAL CODE)
  message(FATAL_ERROR "exit code ${code}, but ${CODE} was expected:\n${text}")
endif()
if(NOT text MATCHES "${PATTERN}")
  message(FATAL_ERROR "'${PATTERN}' is not in the output:\n${text}")
endif()
