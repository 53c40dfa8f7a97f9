package app

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/internal/config"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
	"github.com/sightline-rtc/sightline/test/postgres"
)

// wildRequests is how many are sent to each operation.
const wildRequests = 25

// wild are values that few expect, as JSON.
var wild = []string{
	`null`, `true`, `""`, `"\u0000"`, `"\ud800"`, `"\n"`, `"ß漢🎥"`, `"null"`, `"' OR 1=1 --"`, `0`, `-1`, `1e400`, `-0.5`, `9223372036854775808`, `1e-9`, `[]`, `[[]]`,
	`[null]`, `{}`, `{"a":{"a":{}}}`, `"` + strings.Repeat("x", 5000) + `"`, "\"\xff\xfe\"", `{`, ``, `"2026-13-45T99:99:99Z"`, `"::ffff:127.0.0.1"`, `"https://[::1"`,
}

// honest are the failures of a server that has no fault.
var honest = []protocol.Code{protocol.CodeOffline, protocol.CodeBusy, protocol.CodeTimeout, protocol.CodeGoingAway, protocol.CodeFull}

type schema struct {
	Ref        string            `json:"$ref"`
	Type       any               `json:"type"`
	Enum       []any             `json:"enum"`
	Format     string            `json:"format"`
	Minimum    float64           `json:"minimum"`
	Maximum    float64           `json:"maximum"`
	Properties map[string]schema `json:"properties"`
	Required   []string          `json:"required"`
	Items      *schema           `json:"items"`
}

type operation struct {
	Scope      record.Scope `json:"x-scope"`
	Parameters []struct {
		Name   string
		In     string
		Schema schema
	} `json:"parameters"`
	Body struct {
		Content map[string]struct{ Schema schema } `json:"content"`
	} `json:"requestBody"`
}

// crowd makes requests that are good, nearly good and no good.
type crowd struct {
	*rand.Rand
	schemas map[string]schema
	known   map[string]string
}

// value writes a value of a schema, or another one.
func (c *crowd) value(name string, s schema, depth int) string {
	if c.IntN(6) == 0 || depth > 6 {
		return wild[c.IntN(len(wild))]
	}
	if of, is := strings.CutPrefix(s.Ref, "#/components/schemas/"); is {
		s = c.schemas[of]
	}
	if known := c.known[name]; known != "" && c.IntN(4) > 0 {
		return string(must(json.Marshal(known)))
	}
	if len(s.Enum) > 0 {
		return string(must(json.Marshal(s.Enum[c.IntN(len(s.Enum))])))
	}
	kind, _ := s.Type.(string)
	if kinds, several := s.Type.([]any); several {
		kind, _ = kinds[c.IntN(len(kinds))].(string)
	}
	switch kind {
	case "object":
		var fields []string
		for _, field := range slices.Sorted(maps.Keys(s.Properties)) {
			if slices.Contains(s.Required, field) && c.IntN(20) > 0 || c.IntN(2) == 0 {
				fields = append(fields, fmt.Sprintf("%q:%s", field, c.value(field, s.Properties[field], depth+1)))
			}
		}
		return "{" + strings.Join(fields, ",") + "}"
	case "array":
		var items []string
		for range c.IntN(4) {
			items = append(items, c.value(name, *s.Items, depth+1))
		}
		return "[" + strings.Join(items, ",") + "]"
	case "integer", "number":
		return fmt.Sprint(int64(s.Minimum) + c.Int64N(max(1, int64(min(s.Maximum, 1e6))-int64(s.Minimum)+2)))
	case "boolean":
		return fmt.Sprint(c.IntN(2) == 0)
	case "null":
		return "null"
	}
	return string(must(json.Marshal([]string{"a", "Front door", "2026-01-01", "2027-01-01T00:00:00Z", "https://example.org/x", "AAAA"}[c.IntN(6)])))
}

// text is value as it stands in a URL or a header.
func (c *crowd) text(name string, s schema) string {
	value := c.value(name, s, 0)
	var plain string
	if json.Unmarshal([]byte(value), &plain) == nil {
		return plain
	}
	return value
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// Whatever comes to whatever operation, the server is not at fault, and says in a problem what the client's is.
func TestWildRequestsAreNeverTheServersFault(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { sendWild(t, serve(t, settings(t))) })
	t.Run("postgres", func(t *testing.T) {
		database := postgres.Need(t)
		sendWild(t, serve(t, settings(t, func(c *config.Serve) {
			c.Database = auth.NewSecret(database.URL(postgres.Superuser, "postgres"))
		})))
	})
}

