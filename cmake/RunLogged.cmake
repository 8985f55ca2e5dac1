# SPDX-License-Identifier: Apache-2.0
# cmake -DLOG=<file> -P RunLogged.cmake -- <command>...: runs the command and keeps what it says in a file, and shows it where
# the command fails.
set(command "")
set(seen OFF)
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(i RANGE ${last})
  if(seen)
    list(APPEND command "${CMAKE_ARGV${i}}")
  elseif(CMAKE_ARGV${i} STREQUAL "--")
    set(seen ON)
  endif()
endforeach()
execute_process(COMMAND ${command} RESULT_VARIABLE status OUTPUT_VARIABLE said ERROR_VARIABLE said)
file(WRITE "${LOG}" "${said}")
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${said}${command}: ${status}")
endif()
