package webhook

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sightline-rtc/sightline/record"
)

// doomed is a store, and a network, of a process that may be killed: then nothing of it comes through any more.
type doomed struct {
	*memory
	*network
	killed atomic.Bool
}

func (d *doomed) SaveWebhookProgress(ctx context.Context, p []record.WebhookProgress) error {
	if d.killed.Load() {
		return nil // nobody is there to hear of it
	}
	return d.memory.SaveWebhookProgress(ctx, p)
}

func (d *doomed) RoundTrip(r *http.Request) (*http.Response, error) {
	if d.killed.Load() {
		return nil, errors.New("the process is no more")
	}
	return d.network.RoundTrip(r)
}

// crashing runs a worker that is killed when crash is called: what was in flight may have arrived, and nothing is kept.
func crashing(t *testing.T, m *memory, n *network) (crash func()) {
	t.Helper()
	d := &doomed{memory: m, network: n}
	w, err := New(Config{Store: d})
	if err != nil {
		t.Fatal(err)
	}
	w.sender.client.Transport = d
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		if err := w.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	return func() {
		d.killed.Store(true)
		cancel()
		group.Wait()
	}
}
