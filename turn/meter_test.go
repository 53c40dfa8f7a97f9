package turn

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

func TestCountsSurviveALedgerThatFails(t *testing.T) {
	h := start(t)
	h.ledger.mend(true)
	peer := h.peer(t)
	relayed, err := h.dial(t, transportUDP, h.credentials(t, grantA, protocol.RoleViewer)).Allocate()
	if err != nil {
		t.Fatal(err)
	}
	send(t, relayed, "uncounted?", peer.LocalAddr())
	receive(t, peer)
	eventually(t, "two failures", func() bool { return h.ledger.attempts() >= 2 })
	if err := relayed.Close(); err != nil {
		t.Fatal(err)
	}
	attempts := h.ledger.attempts()
	eventually(t, "two more", func() bool { return h.ledger.attempts() >= attempts+2 })
	h.ledger.mend(false)
	eventually(t, "the count", func() bool { return len(h.ledger.of(grantA)) == 1 })
	got := h.ledger.of(grantA)[0]
	if diff := cmp.Diff(record.Traffic{UpBytes: 10, UpPackets: 1}, got.Traffic); diff != "" || got.Ended.IsZero() {
		t.Errorf("ended %s, traffic (-want +got):\n%s", got.Ended, diff)
	}
}

func TestRunDeliversTheLastCounts(t *testing.T) {
	// An hour between deliveries: what arrives is of the end.
	h := start(t, func(c *Config) { c.UsageInterval = time.Hour })
	peer := h.peer(t)
	for _, transport := range []string{transportUDP, transportTCP} {
		relayed, err := h.dial(t, transport, h.credentials(t, grantA, protocol.RoleViewer)).Allocate()
		if err != nil {
			t.Fatal(err)
		}
		send(t, relayed, "last words", peer.LocalAddr())
		receive(t, peer)
	}
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	usage := h.ledger.of(grantA)
	if len(usage) != 2 {
		t.Fatalf("got %d allocations, want 2", len(usage))
	}
	for _, u := range usage {
		if u.Traffic.UpBytes != 10 || u.Ended.IsZero() || u.Updated != u.Ended {
			t.Errorf("got %+v", u)
		}
	}
	if err := h.Listen(); err != nil {
		t.Errorf("the port is not free: %v", err)
	}
	if err := h.unbind(); err != nil {
		t.Error(err)
	}
}

func TestLastDeliveryGivesUpInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMeter(&fakeLedger{broken: true}, time.Hour, slog.New(slog.DiscardHandler))
		m.add(&relay{ended: time.Now()})
		begin := time.Now()
		if err := m.finish(); err == nil {
			t.Error("no error")
		}
		if took := time.Since(begin); took < lastDelivery || took > lastDelivery+ledgerTimeout {
			t.Errorf("took %s", took)
		}
	})
}

// sizes notes how large deliveries are.
type sizes struct{ got []int }

func (s *sizes) Settle(_ context.Context, usage []record.Usage) ([]record.Allowance, error) {
	s.got = append(s.got, len(usage))
	if len(s.got) == 2 {
		return nil, errors.New("not now")
	}
	return nil, nil
}

func TestDeliveriesComeInBatchesAndOnlyWhatChanged(t *testing.T) {
	books := &sizes{}
	m := newMeter(books, time.Hour, slog.New(slog.DiscardHandler))
	var all []*relay
	for range 2*ledgerBatch + 1 {
		r := &relay{transport: transportUDP}
		r.up.add(1)
		all = append(all, r)
		m.add(r)
	}
	if err := m.deliver(t.Context(), m.due(false)); err == nil {
		t.Error("a failed delivery is not told")
	}
	if err := m.deliver(t.Context(), m.due(false)); err != nil {
		t.Error(err)
	}
	all[0].up.add(1)
	if err := m.deliver(t.Context(), m.due(true)); err != nil {
		t.Error(err)
	}
	if err := m.deliver(t.Context(), m.due(false)); err != nil {
		t.Error(err)
	}
	// The first batch is taken, the second is not and comes again with the rest; then the one that changed.
	want := []int{ledgerBatch, ledgerBatch, ledgerBatch, 1, 1}
	if diff := cmp.Diff(want, books.got); diff != "" {
		t.Errorf("sizes (-want +got):\n%s", diff)
	}
	if carried, _ := m.totals(); carried[transportUDP].UpPackets != 2*ledgerBatch+2 {
		t.Errorf("totals: got %+v", carried)
	}
}

func TestNothingIsRelayedThatCouldNotBeCounted(t *testing.T) {
	h := startWith(t, func(s *Server) {
		for range maxMetered {
			s.meter.delivered[&relay{}] = record.Traffic{}
		}
	})
	_, err := h.dial(t, transportUDP, h.credentials(t, grantA, protocol.RoleViewer)).Allocate()
	if err == nil {
		t.Error("allocated")
	}
	if h.relays.another(nil, netip.MustParseAddr("127.0.0.1")) {
		t.Error("a relay is left")
	}
}
