package test

import (
	"os/exec"
	"strings"
	"testing"
)

// floors are the packages of each floor of docs/architecture.md, with everything below them in the tree.
var floors = [][]string{
	0: {"protocol"},
	1: {"nat", "link", "record", "auth", "internal/obs", "internal/throttle", "sdk/go", "internal/kvs", "internal/whep", "internal/special"},
	2: {"signal", "turn", "device", "api", "web", "internal/store", "internal/access", "internal/usage", "internal/webhook", "internal/front"},
	3: {"internal/config"},
	4: {"internal/app"},
	5: {"cmd/sightline", "cmd/sightline-agent", "sdk/go/examples"},
	6: {"test"},
}

// beside are the few imports within a floor that are allowed. auth mints and verifies the records themselves.
var beside = map[string][]string{
	"auth": {"record"},
}

// rooms are the parts of the agent, each of which may import those before it.
var rooms = []string{
	"device/media", "device/portmap", "device/reach", "device/source/demux", "device/onvif", "device/source", "device/peer", "device/door", "device/uplink",
	"device", "device/statuspage",
}

// strangers are rooms that must not know each other although they stand in one line.
var strangers = [][2]string{
	{"device/peer", "device/source"}, {"device/onvif", "device/peer"}, {"device/door", "device/peer"}, {"device/uplink", "device/peer"}, {"device/uplink", "device/source"},
}

// owners say which packages may import a library directly: a change of library is then a change there only. Tests are
// free: they play the other side.
var owners = map[string][]string{
	"database/sql":                    {"internal/store"},
	"github.com/alecthomas/kong":      {"internal/config", "cmd/sightline"},
	"github.com/alecthomas/kong-yaml": {"internal/config", "cmd/sightline"},
	"github.com/bluenviron":           {"device"},
	"github.com/danielgtaylor/huma":   {"api"},
	"github.com/golang-jwt/jwt":       {"auth"},
	"github.com/gorilla/websocket":    {"signal", "device"},
	"github.com/jackc/pgx":            {"internal/store"},
	"github.com/pion/turn":            {"turn"},
	"github.com/pion/webrtc":          {"device"},
	"github.com/pressly/goose":        {"internal/store"},
	"gopkg.in/yaml":                   {"internal/config", "cmd/sightline-agent"},
	"modernc.org/sqlite":              {"internal/store"},
}

// asked are the calls that only some packages may make. The process belongs to cmd, its settings to config.
var asked = map[string][]string{
	"os.Exit":          {"cmd", "sdk/go/examples"},
	"os.Getenv":        {"internal/config", "cmd", "sdk/go/examples"},
	"os.LookupEnv":     {"internal/config", "cmd"},
	"os.Environ":       {"internal/config", "cmd"},
	"os.Args":          {"internal/config", "cmd"},
	"import flag":      {"internal/config", "cmd", "sdk/go/examples"},
	"import os/signal": {"cmd", "sdk/go/examples"},
}

// serverOnly are libraries that the agent must not carry, not even through others.
var serverOnly = []string{
	"github.com/alecthomas/kong", "github.com/danielgtaylor/huma", "github.com/jackc/pgx",
	"github.com/pressly/goose", "github.com/prometheus", "modernc.org/sqlite",
}

// maxLines is where a file is asked what its second idea is.
const maxLines = 400

func TestImportsPointDownAndNeighboursAreStrangers(t *testing.T) {
	report(t, badImports(tree(t)))
}

func TestOnlyItsOwnerImportsALibrary(t *testing.T) {
	report(t, badLibraries(tree(t)))
}

func TestProtocolImportsOnlyTheStandardLibrary(t *testing.T) {
	report(t, badProtocol(tree(t)))
}

func TestOnlyTheProcessTouchesTheProcess(t *testing.T) {
	report(t, badCalls(tree(t)))
}

func TestFilesHoldOneIdea(t *testing.T) {
	report(t, longFiles(tree(t)))
}

func TestTheAgentCarriesNothingOfTheServer(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "../cmd/sightline-agent", "../device/...").Output()
	if err != nil {
		t.Fatalf("list the agent's dependencies: %v", err)
	}
	report(t, carried(strings.Fields(string(out))))
}

func report(t *testing.T, violations []string) {
	t.Helper()
	for _, v := range violations {
		t.Error(v)
	}
}
