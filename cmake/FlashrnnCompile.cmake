# SPDX-License-Identifier: Apache-2.0
# How every target of the project is compiled. No -march: the vector code chooses its instruction set at run time.
include_guard(DIRECTORY)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 99)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)

if(PROJECT_IS_TOP_LEVEL)
  set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
  find_program(FLASHRNN_CCACHE ccache)
  mark_as_advanced(FLASHRNN_CCACHE)
  if(FLASHRNN_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_C_COMPILER_LAUNCHER "${FLASHRNN_CCACHE}")
    set(CMAKE_CXX_COMPILER_LAUNCHER "${FLASHRNN_CCACHE}")
  endif()
endif()

# g++ 12 warns of overlapping copies inside std::string where there are none (its bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>)
endif()

# Sanitizers go to every target below this folder: mixing sanitized and plain objects gives false alarms.
if(FLASHRNN_SANITIZE)
  add_compile_options(-fsanitize=${FLASHRNN_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${FLASHRNN_SANITIZE})
endif()

if(FLASHRNN_TIDY)
  find_program(FLASHRNN_CLANG_TIDY NAMES clang-tidy-14 clang-tidy REQUIRED)
  set(CMAKE_CXX_CLANG_TIDY "${FLASHRNN_CLANG_TIDY};--quiet;--extra-arg=-Wno-unknown-warning-option")
endif()

# flashrnn_compile_options(<target>): the warnings of the house, hidden symbols and position-independent code.
function(flashrnn_compile_options target)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wshadow -Wvla
    $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor -Woverloaded-virtual -Wextra-semi>
    $<$<COMPILE_LANGUAGE:C>:-Wpedantic -Wstrict-prototypes -Wmissing-prototypes>
    $<$<BOOL:${FLASHRNN_WERROR}>:-Werror>)
  set_target_properties(${target} PROPERTIES
    C_VISIBILITY_PRESET hidden
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON
    POSITION_INDEPENDENT_CODE ON)
endfunction()
