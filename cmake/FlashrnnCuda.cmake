# SPDX-License-Identifier: Apache-2.0
# Whether the build has the CUDA backend, and what with. nvcc is run by rules of our own instead of CMake's CUDA language: that
# one would make every consumer of a static libflashrnn enable it too, and knows no lone cubins.
include_guard(DIRECTORY)

set(FLASHRNN_CUDA AUTO CACHE STRING "The CUDA backend: ON, OFF, or AUTO for where a CUDA toolkit of 13.0 or newer is found")
set_property(CACHE FLASHRNN_CUDA PROPERTY STRINGS AUTO ON OFF)
set(FLASHRNN_CUDA_GRID ci CACHE STRING
  "Fused kernels that are compiled into the library: ci, a handful for tests, or all, those that docs/cuda.md lists")
set_property(CACHE FLASHRNN_CUDA_GRID PROPERTY STRINGS ci all)
if(FLASHRNN_CUDA_GRID STREQUAL "all")
  set(flashrnn_cuda_architectures 80 86 89 90a 100 120)
else()
  set(flashrnn_cuda_architectures 90a)
endif()
set(FLASHRNN_CUDA_ARCHITECTURES "" CACHE STRING
  "GPU architectures of the general kernels; empty: 80;86;89;90a;100;120 with FLASHRNN_CUDA_GRID=all, 90a with ci")
set(FLASHRNN_CUDA_FUSED_ARCHITECTURES 90a CACHE STRING "GPU architectures that the fused grid is compiled for")
mark_as_advanced(FLASHRNN_CUDA_FUSED_ARCHITECTURES)
if(FLASHRNN_CUDA_ARCHITECTURES)
  set(flashrnn_cuda_architectures ${FLASHRNN_CUDA_ARCHITECTURES})
endif()

# Sets FLASHRNN_HAS_CUDA. A macro: the imported targets must be those of the calling folder.
macro(flashrnn_find_cuda)
  set(FLASHRNN_HAS_CUDA OFF)
  if(NOT FLASHRNN_CUDA STREQUAL "OFF")
    if(FLASHRNN_CUDA STREQUAL "AUTO")
      find_package(CUDAToolkit 13.0 QUIET)
    else()
      find_package(CUDAToolkit 13.0 REQUIRED)
    endif()
    if(CUDAToolkit_FOUND AND CUDAToolkit_NVCC_EXECUTABLE AND TARGET CUDA::cudart_static)
      set(FLASHRNN_HAS_CUDA ON)
    elseif(NOT FLASHRNN_CUDA STREQUAL "AUTO")
      message(FATAL_ERROR "FLASHRNN_CUDA is ${FLASHRNN_CUDA}: the CUDA toolkit must have nvcc and libcudart_static.a")
    endif()
  endif()
endmacro()

# flashrnn_nvcc(<output> <source> <what> <option>...): one run of nvcc; <what> is -c, -cubin, ... The ptxas report goes to
# <output>.log.
function(flashrnn_nvcc output source what)
  cmake_path(GET output PARENT_PATH folder)
  file(MAKE_DIRECTORY "${folder}")
  set(host_compiler -ccbin "${CMAKE_CXX_COMPILER}")
  set(launcher "")
  if(FLASHRNN_CCACHE)
    set(launcher "${FLASHRNN_CCACHE}")
  endif()
  add_custom_command(OUTPUT "${output}"
    COMMAND "${CMAKE_COMMAND}" "-DLOG=${output}.log" -P "${PROJECT_SOURCE_DIR}/cmake/RunLogged.cmake" --
      ${launcher} "${CUDAToolkit_NVCC_EXECUTABLE}" ${host_compiler} -std=c++20 -O3 ${what} ${ARGN}
      -I "${PROJECT_SOURCE_DIR}/backends" -I "${PROJECT_SOURCE_DIR}/src" -I "${PROJECT_BINARY_DIR}/src/generated"
      -MD -MF "${output}.d" -o "${output}" "${source}"
    DEPENDS "${source}" "${PROJECT_SOURCE_DIR}/cmake/RunLogged.cmake"
    DEPFILE "${output}.d"
    COMMENT "nvcc ${what} ${output}"
    VERBATIM)
endfunction()
