package app

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// retried asks for an API key with an idempotency key.
func (r *running) retried(key string) (status int, body string, replayed bool) {
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.url+"/v1/keys", strings.NewReader(`{"name":"backend"}`))
	if err != nil {
		r.t.Error(err)
		return 0, "", false
	}
	request.Header.Set("Authorization", "Bearer "+key)
	request.Header.Set("Idempotency-Key", "a")
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Error(err)
		return 0, "", false
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		r.t.Error(err)
	}
	return response.StatusCode, string(text), response.Header.Get("Idempotency-Replayed") == "true"
}

func TestParallelRetriesMakeOneKeyAndARestartForgetsNothing(t *testing.T) {
	c := settings(t)
	r := serve(t, c)
	_, key, err := r.store.CreateKey(t.Context(), record.Key{Project: protocol.DefaultProject})
	if err != nil {
		t.Fatal(err)
	}
	const retries = 20
	bodies := make([]string, retries)
	var all sync.WaitGroup
	for i := range retries {
		all.Go(func() {
			status, body, _ := r.retried(key.Reveal())
			if bodies[i] = body; status != http.StatusCreated {
				t.Errorf("got %d %s", status, body)
			}
		})
	}
	all.Wait()
	for _, body := range bodies {
		if body != bodies[0] {
			t.Errorf("got %s and %s", body, bodies[0])
		}
	}
	http.DefaultClient.CloseIdleConnections()
	r.stop()
	again := serve(t, c) // beside the first, which is ending
	if status, body, replayed := again.retried(key.Reveal()); status != http.StatusCreated || body != bodies[0] || !replayed {
		t.Errorf("after a restart: got %d %s, replayed %t", status, body, replayed)
	}
	keys, _, err := again.store.Keys(t.Context(), protocol.DefaultProject, "", 0)
	if err != nil || len(keys) != 2 {
		t.Errorf("got %d keys, %v; want 2", len(keys), err)
	}
}
