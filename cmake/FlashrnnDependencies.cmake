# SPDX-License-Identifier: Apache-2.0
# What the build needs beside a compiler, all of it as distribution packages (scripts/setup installs them).
#
# Only hwloc and Highway are loaded by the finished library. fmt and nlohmann_json are used as headers and Kokkos
# is linked in statically where it can be, so that none of them appears among a consumer's dependencies.
include_guard(DIRECTORY)
include(FlashrnnCuda)
include(FlashrnnKokkos)

# A macro: the imported targets and the variables must be those of the top folder.
macro(flashrnn_find_dependencies)
  # Whoever links a static libflashrnn in an enclosing project links these as well, so they must be seen there.
  if(NOT BUILD_SHARED_LIBS)
    set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL TRUE)
  endif()
  find_package(Threads REQUIRED)
  find_package(PkgConfig REQUIRED)
  pkg_check_modules(hwloc REQUIRED IMPORTED_TARGET hwloc>=2.0)
  find_package(hwy QUIET CONFIG)
  if(NOT TARGET hwy::hwy)
    pkg_check_modules(libhwy REQUIRED IMPORTED_TARGET libhwy)
    add_library(hwy::hwy ALIAS PkgConfig::libhwy)
  endif()
  find_package(fmt REQUIRED)
  find_package(nlohmann_json REQUIRED)
  if(FLASHRNN_BUILD_TOOLS OR FLASHRNN_BUILD_BENCH OR FLASHRNN_BUILD_EXAMPLES)
    find_package(CLI11 REQUIRED)
  endif()
  if(FLASHRNN_BUILD_TESTS)
    find_package(GTest REQUIRED)
    include(GoogleTest)
  endif()
  flashrnn_find_kokkos()
  flashrnn_find_cuda()
endmacro()
