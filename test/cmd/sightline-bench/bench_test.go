//go:build linux

package main

import (
	"errors"
	"flag"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/test/browser"
)

func TestPercentilesAreValuesThatWereMeasured(t *testing.T) {
	values := []float64{50, 15, 40, 20, 35}
	for _, tt := range []struct{ p, want float64 }{{5, 15}, {30, 20}, {40, 20}, {50, 35}, {95, 50}, {100, 50}} {
		if got := percentile(values, tt.p); got != tt.want {
			t.Errorf("the %vth percentile is %v, want %v", tt.p, got, tt.want)
		}
	}
	if !slices.Equal(values, []float64{50, 15, 40, 20, 35}) {
		t.Error("the caller's values were sorted in place")
	}
}

func TestRunsCoverTheKeyframeInterval(t *testing.T) {
	var tenths [10]int
	for i := range 20 {
		p := phase(i)
		if p < 0 || p >= gop {
			t.Fatalf("run %d waits %v, want less than %v", i, p, gop)
		}
		tenths[p*10/gop]++
	}
	for i, n := range tenths {
		if n == 0 {
			t.Errorf("no run in the interval's part from %v on: %v", gop/10*time.Duration(i), tenths)
		}
	}
}

func TestTheTableSaysWhereEachFigureComesFrom(t *testing.T) {
	var out strings.Builder
	r := firstFrameReport{CPUs: 2, Cold: browser.Milestones{Frame: 900}, Runs: []browser.Milestones{{Frame: 300}, {Frame: 310}}, P50: 300, P95: 310, Longest: 310}
	if err := r.table(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"300 ms", "900 ms", "here, 2 runs", "earlier, elsewhere"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, &out)
		}
	}
}

func TestWrongCommandsAreToldWhatThereIs(t *testing.T) {
	var log strings.Builder
	if err := dispatch(t.Context(), nil, io.Discard, &log); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("got %v, want help", err)
	}
	if !strings.Contains(log.String(), "firstframe") {
		t.Errorf("the help lists no measurement:\n%s", &log)
	}
	if err := dispatch(t.Context(), []string{"nothing"}, io.Discard, io.Discard); err == nil {
		t.Error("an unknown measurement is no error")
	}
}
