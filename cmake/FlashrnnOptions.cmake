# SPDX-License-Identifier: Apache-2.0
# Every option of the build, in one place. `cmake -LH` prints them with these texts.
include_guard(DIRECTORY)
include(GNUInstallDirs)

option(BUILD_SHARED_LIBS "Build libflashrnn as a shared library" ON)

option(FLASHRNN_BUILD_TESTS "Build the tests" ${PROJECT_IS_TOP_LEVEL})
option(FLASHRNN_BUILD_TOOLS "Build flashrnn-info and what the bench and tests share with it"
  ${PROJECT_IS_TOP_LEVEL})
option(FLASHRNN_BUILD_BENCH "Build flashrnn-bench" ${PROJECT_IS_TOP_LEVEL})
option(FLASHRNN_BUILD_EXAMPLES "Build the examples" ${PROJECT_IS_TOP_LEVEL})
option(FLASHRNN_BUILD_FUZZERS "Build the libFuzzer targets (needs clang)" OFF)
option(FLASHRNN_INSTALL "Make the install rules" ${PROJECT_IS_TOP_LEVEL})

# The solver, which can also be built alone, follows unless told otherwise.
option(CONSTRINT_BUILD_TESTS "Build ConstrINT's tests" ${FLASHRNN_BUILD_TESTS})
option(CONSTRINT_BUILD_TOOLS "Build the constrint command" ${FLASHRNN_BUILD_TOOLS})
option(CONSTRINT_BUILD_EXAMPLES "Build ConstrINT's examples" ${FLASHRNN_BUILD_EXAMPLES})
option(CONSTRINT_BUILD_FUZZERS "Build ConstrINT's libFuzzer targets" ${FLASHRNN_BUILD_FUZZERS})
option(CONSTRINT_INSTALL "Make ConstrINT's install rules" ${FLASHRNN_INSTALL})

option(FLASHRNN_KOKKOS_THREADS "Ask for a Kokkos that uses all cores; OFF asks for a Serial one" ON)
option(FLASHRNN_FETCH_KOKKOS "Download and build a pinned Kokkos when no suitable one is found" OFF)

set(FLASHRNN_SIMD_TARGETS "avx2;avx512" CACHE STRING
  "Instruction sets of x86-64 beyond its baseline that the vector kernels are compiled for; each takes minutes under a sanitizer")
foreach(set IN LISTS FLASHRNN_SIMD_TARGETS)
  if(NOT set MATCHES "^avx(2|512)$")
    message(FATAL_ERROR "FLASHRNN_SIMD_TARGETS names ${set}: must be avx2, avx512, both or nothing")
  endif()
endforeach()

option(FLASHRNN_WERROR "Treat warnings as errors" OFF)
option(FLASHRNN_TIDY "Run clang-tidy on every compiled file" OFF)
set(FLASHRNN_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them: address,undefined or thread")

# A build without a type would be unoptimised, which nobody who times it wants.
if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug, Release, RelWithDebInfo or MinSizeRel" FORCE)
endif()

# Parts of the tree may be absent from a source package; a missing one is left out.
function(flashrnn_add_part folder wanted)
  if(${wanted} AND EXISTS "${PROJECT_SOURCE_DIR}/${folder}/CMakeLists.txt")
    add_subdirectory("${PROJECT_SOURCE_DIR}/${folder}" "${PROJECT_BINARY_DIR}/${folder}")
  endif()
endfunction()

function(flashrnn_print_summary)
  if(PROJECT_IS_TOP_LEVEL)
    message(STATUS "FlashRNN ${PROJECT_VERSION}: ${CMAKE_BUILD_TYPE}, Kokkos ${Kokkos_VERSION} "
      "(${FLASHRNN_KOKKOS_DEVICES}) from ${FLASHRNN_KOKKOS_ORIGIN}")
    if(FLASHRNN_HAS_CUDA)
      message(STATUS "FlashRNN with CUDA ${CUDAToolkit_VERSION} for ${flashrnn_cuda_architectures}, grid ${FLASHRNN_CUDA_GRID}")
    else()
      message(STATUS "FlashRNN without CUDA")
    endif()
  endif()
endfunction()
