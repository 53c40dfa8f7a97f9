package soak

import (
	"testing"
	"time"
)

func TestOnlyASoakTakesLong(t *testing.T) {
	for set, want := range map[string]bool{"": false, "0": false, "1": true} {
		t.Setenv("SIGHTLINE_SOAK", set)
		count, took := 10, time.Second
		if want {
			count, took = 1000, time.Hour
		}
		if got := On(); got != want {
			t.Errorf("%q: got %v, want %v", set, got, want)
		}
		if got := Count(10, 1000); got != count {
			t.Errorf("%q: got %d, want %d", set, got, count)
		}
		if got := Duration(time.Second, time.Hour); got != took {
			t.Errorf("%q: got %s, want %s", set, got, took)
		}
	}
}
