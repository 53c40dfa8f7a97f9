#!/usr/bin/env bash
# Starts a server and one agent with the embedded test picture, and prints the URL that shows it. Ctrl-C stops both
# and removes what they wrote. Run by `make demo`, which has built them.
#
# DEMO_LISTEN=HOST:PORT is where the pages are served; 127.0.0.1:8080, or another port where that one is taken.
set -euo pipefail
cd "$(dirname "$0")/../.."

scratch=$(mktemp -d -t sightline-demo-XXXXXX)
pids=()

# shellcheck disable=SC2317 # the traps call it
stop() {
  trap - EXIT INT TERM HUP
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$scratch"
}
trap stop EXIT
trap 'stop; echo; echo "Stopped; nothing is left behind."; exit 0' INT TERM HUP

# fail MESSAGE: says what went wrong, with the last words of the programs.
fail() {
  echo "$1" >&2
  for log in "$scratch"/*.log; do
    [ ! -s "$log" ] || { echo "--- $(basename "$log")" && tail -n 20 "$log"; } >&2
  done
  exit 1
}

# field NAME < JSON: the value of one string field.
field() { sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p"; }

# ready PID FILE: waits for the one line that a program prints when it is ready.
ready() {
  for _ in $(seq 300); do
    if [ -s "$2" ]; then return 0; fi
    kill -0 "$1" 2>/dev/null || return 1
    sleep 0.1
  done
  return 1
}

listen=${DEMO_LISTEN:-127.0.0.1:8080}
if [ -z "${DEMO_LISTEN:-}" ] && (exec 3<>/dev/tcp/127.0.0.1/8080) 2>/dev/null; then
  listen=127.0.0.1:0
fi

bin/sightline serve --data "$scratch/data" --listen "$listen" --turn-listen "${listen%:*}:0" \
  >"$scratch/server.json" 2>"$scratch/server.log" &
pids+=($!)
ready "${pids[0]}" "$scratch/server.json" || fail "The server did not start:"
url=$(field url <"$scratch/server.json")

code=$(bin/sightline enroll create --data "$scratch/data" --name "Demo camera" --json 2>"$scratch/enroll.log" | field code) ||
  fail "The server gave no enrolment code:"
bin/sightline-agent run --hub "$url" --enroll "$code" --state "$scratch/agent" --source test: \
  >"$scratch/agent.json" 2>"$scratch/agent.log" &
pids+=($!)
ready "${pids[1]}" "$scratch/agent.json" || fail "The agent did not reach the server:"
device=$(field device <"$scratch/agent.json")

token=$(bin/sightline token create --data "$scratch/data" --device "$device" --json 2>"$scratch/token.log" | field token) ||
  fail "The server gave no token:"

echo "A camera is on the air. Open it in a browser on this machine:"
echo
echo "  $url/watch/$device#token=$token"
echo
echo "The link is good for one hour. On one machine the path is always direct: the relay refuses the machine's own"
echo "addresses. Ctrl-C stops everything."

# Ends with the first program that ends, or with whoever started this script.
while kill -0 "${pids[0]}" 2>/dev/null && kill -0 "${pids[1]}" 2>/dev/null; do
  kill -0 "$PPID" 2>/dev/null || exit 0
  sleep 1
done
fail "One of the programs ended by itself:"
