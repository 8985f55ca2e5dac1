# SPDX-License-Identifier: Apache-2.0
# Fused kernels compiled into the library, and their sources for the run-time compiler. Writes cuda_fused_grid.inc and
# cuda_fused_sources.inc for modules/embedded.cpp.
set(fused_source "${cuda_root}/cuda/fused/kernel.cu")

# ---- the grid: grid_ci.txt or grid_all.txt, configurations as
#   cell dtype direction family head_dim columns units depth_warps min_ctas cluster
# where cell, dtype and direction may be * for every one.
set(grid_declarations "")
set(grid_rows "")
set(grid_images "")
set(fused_cubins "")
set(fused_images "")
set(grid_file "${cuda_root}/cuda/grid_${FLASHRNN_CUDA_GRID}.txt")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${grid_file}" "${PROJECT_SOURCE_DIR}/src/cells/cells.def")
set(grid_lines "")
if(EXISTS "${fused_source}")
  file(STRINGS "${grid_file}" grid_lines REGEX "^[a-z*]")
endif()
set(grid_dtypes bfloat16 2 float16 3)
set(grid_directions forward 0 backward 1)
set(grid_families direct 1 cluster 2 global 3)

# What stands behind `word` in a list of words and values.
function(flashrnn_grid_value list word result)
  list(FIND ${list} "${word}" at)
  if(at LESS 0)
    message(FATAL_ERROR "${grid_file}: '${word}' is none of ${${list}}")
  endif()
  math(EXPR at "${at} + 1")
  list(GET ${list} ${at} value)
  set(${result} ${value} PARENT_SCOPE)
endfunction()

# One configuration: the rule that compiles it and its row of the table.
function(flashrnn_grid_add cell dtype direction family head_dim columns units depth_warps min_ctas cluster)
  file(STRINGS "${PROJECT_SOURCE_DIR}/src/cells/cells.def" cell_line REGEX "^FLASHRNN_CELL\\(${cell},")
  if(NOT cell_line MATCHES "^FLASHRNN_CELL\\([a-z_0-9]+, *[A-Z_0-9]+, *([0-9]+)")
    message(FATAL_ERROR "${grid_file}: '${cell}' is no cell of cells.def")
  endif()
  set(cell_id ${CMAKE_MATCH_1})
  flashrnn_grid_value(grid_dtypes ${dtype} dtype_value)
  flashrnn_grid_value(grid_directions ${direction} is_backward)
  flashrnn_grid_value(grid_families ${family} family_value)
  foreach(architecture IN LISTS FLASHRNN_CUDA_FUSED_ARCHITECTURES)
    # Whose warps give registers to others, an instruction of 9.0's own (cuda.constrint), or, through L2, those of some cells.
    if(direction STREQUAL "backward" AND NOT architecture STREQUAL "90a"
       AND family STREQUAL "global" AND cluster GREATER 1 AND columns GREATER 16)
      continue()
    endif()
    if(direction STREQUAL "forward" AND NOT architecture STREQUAL "90a"
       AND ((family STREQUAL "cluster" AND units EQUAL 32 AND depth_warps EQUAL 1)
            OR (family STREQUAL "global" AND depth_warps EQUAL 8 AND (cluster GREATER 1 OR units EQUAL 24 OR columns EQUAL 32))))
      continue()
    endif()
    string(CONCAT symbol "${cell}_${dtype}_${direction}_${family}_d${head_dim}_c${columns}_u${units}_w${depth_warps}"
      "_m${min_ctas}_k${cluster}_sm_${architecture}")
    set(cubin "${cuda_build}/fused/${symbol}.cubin")
    # The macros of modules/fused_text.cpp.
    flashrnn_nvcc("${cubin}" "${fused_source}" -cubin
      -gencode "arch=compute_${architecture},code=sm_${architecture}" -Xptxas=-v -prec-div=false
      -DFLASHRNN_FUSED_CELL=${cell} -DFLASHRNN_FUSED_CELL_ID=${cell_id} -DFLASHRNN_FUSED_DTYPE=${dtype_value}
      -DFLASHRNN_FUSED_BACKWARD=${is_backward} -DFLASHRNN_FUSED_FAMILY=${family_value}
      -DFLASHRNN_FUSED_HEAD_DIM=${head_dim} -DFLASHRNN_FUSED_COLUMNS=${columns} -DFLASHRNN_FUSED_UNITS=${units}
      -DFLASHRNN_FUSED_DEPTH_WARPS=${depth_warps} -DFLASHRNN_FUSED_MIN_CTAS=${min_ctas}
      -DFLASHRNN_FUSED_CLUSTER=${cluster})
    # Straight-line code compresses to an eighth.
    set(image "${cuda_build}/fused/${symbol}.fatbin")
    add_custom_command(OUTPUT "${image}"
      COMMAND "${CUDAToolkit_BIN_DIR}/fatbinary" --64 --compress-mode=size "--create=${image}"
        "--image3=kind=elf,sm=${architecture},file=${cubin}"
      DEPENDS "${cubin}"
      VERBATIM)
    list(APPEND fused_cubins "${cubin}")
    list(APPEND fused_images "${image}")
    string(APPEND grid_declarations
      "extern const unsigned char flashrnn_${symbol}[], flashrnn_${symbol}_end[];\n")
    string(APPEND grid_rows "    {{${cell_id}, ${dtype_value}, ${is_backward}, ${family_value}, ${head_dim}, ${columns}, "
      "${units}, ${depth_warps}, ${min_ctas}, ${cluster}}, \"sm_${architecture}\", flashrnn_${symbol}, flashrnn_${symbol}_end},\n")
    string(APPEND grid_images "FLASHRNN_IMAGE(flashrnn_${symbol}, \"${image}\")\n")
  endforeach()
  foreach(result fused_cubins fused_images grid_declarations grid_rows grid_images)
    set(${result} "${${result}}" PARENT_SCOPE)
  endforeach()
