package api

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// hooks keeps webhooks in memory, and is told what the courier is.
type hooks struct {
	// mu guards everything below.
	mu         sync.Mutex
	list       []record.Webhook
	deliveries []record.Delivery
	letters    []record.Event
	// asked and replays are what was asked for, told what the courier was told.
	asked   record.DeliveryFilter
	replays []record.Replay
	told    []string
}

func (h *hooks) CreateWebhook(_ context.Context, project protocol.ProjectID, url, name string, kinds []record.EventKind) (record.Webhook, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w := record.Webhook{
		ID: "w" + strconv.Itoa(len(h.list)), Project: project, URL: url, Name: name, Kinds: kinds, State: record.WebhookOn, Since: testTime,
		Secret: []byte("first"), Private: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), Version: 1, Created: testTime,
	}
	h.list = append(h.list, w)
	return w, nil
}

func (h *hooks) Webhooks(_ context.Context, project protocol.ProjectID, cursor string, limit int) ([]record.Webhook, string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return page(of(h.list, func(w record.Webhook) bool { return w.Project == project }), cursor, limit)
}

func (h *hooks) find(project protocol.ProjectID, id string) (*record.Webhook, error) {
	for i := range h.list {
		if w := &h.list[i]; w.ID == id && w.Project == project {
			return w, nil
		}
	}
	return nil, nothing()
}

func (h *hooks) Webhook(_ context.Context, project protocol.ProjectID, id string) (record.Webhook, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w, err := h.find(project, id)
	if err != nil {
		return record.Webhook{}, err
	}
	return *w, nil
}

func (h *hooks) ChangeWebhook(_ context.Context, project protocol.ProjectID, id string, change func(*record.Webhook) error) (record.Webhook, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w, err := h.find(project, id)
	if err != nil {
		return record.Webhook{}, err
	}
	changed := *w
	if err := change(&changed); err != nil {
		return record.Webhook{}, err
	}
	*w = changed
	return *w, nil
}

func (h *hooks) RotateWebhookSecret(_ context.Context, project protocol.ProjectID, id string) (record.Webhook, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w, err := h.find(project, id)
	if err != nil {
		return record.Webhook{}, err
	}
	w.OldSecret, w.OldUntil, w.Secret = w.Secret, testTime.Add(record.WebhookSecretOverlap), []byte("second")
	return *w, nil
}

func (h *hooks) DeleteWebhook(_ context.Context, project protocol.ProjectID, id string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, err := h.find(project, id); err != nil {
		return err
	}
	h.list = of(h.list, func(w record.Webhook) bool { return w.ID != id })
	return nil
}

func (h *hooks) Deliveries(
	_ context.Context, project protocol.ProjectID, id string, filter record.DeliveryFilter, cursor string, limit int,
) ([]record.Delivery, string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, err := h.find(project, id); err != nil {
		return nil, "", err
	}
	h.asked = filter
	return page(h.deliveries, cursor, limit)
}

func (h *hooks) DeadLetters(_ context.Context, project protocol.ProjectID, id, cursor string, limit int) ([]record.Event, string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, err := h.find(project, id); err != nil {
		return nil, "", err
	}
	return page(h.letters, cursor, limit)
}

func (h *hooks) ReplayWebhook(_ context.Context, project protocol.ProjectID, id string, replay record.Replay) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := h.find(project, id)
	h.replays = append(h.replays, replay)
	return err
}

func (h *hooks) Check(_ context.Context, url string) error {
	if !strings.HasPrefix(url, "https://") {
		return protocol.Errorf(protocol.CodeInvalid, "the URL is not https")
	}
	return nil
}

func (h *hooks) Test(_ context.Context, w record.Webhook) record.Delivery {
	return record.Delivery{Webhook: w.ID, Event: "test_1", Kind: "webhook.test", Attempt: 1, At: testTime, Status: http.StatusOK}
}

func (h *hooks) tell(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told = append(h.told, what)
}

func (h *hooks) Changed()           { h.tell("changed") }
func (h *hooks) Replayed(id string) { h.tell("replayed " + id) }

