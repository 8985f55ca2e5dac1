#!/bin/sh
# build_and_run.sh CC CXX PREFIX LIBDIR: the two programs, built as a Makefile would, and run.
set -eu
here=$(dirname "$0")/../source
PKG_CONFIG_PATH=$3/$4/pkgconfig
LD_LIBRARY_PATH=$3/$4${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export PKG_CONFIG_PATH LD_LIBRARY_PATH
# Unquoted: pkg-config prints several words.
$1 -std=c99 -Wall -Wextra -Wpedantic -Werror "$here/consumer.c" -o consumer_c $(pkg-config --cflags --libs flashrnn) -lm
$2 -std=c++20 -Wall -Wextra "$here/consumer.cpp" -o consumer_cpp $(pkg-config --cflags --libs flashrnn)
./consumer_c
./consumer_cpp
