package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/sightline-rtc/sightline/protocol"
)

// callOnce is call with an idempotency key.
func callOnce(t *testing.T, a *API, key, name, path, body string) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set(idempotencyHeader, name)
	w := answer{httptest.NewRecorder()}
	a.Handler().ServeHTTP(w, r)
	return w
}

// wantReplay wants the same answer as the first, and that it says so.
func wantReplay(t *testing.T, got, first answer) {
	t.Helper()
	if got.Code != first.Code || got.Body.String() != first.Body.String() || got.Header().Get("Content-Type") != first.Header().Get("Content-Type") {
		t.Errorf("got %d %s, want what the first got: %d %s", got.Code, got.Body, first.Code, first.Body)
	}
	if got.Header().Get(replayedHeader) != "true" || first.Header().Get(replayedHeader) != "" {
		t.Errorf("got %s %q after %q", replayedHeader, got.Header().Get(replayedHeader), first.Header().Get(replayedHeader))
	}
}

func TestRequestThatComesAgainIsAnsweredAsTheFirst(t *testing.T) {
	w, a, key, theirs := newWorld(t)
	first := callOnce(t, a, key, "a", "/v1/keys", `{"name":"backend"}`)
	wantStatus(t, first, http.StatusCreated)
	wantReplay(t, callOnce(t, a, key, "a", "/v1/keys", `{"name":"backend"}`), first)
	if len(w.keys) != 3 {
		t.Errorf("got %d keys, want one more than two", len(w.keys))
	}
	for _, again := range []answer{
		callOnce(t, a, key, "a", "/v1/keys", `{"name":"other"}`),
		callOnce(t, a, key, "a", "/v1/enrolments", `{"name":"backend"}`),
		callOnce(t, a, key, "a", "/v1/keys?x=1", `{"name":"backend"}`),
		callOnce(t, a, w.addKey(t, "mine"), "a", "/v1/keys", `{"name":"backend"}`),
	} {
		wantProblem(t, again, http.StatusUnprocessableEntity, protocol.CodeIdempotencyMismatch)
	}
	other := callOnce(t, a, theirs, "a", "/v1/keys", `{"name":"backend"}`)
	wantStatus(t, other, http.StatusCreated)
	if other.Header().Get(replayedHeader) != "" || other.Body.String() == first.Body.String() {
		t.Errorf("got another project's answer: %s", other.Body)
	}
}

func TestWhatIsKeptOfAnAnswerHidesItsSecrets(t *testing.T) {
	w, a, key, _ := newWorld(t)
	var made struct{ Key string }
	callOnce(t, a, key, "a", "/v1/keys", `{}`).decode(t, &made)
	for _, c := range w.claims {
		if len(c.Answer) == 0 || strings.Contains(string(c.Answer), made.Key) || strings.Contains(string(c.Answer), "sl_live") {
			t.Errorf("kept: %q", c.Answer)
		}
		c.Answer[len(c.Answer)-1] ^= 1
	}
	wantProblem(t, callOnce(t, a, key, "a", "/v1/keys", `{}`), http.StatusConflict, protocol.CodeAnswerLost)
}

func TestParallelRetriesAreExecutedOnce(t *testing.T) {
	w, a, key, _ := newWorld(t)
	const retries = 30
	answers := make([]answer, retries)
	var all sync.WaitGroup
	for i := range retries {
		all.Go(func() { answers[i] = callOnce(t, a, key, "a", "/v1/enrolments", `{"name":"Garden"}`) })
	}
	all.Wait()
	firsts := 0
	for _, got := range answers {
		wantStatus(t, got, http.StatusCreated)
		if got.Body.String() != answers[0].Body.String() {
			t.Errorf("got %s and %s", got.Body, answers[0].Body)
		}
		if got.Header().Get(replayedHeader) == "" {
			firsts++
		}
	}
	if firsts != 1 || len(w.enrolments) != 1 {
		t.Errorf("got %d executions and %d enrolments, want 1", firsts, len(w.enrolments))
	}
	if len(a.turns.taken) != 0 {
		t.Errorf("%d turns are left", len(a.turns.taken))
	}
}

func TestRequestThatFailedAndChangedNothingMayComeAgain(t *testing.T) {
	w, a, key, _ := newWorld(t)
	wantProblem(t, callOnce(t, a, key, "a", "/v1/tokens", `{"device":"cam"}`), http.StatusNotFound, protocol.CodeNotFound)
	wantProblem(t, callOnce(t, a, key, "a", "/v1/tokens", `{`), http.StatusBadRequest, protocol.CodeBadMessage)
	addDevice(w, "mine", "cam")
	wantStatus(t, callOnce(t, a, key, "a", "/v1/tokens", `{"device":"cam"}`), http.StatusCreated)
}

func TestRequestOfADeadServerIsNotSilentlyExecutedAgain(t *testing.T) {
	w, a, key, _ := newWorld(t)
	die := func(name string, written bool) {
		wantStatus(t, callOnce(t, a, key, name, "/v1/tokens", `{"device":"cam"}`), http.StatusCreated)
		c := w.claims["mine "+name]
		c.Done, c.Answer, c.under, c.written = false, nil, true, written
	}
	addDevice(w, "mine", "cam")
	die("before", false)
	die("after", true)
	for _, name := range []string{"before", "after"} {
		got := callOnce(t, a, key, name, "/v1/tokens", `{"device":"cam"}`)
		wantProblem(t, got, http.StatusConflict, protocol.CodeConflict)
		if got.Header().Get("Retry-After") == "" {
			t.Errorf("%s: it is not said when to come again", name)
		}
		w.claims["mine "+name].stale = true
	}
	wantStatus(t, callOnce(t, a, key, "before", "/v1/tokens", `{"device":"cam"}`), http.StatusCreated)
	wantProblem(t, callOnce(t, a, key, "after", "/v1/tokens", `{"device":"cam"}`), http.StatusConflict, protocol.CodeAnswerLost)
}

func TestRequestThatPanickedIsForgotten(t *testing.T) {
	w, a, key, _ := newWorld(t)
	addDevice(w, "mine", "cam")
	tokens := a.config.Tokens
	a.config.Tokens = nil
	wantProblem(t, callOnce(t, a, key, "a", "/v1/tokens", `{"device":"cam"}`), http.StatusInternalServerError, protocol.CodeInternal)
	a.config.Tokens = tokens
	wantStatus(t, callOnce(t, a, key, "a", "/v1/tokens", `{"device":"cam"}`), http.StatusCreated)
}

func TestIdempotencyKeysHaveBounds(t *testing.T) {
	_, a, key, _ := newWorld(t)
	for _, name := range []string{"", strings.Repeat("x", maxIdempotencyKey+1), "a\x00b", "ü"} {
		wantProblem(t, callOnce(t, a, key, name, "/v1/keys", `{}`), http.StatusUnprocessableEntity, protocol.CodeInvalid)
	}
	wantStatus(t, callOnce(t, a, key, strings.Repeat("x", maxIdempotencyKey), "/v1/keys", `{}`), http.StatusCreated)
	large := callOnce(t, a, key, "large", "/v1/keys", `{"name":"`+strings.Repeat("x", maxBodyBytes)+`"}`)
	wantProblem(t, large, http.StatusRequestEntityTooLarge, protocol.CodeTooLarge)
}