endfunction()

foreach(line IN LISTS grid_lines)
  string(REGEX MATCHALL "[^ ]+" fields "${line}")
  list(LENGTH fields count)
  if(NOT count EQUAL 10)
    message(FATAL_ERROR "${grid_file}: '${line}' has ${count} fields: must have 10")
  endif()
  list(POP_FRONT fields line_cells line_dtypes line_directions)
  string(REPLACE "*" "${cells}" line_cells "${line_cells}")
  string(REPLACE "*" "bfloat16;float16" line_dtypes "${line_dtypes}")
  string(REPLACE "*" "forward;backward" line_directions "${line_directions}")
  foreach(cell IN LISTS line_cells)
    foreach(dtype IN LISTS line_dtypes)
      foreach(direction IN LISTS line_directions)
        flashrnn_grid_add(${cell} ${dtype} ${direction} ${fields})
      endforeach()
    endforeach()
  endforeach()
endforeach()
file(CONFIGURE OUTPUT "${generated}/cuda_fused_grid.inc" CONTENT
"extern \"C\" {
${grid_declarations}}
namespace flashrnn::cuda {
static const EmbeddedKernel kEmbeddedKernels[] = {
${grid_rows}    {{}, \"\", nullptr, nullptr}};
}
" @ONLY)

# A file of images for the assembler, which depends on them.
file(CONFIGURE OUTPUT "${generated}/cuda_fused_images.c" CONTENT
"#define FLASHRNN_IMAGE(name, path)                                           \\
  __asm__(\".section .rodata\\n.balign 64\\n.global \" #name \"\\n.hidden \" #name \"\\n\" #name \":\\n.incbin \\\"\" path   \\
          \"\\\"\\n.global \" #name \"_end\\n.hidden \" #name \"_end\\n\" #name \"_end:\\n.byte 0\\n.text\\n\");
typedef int flashrnn_no_empty_file;
${grid_images}" @ONLY)
set_source_files_properties("${generated}/cuda_fused_images.c" PROPERTIES OBJECT_DEPENDS "${fused_images}")
set_property(GLOBAL PROPERTY FLASHRNN_FUSED_CUBINS "${fused_cubins}")

# ---- sources: what kernel.cu may include, by the names that it includes them with ----
set(embedded_files "")
if(EXISTS "${fused_source}")
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS
    "${cuda_root}/gpu/*.hpp" "${cuda_root}/gpu/*.cuh" "${cuda_root}/gpu/*.inl"
    "${cuda_root}/cuda/fused/*.hpp" "${cuda_root}/cuda/fused/*.cuh" "${cuda_root}/cuda/fused/*.inl"
    "${PROJECT_SOURCE_DIR}/src/cells/*.inl" "${PROJECT_SOURCE_DIR}/src/cells/*.def"
    "${PROJECT_SOURCE_DIR}/src/cells/*.hpp")
  set(embedded_files "${fused_source}" ${headers})
endif()
list(JOIN embedded_files "\n" file_list)
file(CONFIGURE OUTPUT "${cuda_build}/fused_sources.txt" CONTENT "${file_list}\n" @ONLY)
add_custom_command(OUTPUT "${generated}/cuda_fused_sources.inc"
  COMMAND "${CMAKE_COMMAND}" "-DLIST=${cuda_build}/fused_sources.txt" "-DOUTPUT=${generated}/cuda_fused_sources.inc"
    "-DROOTS=${cuda_root}|${PROJECT_SOURCE_DIR}/src" -P "${cuda_root}/cuda/EmbedSources.cmake"
  DEPENDS ${embedded_files} "${cuda_build}/fused_sources.txt" "${cuda_root}/cuda/EmbedSources.cmake"
  VERBATIM)
target_sources(flashrnn PRIVATE "${generated}/cuda_fused_sources.inc")
