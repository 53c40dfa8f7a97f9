package programs

import (
	"database/sql"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // to make a code old
)

// mistake wants a program to end with status 1, nothing on stdout and one line that says what is wrong.
func mistake(t *testing.T, program, want string, args ...string) {
	t.Helper()
	r := ends(t, program, args...)
	if r.status != 1 || r.stdout != "" {
		t.Errorf("%s: status %d and stdout %q, want 1 and nothing", strings.Join(args, " "), r.status, r.stdout)
	}
	if strings.Count(r.stderr, "\n") != 1 || !strings.HasPrefix(r.stderr, program+": ") || !strings.Contains(r.stderr, want) {
		t.Errorf("%s: it says\n%swant one line with %q", strings.Join(args, " "), r.stderr, want)
	}
}

func regular(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestServersMistakesAreSaidInOneLine(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	below := filepath.Join(regular(t), "data")
	data := t.TempDir()
	serve := func(flags ...string) []string {
		return append([]string{"serve", "--data", data, "--listen", "127.0.0.1:0", "--turn-listen", "127.0.0.1:0", "--metrics-listen", "off"}, flags...)
	}
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"unknown command", []string{"sreve"}, "sreve"},
		{"unknown flag", serve("--lisen", ":1"), "unknown flag --lisen"},
		{"wrong address", serve("--listen", "8080"), `--listen: "8080" is no HOST:PORT`},
		{"wrong URL", serve("--url", "cameras.example.org"), `--url: "cameras.example.org" is no URL`},
		{"occupied port", serve("--listen", taken.Addr().String()), "--listen: tcp " + taken.Addr().String() + ": address already in use"},
		{"occupied relay port", serve("--turn-listen", taken.Addr().String()), "--turn-listen: tcp4 " + taken.Addr().String() + ": address already in use"},
		{"unwritable data", serve("--data", below), "cannot write to data directory " + below + ": not a directory"},
		{"data in /proc", serve("--data", "/proc/sightline"), "cannot write to data directory /proc/sightline: "},
		{"no certificate", serve("--tls-cert", "/nowhere", "--tls-key", "/nowhere"), "--tls-cert and --tls-key: open /nowhere: no such file or directory"},
		{"no settings file", serve("--config", "/nowhere.yaml"), "/nowhere.yaml: no such file or directory"},
		{"no such project", []string{"key", "create", "--data", data, "--project", "nope"}, `there is no project "nope"`},
		{"no such device", []string{"token", "create", "--data", data, "--device", "nope"}, "there is no such device"},
		{"no name", []string{"enroll", "create", "--data", data}, "missing flags: --name"},
		{"no credentials", []string{"turn", "credentials", "--data", data, "--count", "0"}, "--count is 1 to 10000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { mistake(t, "sightline", tt.want, tt.args...) })
	}
}

func TestAgentsMistakesAreSaidInOneLine(t *testing.T) {
	run := func(flags ...string) []string {
		return append([]string{"run", "--hub", "http://127.0.0.1:1", "--log-level", "error"}, flags...)
	}
	below, state := filepath.Join(regular(t), "state"), t.TempDir()
	const code = "7K3M-Q9ZD-0TVB-5HXE"
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"unknown command", []string{"rnu"}, `unknown command "rnu"`},
		{"unknown flag", run("--stat", state), "-stat"},
		{"stray word", run("--state", state, "now"), `"now" is no flag`},
		{"no hub", []string{"run", "--state", state}, "--hub is missing"},
		{"wrong URL", run("--hub", "cameras.example.org", "--state", state), `the hub must be a URL such as https://cameras.example.org, not "cameras.example.org"`},
		{"no state", run(), "--state is missing"},
		{"not enrolled", run("--state", state), "the device is not enrolled"},
		{"garbage for a code", run("--state", state, "--enroll", "sesame"), "this is not an enrolment code"},
		{"unwritable state", run("--state", below, "--enroll", code), "not a directory"},
		{"state in /proc", run("--state", "/proc/sightline", "--enroll", code), "/proc/sightline"},
		{"unknown source", run("--state", state, "--enroll", code, "--source", "gopher://x"), `source scheme "gopher" is unknown`},
		{"no number", run("--state", state, "--max-viewers", "many"), `"many"`},
		{"no authority", run("--state", state, "--ca", "/nowhere.pem"), "--ca: open /nowhere.pem: no such file or directory"},
		{"wrong level", run("--state", state, "--log-level", "loud"), `--log-level is debug, info, warn or error, not "loud"`},
		{"wrong door", run("--state", state, "--door", "back"), `--door is auto, websocket or poll, not "back"`},
		{"wrong STUN server", run("--state", state, "--stun", "stun:a:1,b:2"), `--stun: "b:2" is not the URL of a STUN server`},
		{"wrong port mapping", run("--state", state, "--port-mapping", "yes"), `--port-mapping is auto or off, not "yes"`},
		{"negative time", run("--state", state, "--door-retry", "-1s"), "--door-retry is a time such as 2m, not -1s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { mistake(t, "sightline-agent", tt.want, tt.args...) })
	}
}

