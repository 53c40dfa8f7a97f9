#!/usr/bin/env bash
# Runs every fuzz target of the repository, one after the other, each for the time given (10s).
set -euo pipefail
cd "$(dirname "$0")/../.."

duration=${1:-10s}
output=$(mktemp -t sightline-fuzz-XXXXXX)
trap 'rm -f "$output"' EXIT

# fuzz PACKAGE TARGET. To make an interesting input smaller takes up to a minute by default, which is for new ones.
fuzz() { go test -run '^$' -fuzz "^$2\$" -fuzztime "$duration" -fuzzminimizetime 10x "$1" 2>&1 | tee "$output"; }

found=0
for package in $(go list ./...); do
  for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
    echo "== $package $target"
    # Before Go 1.27 the end of the time itself may be reported as a failure (golang/go#75804). That writes no failing
    # input; whatever did write one is a finding.
    fuzz "$package" "$target" || {
      grep -q '^    context deadline exceeded' "$output" && ! grep -q 'Failing input' "$output"
      echo "== again: the time was up in the middle of an input"
      fuzz "$package" "$target"
    }
    found=$((found + 1))
  done
done
if [ "$found" -eq 0 ]; then
  echo "no fuzz target found" >&2
  exit 1
fi
echo "$found fuzz targets, each $duration: nothing found"
