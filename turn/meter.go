package turn

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/record"
)

const (
	// DefaultUsageInterval is how far apart the counts of an allocation are delivered at most (design 03 section 5).
	DefaultUsageInterval = 10 * time.Second
	// ledgerTimeout bounds one delivery, lastDelivery all those at the end of Run.
	ledgerTimeout = 5 * time.Second
	lastDelivery  = 10 * time.Second
	// ledgerRetry is the pause between deliveries at the end of Run.
	ledgerRetry = 250 * time.Millisecond
	// ledgerBatch is how many counts one delivery carries at most.
	ledgerBatch = 500
	// maxMetered bounds the allocations that live or whose end the ledger has not taken: what one address has ports.
	maxMetered = 1 << 16
)

// ledger is who keeps the counts. They are cumulative for each allocation, so that repeating is harmless.
type ledger interface {
	// Settle returns what the allocations may carry from then on; one that it does not name may carry what it likes.
	Settle(ctx context.Context, usage []record.Usage) ([]record.Allowance, error)
}

// meter delivers what relays count: when they begin, at most an interval apart while it changes, when they need a larger
// allowance, and once when they have ended. What the ledger does not take is delivered again. Safe for concurrent use, except that one goroutine delivers.
type meter struct {
	ledger   ledger
	interval time.Duration
	log      *slog.Logger
	// wake has room for one: an allocation has begun or ended, or needs more.
	wake chan struct{}
	// failing is whether the last delivery failed, of which the log tells once. It belongs to who delivers.
	failing bool

	// mu guards the fields below.
	mu sync.Mutex
	// delivered holds what the ledger has last taken of each relay, gone what relays had carried that are no longer in it,
	// by transport.
	delivered map[*relay]record.Traffic
	// asking are the relays that are to be delivered soon.
	asking map[*relay]bool
	gone   map[string]record.Traffic
}

func newMeter(l ledger, interval time.Duration, log *slog.Logger) *meter {
	return &meter{
		ledger: l, interval: interval, log: log, wake: make(chan struct{}, 1),
		delivered: make(map[*relay]record.Traffic), asking: make(map[*relay]bool), gone: make(map[string]record.Traffic),
	}
}

// add starts to count a relay. It reports false when the ledger is too far behind: nothing is relayed uncounted.
func (m *meter) add(r *relay) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.delivered) >= maxMetered {
		return false
	}
	m.delivered[r] = record.Traffic{}
	if m.ledger == nil {
		r.allowance.lift()
	}
	return true
}

// hurry delivers what a relay has counted soon, which gets its allowance with that.
func (m *meter) hurry(r *relay) {
	m.mu.Lock()
	if _, ok := m.delivered[r]; ok {
		m.asking[r] = true
	}
	m.mu.Unlock()
	m.rouse()
}

// drop forgets a relay that has carried nothing and never became an allocation.
func (m *meter) drop(r *relay) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.delivered, r)
	delete(m.asking, r)
}

// rouse asks for a delivery soon of what cannot wait for the interval.
func (m *meter) rouse() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// run delivers until ctx ends. What is left is for finish.
func (m *meter) run(ctx context.Context) {
	tick := time.NewTicker(m.interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			m.report(m.deliver(ctx, m.due(false)))
		case <-m.wake:
			m.report(m.deliver(ctx, m.due(true)))
		}
	}
}

// finish delivers what is left, for at most lastDelivery.
func (m *meter) finish() error {
	ctx, cancel := context.WithTimeout(context.Background(), lastDelivery)
	defer cancel()
	for {
		left := m.due(false)
		err := m.deliver(ctx, left)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("deliver the last counts of %d allocations: %w", len(left), err)
		case <-time.After(ledgerRetry):
		}
	}
}

func (m *meter) report(err error) {
	if err != nil && !m.failing {
		m.log.Warn("relay usage not recorded", "err", err)
	}
	m.failing = err != nil
}

// count is what there is to tell of a relay.
type count struct {
	relay *relay
	usage record.Usage
}

// due returns what the ledger does not know yet; only what cannot wait, if so asked.
func (m *meter) due(urgent bool) []count {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	var due []count
	for r, delivered := range m.delivered {
		u := r.usage(now)
		if !u.Ended.IsZero() || m.asking[r] || !urgent && u.Traffic != delivered {
			due = append(due, count{r, u})
		}
	}
	return due
}

func (m *meter) deliver(ctx context.Context, due []count) error {
	for len(due) > 0 {
		batch := due[:min(len(due), ledgerBatch)]
		due = due[len(batch):]
		usage := make([]record.Usage, len(batch))
		for i, c := range batch {
			usage[i] = c.usage
		}
		allowed, err := m.settle(ctx, usage)
		if err != nil {
			return err
		}
		m.taken(batch, allowed)
	}
	return nil
}

func (m *meter) settle(ctx context.Context, usage []record.Usage) ([]record.Allowance, error) {
	if m.ledger == nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, ledgerTimeout)
	defer cancel()
	return m.ledger.Settle(ctx, usage)
}

func (m *meter) taken(batch []count, allowed []record.Allowance) {
	bounds := make(map[string]record.Allowance, len(allowed))
	for _, a := range allowed {
		bounds[a.Allocation] = a
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range batch {
		delete(m.asking, c.relay)
		if bound, ok := bounds[c.usage.Allocation]; ok {
			c.relay.allowance.set(bound)
		} else {
			c.relay.allowance.lift()
		}
		if c.usage.Ended.IsZero() {
			m.delivered[c.relay] = c.usage.Traffic
			continue
		}
		delete(m.delivered, c.relay)
		m.gone[c.relay.transport] = sum(m.gone[c.relay.transport], c.usage.Traffic)
	}
}

// totals returns what all relays have carried, and how many live, by transport.
func (m *meter) totals() (carried map[string]record.Traffic, live map[string]int) {
	now := time.Now()
	carried, live = make(map[string]record.Traffic), make(map[string]int)
	m.mu.Lock()
	defer m.mu.Unlock()
	for transport, t := range m.gone {
		carried[transport] = t
	}
	for r := range m.delivered {
		u := r.usage(now)
		carried[r.transport] = sum(carried[r.transport], u.Traffic)
		if u.Ended.IsZero() {
			live[r.transport]++
		}
	}
	return carried, live
}

func sum(a, b record.Traffic) record.Traffic {
	return record.Traffic{
		UpBytes: a.UpBytes + b.UpBytes, UpPackets: a.UpPackets + b.UpPackets,
		DownBytes: a.DownBytes + b.DownBytes, DownPackets: a.DownPackets + b.DownPackets,
	}
}