const hookBody = `{"url":"https://partner.example/hook","name":"Backend","kinds":["device.online"]}`

func TestAWebhookShowsItsSecretOnceAndItsPublicKeyAlways(t *testing.T) {
	w, a, key, _ := newWorld(t)
	made := call(t, a, key, "POST", "/v1/webhooks", hookBody)
	wantStatus(t, made, http.StatusCreated)
	var body struct {
		Webhook
		Secret string
	}
	made.decode(t, &body)
	public := "whpk_" + base64.StdEncoding.EncodeToString(w.hooks.list[0].Private.Public().(ed25519.PublicKey))
	if body.Secret != "whsec_"+base64.StdEncoding.EncodeToString([]byte("first")) || body.PublicKey != public || !body.Enabled {
		t.Errorf("got %+v", body)
	}
	for _, path := range []string{"/v1/webhooks", "/v1/webhooks/" + body.ID} {
		shown := call(t, a, key, "GET", path, "")
		wantStatus(t, shown, http.StatusOK)
		if strings.Contains(shown.Body.String(), "whsec_") || !strings.Contains(shown.Body.String(), public) {
			t.Errorf("%s: got %s, want the public key alone", path, shown.Body)
		}
	}
	rotated := call(t, a, key, "POST", "/v1/webhooks/"+body.ID+"/rotate-secret", "")
	wantStatus(t, rotated, http.StatusOK)
	rotated.decode(t, &body)
	if body.Secret != "whsec_"+base64.StdEncoding.EncodeToString([]byte("second")) || !body.OldSecret.Equal(testTime.Add(record.WebhookSecretOverlap)) {
		t.Errorf("got %+v, want another secret and how long the old one holds", body)
	}
	wantStatus(t, call(t, a, key, "DELETE", "/v1/webhooks/"+body.ID, ""), http.StatusNoContent)
	wantProblem(t, call(t, a, key, "GET", "/v1/webhooks/"+body.ID, ""), http.StatusNotFound, protocol.CodeNotFound)
	if diff := cmp.Diff([]string{"changed", "changed", "changed"}, w.hooks.told); diff != "" {
		t.Errorf("what the courier was told differs:\n%s", diff)
	}
}

func TestWebhooksToForbiddenPlacesAreRefused(t *testing.T) {
	w, a, key, _ := newWorld(t)
	wantProblem(t, call(t, a, key, "POST", "/v1/webhooks", `{"url":"http://partner.example/"}`), http.StatusUnprocessableEntity, protocol.CodeInvalid)
	wantProblem(t, call(t, a, key, "POST", "/v1/webhooks", `{"url":"https://partner.example/","kinds":["no.kind"]}`), http.StatusUnprocessableEntity, protocol.CodeInvalid)
	wantStatus(t, call(t, a, key, "POST", "/v1/webhooks", hookBody), http.StatusCreated)
	wantProblem(t, call(t, a, key, "PATCH", "/v1/webhooks/w0", `{"url":"ftp://x"}`), http.StatusUnprocessableEntity, protocol.CodeInvalid)
	if len(w.hooks.list) != 1 || w.hooks.list[0].URL != "https://partner.example/hook" {
		t.Errorf("got %+v", w.hooks.list)
	}
}

func TestAChangeOfWhatSomebodyElseChangedIsRefused(t *testing.T) {
	_, a, key, _ := newWorld(t)
	made := call(t, a, key, "POST", "/v1/webhooks", hookBody)
	tag := made.Header().Get("ETag")
	patch := func(match, body string) answer {
		r := httptest.NewRequestWithContext(t.Context(), "PATCH", "/v1/webhooks/w0", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+key)
		r.Header.Set("If-Match", match)
		w := answer{httptest.NewRecorder()}
		a.Handler().ServeHTTP(w, r)
		return w
	}
	changed := patch(tag, `{"kinds":[]}`)
	wantStatus(t, changed, http.StatusOK)
	if next := changed.Header().Get("ETag"); next == tag || next == "" {
		t.Errorf("got ETag %s after %s", next, tag)
	}
	wantProblem(t, patch(tag, `{"enabled":false}`), http.StatusPreconditionFailed, protocol.CodePreconditionFailed)
	wantProblem(t, patch(`"other"`, `{"enabled":false}`), http.StatusPreconditionFailed, protocol.CodePreconditionFailed)
	var got Webhook
	paused := patch("*", `{"enabled":false}`)
	paused.decode(t, &got)
	if got.Enabled || got.State != record.WebhookPaused || len(got.Kinds) != 0 {
		t.Errorf("got %+v, want it paused, for all kinds", got)
	}
}

