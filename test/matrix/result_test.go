//go:build linux

package matrix

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/test/natlab"
)

// results are one of each kind.
func results() []Result {
	at := func(ms float64) *float64 { return &ms }
	return []Result{
		{Device: natlab.Open, Viewer: natlab.PortRestricted, Path: "direct", Means: "ice", FirstPathMS: at(40), DirectMS: at(40), Allocations: 1, Run: 1, Theory: "ice"},
		{Device: natlab.Open, Viewer: natlab.Symmetric, Path: "direct", Means: "ice", FirstPathMS: at(60), DirectMS: at(90), RelayedFirst: true, Run: 1, Theory: "ice"},
		{Device: natlab.Symmetric, Viewer: natlab.PortRestricted, Path: "relay", Means: "relay", FirstPathMS: at(900), RevisitMS: at(80), RelayedFirst: true, RelayBytes: 7, Allocations: 2, Run: 1, Theory: "relay"},
		{Device: natlab.Symmetric, Viewer: natlab.Symmetric, Wrong: "no picture in 20s", Run: 1, Theory: "relay"},
	}
}

func TestSummaryCountsWhatWasMeasured(t *testing.T) {
	want := Summary{
		Pairs: 4, Connected: 3, Direct: 2, ByMeans: map[protocol.Means]int{"ice": 2, "relay": 1},
		FirstPathP95MS: 900, FirstDirectP95MS: 40, FirstRelayedP95MS: 900, DirectP95MS: 90, RevisitP95MS: 80,
		AllocationsRelayed: 2, AllocationsDirect: 1, Wrong: 1,
	}
	if diff := cmp.Diff(want, Summarize(results())); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(Summary{ByMeans: map[protocol.Means]int{}}, Summarize(nil)); diff != "" {
		t.Errorf("summary of nothing (-want +got):\n%s", diff)
	}
}

func TestSummarySaysTheWorstOfLateSessions(t *testing.T) {
	upgrade, gap, more := 400.0, 70.0, 500.0
	late := Conditions{LateMS: 4000}
	got := Summarize([]Result{
		{Path: "direct", Means: "ice", UpgradeMS: &more, GapMS: &gap, Conditions: late},
		{Path: "direct", Means: "ice", UpgradeMS: &upgrade, GapMS: &gap, Restarts: 1, Conditions: late},
	})
	if got.UpgradeMaxMS != 500 || got.GapMaxMS != 70 || got.LateRestarts != 1 {
		t.Errorf("got %+v, want upgrades of 500 ms at most, gaps of 70 ms, one restart", got)
	}
}

func TestResultsThatAreWorseThanTheoryAreWrong(t *testing.T) {
	tests := []struct {
		path   protocol.PathKind
		theory protocol.Means
		want   string
	}{
		{"direct", "ice", ""},
		{"direct", "relay", ""},
		{"relay", "relay", ""},
		{"relay", "predicted", "relayed: theory says predicted"},
		{"", "relay", "no picture"},
	}
	for _, tt := range tests {
		r := Result{Path: tt.path, Theory: tt.theory}
		if r.judge(); r.Wrong != tt.want {
			t.Errorf("%q where theory says %s: got %q, want %q", tt.path, tt.theory, r.Wrong, tt.want)
		}
	}
}

func TestABookGoesOnWhereItWasLeft(t *testing.T) {
	name := filepath.Join(t.TempDir(), "results.jsonl")
	for i, r := range results() {
		b, err := OpenBook(name)
		if err != nil {
			t.Fatal(err)
		}
		pair := Pair{r.Device, r.Viewer}
		if len(b.results) != i || b.Has(pair, 1, Conditions{}) {
			t.Fatalf("got %d results, with %+v already %v; want %d without it", len(b.results), pair, b.Has(pair, 1, Conditions{}), i)
		}
		if err := b.Add(r); err != nil {
			t.Fatal(err)
		}
		if !b.Has(pair, 1, Conditions{}) || b.Has(pair, 2, Conditions{}) || b.Has(pair, 1, Conditions{IPv6: true}) {
			t.Errorf("%+v is not there, or under other conditions too", pair)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	b, err := OpenBook(name)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	pairs := []Pair{{natlab.Open, natlab.Symmetric}, {natlab.Open, natlab.PortRestricted}}
	want := []Result{results()[1], results()[0]}
	if diff := cmp.Diff(want, b.Of(pairs, 1, Conditions{})); diff != "" {
		t.Errorf("results of two pairs (-want +got):\n%s", diff)
	}
}

func TestABrokenBookIsRefused(t *testing.T) {
	name := filepath.Join(t.TempDir(), "results.jsonl")
	if err := os.WriteFile(name, []byte("{\"pairs\":1}\n{\"device\":\"no"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenBook(name); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("got %v, want a word on line 2", err)
	}
}

func TestTheReportReplacesItsOwnSection(t *testing.T) {
	name := filepath.Join(t.TempDir(), "nat.md")
	page := "# Title\n<!-- ice -->\nold\n<!-- end of ice -->\nbetween\n<!-- late -->\nkept\n<!-- end of late -->\n"
	if err := os.WriteFile(name, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	if err := Report(name, "ice", "sightline-bench nat", at, results()); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	want := "# Title\n<!-- ice -->\n`sightline-bench nat`, 2026-11-21 10:00 UTC:\n\n" +
		"| device \\ viewer | port      | sym      |\n" +
		"| --------------- | --------- | -------- |\n" +
		"| none            | ice 40    | ice 90   |\n" +
		"| sym             | relay 900 | **none** |\n" +
		"\n4 pairs, 3 connected, 2 direct: ice 2, relay 1.\n" +
		"First path p95 900 ms: 40 ms where it is direct, 900 ms where it is relayed, 80 ms at a second visit of those. Direct path p95 90 ms.\n" +
		"Allocations at the relay: 2 of 1 relayed sessions, 1 of 2 direct ones.\n" +
		"- sym to sym, run 1: no picture in 20s\n" +
		"<!-- end of ice -->\nbetween\n<!-- late -->\nkept\n<!-- end of late -->\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	if err := Report(name, "v6", "", at, nil); err == nil {
		t.Error("a section that is not there is no error")
	}
}

func TestACellShowsTheWorstOfSeveralRuns(t *testing.T) {
	fine, bad := results()[0], results()[0]
	bad.Path, bad.Means, bad.DirectMS, bad.Wrong = "relay", "relay", nil, "relayed"
	if got, want := cell([]Result{fine, bad, fine}, Pair{natlab.Open, natlab.PortRestricted}), "**relay 40**"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
