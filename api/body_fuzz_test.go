package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
)

// withBodies returns the operations that take a body, in an order that stays.
func withBodies(a *API) []*huma.Operation {
	var list []*huma.Operation
	for _, item := range a.huma.OpenAPI().Paths {
		for _, op := range []*huma.Operation{item.Post, item.Put, item.Patch, item.Delete} {
			if op != nil && op.RequestBody != nil {
				list = append(list, op)
			}
		}
	}
	slices.SortFunc(list, func(a, b *huma.Operation) int { return strings.Compare(a.OperationID, b.OperationID) })
	return list
}

func FuzzBodies(f *testing.F) {
	for operation := range uint8(20) {
		for _, body := range []string{
			`{}`, `null`, `[]`, `{`, ``, `"x"`, `{"name":"Garden"}`, `{"device":"cam"}`, `{"device":"cam","grants":["view"],"ttl_s":60,"relay_delay_ms":0}`,
			`{"name":null,"ttl_s":1e400}`, `{"scopes":[[]],"device":"cam","grants":[{}],"models":[[]],"rights":[{},{}]}`,
			`{"name":"\u0000"}`, `{"id":"acme","path":{"policy":"direct_only"},"max_kbps":-1}`, `{"points":1e9,"reference":"x"}`,
			`{"relay_bytes":0,"relay_minutes":0.5,"sessions":1}`, `{"url":"https://10.0.0.1/","kinds":["device.online"]}`, `{"from":2,"to":1,"dead":true}`, `{"code":"0000-0000-0000-0000","public_key":"O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik="}`,
		} {
			f.Add(operation, body)
		}
	}
	// One for all: to make an API takes longer than a thousand requests.
	var w *world
	var a *API
	var mine, operator string
	f.Fuzz(func(t *testing.T, which uint8, body string) {
		if a == nil {
			w, a, mine, _ = newWorld(t)
			operator = w.addOperator(t)
		}
		a.rates = newRates(Rates{})
		w.devices, w.enrolments, w.keys, w.entries, w.grants, w.partnerKeys = nil, nil, w.keys[:3], nil, nil, nil
		w.hooks.list, w.hooks.replays, w.hooks.told = nil, nil, nil
		addDevice(w, "mine", "cam")
		hook, err := w.hooks.CreateWebhook(t.Context(), "mine", "https://example.org/", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		operations := withBodies(a)
		op := operations[int(which)%len(operations)]
		path := strings.NewReplacer("{device}", "cam", "{key}", string(w.keys[0].ID), "{webhook}", hook.ID, "{project}", "mine").Replace(op.Path)
		key := mine
		if strings.HasPrefix(path, "/v1/projects") {
			key = operator // another's body is not even read
		}
		got := call(t, a, key, op.Method, path, body)
		if got.Code >= http.StatusInternalServerError {
			t.Fatalf("%s %s %q: got %d %s", op.Method, path, body, got.Code, got.Body)
		}
		if got.Code < http.StatusBadRequest {
			return
		}
		var p Problem
		if err := json.Unmarshal(got.Body.Bytes(), &p); err != nil || p.Code == "" || p.Status != got.Code || got.Header().Get("Content-Type") != problemType {
			t.Errorf("%s %s %q: got %d %s, want a problem (%v)", op.Method, path, body, got.Code, got.Body, err)
		}
	})
}