func TestCodeIsGoodOnceAndInItsTime(t *testing.T) {
	s := serves(t, t.TempDir())
	run := func(code string) []string {
		return []string{"run", "--hub", s.URL, "--state", t.TempDir(), "--enroll", code, "--log-level", "error"}
	}
	create := func() string {
		return answers[codeLine](t, "enroll", "create", "--data", s.data, "--name", "x", "--json")[0].Code
	}
	used := create()
	agent, _ := s.agent("--state", t.TempDir(), "--enroll", used)
	agent.stops()
	mistake(t, "sightline-agent", "the hub refused the enrolment: this enrolment code was used", run(used)...)
	mistake(t, "sightline-agent", "the hub refused the enrolment: there is no such enrolment code", run("7K3M-Q9ZD-0TVB-5HXE")...)

	old := create()
	age(t, s.data)
	mistake(t, "sightline-agent", "the hub refused the enrolment: this enrolment code expired", run(old)...)
}

// age lets every code expire.
func age(t *testing.T, data string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(data, "sightline.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	result, err := db.ExecContext(t.Context(), "UPDATE enrolments SET expires_ms = ?", time.Now().Add(-time.Minute).UnixMilli())
	if err != nil {
		t.Fatal(err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		t.Fatalf("%d codes aged, %v", n, err)
	}
}

func TestProgramsExplainThemselves(t *testing.T) {
	tests := []struct{ program, args, want string }{
		{"sightline", "", "enroll create"},
		{"sightline", "--help", "enroll create"},
		{"sightline", "serve --help", "--turn-listen"},
		{"sightline", "--version", "dev"},
		{"sightline-agent", "", "usage: sightline-agent run"},
		{"sightline-agent", "--help", "usage: sightline-agent run"},
		{"sightline-agent", "run --help", "-media-listen"},
		{"sightline-agent", "version", "dev"},
	}
	for _, tt := range tests {
		r := ends(t, tt.program, strings.Fields(tt.args)...)
		if r.status != 0 || r.stderr != "" || !strings.Contains(r.stdout, tt.want) {
			t.Errorf("%s %s: status %d, stderr %q, stdout %q, want %q on stdout", tt.program, tt.args, r.status, r.stderr, r.stdout, tt.want)
		}
	}
}

func TestCheckTellsByItsStatus(t *testing.T) {
	s := serves(t, t.TempDir())
	at := strings.TrimSuffix(strings.TrimPrefix(s.Turn[0], "turn:"), "?transport=udp")
	good := ends(t, "sightline", "check", "--url", s.URL, "--turn-listen", at)
	if good.status != 0 || strings.Count(good.stdout, "ok ") != 5 || good.stderr != "" {
		t.Errorf("a good server: status %d\n%s%s", good.status, good.stdout, good.stderr)
	}
	s.stops()
	bad := ends(t, "sightline", "check", "--url", s.URL, "--turn-listen", at)
	if bad.status != 1 || strings.Count(bad.stdout, "BAD") != 4 || bad.stderr != "sightline: 4 of 5 checks failed\n" {
		t.Errorf("a server that is not there: status %d\n%s%s", bad.status, bad.stdout, bad.stderr)
	}
	agent := ends(t, "sightline-agent", "check", "--hub", s.URL, "--state", t.TempDir(), "--log-level", "error",
		"--port-mapping", "off")
	if agent.status != 1 || agent.stderr != "sightline-agent: 2 of 4 checks failed\n" {
		t.Errorf("an agent without a server: status %d\n%s%s", agent.status, agent.stdout, agent.stderr)
	}
}
