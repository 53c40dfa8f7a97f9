// Package soak tells tests how much to do. `make test` runs them scaled down; `make soak` sets SIGHTLINE_SOAK=1 and
// runs the real durations and counts, which take minutes to an hour.
package soak

import (
	"os"
	"time"
)

// On reports whether tests run at full length.
func On() bool { return os.Getenv("SIGHTLINE_SOAK") == "1" }

// Duration returns how long a test has to go on: ci in every run, long when it soaks.
func Duration(ci, long time.Duration) time.Duration {
	if On() {
		return long
	}
	return ci
}

// Count returns how often a test has to do something: ci in every run, long when it soaks.
func Count(ci, long int) int {
	if On() {
		return long
	}
	return ci
}
