package store

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// flow is an allocation as the relay has it: what it has carried, what was counted of that, and what it may carry.
type flow struct {
	usage   record.Usage
	carried uint64
	counts  []record.Usage // all that were ever sent, for repeating them
	allowed record.Allowance
	session record.Session
	version int
}

// relayModel is a relay that stays within what it is allowed, on a store that is killed and opened again.
type relayModel struct {
	t     *testing.T
	dir   string
	store *Store
	clock *clock
	rand  *rand.Rand
	flows []*flow
	made  int
	// lawless is a relay that carries what it likes: what it has no points for is absorbed.
	lawless bool
}

func (m *relayModel) count(f *flow) {
	f.usage.Updated = m.clock.now()
	f.usage.Traffic = record.Traffic{UpBytes: f.carried / 3, DownBytes: f.carried - f.carried/3}
	f.counts = append(f.counts, f.usage)
	allowed, err := m.store.Settle(m.t.Context(), []record.Usage{f.usage})
	if err != nil {
		m.t.Fatal(err)
	}
	for _, a := range allowed {
		f.allowed = a
	}
}

func (m *relayModel) begin() {
	m.made++
	f := &flow{session: newShopSession(m.t, m.clock)}
	f.usage = record.Usage{
		Allocation: fmt.Sprintf("%s-%d", m.t.Name(), m.made), Grant: f.session.ViewerGrant, Project: shop,
		Role: protocol.RoleViewer, Transport: "udp", Started: m.clock.now(),
	}
	m.save(f, 0)
	m.count(f)
	m.flows = append(m.flows, f)
}

func (m *relayModel) save(f *flow, more time.Duration) {
	before, _ := f.session.Account.On(protocol.PathRelay)
	f.version++
	f.session = onRelay(f.session, f.version, before+more)
	saveSession(m.t, m.store, f.session)
}

func (m *relayModel) carry(f *flow) {
	n := uint64(m.rand.Int64N(4_000_000))
	if !m.lawless {
		if !m.clock.now().Before(f.allowed.Until) {
			return
		}
		n = min(n, f.allowed.Bytes-min(f.allowed.Bytes, f.carried))
	}
	f.carried += n
}

// pass lets time go by. A relay that keeps to the rules has counted by then.
func (m *relayModel) pass(d time.Duration) {
	for _, f := range m.flows {
		if all := f.usage.Traffic; !m.lawless && f.carried != all.UpBytes+all.DownBytes {
			m.count(f)
		}
	}
	m.clock.pass(d)
}

// end is of a session, whoever's fault it is: its row may be written before or after the last count.
func (m *relayModel) end(i int) {
	f := m.flows[i]
	m.flows = append(m.flows[:i], m.flows[i+1:]...)
	f.session.Ended, f.session.Reason = m.clock.now(), protocol.ReasonViewerLeft
	if m.rand.IntN(3) == 0 {
		f.session.Reason = protocol.ReasonInternal
	}
	early := m.rand.IntN(2) == 0
	if early {
		m.save(f, time.Second)
	}
	f.usage.Ended, f.usage.Cut = m.clock.now(), m.rand.IntN(4) == 0
	m.count(f)
	if !early {
		m.save(f, time.Second)
	}
	m.repeat(f)
}

func (m *relayModel) repeat(f *flow) {
	if _, err := m.store.Settle(m.t.Context(), []record.Usage{f.counts[m.rand.IntN(len(f.counts))]}); err != nil {
		m.t.Fatal(err)
	}
}

// crash forgets all that was not counted, and who would settle what is held.
func (m *relayModel) crash() {
	m.flows = nil
	if err := m.store.Close(); err != nil {
		m.t.Fatal(err)
	}
	m.store = must(Open(m.t.Context(), m.dir, Config{Now: m.clock.now, Tariff: m.store.tariff}))(m.t)
}

func (m *relayModel) step() {
	some := func(do func(*flow)) {
		if len(m.flows) > 0 {
			do(m.flows[m.rand.IntN(len(m.flows))])
		}
	}
	switch n := m.rand.IntN(100); {
	case n < 15:
		m.begin()
	case n < 45:
		some(m.carry)
	case n < 65:
		some(m.count)
	case n < 72:
		some(m.repeat)
	case n < 78:
		some(func(f *flow) { m.save(f, time.Duration(m.rand.Int64N(int64(15*time.Second)))) })
	case n < 86 && len(m.flows) > 0:
		m.end(m.rand.IntN(len(m.flows)))
	case n < 90:
		m.pass(time.Duration(m.rand.Int64N(int64(20 * time.Second))))
	case n < 92:
		m.pass(reservationLife)
	case n < 94:
		if err := m.store.Expire(m.t.Context()); err != nil {
			m.t.Fatal(err)
		}
	case n < 97:
		amount := record.Points(m.rand.Int64N(int64(10 * record.Point)))
		if m.rand.IntN(3) == 0 {
			amount = -amount
		}
		_, _ = m.store.AddPoints(m.t.Context(), shop, amount, "", "") // there may be none to take back
	case n < 98:
		m.crash()
	}
}

func TestPointsAddUpWhateverHappens(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			dir, c := t.TempDir(), newClock()
			tariff := record.DefaultTariff
			if seed%3 == 1 {
				tariff = record.Tariff{PerMB: 333_333, PerMinute: 1_234_567}
			}
			m := &relayModel{t: t, dir: dir, clock: c, rand: rand.New(rand.NewPCG(seed, 13)), lawless: seed%3 == 2}
			m.store = must(Open(t.Context(), dir, Config{Now: c.now, Tariff: tariff}))(t)
			defer func() { _ = m.store.Close() }()
			if _, err := m.store.CreateProject(t.Context(), shop, ""); err != nil {
				t.Fatal(err)
			}
			give(t, m.store, 5, "")
			for n := range 150 {
				m.step()
				b := auditShop(t, m.store)
				b.check(t)
				if !m.lawless && tariff.PerMinute == 0 && b.Absorbed != 0 {
					t.Errorf("a relay that stays within what it is allowed has cost us: %+v", b)
				}
				if t.Failed() {
					t.Fatalf("after step %d", n)
				}
			}
			c.pass(reservationLife)
			if err := m.store.Expire(t.Context()); err != nil {
				t.Fatal(err)
			}
			b := auditShop(t, m.store)
			if b.check(t); b.Held != 0 || b.HeldBytes != 0 {
				t.Errorf("held for ever: %+v", b)
			}
		})
	}
}

func TestProcessesThatSettleAtOnceNeverOverspend(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		c := newClock()
		stores := []*Store{open(t, at, c), open(t, at, c)}
		if _, err := stores[0].CreateProject(t.Context(), shop, ""); err != nil {
			t.Fatal(err)
		}
		give(t, stores[0], 12.5, "")
		var group sync.WaitGroup
		for i := range 16 {
			group.Go(func() {
				s := stores[i%len(stores)]
				u := carried(fmt.Sprintf("a%d", i), 0, c)
				for range 6 {
					allowed, err := s.Settle(t.Context(), []record.Usage{u})
					if err != nil || len(allowed) != 1 {
						t.Errorf("got %v, %v", allowed, err)
						return
					}
					u.Traffic.UpBytes = allowed[0].Bytes // all of it, at once
				}
				if _, err := s.Settle(t.Context(), []record.Usage{last(u)}); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		b := auditShop(t, stores[0])
		b.check(t)
		if b.Absorbed != 0 || b.Held != 0 || b.Balance > 20 || b.Settled < 12_499_900 {
			t.Errorf("got %+v, want all of the points used and nothing absorbed", b)
		}
	})
}
