#!/usr/bin/env bash
# Runs every fuzz target of the repository, one after the other, each for the time given (10s).
set -euo pipefail
cd "$(dirname "$0")/../.."

duration=${1:-10s}
found=0
for package in $(go list ./...); do
  for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
    echo "== $package $target"
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$duration" "$package"
    found=$((found + 1))
  done
done
if [ "$found" -eq 0 ]; then
  echo "no fuzz target found" >&2
  exit 1
fi
echo "$found fuzz targets, each $duration, found nothing"
