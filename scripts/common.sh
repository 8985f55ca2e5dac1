# shellcheck shell=bash disable=SC2034
# Sourced by the other scripts: where the project is, and how to speak and to fail.
set -euo pipefail
exec </dev/null

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
jobs=${JOBS:-$(nproc)}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/flashrnn
kokkos_url=https://github.com/kokkos/kokkos.git

say() { printf '== %s\n' "$*"; }
die() {
  printf '!! %s\n' "$*" >&2
  exit 1
}
trap 'printf "!! %s failed (line %s: %s)\n" "$0" "$LINENO" "$BASH_COMMAND" >&2' ERR
