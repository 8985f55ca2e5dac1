# SPDX-License-Identifier: Apache-2.0
# cmake -DNM=... -DLIBRARY=... -DLIST=... -P CheckExports.cmake: see flashrnn_add_exports_test.
execute_process(COMMAND "${NM}" -D --defined-only --format=posix "${LIBRARY}"
  OUTPUT_VARIABLE listing COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n]+" lines "${listing}")
set(exported "")
foreach(line IN LISTS lines)
  # Type A is the name of the version node itself.
  if(line MATCHES "^([^ @]+)(@[^ ]*)? ([B-Zb-z]) ")
    list(APPEND exported "${CMAKE_MATCH_1}")
  endif()
endforeach()
file(STRINGS "${LIST}" promised REGEX "^[^#]")
list(LENGTH exported count)

set(missing ${promised})
list(REMOVE_ITEM missing ${exported})
set(extra ${exported})
list(REMOVE_ITEM extra ${promised})
if(missing OR extra)
  list(JOIN missing "\n  " missing)
  list(JOIN extra "\n  " extra)
  message(FATAL_ERROR "The exports of ${LIBRARY} are not those of ${LIST}.\n"
    "Promised but gone:\n  ${missing}\nExported but not listed:\n  ${extra}")
endif()
message(STATUS "${count} exported symbols, all listed")
