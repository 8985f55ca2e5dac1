# SPDX-License-Identifier: Apache-2.0
# cmake -DPROGRAM=... -DEXPECTED=layout.txt -DACTUAL=... -P: what the program prints is what was committed.
execute_process(COMMAND "${PROGRAM}" OUTPUT_FILE "${ACTUAL}" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_COMMAND}" -E compare_files --ignore-eol "${EXPECTED}" "${ACTUAL}" RESULT_VARIABLE differs)
if(differs)
  message(FATAL_ERROR "The layout of the ABI's structs or a value changed: ${ACTUAL} is not ${EXPECTED}. "
    "Only growth at a struct's end and new values are allowed; then commit the new file.")
endif()
