package app

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/internal/config"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// endless are the operations whose answer has no end; what they tell is what GET /v1/events does.
var endless = []string{"stream-events"}

// possessions are one of everything that a project can have, by what the API's paths call them. A resource that is new in the
// API has to be added here.
func (p partner) possessions() map[string]string {
	p.t.Helper()
	device := p.device()
	session := record.Session{
		ID: protocol.SessionID("s-of-" + p.project), Kind: record.SessionLive, Project: p.project, Device: device, Viewer: "viewer-of-" + string(p.project),
		Created: time.Now(), Expires: time.Now().Add(time.Hour),
	}
	if err := p.store.Sessions().Save(p.t.Context(), session); err != nil {
		p.t.Fatal(err)
	}
	p.partner("third")
	return map[string]string{
		"devices":      string(device),
		"sessions":     string(session.ID),
		"enrolments":   p.ask("POST", "/v1/enrolments", map[string]any{"name": "of " + string(p.project)}).want(201).field("id"),
		"keys":         p.ask("POST", "/v1/keys", map[string]any{"name": "of " + string(p.project)}).want(201).field("id"),
		"signing-keys": p.signer().id,
		"grants":       p.ask("POST", "/v1/grants", map[string]any{"device": device, "project": "third"}).want(201).field("id"),
		"projects":     string(p.project),
		// Of a kind that does not happen here: what is sent would change what is told of the endpoint.
		"webhooks": p.ask("POST", "/v1/webhooks", map[string]any{"url": "http://127.0.0.1:9999/of-" + string(p.project), "kinds": []string{"device.alert"}}).want(201).field("id"),
	}
}

// bodies are what is sent to the operations that take something, which name what is another's wherever they can.
func bodies(theirs map[string]string) map[string]map[string]any {
	return map[string]map[string]any{
		"create-device":          {"name": "mine"},
		"change-device":          {"name": "stolen"},
		"create-enrolment":       {"name": "mine"},
		"create-grant":           {"device": theirs["devices"], "project": "third"},
		"create-key":             {"name": "mine"},
		"rotate-key":             {"overlap_s": 0},
		"create-project":         {"id": "stolen"},
		"change-project":         {"name": "stolen"},
		"create-project-key":     {"name": "stolen"},
		"change-project-budgets": {},
		"add-project-points":     {"points": 1},
		"create-signing-key":     {"public_key": "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="},
		"create-token":           {"device": theirs["devices"]},
		"open-session":           {"device": theirs["devices"], "offer": "v=0"},
		"create-webhook":         {"url": "http://127.0.0.1:9999/mine", "kinds": []string{"device.alert"}},
		"change-webhook":         {"name": "stolen"},
		"replay-webhook":         {"dead": true},
	}
}

// bodied is an operation of the API's document.
type bodied struct {
	OperationID string `json:"operationId"`
	RequestBody any    `json:"requestBody"`
	Security    []any  `json:"security"`
}

// operations calls f for each operation that needs a key.
func (r *running) operations(f func(method, path string, o bodied)) {
	r.t.Helper()
	_, _, text := r.get(http.MethodGet, "/openapi.json")
	var document struct {
		Paths map[string]map[string]bodied
	}
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		r.t.Fatal(err)
	}
	for _, path := range slices.Sorted(maps.Keys(document.Paths)) {
		for method, o := range document.Paths[path] {
			if len(o.Security) > 0 && !slices.Contains(endless, o.OperationID) {
				f(strings.ToUpper(method), path, o)
			}
		}
	}
}

// fill puts what a project has into a path; named is false for a path that names nothing.
func fill(t *testing.T, path string, has map[string]string) (filled string, named bool) {
	t.Helper()
	before, rest, named := strings.Cut(path, "{")
	if !named {
		return path, false
	}
	resource := strings.Trim(strings.TrimPrefix(before, "/v1/"), "/")
	id, known := has[resource]
	if !known {
		t.Fatalf("%s: say in possessions what a project has of these", path)
	}
	_, rest, _ = strings.Cut(rest, "}")
	if strings.Contains(rest, "{") {
		t.Fatalf("%s names two things: this test knows one", path)
	}
	return before + id + rest, true
}

