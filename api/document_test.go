package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

var update = flag.Bool("update", false, "write openapi.json")

func TestCommittedDocumentIsTheServedOne(t *testing.T) {
	_, a, _, _ := newWorld(t)
	served := call(t, a, "", http.MethodGet, "/openapi.json", "")
	wantStatus(t, served, http.StatusOK)
	if *update {
		if err := os.WriteFile("openapi.json", served.Body.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	committed, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(committed), served.Body.String()); diff != "" {
		t.Errorf("openapi.json is not what is served; go test ./api -update writes it:\n%s", diff)
	}
	var document struct {
		OpenAPI string                                `json:"openapi"`
		Paths   map[string]map[string]json.RawMessage `json:"paths"`
	}
	served.decode(t, &document)
	if !strings.HasPrefix(document.OpenAPI, "3.1.") {
		t.Errorf("got OpenAPI %s, want 3.1", document.OpenAPI)
	}
	for path, operations := range document.Paths {
		for method, operation := range operations {
			open := path == "/v1/enroll"
			if secured := bytes.Contains(operation, []byte(`"security"`)); secured == open {
				t.Errorf("%s %s: got security %t", method, path, secured)
			}
			var told struct {
				Scope record.Scope `json:"x-scope"`
			}
			if err := json.Unmarshal(operation, &told); err != nil {
				t.Fatal(err)
			}
			if told.Scope.Valid() == open {
				t.Errorf("%s %s: its scope is %q: record.ScopeResources has what there is", method, path, told.Scope)
			}
			if !bytes.Contains(operation, []byte("#/components/schemas/Problem")) {
				t.Errorf("%s %s: its problems are not told", method, path)
			}
		}
	}
}

func TestNoPageOfHumaIsServed(t *testing.T) {
	_, a, key, _ := newWorld(t)
	for _, path := range []string{"/docs", "/openapi", "/openapi.yaml", "/openapi-3.0.json", "/schemas/Device.json"} {
		wantProblem(t, call(t, a, key, http.MethodGet, path, ""), http.StatusNotFound, protocol.CodeNotFound)
	}
}
