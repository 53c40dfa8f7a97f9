package webhook

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

const testProject protocol.ProjectID = "mine"

// memory is a Store of one project that keeps what it is given, as a database would: what is not saved is not there for
// the next worker.
type memory struct {
	// mu guards everything below.
	mu       sync.Mutex
	events   []record.Event
	first    uint64 // the history begins with it
	webhooks map[string]record.Webhook
	waiting  map[string]map[uint64]record.WaitingDelivery
	dead     map[string]map[uint64]bool
	replays  map[string][]record.ReplayRange
	log      map[string][]record.Delivery
	bells    map[chan struct{}]bool
	// rows is the most that ever waited, saves counts transactions, broken makes saving fail.
	rows, saves int
	broken      bool
}

func newMemory() *memory {
	return &memory{
		first: 1, webhooks: map[string]record.Webhook{}, waiting: map[string]map[uint64]record.WaitingDelivery{}, dead: map[string]map[uint64]bool{},
		replays: map[string][]record.ReplayRange{}, log: map[string][]record.Delivery{}, bells: map[chan struct{}]bool{},
	}
}

// add makes a webhook.
func (m *memory) add(id, url string, kinds ...record.EventKind) record.Webhook {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := record.Webhook{
		ID: id, Project: testProject, URL: url, Kinds: kinds, State: record.WebhookOn, Since: time.Now(), Version: 1,
		Secret: []byte("secret of " + id), Private: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), Cursor: uint64(len(m.events)),
	}
	m.webhooks[id] = w
	m.waiting[id], m.dead[id] = map[uint64]record.WaitingDelivery{}, map[uint64]bool{}
	return w
}

// alter changes a webhook as its project would.
func (m *memory) alter(id string, alter func(*record.Webhook)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := m.webhooks[id]
	alter(&w)
	w.Version++
	m.webhooks[id] = w
}

// happen writes an event of a device and returns its number.
func (m *memory) happen(kind record.EventKind, device protocol.DeviceID) uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	seq := uint64(len(m.events) + 1)
	m.events = append(m.events, record.Event{
		Project: testProject, Seq: seq, ID: fmt.Sprintf("e%d", seq), Kind: kind, At: time.Now(), Device: device, Data: []byte(`{}`),
	})
	for b := range m.bells {
		ring(b)
	}
	return seq
}

func (m *memory) setBroken(broken bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.broken = broken
}

func (m *memory) AllWebhooks(context.Context) ([]record.Webhook, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.SortedFunc(maps.Values(m.webhooks), func(a, b record.Webhook) int { return cmp.Compare(a.ID, b.ID) }), nil
}

func (m *memory) WaitingDeliveries(_ context.Context, id string) ([]record.WaitingDelivery, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.waiting[id])), nil
}

func (m *memory) WebhookReplays(_ context.Context, id string) ([]record.ReplayRange, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.replays[id]), nil
}

func (m *memory) SaveWebhookProgress(_ context.Context, progress []record.WebhookProgress) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken {
		return errors.New("the disk is full")
	}
	m.saves++
	for _, p := range progress {
		m.save(p)
	}
	return nil
}

func (m *memory) save(p record.WebhookProgress) {
	w, ok := m.webhooks[p.Webhook]
	if !ok {
		return
	}
	w.Cursor, w.Open, w.Failing = p.Cursor, p.Open, p.Failing
	w.Missed += p.Missed
	if p.Gone {
		w.State = record.WebhookGone
		w.Version++
	}
	m.webhooks[w.ID] = w
	for _, seq := range p.Settled {
		delete(m.waiting[w.ID], seq)
	}
	for _, d := range p.Waiting {
		m.waiting[w.ID][d.Seq] = d
	}
	m.rows = max(m.rows, len(m.waiting[w.ID]))
	for _, r := range p.Dead {
		for seq := r.First; seq <= r.Last; seq++ {
			if w.Wants(m.events[seq-1].Kind) {
				m.dead[w.ID][seq] = true
			}
		}
	}
	for _, r := range p.Replays {
		m.replays[w.ID] = slices.DeleteFunc(m.replays[w.ID], func(o record.ReplayRange) bool { return o.ID == r.ID })
		if r.First <= r.Last {
			m.replays[w.ID] = append([]record.ReplayRange{r}, m.replays[w.ID]...)
		}
	}
	m.log[w.ID] = append(m.log[w.ID], p.Deliveries...)
}

func (m *memory) Events(_ context.Context, _ protocol.ProjectID, f record.EventFilter, limit int) ([]record.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	from := max(f.After, m.first-1)
	if from >= uint64(len(m.events)) {
		return nil, nil
	}
	list := m.events[from:]
	return slices.Clone(list[:min(limit, len(list))]), nil
}

func (m *memory) LastEvent(context.Context, protocol.ProjectID) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return uint64(len(m.events)), nil
}

func (m *memory) Follow(protocol.ProjectID) (<-chan struct{}, func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := make(chan struct{}, 1)
	m.bells[b] = true
	return b, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.bells, b)
	}
}

// webhook returns what is kept of one.
func (m *memory) webhook(id string) record.Webhook {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.webhooks[id]
}

// look reads anything of the store.
func look[T any](m *memory, read func() T) T {
	m.mu.Lock()
	defer m.mu.Unlock()
	return read()
}

// work runs a worker until stop is called, or the test ends.
func work(t *testing.T, w *Worker) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	var group sync.WaitGroup
	group.Go(func() { done <- w.Run(ctx) })
	stop = sync.OnceFunc(func() {
		cancel()
		group.Wait()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}