func TestDeliveriesAreListedTestedAndReplayed(t *testing.T) {
	w, a, key, theirs := newWorld(t)
	wantStatus(t, call(t, a, key, "POST", "/v1/webhooks", hookBody), http.StatusCreated)
	w.hooks.deliveries = []record.Delivery{{Event: "e1", Seq: 4, Kind: record.EventDeviceOnline, Attempt: 2, At: testTime, Status: 500, Err: "answered 500"}}
	w.hooks.letters = []record.Event{{ID: "e1", Seq: 4, Kind: record.EventDeviceOnline, At: testTime, Data: []byte(`{}`)}}
	var deliveries struct{ Deliveries []Delivery }
	call(t, a, key, "GET", "/v1/webhooks/w0/deliveries?outcome=failed&kind=device.online&device=cam&event=e1", "").decode(t, &deliveries)
	want := record.DeliveryFilter{Succeeded: record.No, Event: "e1", Kind: record.EventDeviceOnline, Device: "cam"}
	if diff := cmp.Diff(want, w.hooks.asked); diff != "" || len(deliveries.Deliveries) != 1 || deliveries.Deliveries[0].Error != "answered 500" {
		t.Errorf("got %+v; filter differs:\n%s", deliveries, diff)
	}
	var letters struct{ Events []Event }
	call(t, a, key, "GET", "/v1/webhooks/w0/dead-letters", "").decode(t, &letters)
	if len(letters.Events) != 1 || letters.Events[0].ID != "e1" {
		t.Errorf("got %+v", letters)
	}
	var test Delivery
	call(t, a, key, "POST", "/v1/webhooks/w0/test", "").decode(t, &test)
	if test.Status != http.StatusOK || test.Kind != "webhook.test" {
		t.Errorf("got %+v", test)
	}
	for _, body := range []string{`{"event":"e1"}`, `{"from":3,"to":9}`, `{"dead":true}`} {
		wantStatus(t, call(t, a, key, "POST", "/v1/webhooks/w0/replay", body), http.StatusAccepted)
	}
	for _, body := range []string{`{}`, `{"to":9}`, `{"event":"e1","dead":true}`, `{"from":9,"to":3}`} {
		wantProblem(t, call(t, a, key, "POST", "/v1/webhooks/w0/replay", body), http.StatusUnprocessableEntity, protocol.CodeInvalid)
	}
	asked := []record.Replay{{Event: "e1"}, {Range: record.SeqRange{First: 3, Last: 9}}, {Dead: true}}
	if diff := cmp.Diff(asked, w.hooks.replays); diff != "" {
		t.Errorf("replays differ:\n%s", diff)
	}
	for _, path := range []string{"", "/deliveries", "/dead-letters"} {
		wantProblem(t, call(t, a, theirs, "GET", "/v1/webhooks/w0"+path, ""), http.StatusNotFound, protocol.CodeNotFound)
	}
	for _, path := range []string{"/test", "/rotate-secret"} {
		wantProblem(t, call(t, a, theirs, "POST", "/v1/webhooks/w0"+path, ""), http.StatusNotFound, protocol.CodeNotFound)
	}
	wantProblem(t, call(t, a, theirs, "POST", "/v1/webhooks/w0/replay", `{"dead":true}`), http.StatusNotFound, protocol.CodeNotFound)
	wantProblem(t, call(t, a, theirs, "PATCH", "/v1/webhooks/w0", `{}`), http.StatusNotFound, protocol.CodeNotFound)
	wantProblem(t, call(t, a, theirs, "DELETE", "/v1/webhooks/w0", ""), http.StatusNotFound, protocol.CodeNotFound)
}
