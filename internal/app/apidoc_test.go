package app

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/internal/config"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

const apiDocument = "../../docs/api.md"

// example is a request of docs/api.md: a command and what its comment says of the answer.
type example struct {
	line    int
	command string
	// statuses are those that may come back.
	statuses []int
	// takes has, by the names of variables, the fields of the answer that they are set to.
	takes map[string]string
}

var (
	statusText = regexp.MustCompile(`\b[1-5]\d\d\b`)
	takeText   = regexp.MustCompile(`\b([A-Z_]+)=(\S+)`)
	methodText = regexp.MustCompile(`(?:-X|--request) ([A-Z]+)`)
	pathText   = regexp.MustCompile(`\$HUB(/[^\s"'?]*)`)
)

// examples returns the commands of the shell blocks. A comment that begins with a status ends each.
func examples(t *testing.T) []example {
	t.Helper()
	text, err := os.ReadFile(apiDocument)
	if err != nil {
		t.Fatal(err)
	}
	var list []example
	var command []string
	shell := false
	for i, line := range strings.Split(string(text), "\n") {
		switch outcome, comment := strings.CutPrefix(line, "# "); {
		case strings.HasPrefix(line, "```"):
			if len(command) > 0 {
				t.Errorf("%s:%d: no status follows the command", apiDocument, i+1)
			}
			shell, command = line == "```sh", nil
		case !shell:
		case !comment:
			command = append(command, line)
		default:
			e := example{line: i + 1, command: strings.Join(command, "\n"), takes: map[string]string{}}
			command = nil
			told, taken, _ := strings.Cut(outcome, "→")
			for _, status := range statusText.FindAllString(told, -1) {
				number, _ := strconv.Atoi(status) // three digits
				e.statuses = append(e.statuses, number)
			}
			for _, take := range takeText.FindAllStringSubmatch(taken, -1) {
				e.takes[take[1]] = take[2]
			}
			list = append(list, e)
		}
	}
	return list
}

// request returns the method and the path of the command.
func (e example) request() (method, path string) {
	if found := pathText.FindStringSubmatch(e.command); found != nil {
		path = found[1]
	}
	switch found := methodText.FindStringSubmatch(e.command); {
	case found != nil:
		return found[1], path
	case strings.Contains(e.command, " -d "):
		return http.MethodPost, path
	}
	return http.MethodGet, path
}

func TestEveryRequestOfTheDocumentOfTheAPIWorks(t *testing.T) {
	r := serve(t, settings(t, func(c *config.Serve) { c.WebhookLocal = true }))
	endpoint := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(endpoint.Close)
	variables := map[string]string{"HUB": r.url, "ENDPOINT": endpoint.URL}
	r.furnish(variables)
	dir := t.TempDir()
	for _, e := range examples(t) {
		e.run(t, dir, variables)
	}
}

// furnish makes what the document takes for granted.
func (r *running) furnish(variables map[string]string) {
	r.t.Helper()
	ctx := r.t.Context()
	_, key, err := r.store.CreateKey(ctx, record.Key{Project: protocol.DefaultProject})
	if err != nil {
		r.t.Fatal(err)
	}
	_, operator, err := r.store.CreateKey(ctx, record.Key{Project: protocol.DefaultProject, Scopes: []record.Scope{record.ScopeOperator}})
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.store.CreateProject(ctx, "shop", ""); err != nil && !errors.Is(err, &protocol.Error{Code: protocol.CodeConflict}) {
		r.t.Fatal(err)
	}
	_, code, err := r.store.CreateEnrolment(ctx, record.Enrolment{Project: protocol.DefaultProject, Name: "Front door"}, 0)
	if err != nil {
		r.t.Fatal(err)
	}
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	device, err := r.store.Enrol(ctx, code.Reveal(), public, "", "")
	if err != nil {
		r.t.Fatal(err)
	}
	session := record.Session{
		ID: protocol.SessionID("s-" + device.ID), Kind: record.SessionLive, Project: device.Project, Device: device.ID, Viewer: "anna",
		Created: time.Now(), Expires: time.Now().Add(time.Hour),
	}
	if err := r.store.Sessions().Save(ctx, session); err != nil {
		r.t.Fatal(err)
	}
	variables["KEY"], variables["OPERATOR"], variables["DEVICE"], variables["SESSION"] = key.Reveal(), operator.Reveal(), string(device.ID), string(session.ID)
}

// run runs the command in a shell in which curl writes headers and body to files and prints the status.
func (e example) run(t *testing.T, dir string, variables map[string]string) {
	t.Helper()
	head, body := filepath.Join(dir, "head"), filepath.Join(dir, "body")
	const prelude = `curl() { command curl -sS --max-time 20 -D "$ANSWER_HEAD" -o "$ANSWER_BODY" -w '%{http_code}' "$@"; }` + "\n"
	command := exec.CommandContext(t.Context(), "bash", "-euc", prelude+e.command)
	command.Env = append(os.Environ(), "ANSWER_HEAD="+head, "ANSWER_BODY="+body)
	for name, value := range variables {
		command.Env = append(command.Env, name+"="+value)
	}
	out, err := command.Output()
	status, _ := strconv.Atoi(strings.TrimSpace(string(out))) // 0 is no status
	answer, _ := os.ReadFile(body)                            // 204 has none
	if !slices.Contains(e.statuses, status) {
		t.Fatalf("%s:%d: %s\ngot %q %s (%v), want %v", apiDocument, e.line, e.command, out, answer, err, e.statuses)
	}
	for name, field := range e.takes {
		if variables[name], err = pick(head, answer, field); err != nil {
			t.Fatalf("%s:%d: %s: %v", apiDocument, e.line, name, err)
		}
	}
}

// pick returns a field of an answer: the name of a header after @, else a way through JSON.
func pick(headFile string, answer []byte, field string) (string, error) {
	if name, header := strings.CutPrefix(field, "@"); header {
		text, err := os.ReadFile(headFile)
		if err != nil {
			return "", err
		}
		for line := range strings.Lines(string(text)) {
			if key, value, _ := strings.Cut(line, ":"); strings.EqualFold(key, name) {
				return strings.TrimSpace(value), nil
			}
		}
		return "", fmt.Errorf("the answer has no header %s", name)
	}
	var at any
	if err := json.Unmarshal(answer, &at); err != nil {
		return "", err
	}
	for step := range strings.SplitSeq(field, ".") {
		switch inner := at.(type) {
		case map[string]any:
			at = inner[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(inner) {
				return "", fmt.Errorf("%s: there is no %s", field, step)
			}
			at = inner[i]
		}
	}
	if at == nil {
		return "", fmt.Errorf("the answer has no %s", field)
	}
	return fmt.Sprint(at), nil
}

func TestTheDocumentOfTheAPIShowsEveryOperation(t *testing.T) {
	text, err := os.ReadFile("../../api/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	shown := examples(t)
	inBraces := regexp.MustCompile(`\\\{[^/]+\\\}`)
	for _, path := range slices.Sorted(maps.Keys(document.Paths)) {
		form := regexp.MustCompile("^" + inBraces.ReplaceAllString(regexp.QuoteMeta(path), "[^/]+") + "$")
		for method := range document.Paths[path] {
			if !slices.ContainsFunc(shown, func(e example) bool {
				m, p := e.request()
				return strings.EqualFold(m, method) && form.MatchString(p)
			}) {
				t.Errorf("%s does not show %s %s", apiDocument, strings.ToUpper(method), path)
			}
		}
	}
}
