# SPDX-License-Identifier: Apache-2.0
# flashrnn_find_kokkos(): gives Kokkos::kokkos, any version from 3.4 up to 5.x.
#
# find_package would take the first Kokkos that it meets, and on Debian 12 that one is Serial only. So the candidates are
# listed first, without loading any (targets, once imported, cannot be taken back), and the first fitting one is loaded:
#   1. what Kokkos_ROOT or Kokkos_DIR names, whatever it is: the user chose it;
#   2. one with threads (without, for FLASHRNN_KOKKOS_THREADS=OFF) in CMAKE_PREFIX_PATH, in the cache folder into which
#      scripts/setup builds one where the system has none that works, or in the system;
#   3. with FLASHRNN_FETCH_KOKKOS=ON, a pinned release, downloaded and built along;
#   4. a Serial one, with a warning.
include_guard(DIRECTORY)

set(FLASHRNN_KOKKOS_PIN 4.6.01)
set(FLASHRNN_KOKKOS_PIN_COMMIT 1b1383c6001f3bfe9fe309ca923c2d786600cc79)

# The prefixes that scripts/setup may have built: kokkos-<version>-<openmp|serial>-<hash>.
function(_flashrnn_cached_kokkos out)
  if(DEFINED ENV{XDG_CACHE_HOME})
    set(cache "$ENV{XDG_CACHE_HOME}")
  else()
    set(cache "$ENV{HOME}/.cache")
  endif()
  file(GLOB prefixes LIST_DIRECTORIES TRUE "${cache}/flashrnn/kokkos-*")
  list(FILTER prefixes EXCLUDE REGEX "\\.partial")
  list(SORT prefixes COMPARE NATURAL ORDER DESCENDING)
  set(${out} "${prefixes}" PARENT_SCOPE)
endfunction()

# The devices that an installed Kokkos was built with, read from its files.
function(_flashrnn_kokkos_devices folder out)
  set(devices "")
  foreach(file KokkosConfigCommon.cmake KokkosConfig.cmake)
    if(NOT devices AND EXISTS "${folder}/${file}")
      file(STRINGS "${folder}/${file}" line REGEX "^ *(SET|set)\\(Kokkos_DEVICES ")
      string(REGEX MATCHALL "SERIAL|OPENMPTARGET|OPENMP|THREADS|HPX|CUDA|HIP|SYCL|OPENACC" devices "${line}")
    endif()
  endforeach()
  set(${out} "${devices}" PARENT_SCOPE)
endfunction()

# Sets <out> to the folder of the Kokkos to load, or to nothing.
function(_flashrnn_choose_kokkos out)
  _flashrnn_cached_kokkos(cached)
  # No such version exists, so nothing is loaded, but every candidate is listed.
  find_package(Kokkos 999 EXACT QUIET CONFIG HINTS ${cached})
  set(chosen "")
  set(serial "")
  foreach(config version IN ZIP_LISTS Kokkos_CONSIDERED_CONFIGS Kokkos_CONSIDERED_VERSIONS)
    cmake_path(GET config PARENT_PATH folder)
    _flashrnn_kokkos_devices("${folder}" devices)
    if(version VERSION_LESS 3.4 OR version VERSION_GREATER_EQUAL 6)
      message(STATUS "Kokkos ${version} in ${folder} refused: the version must be 3.4 ... 5.x")
    elseif(devices MATCHES "CUDA|HIP|SYCL|OPENMPTARGET|OPENACC")
      message(STATUS "Kokkos ${version} in ${folder} refused: it was built for ${devices} and a host-only one is "
        "wanted (Kokkos_ROOT overrules this)")
    elseif(devices MATCHES "OPENMP|THREADS|HPX")
      if(FLASHRNN_KOKKOS_THREADS AND NOT chosen)
        set(chosen "${folder}")
      endif()
    elseif(NOT serial)
      set(serial "${folder}")
    endif()
  endforeach()
  if(NOT FLASHRNN_KOKKOS_THREADS)
    set(chosen "${serial}")
  elseif(NOT chosen AND NOT FLASHRNN_FETCH_KOKKOS AND serial)
    set(chosen "${serial}")
    message(WARNING "The only Kokkos found, ${serial}, is Serial: the CPU backend will use one core. "
      "Run scripts/setup to build one with OpenMP, or set FLASHRNN_FETCH_KOKKOS=ON.")
  endif()
  set(${out} "${chosen}" PARENT_SCOPE)
endfunction()

# Some packages name the wrong folder for their headers: Debian's trilinos ones (they are in /usr/include/trilinos) and
# Ubuntu's libkokkos-dev (it says /include).
function(_flashrnn_mend_kokkos_includes)
  find_path(FLASHRNN_KOKKOS_INCLUDE Kokkos_Core.hpp NO_CACHE REQUIRED PATH_SUFFIXES trilinos kokkos
    HINTS "${Kokkos_DIR}/../../../include" "${Kokkos_DIR}/../../../../include" NO_DEFAULT_PATH
    PATHS /usr/include)
  foreach(target Kokkos::kokkos Kokkos::kokkoscore Kokkos::kokkoscontainers Kokkos::kokkosalgorithms Kokkos::kokkossimd)
    if(TARGET ${target})
      get_target_property(folders ${target} INTERFACE_INCLUDE_DIRECTORIES)
      foreach(folder IN LISTS folders)
        if(folder AND NOT folder MATCHES "^\\$<" AND NOT EXISTS "${folder}")
          set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${FLASHRNN_KOKKOS_INCLUDE}")
        endif()
      endforeach()
    endif()
  endforeach()
  target_include_directories(Kokkos::kokkos SYSTEM INTERFACE "${FLASHRNN_KOKKOS_INCLUDE}")
