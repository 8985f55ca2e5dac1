#!/usr/bin/env bash
# check.sh FOLDER: Pkg.test() of FlashRNN.jl without a network, in a copy below FOLDER. JULIA is the command; 77 means skipped.
set -euo pipefail
source=$(cd "$(dirname "$0")" && pwd)
folder=${1:?usage: check.sh FOLDER}
julia=${JULIA:-julia}

export JULIA_DEPOT_PATH=$folder/depot
mkdir -p "$JULIA_DEPOT_PATH/registries"
cp -r "$source/empty_registry" "$JULIA_DEPOT_PATH/registries/"

rm -rf "$folder/FlashRNN"
cp -r "$source/FlashRNN" "$folder/"
# Debian's Julia needs it (see require_unwinder in library.jl), and others do not mind.
[[ $(uname) != Linux ]] || export LD_PRELOAD=libgcc_s.so.1
"$julia" --version || { echo "SKIPPED: julia does not run"; exit 77; }
"$julia" --startup-file=no --project="$folder/FlashRNN" -e '
  using Pkg
  isdefined(Pkg, :offline) && Pkg.offline(true)
  Pkg.test(; julia_args = `-O1 --startup-file=no`)'