func sendWild(t *testing.T, r *running) {
	t.Helper()
	var document struct {
		Paths      map[string]map[string]operation
		Components struct{ Schemas map[string]schema }
	}
	_, _, text := r.get(http.MethodGet, "/openapi.json")
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		t.Fatal(err)
	}
	c := &crowd{rand.New(rand.NewPCG(1, 2)), document.Components.Schemas, map[string]string{}}
	served := 0
	for _, path := range slices.Sorted(maps.Keys(document.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(document.Paths[path])) {
			if path == "/v1/events/stream" { // it has no end
				continue
			}
			op := document.Paths[path][method]
			succeeded := false
			for range wildRequests {
				if len(c.known) == 0 || c.IntN(8) == 0 { // the one before may have revoked or deleted what there was
					c.known = r.wildlife()
				}
				succeeded = c.send(t, r.http.Handler, strings.ToUpper(method), path, op) || succeeded
			}
			if succeeded {
				served++
			} else {
				t.Logf("%s %s: nothing of it was good", method, path)
			}
		}
	}
	if all := len(document.Paths); served < all*2/3 {
		t.Errorf("only %d operations of %d paths had a request that was good: the requests are too wild to test anything", served, all)
	}
}

// wildlife makes what requests may name, by the names of fields and parameters.
func (r *running) wildlife() map[string]string {
	r.t.Helper()
	variables := map[string]string{}
	r.furnish(variables)
	_, operator, err := r.store.CreateKey(r.t.Context(), record.Key{Project: protocol.DefaultProject, Scopes: []record.Scope{record.ScopeOperator}})
	if err != nil {
		r.t.Fatal(err)
	}
	enrolment, code, err := r.store.CreateEnrolment(r.t.Context(), record.Enrolment{Project: protocol.DefaultProject}, 0)
	if err != nil {
		r.t.Fatal(err)
	}
	spare, _, err := r.store.CreateKey(r.t.Context(), record.Key{Project: protocol.DefaultProject})
	if err != nil {
		r.t.Fatal(err)
	}
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return map[string]string{
		"": variables["KEY"], string(record.ScopeOperator): operator.Reveal(), "device": variables["DEVICE"], "session": variables["SESSION"],
		"enrolment": enrolment.ID, "code": code.Reveal(), "key": string(spare.ID), "public_key": base64.StdEncoding.EncodeToString(public),
	}
}

// send sends one request and reports whether it was good.
func (c *crowd) send(t *testing.T, handler http.Handler, method, path string, op operation) bool {
	t.Helper()
	query, header := url.Values{}, http.Header{}
	for _, p := range op.Parameters {
		switch {
		case p.In == "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(c.text(p.Name, p.Schema)))
		case p.Name == "wait" || c.IntN(3) > 0:
		case p.In == "query":
			query.Set(p.Name, c.text(p.Name, p.Schema))
		default:
			header.Set(p.Name, strings.Map(func(r rune) rune { return max(r, ' ') }, c.text(p.Name, p.Schema)))
		}
	}
	body := ""
	for _, content := range op.Body.Content {
		body = c.value("", content.Schema, 0)
	}
	request := httptest.NewRequestWithContext(t.Context(), method, "http://x/", strings.NewReader(body))
	request.URL.Path, request.URL.RawPath, request.URL.RawQuery = must(url.PathUnescape(path)), path, query.Encode()
	request.Header = header
	request.Header.Set("Content-Type", "application/json")
	key := c.known[""]
	if op.Scope == record.ScopeOperator {
		key = c.known[string(op.Scope)]
	}
	request.Header.Set("Authorization", "Bearer "+key)
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	if answer.Code < http.StatusBadRequest {
		return true
	}
	var problem struct{ Code protocol.Code }
	err := json.Unmarshal(answer.Body.Bytes(), &problem)
	switch {
	case answer.Code >= 300 && answer.Code < 400: // the mux cleans paths
	case err != nil || problem.Code == "" || answer.Header().Get("Content-Type") != "application/problem+json":
		t.Errorf("%s %s?%s %.200s: got %d %.200s, want a problem (%v)", method, path, query.Encode(), body, answer.Code, answer.Body, err)
	case answer.Code >= http.StatusInternalServerError && !slices.Contains(honest, problem.Code):
		t.Errorf("%s %s?%s %.200s: got %d %s", method, path, query.Encode(), body, answer.Code, answer.Body)
	}
	return false
}
