# SPDX-License-Identifier: Apache-2.0
# The programs that find_package and add_subdirectory build alike, and a test that runs each.
enable_testing()
add_executable(consumer_c "${CMAKE_CURRENT_LIST_DIR}/consumer.c")
set_target_properties(consumer_c PROPERTIES C_STANDARD 99 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
target_compile_options(consumer_c PRIVATE -Wall -Wextra -Wpedantic -Werror)
target_link_libraries(consumer_c PRIVATE flashrnn::flashrnn m)

add_executable(consumer_cpp "${CMAKE_CURRENT_LIST_DIR}/consumer.cpp")
target_compile_features(consumer_cpp PRIVATE cxx_std_20)
target_compile_options(consumer_cpp PRIVATE -Wall -Wextra -Wpedantic)
target_link_libraries(consumer_cpp PRIVATE flashrnn::flashrnn)

add_test(NAME consumer_c COMMAND consumer_c)
add_test(NAME consumer_cpp COMMAND consumer_cpp)
