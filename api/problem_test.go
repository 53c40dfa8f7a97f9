package api

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/sightline-rtc/sightline/protocol"
)

func TestEveryErrorIsAProblemWithACode(t *testing.T) {
	_, a, key, _ := newWorld(t)
	for _, test := range []struct {
		name, key, method, path, body string
		status                        int
		code                          protocol.Code
	}{
		{"no such address", key, "GET", "/v1/nothing", "", 404, protocol.CodeNotFound},
		{"no such method", key, "PUT", "/v1/devices", "", 405, protocol.CodeInvalid},
		{"no key", "", "GET", "/v1/devices", "", 401, protocol.CodeBadToken},
		{"bad key", "sl_live_nonsense", "GET", "/v1/devices", "", 401, protocol.CodeBadToken},
		{"no such device", key, "GET", "/v1/devices/nobody", "", 404, protocol.CodeNotFound},
		{"endless id", key, "GET", "/v1/devices/" + strings.Repeat("x", 100), "", 422, protocol.CodeInvalid},
		{"bad limit", key, "GET", "/v1/devices?limit=1000", "", 422, protocol.CodeInvalid},
		{"limit is no number", key, "GET", "/v1/devices?limit=many", "", 422, protocol.CodeInvalid},
		{"bad cursor", key, "GET", "/v1/devices?cursor=x", "", 422, protocol.CodeInvalid},
		{"unknown parameter", key, "GET", "/v1/devices?limti=3", "", 422, protocol.CodeInvalid},
		{"unknown state", key, "GET", "/v1/sessions?state=lost", "", 422, protocol.CodeInvalid},
		{"not JSON", key, "POST", "/v1/keys", "{", 400, protocol.CodeBadMessage},
		{"no body", key, "POST", "/v1/tokens", "", 400, protocol.CodeBadMessage},
		{"unknown field", key, "POST", "/v1/keys", `{"nmae":"x"}`, 422, protocol.CodeInvalid},
		{"too large", key, "POST", "/v1/keys", `{"name":"` + strings.Repeat("x", maxBodyBytes) + `"}`, 413, protocol.CodeTooLarge},
		{"token without device", key, "POST", "/v1/tokens", `{}`, 422, protocol.CodeInvalid},
		{"token for no device", key, "POST", "/v1/tokens", `{"device":"nobody"}`, 404, protocol.CodeNotFound},
		{"token for ever", key, "POST", "/v1/tokens", `{"device":"nobody","ttl_s":86401}`, 422, protocol.CodeInvalid},
		{"unknown path", key, "POST", "/v1/tokens", `{"device":"nobody","path":"relay"}`, 422, protocol.CodeInvalid},
		{"relays too late", key, "POST", "/v1/tokens", `{"device":"nobody","relay_delay_ms":30001}`, 422, protocol.CodeInvalid},
		{"unknown grant", key, "POST", "/v1/tokens", `{"device":"nobody","grants":["fly"]}`, 422, protocol.CodeInvalid},
		{"no grant", key, "POST", "/v1/tokens", `{"device":"nobody","grants":[]}`, 422, protocol.CodeInvalid},
		{"no such code", "", "POST", "/v1/enroll", enrolBody("0000-0000-0000-0000"), 404, protocol.CodeNotFound},
		{"short key", "", "POST", "/v1/enroll", `{"code":"x","public_key":"AAAA"}`, 422, protocol.CodeInvalid},
	} {
		t.Run(test.name, func(t *testing.T) {
			wantProblem(t, call(t, a, test.key, test.method, test.path, test.body), test.status, test.code)
		})
	}
}

func TestHeadersGoWithTheProblem(t *testing.T) {
	_, a, key, _ := newWorld(t)
	if got := call(t, a, "", "GET", "/v1/devices", "").Header().Get("WWW-Authenticate"); got != "Bearer" {
		t.Errorf("got WWW-Authenticate %q, want Bearer", got)
	}
	if got := call(t, a, key, "PUT", "/v1/devices", "").Header().Get("Allow"); !strings.Contains(got, "GET") {
		t.Errorf("got Allow %q, want GET in it", got)
	}
	if got := call(t, a, key, "GET", "/v1/devices", "").Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("got Cache-Control %q, want no-store", got)
	}
}

func TestFaultsOfTheServerTellTheClientNothing(t *testing.T) {
	w, a, key, _ := newWorld(t)
	var log bytes.Buffer
	a.log = slog.New(slog.NewTextHandler(&log, nil))
	w.broken = errors.New("disk on fire")
	got := call(t, a, key, "GET", "/v1/devices", "")
	wantProblem(t, got, http.StatusInternalServerError, protocol.CodeInternal)
	if strings.Contains(got.Body.String(), "fire") || !strings.Contains(log.String(), "disk on fire") {
		t.Errorf("the cause belongs in the log, not in the answer: got %s and log %s", got.Body, log.String())
	}

	a.config.Hub = nil
	w.broken = nil
	addDevice(w, "mine", "cam")
	wantProblem(t, call(t, a, key, "GET", "/v1/devices/cam", ""), http.StatusInternalServerError, protocol.CodeInternal)
	if !strings.Contains(log.String(), "request panicked") {
		t.Errorf("got log %s, want the panic in it", log.String())
	}
}

func TestWhatClientsSendIsNotRepeated(t *testing.T) {
	_, a, key, _ := newWorld(t)
	for _, body := range []string{`{"name":5,"secret":"hush"}`, `{"name":"hush`} {
		if got := call(t, a, key, "POST", "/v1/keys", body); strings.Contains(got.Body.String(), "hush") {
			t.Errorf("got %s, want nothing of what was sent", got.Body)
		}
	}
}
