#!/bin/sh
# The command's answers in text and JSON, and every exit code that its README promises.
# Usage: command_test.sh <constrint>
command=$1
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
failures=0

# expect <exit code> <text that the output must hold> <arguments>...
expect() {
  code=$1 text=$2
  shift 2
  output=$("$command" "$@" 2>&1 <"$folder/model")
  found=$?
  case $output in *"$text"*) holds=yes ;; *) holds=no ;; esac
  [ "$found" -eq "$code" ] && [ "$holds" = yes ] && return
  echo "constrint $*: expected exit code $code and '$text', found $found and: $output"
  failures=$((failures + 1))
}

cat >"$folder/model" <<'MODEL'
param N = 360;
var x, y in 1..100;
x * y == N;
x <= y;
maximize x;
MODEL
printf 'var x in 1..3;\nx + == 2;\n' >"$folder/broken"
printf 'param N; var x in 1..3; x == N;\n' >"$folder/unset"
cat >"$folder/request" <<'JSON'
{"action": "count", "model": "param N = 7; var x in 1..9; x % N == 0;", "parameters": {"N": 3},
 "options": {"max_seconds": 60}}
JSON

expect 0 'x = 18' solve -
expect 0 'x = 4' first - -a 'x > 3;'
expect 0 '9' count -
expect 0 '"count":"9"' count - --json
expect 0 '"x":18' solve - --json
expect 0 '18,20' all -
expect 0 '3' count --request "$folder/request"
expect 3 'not the JSON' --request "$folder/broken"
# request <exit code> <text that the output must hold> <request>
request() {
  printf '%s' "$3" >"$folder/other"
  expect "$1" "$2" --request "$folder/other" --json
}
model='"action": "solve", "model": "param N = 7; var x in 1..9; x > 1;"'
request 0 '"x":2' "{$model}"
request 0 '"x":4' "{$model, \"add\": [\"x > 3;\"]}"
request 1 '"x > 1"' "{$model, \"action\": \"check\", \"values\": {\"x\": 1}}"
request 3 "unknown key 'modl'" '{"action": "solve", "modl": "var x in 1..9;"}'
request 3 'either' '{"action": "solve"}'
request 3 'max_node' "{$model, \"options\": {\"max_node\": 1}}"
request 3 'max_nodes' "{$model, \"options\": {\"max_nodes\": -1}}"
request 3 'an integer' "{$model, \"parameters\": {\"N\": 1.5}}"
request 3 'JSON object' '[]'
expect 1 'infeasible' solve - -p N=101
expect 1 'x <= y' explain - -a 'x > y;'
expect 0 '' check - -v x=18 -v y=20
expect 1 'x <= y' check - -v x=20 -v y=18
expect 2 'limit' all - --max-solutions 2 --json
expect 3 'usage' solve - --json -p N
expect 3 'expected' solve
expect 3 'max-nodes' solve - --max-nodes -1
expect 0 'x = 10' solve -p N=100 -
expect 3 'cannot read' solve "$folder/missing"
expect 4 '2:5' solve "$folder/broken"
expect 5 'N' solve "$folder/unset"
expect 0 'maximize x' text -
[ "$failures" -eq 0 ]
