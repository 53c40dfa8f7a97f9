package test

import (
	"strings"
	"testing"
)

// The rules are only worth what they catch: each of these made-up files breaks one, or just does not.
func TestTheRulesOfArchitectureCatchWhatBreaksThem(t *testing.T) {
	tests := []struct {
		name    string
		check   func([]file) []string
		path    string
		imports string
		body    string
		want    string // part of the one violation; empty when there is none
	}{
		{"down is fine", badImports, "signal/a.go", "protocol", "", ""},
		{"up", badImports, "protocol/a.go", "link", "", "imports point down"},
		{"into the process", badImports, "turn/a.go", "internal/app", "", "imports point down"},
		{"a neighbour", badImports, "signal/a.go", "turn", "", "neighbours are strangers"},
		{"a neighbour's room", badImports, "api/a.go", "device/media", "", "neighbours are strangers"},
		{"a neighbour, in a test", badImports, "signal/a_test.go", "turn", "", "neighbours are strangers"},
		{"the lab, in a test", badImports, "signal/a_test.go", "test/natlab", "", ""},
		{"the lab, in the product", badImports, "signal/a.go", "test/natlab", "", "imports point down"},
		{"beside, with leave", badImports, "auth/a.go", "record", "", ""},
		{"beside, without", badImports, "record/a.go", "auth", "", "neighbours are strangers"},
		{"a package nobody placed", badImports, "util/a.go", "", "", "has no floor"},
		{"an import of a package nobody placed", badImports, "signal/a.go", "util", "", "has no floor"},
		{"a name that only begins alike", badImports, "signals/a.go", "", "", "has no floor"},
		{"the agent uses its rooms", badImports, "device/a.go", "device/source", "", ""},
		{"a room uses the agent", badImports, "device/media/a.go", "device", "", "in the agent as well"},
		{"rooms that are strangers", badImports, "device/peer/a.go", "device/source", "", "never import each other"},
		{"a room nobody placed", badImports, "device/util/a.go", "device/media", "", "no place"},
		{"the wiring joins neighbours", badImports, "internal/app/a.go", "signal", "", ""},

		{"an owner", badLibraries, "turn/a.go", "github.com/pion/turn/v5", "", ""},
		{"a room of the owner", badLibraries, "device/peer/a.go", "github.com/pion/webrtc/v4", "", ""},
		{"no owner", badLibraries, "device/a.go", "github.com/pion/turn/v5", "", "belongs to turn"},
		{"a database elsewhere", badLibraries, "internal/usage/a.go", "database/sql", "", "belongs to internal/store"},
		{"a test that plays the other side", badLibraries, "device/peer/a_test.go", "github.com/pion/turn/v5", "", ""},
		{"a test's own socket", badLibraries, "test/e2e/a_test.go", "github.com/gorilla/websocket", "", ""},

		{"protocol and the standard library", badProtocol, "protocol/a.go", "encoding/json", "", ""},
		{"protocol and a library", badProtocol, "protocol/a.go", "github.com/google/uuid", "", "not of the standard library"},

		{"exit in cmd", badCalls, "cmd/sightline/a.go", "os", "func f() { os.Exit(1) }", ""},
		{"exit elsewhere", badCalls, "signal/a.go", "os", "func f() { os.Exit(1) }", "os.Exit belongs to cmd"},
		{"environment in config", badCalls, "internal/config/a.go", "os", `var v = os.Getenv("V")`, ""},
		{"environment elsewhere", badCalls, "turn/a.go", "os", `var v = os.Getenv("V")`, "os.Getenv belongs to"},
		{"flags elsewhere", badCalls, "device/a.go", "flag", "", "import flag belongs to"},
		{"signals in the wiring", badCalls, "internal/app/a.go", "os/signal", "", "import os/signal belongs to cmd"},

		{"a short file", longFiles, "link/a.go", "", strings.Repeat("\n", maxLines-10), ""},
		{"a long file", longFiles, "link/a.go", "", strings.Repeat("\n", maxLines+1), "second idea"},
		{"a long test", longFiles, "link/a_test.go", "", strings.Repeat("\n", maxLines+1), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			source := "package x\n"
			if tt.imports != "" {
				path := tt.imports
				if _, floor := home(path); floor >= 0 || path == "util" {
					path = module + "/" + path
				}
				source += "import _ \"" + path + "\"\n"
			}
			f, err := parse(tt.path, []byte(source+tt.body))
			if err != nil {
				t.Fatal(err)
			}
			got := tt.check([]file{f})
			if tt.want == "" && len(got) > 0 {
				t.Errorf("got %q, want no violation", got)
			}
			if tt.want != "" && (len(got) != 1 || !strings.Contains(got[0], tt.want)) {
				t.Errorf("got %q, want one violation that says %q", got, tt.want)
			}
		})
	}
}

func TestTheAgentsDependenciesAreJudgedByModule(t *testing.T) {
	got := carried([]string{"github.com/pion/webrtc/v4", "modernc.org/sqlite/lib", "github.com/prometheus/client_golang/prometheus", "modernc.org/sqlitey"})
	if len(got) != 2 {
		t.Errorf("got %q, want the two server libraries", got)
	}
}
