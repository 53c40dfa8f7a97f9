package turn

import (
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

func TestAnAllowanceIsNeverOverdrawn(t *testing.T) {
	var asked atomic.Int64
	a := newAllowance(func() { asked.Add(1) })
	a.set(record.Allowance{Bytes: 1_000_000, Until: time.Now().Add(time.Hour)})
	var carried atomic.Uint64
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 2000 {
				if a.take(1100) {
					carried.Add(1100)
				}
			}
		})
	}
	group.Wait()
	if got := carried.Load(); got > 1_000_000 || got < 1_000_000-8*1100 {
		t.Errorf("%d bytes went, want the allowance and no more", got)
	}
	if asked.Load() == 0 {
		t.Error("nobody asked for more")
	}
}

func TestAnAllowanceEndsInTimeAndAsksNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		a := newAllowance(func() { asked++ })
		expect := func(want bool, asks int) {
			t.Helper()
			if got := a.take(1000); got != want || asked != asks {
				t.Errorf("got %v and %d asked, want %v and %d", got, asked, want, asks)
			}
		}
		expect(true, 0) // The opening.
		a.set(record.Allowance{Bytes: 5000, Until: time.Now().Add(10 * time.Second)})
		expect(true, 0)
		expect(true, 0)
		expect(true, 1) // More than half is used.
		expect(true, 1)
		expect(false, 1)
		time.Sleep(askPause)
		expect(false, 2)
		a.set(record.Allowance{Bytes: 50_000, Until: time.Now().Add(10 * time.Second)})
		expect(true, 2)
		time.Sleep(10 * time.Second)
		expect(false, 3)
		a.set(record.Allowance{Bytes: 7000, Until: time.Now().Add(10 * time.Second)})
		expect(true, 3)
		a.putBack(1000)
		expect(true, 3)
		expect(false, 3)
		a.lift()
		expect(true, 3)
	})
}

func TestAnOpeningAndNoMoreGoesBeforeTheLedgerAnswers(t *testing.T) {
	asked := 0
	a := newAllowance(func() { asked++ })
	sent := 0
	for a.take(1000) {
		sent += 1000
	}
	if sent > openingBytes || sent < openingBytes-1000 || asked == 0 {
		t.Errorf("%d bytes went and %d asked", sent, asked)
	}
}

func TestAnAllowanceCostsNoMemory(t *testing.T) {
	a := newAllowance(func() {})
	a.set(record.Allowance{Bytes: math.MaxUint64 - 1, Until: time.Now().Add(time.Hour)})
	if got := testing.AllocsPerRun(100, func() { a.take(1000) }); got != 0 {
		t.Errorf("got %v allocations, want none", got)
	}
}

func TestARelayCarriesWhatItsLedgerAllowsToTheByte(t *testing.T) {
	for _, transport := range []string{transportUDP, transportTCP} {
		t.Run(transport, func(t *testing.T) {
			h := start(t)
			const size, most = 1000, 100
			h.ledger.allow(most * size)
			peer := h.peer(t)
			relayed, err := h.dial(t, transport, h.credentials(t, grantA, protocol.RoleViewer)).Allocate()
			if err != nil {
				t.Fatal(err)
			}
			eventually(t, "the ledger's answer", func() bool { return len(h.ledger.of(grantA)) == 1 })
			data := strings.Repeat("x", size)
			for range most {
				send(t, relayed, data, peer.LocalAddr())
				receive(t, peer)
			}
			// Either direction is over now.
			for range 10 {
				send(t, relayed, data, peer.LocalAddr())
				send(t, peer, data, relayed.LocalAddr())
			}
			eventually(t, "drops", func() bool {
				return h.metric(t, "sightline_turn_dropped_packets_total", "budget") >= 20
			})
			// It has asked for more, and gets it.
			h.ledger.allow(2 * most * size)
			eventually(t, "a packet more", func() bool {
				send(t, relayed, "more", peer.LocalAddr())
				_ = peer.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
				_, _, err := peer.ReadFrom(make([]byte, 100))
				return err == nil
			})
		})
	}
}
