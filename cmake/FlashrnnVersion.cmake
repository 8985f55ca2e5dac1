# SPDX-License-Identifier: Apache-2.0
# The public header is complete without being generated, so that it can be read and copied as it is. It therefore
# states the version a second time; a build in which the two differ is refused here.
include_guard(DIRECTORY)

function(flashrnn_check_header_version header)
  file(STRINGS "${header}" lines REGEX "^#define FLASHRNN_VERSION_(MAJOR|MINOR|PATCH) ")
  foreach(part MAJOR MINOR PATCH)
    if(NOT "${lines}" MATCHES "FLASHRNN_VERSION_${part} +([0-9]+)")
      message(FATAL_ERROR "${header} does not define FLASHRNN_VERSION_${part}")
    endif()
    list(APPEND found "${CMAKE_MATCH_1}")
  endforeach()
  list(JOIN found "." found)
  if(NOT found VERSION_EQUAL PROJECT_VERSION)
    message(FATAL_ERROR "${header} says version ${found}, CMakeLists.txt says ${PROJECT_VERSION}")
  endif()
endfunction()

flashrnn_check_header_version("${PROJECT_SOURCE_DIR}/include/flashrnn/flashrnn.h")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
  "${PROJECT_SOURCE_DIR}/include/flashrnn/flashrnn.h")
