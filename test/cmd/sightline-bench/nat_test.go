//go:build linux

package main

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/test/matrix"
	"github.com/sightline-rtc/sightline/test/natlab"
)

func TestNATPairsAreWhatTheFlagsSay(t *testing.T) {
	tests := []struct {
		args string
		want int
	}{
		{"", 20},
		{"--all", 132},
		{"--device sym,port --viewer samelan", 2},
		{"--device sym", 11},
		{"--viewer tcp443", 12},
	}
	for _, tt := range tests {
		run, err := parseNAT(strings.Fields(tt.args), io.Discard)
		if err != nil || len(run.pairs) != tt.want {
			t.Errorf("%q: got %d pairs and %v, want %d", tt.args, len(run.pairs), err, tt.want)
		}
	}
	run, err := parseNAT(strings.Fields("--device sym,port --viewer full,port --mapping --v6 --late 4s --resume F --json --repeat 3"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	want := []matrix.Pair{
		{Device: natlab.Symmetric, Viewer: natlab.FullCone},
		{Device: natlab.PortRestricted, Viewer: natlab.FullCone},
		{Device: natlab.Symmetric, Viewer: natlab.PortRestricted},
		{Device: natlab.PortRestricted, Viewer: natlab.PortRestricted},
	}
	if diff := cmp.Diff(want, run.pairs); diff != "" {
		t.Errorf("pairs (-want +got):\n%s", diff)
	}
	if want := (matrix.Conditions{Mapping: true, IPv6: true, LateMS: 4000}); run.conditions != want || run.name() != "ice+mapping+v6+late" {
		t.Errorf("got %+v called %q, want %+v", run.conditions, run.name(), want)
	}
	if want := "sightline-bench nat --device sym,port --viewer full,port --mapping --v6 --late 4s --repeat 3"; run.command != want {
		t.Errorf("got %q, want %q", run.command, want)
	}
}

func TestWrongNATFlagsAreRefused(t *testing.T) {
	for _, args := range []string{"--device cone", "--device samelan", "--all --viewer port", "--repeat 0", "--late -1s"} {
		if _, err := parseNAT(strings.Fields(args), io.Discard); err == nil {
			t.Errorf("%q is no error", args)
		}
	}
}