// state is all that a project sees of itself.
func (p partner) state(has map[string]string) map[string]string {
	state := map[string]string{}
	p.operations(func(method, path string, _ bodied) {
		if method == http.MethodGet && !strings.HasPrefix(path, "/v1/projects") {
			path, _ = fill(p.t, path, has)
			state[path] = string(p.ask(method, path, nil).text)
		}
	})
	return state
}

// Every operation of the API's document is asked for what another project has. New ones fail this test until it knows what
// that would be.
func TestAKeyOfOneProjectReachesNothingOfAnother(t *testing.T) {
	r := serve(t, settings(t, func(c *config.Serve) { c.WebhookLocal = true }))
	mine, theirs := r.partner("mine"), r.partner("theirs")
	has := theirs.possessions()
	before := theirs.state(has)
	say := bodies(has)
	asked := 0
	r.operations(func(method, path string, o bodied) {
		filled, named := fill(t, path, has)
		var body any
		if o.RequestBody != nil {
			known := say[o.OperationID]
			if known == nil {
				t.Fatalf("%s: say in bodies what to send", o.OperationID)
			}
			body = known
		}
		got := mine.ask(method, filled, body)
		asked++
		operator := strings.HasPrefix(path, "/v1/projects")
		foreign := named || slices.Contains([]string{"create-token", "create-grant", "open-session"}, o.OperationID)
		switch {
		case operator && got.status == http.StatusForbidden && got.code() == protocol.CodeForbidden:
		case operator:
			t.Errorf("%s %s: got %d %s, want forbidden", method, filled, got.status, got.text)
		case foreign && (got.status != http.StatusNotFound || got.code() != protocol.CodeNotFound):
			t.Errorf("%s %s: got %d %s, want not_found", method, filled, got.status, got.text)
		case !foreign && got.status >= 300:
			t.Errorf("%s %s: got %d %s", method, filled, got.status, got.text)
		}
		for resource, id := range has {
			if resource != "projects" && strings.Contains(string(got.text), id) {
				t.Errorf("%s %s: the answer has %s of another project: %s", method, filled, id, got.text)
			}
		}
	})
	for _, path := range []string{"/v1/sessions?device=", "/v1/usage/paths?device="} {
		if text := string(mine.ask("GET", path+has["devices"], nil).want(200).text); strings.Contains(text, has["sessions"]) || strings.Contains(text, "viewer-of") {
			t.Errorf("%s: got %s", path, text)
		}
	}
	for path, now := range theirs.state(has) {
		if now != before[path] {
			t.Errorf("%s changed\nfrom %s\nto   %s", path, before[path], now)
		}
	}
	if asked < 30 {
		t.Errorf("only %d operations were asked", asked)
	}
}

// A key that has every scope but the one that an operation needs is refused, whatever it asks of its own project.
func TestAKeyWithoutTheScopeOfAnOperationIsRefused(t *testing.T) {
	r := serve(t, settings(t, func(c *config.Serve) { c.WebhookLocal = true }))
	p := r.partner("mine")
	has := p.possessions()
	say := bodies(has)
	r.operations(func(method, path string, o bodied) {
		resource, _, _ := strings.Cut(strings.TrimPrefix(path, "/v1/"), "/")
		needed := record.ScopeOf(resource, method != http.MethodGet)
		var others []record.Scope
		for _, name := range append(slices.Clone(record.ScopeResources), "projects") {
			for _, write := range []bool{true, false} {
				if s := record.ScopeOf(name, write); s != needed && !slices.Contains(others, s) {
					others = append(others, s)
				}
			}
		}
		filled, _ := fill(t, path, has)
		var body any
		if o.RequestBody != nil {
			body = say[o.OperationID]
		}
		if got := r.partner("mine", others...).ask(method, filled, body); got.status != http.StatusForbidden {
			t.Errorf("%s %s without %s: got %d %s", method, filled, needed, got.status, got.text)
		}
	})
}