endfunction()

# Kokkos 3 relied on <cstdint> coming with other headers, which it no longer does from g++ 13 on.
function(_flashrnn_mend_kokkos_cstdint)
  if(Kokkos_VERSION VERSION_LESS 4)
    set_property(TARGET Kokkos::kokkos APPEND PROPERTY INTERFACE_COMPILE_OPTIONS
      "$<$<COMPILE_LANGUAGE:CXX>:SHELL:-include cstdint>")
  endif()
endfunction()

# A function, so that the settings below end with it.
function(_flashrnn_fetch_kokkos)
  include(FetchContent)
  message(STATUS "Fetching Kokkos ${FLASHRNN_KOKKOS_PIN}")
  # No such subfolder exists: fetched only, to be added below in a way that keeps it out of our install rules.
  FetchContent_Declare(kokkos
    GIT_REPOSITORY https://github.com/kokkos/kokkos.git
    GIT_TAG ${FLASHRNN_KOKKOS_PIN_COMMIT}
    SOURCE_SUBDIR nothing-here)
  FetchContent_MakeAvailable(kokkos)
  # Cached where Kokkos sets them itself, which would override plain variables.
  set(BUILD_SHARED_LIBS OFF)
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
  set(Kokkos_ENABLE_SERIAL ON CACHE BOOL "")
  set(Kokkos_ENABLE_OPENMP ${FLASHRNN_KOKKOS_THREADS} CACHE BOOL "")
  set(Kokkos_ENABLE_TESTS OFF CACHE BOOL "")
  set(Kokkos_ENABLE_EXAMPLES OFF CACHE BOOL "")
  add_subdirectory("${kokkos_SOURCE_DIR}" "${kokkos_BINARY_DIR}" EXCLUDE_FROM_ALL SYSTEM)
  set(Kokkos_VERSION "${FLASHRNN_KOKKOS_PIN}" PARENT_SCOPE)
  set(Kokkos_DEVICES "SERIAL" PARENT_SCOPE)
  if(FLASHRNN_KOKKOS_THREADS)
    set(Kokkos_DEVICES "OPENMP;SERIAL" PARENT_SCOPE)
  endif()
endfunction()

macro(flashrnn_find_kokkos)
  # What this file chose in an earlier run is chosen afresh: the options may have changed since.
  if(Kokkos_DIR AND "${Kokkos_DIR}" STREQUAL "${FLASHRNN_KOKKOS_CHOSEN}")
    unset(Kokkos_DIR CACHE)
  endif()
  unset(FLASHRNN_KOKKOS_CHOSEN CACHE)

  if(TARGET Kokkos::kokkos)
    set(FLASHRNN_KOKKOS_ORIGIN "the enclosing project")
  elseif(Kokkos_DIR OR Kokkos_ROOT OR DEFINED ENV{Kokkos_ROOT})
    find_package(Kokkos REQUIRED CONFIG)
    set(FLASHRNN_KOKKOS_ORIGIN "${Kokkos_DIR}")
  else()
    _flashrnn_choose_kokkos(_flashrnn_kokkos_folder)
    if(_flashrnn_kokkos_folder)
      find_package(Kokkos REQUIRED CONFIG PATHS "${_flashrnn_kokkos_folder}" NO_DEFAULT_PATH)
      set(FLASHRNN_KOKKOS_CHOSEN "${Kokkos_DIR}" CACHE INTERNAL "")
      set(FLASHRNN_KOKKOS_ORIGIN "${Kokkos_DIR}")
    elseif(FLASHRNN_FETCH_KOKKOS)
      _flashrnn_fetch_kokkos()
      set(FLASHRNN_KOKKOS_ORIGIN "a download")
    else()
      message(FATAL_ERROR "No Kokkos found (3.4 ... 5.x, FLASHRNN_KOKKOS_THREADS=${FLASHRNN_KOKKOS_THREADS}). Run "
        "scripts/setup to build one, set Kokkos_ROOT to one that you have, or set FLASHRNN_FETCH_KOKKOS=ON.")
    endif()
  endif()
  if(Kokkos_VERSION AND (Kokkos_VERSION VERSION_LESS 3.4 OR Kokkos_VERSION VERSION_GREATER_EQUAL 6))
    message(FATAL_ERROR "Kokkos ${Kokkos_VERSION} from ${FLASHRNN_KOKKOS_ORIGIN}: the version must be 3.4 ... 5.x")
  endif()
  set(FLASHRNN_KOKKOS_DEVICES "${Kokkos_DEVICES}")
  if(Kokkos_FOUND)
    _flashrnn_mend_kokkos_includes()
    _flashrnn_mend_kokkos_cstdint()
  endif()
endmacro()
