# SPDX-License-Identifier: Apache-2.0
# What a shared library shows to the world.
include_guard(DIRECTORY)

# flashrnn_hide_all_but(<target> <version script>): exports what the script names and nothing else. Objects from static
# archives (our own Kokkos among them) are hidden too, so an application that brings another Kokkos never meets ours.
function(flashrnn_hide_all_but target script)
  cmake_path(ABSOLUTE_PATH script BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}")
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "SHARED_LIBRARY" AND UNIX AND NOT APPLE)
    target_link_options(${target} PRIVATE
      "LINKER:--version-script=${script}" "LINKER:--exclude-libs,ALL" "LINKER:--no-undefined")
    set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS "${script}")
    if(FLASHRNN_SANITIZE)
      # The sanitizers' own symbols come from the executable.
      get_target_property(options ${target} LINK_OPTIONS)
      list(REMOVE_ITEM options "LINKER:--no-undefined")
      set_property(TARGET ${target} PROPERTY LINK_OPTIONS "${options}")
    endif()
  endif()
endfunction()

# flashrnn_add_exports_test(<test name> <target> <list>): the symbols that <target> exports are those in <list>, one a
# line. A line that disappears breaks programs; a new one is a promise, so it is added to the list by hand.
function(flashrnn_add_exports_test name target list)
  cmake_path(ABSOLUTE_PATH list BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}")
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "SHARED_LIBRARY")
    add_test(NAME ${name} COMMAND "${CMAKE_COMMAND}"
      "-DNM=${CMAKE_NM}" "-DLIBRARY=$<TARGET_FILE:${target}>" "-DLIST=${list}"
      -P "${PROJECT_SOURCE_DIR}/cmake/CheckExports.cmake")
  endif()
endfunction()
