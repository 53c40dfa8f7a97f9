#!/usr/bin/env bash
# Builds the agent for other systems into bin/agents, with their sums, and fails where one is larger than the gate. The
# arguments are the version, the build tags and the systems, as bin/agents/sightline-agent-SYSTEM is called.
set -euo pipefail

version=$1
tags=$2
shift 2
gate=$((16 << 20)) # half of the flash of a small camera

out=bin/agents
rm -rf "$out"
mkdir -p "$out"
for system in "$@"; do
  os=${system%%-*} cpu=${system#*-}
  settings=(GOOS="$os" GOARCH="$cpu")
  suffix=
  case $cpu in
    armv6) settings=(GOOS="$os" GOARCH=arm GOARM=6) ;;
    armv7) settings=(GOOS="$os" GOARCH=arm GOARM=7) ;;
    mipsle) settings+=(GOMIPS=softfloat) ;; # routers and old cameras have no unit for floating point
  esac
  [ "$os" != windows ] || suffix=.exe
  env CGO_ENABLED=0 "${settings[@]}" go build -trimpath -tags "$tags" -ldflags "-s -w -X main.version=$version" \
    -o "$out/sightline-agent-$system$suffix" ./cmd/sightline-agent
done
cd "$out"
sha256sum sightline-agent-* >SHA256SUMS
failed=0
for program in sightline-agent-*; do
  size=$(stat -c %s "$program")
  printf '%-36s %5.1f MB\n' "$program" "$((size / 100000))e-1"
  if [ "$size" -gt "$gate" ]; then
    echo "$program has $size bytes, more than $gate" >&2
    failed=1
  fi
done
exit "$failed"
