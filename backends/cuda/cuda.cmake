# SPDX-License-Identifier: Apache-2.0
# The CUDA backend, as part of the target flashrnn. Included by src/CMakeLists.txt, whose ${generated} folder and ${cells} it uses.
set(cuda_root "${PROJECT_SOURCE_DIR}/backends")
set(cuda_build "${CMAKE_CURRENT_BINARY_DIR}/cuda")

set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${cuda_root}/cuda/cuda.constrint")
file(READ "${cuda_root}/cuda/cuda.constrint" model)
# Raw string literals have a largest length that compilers must take; ours is well below it.
file(CONFIGURE OUTPUT "${generated}/cuda_model.inc" CONTENT "R\"constrint(${model})constrint\"\n" @ONLY)

# What needs no CUDA runtime; the tests compile it again.
set(cuda_host_sources
  "${cuda_root}/cuda/alternating/blas.cpp"
  "${cuda_root}/cuda/config.cpp"
  "${cuda_root}/cuda/cost.cpp"
  "${cuda_root}/cuda/residency.cpp"
  "${cuda_root}/cuda/floor.cpp"
  "${cuda_root}/cuda/general/weight_gradient_slices.cpp"
  "${cuda_root}/cuda/modules/disk_cache.cpp"
  "${cuda_root}/cuda/modules/embedded.cpp"
  "${cuda_root}/cuda/modules/fused_image.cpp"
  "${cuda_root}/cuda/modules/fused_text.cpp"
  "${cuda_root}/cuda/modules/nvrtc.cpp"
  "${generated}/cuda_fused_images.c")
set_property(GLOBAL PROPERTY FLASHRNN_CUDA_HOST_SOURCES "${cuda_host_sources}")
target_sources(flashrnn PRIVATE
  ${cuda_host_sources}
  "${cuda_root}/cuda/alternating/alternating.cpp"
  "${cuda_root}/cuda/backend.cpp"
  "${cuda_root}/cuda/device.cpp"
  "${cuda_root}/cuda/facts.cpp"
  "${cuda_root}/cuda/fused_launch.cpp"
  "${cuda_root}/cuda/kernel.cpp"
  "${cuda_root}/cuda/modules/module_cache.cpp")
target_include_directories(flashrnn PRIVATE "${cuda_root}")
target_link_libraries(flashrnn PRIVATE CUDA::cudart_static ${CMAKE_DL_LIBS})
# The only files that include backend/builtin.hpp and know of it.
set_source_files_properties(backend/registry.cpp "${cuda_root}/cuda/backend.cpp" PROPERTIES
  COMPILE_DEFINITIONS FLASHRNN_HAS_CUDA)

# ---- kernels that nvcc compiles for every architecture ----
file(GLOB cuda_sources CONFIGURE_DEPENDS "${cuda_root}/cuda/general/*.cu" "${cuda_root}/cuda/alternating/*.cu")
list(APPEND cuda_sources "${cuda_root}/cuda/probe.cu")
set(cuda_targets "")
foreach(architecture IN LISTS flashrnn_cuda_architectures)
  list(APPEND cuda_targets -gencode "arch=compute_${architecture},code=sm_${architecture}")
endforeach()
if("90a" IN_LIST flashrnn_cuda_architectures)
  list(APPEND cuda_targets -DFLASHRNN_HAS_SM_90A)
endif()
foreach(source IN LISTS cuda_sources)
  cmake_path(GET source STEM stem)
  set(object "${cuda_build}/${stem}.o")
  flashrnn_nvcc("${object}" "${source}" -c ${cuda_targets} -Xcompiler=-fPIC,-fvisibility=hidden -Xptxas=-v
    -DFLASHRNN_BUILDING)
  target_sources(flashrnn PRIVATE "${object}")
  set_source_files_properties("${object}" PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
  if(source MATCHES "/general/")
    list(APPEND cuda_general_objects "${object}")
  endif()
endforeach()
# For a test that calls their launches, which are hidden in libflashrnn.
set_property(GLOBAL PROPERTY FLASHRNN_CUDA_GENERAL_OBJECTS "${cuda_general_objects}")

include("${cuda_root}/cuda/fused_grid.cmake")
