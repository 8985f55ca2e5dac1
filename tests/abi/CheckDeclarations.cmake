# SPDX-License-Identifier: Apache-2.0
# cmake -DHEADER=... -DEXPECTED=symbols.txt -P: the header declares just the functions of the list.
file(STRINGS "${EXPECTED}" expected)
file(STRINGS "${HEADER}" lines REGEX "FLASHRNN_API")
set(declared "")
foreach(line IN LISTS lines)
  if(line MATCHES "FLASHRNN_API .*(flashrnn_[a-z0-9_]+)\\(")
    list(APPEND declared "${CMAKE_MATCH_1}")
  endif()
endforeach()
list(SORT declared)
if(NOT declared STREQUAL expected)
  message(FATAL_ERROR "${HEADER} declares\n  ${declared}\nbut ${EXPECTED} has\n  ${expected}")
endif()
