//go:build linux

package main

import (
	"math"
	"slices"
)

// percentile returns the smallest of the values that at least p percent do not exceed (nearest rank).
func percentile(values []float64, p float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}
