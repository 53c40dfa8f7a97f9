package main

import (
	"strings"
	"testing"
)

func TestEveryOutcomeOfGoTestIsCounted(t *testing.T) {
	tests := []struct {
		name   string
		events string
		want   tally
		shown  string
	}{
		{
			"a passing package",
			`{"Action":"pass","Package":"p","Test":"A"}
			 {"Action":"pass","Package":"p","Test":"A/sub"}
			 {"Action":"pass","Package":"p","Elapsed":1.5}`,
			tally{passed: 2},
			"ok   p 1.5 s\n",
		},
		{
			"a failing test is shown with its words",
			`{"Action":"output","Package":"p","Test":"A","Output":"got 1\n"}
			 {"Action":"fail","Package":"p","Test":"A"}
			 {"Action":"fail","Package":"p"}`,
			tally{failed: 1},
			"got 1\n",
		},
		{
			"a package that does not build",
			`{"ImportPath":"p","Action":"build-output","Output":"undefined: x\n"}
			 {"Action":"fail","Package":"p"}`,
			tally{failed: 1},
			"undefined: x\n",
		},
		{
			"a panic in the middle of a test",
			`{"Action":"pass","Package":"p","Test":"A"}
			 {"Action":"output","Package":"p","Test":"B","Output":"panic: oh\n"}
			 {"Action":"fail","Package":"p"}`,
			tally{passed: 1, failed: 1},
			"panic: oh\n",
		},
		{
			"a skipped test is shown with its reason",
			`{"Action":"output","Package":"p","Test":"A","Output":"needs root\n"}
			 {"Action":"skip","Package":"p","Test":"A"}
			 {"Action":"pass","Package":"p"}`,
			tally{skipped: 1},
			"needs root\n",
		},
		{"a package without tests", `{"Action":"skip","Package":"p"}`, tally{}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			if got := count(strings.NewReader(tt.events), &out); got != tt.want {
				t.Errorf("counted %+v, want %+v", got, tt.want)
			}
			if !strings.Contains(out.String(), tt.shown) {
				t.Errorf("showed %q, want %q in it", out.String(), tt.shown)
			}
		})
	}
}

func TestEveryOutcomeOfVitestIsCounted(t *testing.T) {
	tests := map[string]struct {
		report string
		want   tally
	}{
		"all":              {`{"success":true,"numPassedTests":3}`, tally{passed: 3}},
		"some":             {`{"success":false,"numPassedTests":2,"numFailedTests":1,"numPendingTests":1,"numTodoTests":1}`, tally{2, 1, 2}},
		"a file is broken": {`{"success":false,"numPassedTests":2}`, tally{passed: 2, failed: 1}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := countVitest([]byte(tt.report))
			if err != nil || got != tt.want {
				t.Errorf("counted %+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
}

func TestSkippedTestsFailInCIAndOnlyThere(t *testing.T) {
	tests := []struct {
		total  tally
		strict bool
		want   bool
		line   string
	}{
		{tally{passed: 5}, true, true, "5 passed, 0 failed\n"},
		{tally{passed: 5, skipped: 1}, false, true, "5 passed, 0 failed\n"},
		{tally{passed: 5, skipped: 1}, true, false, "5 passed, 1 failed\n"},
		{tally{passed: 5, failed: 1}, false, false, "5 passed, 1 failed\n"},
		{tally{}, false, false, "0 passed, 0 failed\n"},
	}
	for _, tt := range tests {
		var out strings.Builder
		if got := verdict(&out, tt.total, tt.strict); got != tt.want || !strings.HasSuffix(out.String(), tt.line) {
			t.Errorf("%+v, strict %v: got %v and %q, want %v and %q", tt.total, tt.strict, got, out.String(), tt.want, tt.line)
		}
	}
}
