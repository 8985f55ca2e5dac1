# SPDX-License-Identifier: Apache-2.0
# cmake -DLIST=<file of paths> -DROOTS=<folder>|<folder> -DOUTPUT=<file> -P EmbedSources.cmake: device sources as a table of
# include name and text, the first path first, and a digest of it all.
file(STRINGS "${LIST}" paths)
string(REPLACE "|" ";" roots "${ROOTS}")
set(rows "")
set(everything "")
foreach(path IN LISTS paths)
  foreach(root IN LISTS roots)
    cmake_path(IS_PREFIX root "${path}" NORMALIZE below)
    if(below)
      cmake_path(RELATIVE_PATH path BASE_DIRECTORY "${root}" OUTPUT_VARIABLE name)
      break()
    endif()
  endforeach()
  file(READ "${path}" text)
  string(APPEND everything "${name}\n${text}\n")
  # Compilers limit the length of one literal, so a text is several that stand side by side.
  set(literals "")
  string(LENGTH "${text}" length)
  set(at 0)
  while(at LESS length)
    string(SUBSTRING "${text}" ${at} 8000 piece)
    string(APPEND literals "R\"flashrnn_text(${piece})flashrnn_text\"\n")
    math(EXPR at "${at} + 8000")
  endwhile()
  string(APPEND rows "    {\"${name}\",\n${literals}},\n")
endforeach()
string(SHA256 digest "${everything}")
file(WRITE "${OUTPUT}" "namespace flashrnn::cuda {
static const EmbeddedSource kEmbeddedSources[] = {
${rows}    {nullptr, nullptr}};
static const char* const kEmbeddedSourcesDigest = \"${digest}\";
}
")
