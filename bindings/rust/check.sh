#!/usr/bin/env bash
# check.sh test|examples|lint|cuda: the checks of the Rust crates. CARGO is the command; 77 means skipped.
set -euo pipefail
cd "$(dirname "$0")"
cargo=${CARGO:-cargo}

case ${1:?usage: check.sh test|examples|lint|cuda} in
  # The ignored tests are those that need FLASHRNN_VECTORS.
  test) "$cargo" test --offline --no-fail-fast -- ${FLASHRNN_VECTORS:+--include-ignored} ;;
  examples)
    for example in streaming train; do
      "$cargo" run --offline --quiet --example "$example"
    done
    ;;
  cuda) # What `test` runs too, reported as skipped where it finds no GPU.
    output=$("$cargo" test --offline --quiet --test device_memory) || { echo "$output"; exit 1; }
    echo "$output"
    [[ $output != *SKIPPED:* ]] || exit 77
    ;;
  lint)
    "$cargo" clippy --version && "$cargo" fmt --version || { echo "SKIPPED: no clippy or no rustfmt"; exit 77; }
    "$cargo" fmt --all --check
    "$cargo" clippy --offline --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" "$cargo" doc --offline --no-deps
    ;;
  *) echo "unknown check $1" >&2; exit 1 ;;
esac
