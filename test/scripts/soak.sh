#!/usr/bin/env bash
# Runs what `make test` runs scaled down at its real length, one after the other, and says how long each took. A line
# below that matches no test is an error.
set -euo pipefail
cd "$(dirname "$0")/../.."
export SIGHTLINE_SOAK=1

# soak PACKAGE TESTS: TESTS is a pattern of `go test -run`.
soak() {
  local start=$SECONDS
  if [[ $(go test -list "$2" "$1" | grep -c '^Test') == 0 ]]; then
    echo "soak: no test of $1 matches $2" >&2
    exit 1
  fi
  echo "== $1 $2"
  go test -count=1 -timeout 90m -run "$2" "$1"
  echo "== took $((SECONDS - start)) s"
}

soak ./signal TestAnyInterleavingDelivers
soak ./test/cmd/sightline-bench TestNothingIsLostOnBadNetworks
soak ./test/cmd/sightline-bench TestChurnLeavesNothingBehind
soak ./test/cmd/sightline-bench TestALongLoadIsCountedExactlyAndLeavesNothing
soak ./test/programs TestLinksIdleBehindProxiesWithDefaultTimeouts
soak ./test/e2e TestPagesThatWereInTheBackground
soak ./turn 'TestASessionOutlivesItsCredentials|TestNoDeniedAddressIsEverWritten|TestAFloodOfAllocations'
soak ./test/e2e TestRelaysThatKeepToTheirPeers
soak ./test/e2e 'TestThePictureRunsOnWhenPacketsAreLost|TestARelayedPictureMovesToADirectPathThatOpensLate|TestADeviceThatNobodyLooksAtKeepsItsPortOutside'
soak ./test/programs TestRelaySecretsRotateBesideARunningServer
